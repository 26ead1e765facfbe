/* Against a real server: what a client sees of heads, connections and replies. */
#include "tests/unit/unit.h"

#include "tests/unit/http_client.h"

static void
a_request_arrives_decoded(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET /a%2Fb/c/?x=1%202+3&y HTTP/1.1\r\n" HEAD "\r\n"), 200);
    assert_string_equal(body(), "GET|a/b|c?x=1 2 3?y=#");
}

static void
a_connection_serves_many_requests(void **unused)
{
    (void)unused;
    int fd = dial();
    for (int i = 0; i < 5; i++) {
        give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nab");
        assert_int_equal(hear(fd), 200);
        assert_string_equal(body(), "POST|p#ab");
    }
    close(fd);
}

static void
nothing_behind_chunks_is_taken_for_a_request(void **unused)
{
    (void)unused;
    int before = atomic_load(&handled);
    int fd = dial();
    give_text(fd,
              "POST /p HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
              "GET /2 HTTP/1.1\r\n" HEAD "\r\n");
    assert_int_equal(hear(fd), 200);
    assert_string_equal(body(), "POST|p#c");
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_true(closed(fd));
    close(fd);
    assert_int_equal(atomic_load(&handled), before + 1);
}

static void
a_target_that_is_no_path_is_refused(void **unused)
{
    (void)unused;
    assert_refused("GET http://127.0.0.1:1/abs?q=1 HTTP/1.1\r\n" HEAD "\r\n", 400);
    assert_refused("OPTIONS * HTTP/1.1\r\n" HEAD "\r\n", 400);
    assert_refused("CONNECT h:443 HTTP/1.1\r\n" HEAD "\r\n", 400);
}

static void
what_comes_before_a_request_is_refused(void **unused)
{
    (void)unused;
    assert_refused(" GET /p HTTP/1.1\r\n" HEAD "\r\n", 400);
    assert_refused("\r\nGET /p HTTP/1.1\r\n" HEAD "\r\n", 400);
    assert_refused("\r\n\r\nPOST /p HTTP/1.1\r\n" HEAD "Content-Length: 3\r\n\r\nabc", 400);
}

/* The bytes of a second request stay in civetweb's buffer where they first arrived. */
static void
blank_lines_do_not_repeat_an_earlier_request(void **unused)
{
    (void)unused;
    static const char first[] =
        "GET /1 HTTP/1.1\r\n" HEAD "X: 0123456789012345678901234567890\r\n\r\n";
    static const char second[] = "GET /secret HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n";
    for (int i = 0; i < 8; i++) { /* more than there are threads */
        int fd = dial();
        give_text(fd, first);
        give_text(fd, second);
        answer_size = 0;
        while (more(fd, ANSWER_MS))
            ;
        close(fd);
        char blank[sizeof first];
        memset(blank, ' ', sizeof blank);
        memcpy(blank, "\r\n\r\n", 4);
        blank[sizeof first - 1] = '\0';
        assert_refused(blank, 400);
    }
}

static void
a_crowded_server_keeps_no_connection(void **unused)
{
    (void)unused;
    atomic_store(&waiting, 0);
    int waiters[3]; /* of 4 threads */
    for (int i = 0; i < 3; i++) {
        waiters[i] = dial();
        give_text(waiters[i], "GET /wait HTTP/1.1\r\n" HEAD "\r\n");
        while (atomic_load(&waiting) <= i)
            sched_yield();
    }
    int fd = dial();
    give_text(fd, "GET /a HTTP/1.1\r\n" HEAD "\r\n");
    assert_int_equal(hear(fd), 200);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_true(closed(fd));
    close(fd);
    for (int i = 0; i < 3; i++)
        close(waiters[i]);
    for (int i = 0; i < 1000 && strstr(answer, "Connection: close\r\n"); i++) {
        fd = dial(); /* until it has noticed, and keeps connections again */
        give_text(fd, "GET /a HTTP/1.1\r\n" HEAD "\r\n");
        assert_int_equal(hear(fd), 200);
        close(fd);
    }
    assert_null(strstr(answer, "Connection: close\r\n"));
}

static void
requests_in_one_packet_are_answered_in_order(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "POST /1 HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nab"
                  "GET /2 HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n");
    answer_size = 0;
    while (more(fd, ANSWER_MS))
        ;
    const char *first = strstr(answer, "POST|1#ab");
    assert_non_null(first);
    assert_non_null(strstr(first, "GET|2#"));
    close(fd);
}

static void
a_client_that_asks_to_close_is_closed(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "GET /a HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n");
    assert_int_equal(hear(fd), 200);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_true(closed(fd));
    close(fd);
}

static void
head_is_answered_without_a_body(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "HEAD /abc HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n");
    answer_size = 0;
    while (more(fd, ANSWER_MS))
        ;
    assert_non_null(strstr(answer, "Content-Length: 9\r\n")); /* HEAD|abc# */
    assert_string_equal(body(), "");
    close(fd);
}

static void
http_1_0_needs_no_host(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET /a HTTP/1.0\r\n\r\n"), 200);
    assert_string_equal(body(), "GET|a#");
}

static void
hidden_headers_are_refused(void **unused)
{
    (void)unused;
    assert_refused("POST /p HTTP/1.1\r\n" HEAD "A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc", 400);
    assert_refused("POST /p HTTP/1.1\r\n" HEAD ": b\r\nContent-Length: 3\r\n\r\nabc", 400);
    assert_refused("POST /p HTTP/1.1\r\n " HEAD "\r\n", 400);
    assert_refused("GET /p HTTP/1.1\n" HEAD "\r\n\r\n", 400);
    assert_refused("GET /p HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400);
    assert_refused("GET  /p HTTP/1.1\r\n" HEAD "\r\n", 400);
    assert_refused("GET /p HTTP/1.1\r\n" HEAD "A: b\x01\r\n\r\n", 400);
    assert_refused("GET /p HTTP/1.1\r\n" HEAD "A(: b\r\n\r\n", 400);
}

static void
no_host_and_two_hosts_are_refused(void **unused)
{
    (void)unused;
    assert_refused("GET /p HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET /p HTTP/1.1\r\n" HEAD HEAD "\r\n", 400);
}

static void
a_64th_header_is_refused(void **unused)
{
    (void)unused;
    char text[2048] = "POST /p HTTP/1.1\r\n" HEAD;
    size_t used = strlen(text);
    for (int i = 0; i < 63; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "A%d: b\r\n", i);
    snprintf(text + used, sizeof text - used, "Content-Length: 3\r\n\r\nabc");
    assert_refused(text, 431);
}

static void
paths_and_queries_that_cannot_be_decoded_are_refused(void **unused)
{
    (void)unused;
    static const char *const targets[] = { "/a%00b",   "/a%0d%0ab", "/%",       "/%f",
                                           "/%ff",     "/%c0%af",   "/a?b=%00", "/a?%0a=1",
                                           "/a?b=%zz", "/a?b=%ff" };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HEAD "\r\n", targets[i]);
        assert_refused(text, 400);
    }
}

static void
a_large_reply_arrives_in_chunks(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "GET /large HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n");
    answer_size = 0;
    while (more(fd, ANSWER_MS))
        ;
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_memory_equal(answer + answer_size - 7, "\r\n0\r\n\r\n", 7);
    assert_true(answer_size > 500000);
    close(fd);
}

static void
a_reply_that_is_abandoned_has_no_last_chunk(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "GET /cut HTTP/1.1\r\n" HEAD "\r\n");
    answer_size = 0;
    while (more(fd, ANSWER_MS))
        ;
    assert_true(answer_size > 1000);
    assert_memory_not_equal(answer + answer_size - 5, "0\r\n\r\n", 5);
    close(fd);
}

/* Ask for a long reply and read nothing before the server is about to wait for that. */
static int
ask_long(void)
{
    int room = 64 << 10;
    int64_t until_ms = clock_mono_ms() + ANSWER_MS;
    atomic_store(&stalled, 0);
    int fd = dial();
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    give_text(fd, "GET /long HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n");
    while (atomic_load(&stalled) == 0 && clock_mono_ms() < until_ms)
        sched_yield();
    assert_int_equal(atomic_load(&stalled), 1);
    return fd;
}

/* A chunk's size; 0: it is the last one. */
static size_t
chunk_size(FILE *from)
{
    char line[32];
    assert_non_null(fgets(line, sizeof line, from));
    return strtoul(line, NULL, 16);
}

static void
skip_line(FILE *from)
{
    char line[512];
    assert_non_null(fgets(line, sizeof line, from));
    assert_memory_equal(line, "\r\n", 2);
}

/* Read the head, and what the chunks behind it hold, up to the end of the connection; how many
 * bytes of the numbers from 0 on that were. */
static size_t
hear_numbers(int fd)
{
    size_t size = 0;
    char line[512] = "";
    FILE *from = fdopen(dup(fd), "r");
    while (strcmp(line, "\r\n") != 0)
        assert_non_null(fgets(line, sizeof line, from));
    for (size_t left = chunk_size(from); left > 0; left = chunk_size(from)) {
        for (; left > 0; left--, size++) {
            char number[32];
            if (size % NUMBER_BYTES == 0)
                (void)snprintf(number, sizeof number, "%07zu\n", size / NUMBER_BYTES);
            if (getc(from) != number[size % NUMBER_BYTES])
                fail_msg("another byte at %zu", size);
        }
        skip_line(from);
    }
    skip_line(from);
    assert_int_equal(getc(from), EOF);
    (void)fclose(from);
    return size;
}

static void
a_reply_that_waits_for_its_client_says_so_and_comes_whole(void **unused)
{
    (void)unused;
    int fd = ask_long();
    assert_int_equal(hear_numbers(fd), (size_t)LONG_NUMBERS * NUMBER_BYTES);
    close(fd);
}

static void
a_client_that_hangs_up_on_a_reply_that_waits_is_noticed(void **unused)
{
    (void)unused;
    int64_t began_ms = clock_mono_ms();
    int before = atomic_load(&lost);
    close(ask_long());
    while (atomic_load(&lost) == before && clock_mono_ms() - began_ms < ANSWER_MS)
        sched_yield();
    assert_int_equal(atomic_load(&lost), before + 1);
    assert_true(clock_mono_ms() - began_ms < REQUEST_MS);
}

static void
a_client_that_hangs_up_is_noticed(void **unused)
{
    (void)unused;
    int64_t began_ms = clock_mono_ms();
    atomic_store(&waiting, 0);
    for (int i = 0; i < 4; i++) { /* every thread */
        int fd = dial();
        give_text(fd, "GET /wait HTTP/1.1\r\n" HEAD "\r\n");
        while (atomic_load(&waiting) <= i)
            sched_yield();
        close(fd);
    }
    assert_int_equal(ask("GET /a HTTP/1.1\r\n" HEAD "\r\n"), 200);
    assert_true(clock_mono_ms() - began_ms < ANSWER_MS / 2);
}

static void *
destroy(void *arg)
{
    http_destroy(arg);
    return NULL;
}

static void
a_server_that_stops_finishes_what_is_under_way(void **unused)
{
    (void)unused;
    int64_t began_ms = clock_mono_ms();
    atomic_store(&waiting, 0);
    int idle = dial();
    give_text(idle, "GET /a HTTP/1.1\r\n" HEAD "\r\n");
    assert_int_equal(hear(idle), 200);
    int fd = dial();
    give_text(fd, "GET /wait HTTP/1.1\r\n" HEAD "\r\n");
    while (atomic_load(&waiting) == 0)
        sched_yield();
    pthread_t thread;
    pthread_create(&thread, NULL, destroy, &server);
    assert_int_equal(hear(fd), 200);
    assert_string_equal(body(), "GET|wait#");
    pthread_join(thread, NULL);
    assert_true(closed(idle));
    assert_true(clock_mono_ms() - began_ms < 1500);
    close(fd);
    close(idle);
    server = start();
}

static void
a_port_that_is_taken_is_an_error(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    http_options_t options = { .host = "127.0.0.1",
                               .port = port,
                               .threads = 1,
                               .body_bytes = 1,
                               .request_ms = 1000,
                               .handle = handle };
    own(http) http = http_new(&options, &err);
    assert_null(http);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_decoded),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(nothing_behind_chunks_is_taken_for_a_request),
        cmocka_unit_test(a_target_that_is_no_path_is_refused),
        cmocka_unit_test(what_comes_before_a_request_is_refused),
        cmocka_unit_test(blank_lines_do_not_repeat_an_earlier_request),
        cmocka_unit_test(a_crowded_server_keeps_no_connection),
        cmocka_unit_test(requests_in_one_packet_are_answered_in_order),
        cmocka_unit_test(a_client_that_asks_to_close_is_closed),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(http_1_0_needs_no_host),
        cmocka_unit_test(hidden_headers_are_refused),
        cmocka_unit_test(no_host_and_two_hosts_are_refused),
        cmocka_unit_test(a_64th_header_is_refused),
        cmocka_unit_test(paths_and_queries_that_cannot_be_decoded_are_refused),
        cmocka_unit_test(a_large_reply_arrives_in_chunks),
        cmocka_unit_test(a_reply_that_is_abandoned_has_no_last_chunk),
        cmocka_unit_test(a_reply_that_waits_for_its_client_says_so_and_comes_whole),
        cmocka_unit_test(a_client_that_hangs_up_on_a_reply_that_waits_is_noticed),
        cmocka_unit_test(a_client_that_hangs_up_is_noticed),
        cmocka_unit_test(a_server_that_stops_finishes_what_is_under_way),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
