/* Against a real server on loopback: what a client sees of framing, bodies and connections. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http.h"
#include "common/clock.h"

enum { REQUEST_MS = 5000, BODY_BYTES = 5000, ANSWER_MS = 8000, ANSWER_SIZE = 1 << 20 };

static http_t *server;
static uint16_t port;
static atomic_int handled;
static atomic_int waiting; /* requests for /wait that have begun */

/* --- the handler: says what it was asked --- */

static void
say(reply_t *reply, const char *text)
{
    reply_write(reply, text, strlen(text));
}

static void
wait_until_gone(const request_t *request)
{
    atomic_fetch_add(&waiting, 1);
    struct pollfd socket = { .fd = request_socket(request), .events = POLLRDHUP };
    assert_true(socket.fd >= 0);
    int64_t until_ms = clock_mono_ms() + ANSWER_MS;
    while (!request_gone(request) && !request_hurried(request) && clock_mono_ms() < until_ms)
        poll(&socket, 1, 20);
}

static void
handle(void *arg, request_t *request, reply_t *reply)
{
    (void)arg;
    atomic_fetch_add(&handled, 1);
    const char *first = request_segment_count(request) > 0 ? request_segment(request, 0) : "";
    if (strcmp(first, "wait") == 0)
        wait_until_gone(request);
    if (strcmp(first, "large") == 0) {
        for (int i = 0; i < 50000; i++)
            say(reply, "0123456789");
        return;
    }
    if (strcmp(first, "cut") == 0) {
        for (int i = 0; i < 50000; i++)
            say(reply, "0123456789");
        assert_false(reply_restart(reply));
        return;
    }
    size_t size = 0;
    const char *body = request_body(request, &size);
    assert_int_equal(strlen(body), size);
    say(reply, request_method(request));
    for (uint32_t i = 0; i < request_segment_count(request); i++) {
        say(reply, "|");
        say(reply, request_segment(request, i));
    }
    for (uint32_t i = 0; i < request_query_count(request); i++) {
        say(reply, "?");
        say(reply, request_query_name(request, i));
        say(reply, "=");
        say(reply, request_query_value(request, i));
    }
    say(reply, "#");
    reply_write(reply, body, size);
}

static http_t *
start(void)
{
    err_t err = { .kind = ERR_NONE };
    http_options_t options = {
        .host = "127.0.0.1",
        .threads = 4,
        .body_bytes = BODY_BYTES,
        .request_ms = REQUEST_MS,
        .handle = handle,
    };
    http_t *http = http_new(&options, &err);
    if (!http)
        fail_msg("%s", err.text);
    port = (uint16_t)strtol(strrchr(http_url(http), ':') + 1, NULL, 10);
    return http;
}

static int
setup(void **unused)
{
    (void)unused;
    server = start();
    return 0;
}

static int
teardown(void **unused)
{
    (void)unused;
    http_destroy(&server);
    return 0;
}

/* --- the client --- */

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void
give(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server may have closed: the answer tells */
        text += sent;
        size -= (size_t)sent;
    }
}

static void
give_text(int fd, const char *text)
{
    give(fd, text, strlen(text));
}

static char answer[ANSWER_SIZE];
static size_t answer_size;

/* Read more of an answer; false at the end of the connection. */
static bool
more(int fd, int ms)
{
    struct pollfd socket = { .fd = fd, .events = POLLIN };
    if (poll(&socket, 1, ms) <= 0)
        fail_msg("no answer, only: %s", answer);
    assert_true(answer_size < sizeof answer - 1);
    ssize_t got = recv(fd, answer + answer_size, sizeof answer - 1 - answer_size, 0);
    answer_size += got > 0 ? (size_t)got : 0;
    answer[answer_size] = '\0';
    return got > 0;
}

/* Has a whole answer with a Content-Length arrived? */
static bool
whole(void)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: ");
    return body && length
           && answer_size >= (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10);
}

/* The next answer's status. */
static int
hear(int fd)
{
    answer_size = 0;
    answer[0] = '\0';
    while (!whole() && more(fd, ANSWER_MS))
        ;
    return answer_size > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static const char *
body(void)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

/* Is the connection at its end? */
static bool
closed(int fd)
{
    char byte;
    struct pollfd socket = { .fd = fd, .events = POLLIN };
    assert_true(poll(&socket, 1, ANSWER_MS) > 0);
    return recv(fd, &byte, 1, 0) <= 0;
}

/* One request on a connection of its own; its status. */
static int
ask(const char *text)
{
    int fd = dial();
    give_text(fd, text);
    int status = hear(fd);
    close(fd);
    return status;
}

/* Is it refused with `status`, the connection closed, and never handled? */
static void
assert_refused(const char *text, int status)
{
    int before = atomic_load(&handled);
    int fd = dial();
    give_text(fd, text);
    int got = hear(fd);
    if (got != status)
        fail_msg("%d, not %d, for: %s", got, status, text);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_non_null(strstr(answer, "Content-Type: application/json"));
    assert_memory_equal(body(), "{\"error\":{\"code\":\"", 18);
    assert_true(closed(fd));
    close(fd);
    assert_int_equal(atomic_load(&handled), before);
}

#define HEAD "Host: h\r\n"

/* --- claims --- */

static void
a_request_arrives_decoded(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET /a%2Fb/c/?x=1%202+3&y HTTP/1.1\r\n" HEAD "\r\n"), 200);
    assert_string_equal(body(), "GET|a/b|c?x=1 2 3?y=#");
    assert_int_equal(ask("GET http://127.0.0.1:1/abs?q=1 HTTP/1.1\r\n" HEAD "\r\n"), 0);
}

static void
a_body_arrives_whole(void **unused)
{
    (void)unused;
    assert_int_equal(ask("POST /p HTTP/1.1\r\n" HEAD "Content-Length: 5\r\n\r\nhello"), 200);
    assert_string_equal(body(), "POST|p#hello");
    assert_int_equal(ask("GET /p HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nxy"), 200);
    assert_string_equal(body(), "GET|p#xy");
}

static void
a_body_in_chunks_arrives_whole(void **unused)
{
    (void)unused;
    assert_int_equal(ask("POST /p HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n"
                         "3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n"),
                     200);
    assert_string_equal(body(), "POST|p#abc0123456789");
}

static void
a_body_of_many_pieces_arrives_whole(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 5000\r\n\r\n");
    char text[BODY_BYTES + 1];
    for (int i = 0; i < BODY_BYTES; i++)
        text[i] = (char)('a' + i % 26);
    text[BODY_BYTES] = '\0';
    for (int i = 0; i < 10; i++)
        give(fd, text + i * 500, 500);
    assert_int_equal(hear(fd), 200);
    assert_memory_equal(body(), "POST|p#", 7);
    assert_string_equal(body() + 7, text);
    close(fd);
}

static void
a_connection_serves_many_requests(void **unused)
{
    (void)unused;
    int fd = dial();
    for (int i = 0; i < 5; i++) {
        give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nab");
        assert_int_equal(hear(fd), 200);
        give_text(fd, "POST /p HTTP/1.1\r\n" HEAD
                      "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n");
        assert_int_equal(hear(fd), 200);
        assert_string_equal(body(), "POST|p#c");
    }
    close(fd);
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
two_readings_of_a_body_are_refused(void **unused)
{
    (void)unused;
    static const char *const heads[] = {
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 10\r\n",
        "Content-Length: 3, 10\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: \r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 3\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "POST /p HTTP/1.1\r\n" HEAD "%s\r\n3\r\nabc\r\n0\r\n\r\n",
                 heads[i]);
        assert_refused(text, 400);
    }
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
a_body_that_ends_early_is_never_handled(void **unused)
{
    (void)unused;
    int before = atomic_load(&handled);
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 12\r\n\r\nabcde");
    shutdown(fd, SHUT_WR);
    assert_int_equal(hear(fd), 400);
    assert_true(closed(fd));
    close(fd);
    fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
    shutdown(fd, SHUT_WR);
    assert_int_equal(hear(fd), 400);
    close(fd);
    assert_int_equal(atomic_load(&handled), before);
}

static void
malformed_chunks_are_refused(void **unused)
{
    (void)unused;
    static const char *const bodies[] = { "x\r\n",          "3;a=b\r\nabc\r\n0\r\n\r\n",
                                          "3\r\nabcd\r\n",  "-3\r\nabc\r\n",
                                          "0x3\r\nabc\r\n", "ffffffffffffffffff\r\nabc" };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "POST /p HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        int before = atomic_load(&handled);
        int fd = dial();
        give_text(fd, text);
        shutdown(fd, SHUT_WR);
        assert_int_equal(hear(fd), 400);
        assert_true(closed(fd));
        close(fd);
        assert_int_equal(atomic_load(&handled), before);
    }
}

/* Send a byte now and then until there is an answer; the ms it took. */
static int64_t
trickle(const char *head, int every_ms)
{
    int64_t began_ms = clock_mono_ms();
    int fd = dial();
    give_text(fd, head);
    struct pollfd socket = { .fd = fd, .events = POLLIN };
    while (poll(&socket, 1, every_ms) == 0) {
        assert_true(clock_mono_ms() - began_ms < 2 * ANSWER_MS);
        give(fd, "x", 1);
    }
    assert_int_equal(hear(fd), 408);
    close(fd);
    return clock_mono_ms() - began_ms;
}

static void
a_body_that_trickles_is_cut_by_its_pace(void **unused)
{
    (void)unused;
    int before = atomic_load(&handled);
    int64_t ms = trickle("POST /p HTTP/1.1\r\n" HEAD "Content-Length: 4000\r\n\r\n", 50);
    assert_in_range(ms, 2000, REQUEST_MS - 500);
    assert_int_equal(atomic_load(&handled), before);
}

static void
a_body_over_the_limit_is_refused_before_it_is_read(void **unused)
{
    (void)unused;
    assert_refused("POST /p HTTP/1.1\r\n" HEAD "Content-Length: 5001\r\n\r\n", 413);
    assert_refused("POST /p HTTP/1.1\r\n" HEAD "Content-Length: 999999999999999999\r\n\r\n", 413);
}

static void
a_client_that_sends_its_large_body_first_reads_the_refusal(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 3000000\r\n\r\n");
    own(mem) text = mem_new(3000000);
    give(fd, text, 3000000);
    assert_int_equal(hear(fd), 413);
    close(fd);
}

static void
chunks_over_the_limit_are_refused(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n");
    char chunk[1010] = "3e8\r\n";
    memset(chunk + 5, 'x', 1000);
    memcpy(chunk + 1005, "\r\n", 2);
    for (int i = 0; i < 6; i++)
        give(fd, chunk, 1007);
    assert_int_equal(hear(fd), 413);
    assert_true(closed(fd));
    close(fd);
}

static void
a_client_that_expects_to_go_on_is_told_to(void **unused)
{
    (void)unused;
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    answer_size = 0;
    answer[0] = '\0';
    while (!strstr(answer, "\r\n\r\n"))
        assert_true(more(fd, ANSWER_MS));
    assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    give_text(fd, "abc");
    assert_int_equal(hear(fd), 200);
    assert_string_equal(body(), "POST|p#abc");
    close(fd);
    assert_refused(
        "POST /p HTTP/1.1\r\n" HEAD "Expect: 100-continue\r\nContent-Length: 999999\r\n\r\n", 413);
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
        cmocka_unit_test(a_body_arrives_whole),
        cmocka_unit_test(a_body_in_chunks_arrives_whole),
        cmocka_unit_test(a_body_of_many_pieces_arrives_whole),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(requests_in_one_packet_are_answered_in_order),
        cmocka_unit_test(a_client_that_asks_to_close_is_closed),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(http_1_0_needs_no_host),
        cmocka_unit_test(two_readings_of_a_body_are_refused),
        cmocka_unit_test(hidden_headers_are_refused),
        cmocka_unit_test(no_host_and_two_hosts_are_refused),
        cmocka_unit_test(a_64th_header_is_refused),
        cmocka_unit_test(paths_and_queries_that_cannot_be_decoded_are_refused),
        cmocka_unit_test(a_body_that_ends_early_is_never_handled),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(a_body_that_trickles_is_cut_by_its_pace),
        cmocka_unit_test(a_body_over_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_client_that_sends_its_large_body_first_reads_the_refusal),
        cmocka_unit_test(chunks_over_the_limit_are_refused),
        cmocka_unit_test(a_client_that_expects_to_go_on_is_told_to),
        cmocka_unit_test(a_large_reply_arrives_in_chunks),
        cmocka_unit_test(a_reply_that_is_abandoned_has_no_last_chunk),
        cmocka_unit_test(a_client_that_hangs_up_is_noticed),
        cmocka_unit_test(a_server_that_stops_finishes_what_is_under_way),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
