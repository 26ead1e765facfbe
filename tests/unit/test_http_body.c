/* Against a real server: a body is handled whole, or never. */
#include "tests/unit/unit.h"

#include "tests/unit/http_client.h"

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
a_client_that_falls_silent_is_refused(void **unused)
{
    (void)unused;
    int before = atomic_load(&handled);
    int fd = dial();
    give_text(fd, "POST /p HTTP/1.1\r\n" HEAD "Content-Length: 12\r\n\r\nabcde");
    assert_int_equal(hear(fd), 408);
    assert_true(closed(fd));
    close(fd);
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
    assert_true(give(fd, text, 3000000));
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
a_body_may_have_a_limit_and_a_refusal_of_its_own(void **unused)
{
    (void)unused;
    int before = atomic_load(&handled);
    assert_int_equal(ask("PUT /small HTTP/1.1\r\n" HEAD "Content-Length: 10\r\n\r\n0123456789"),
                     200);
    assert_string_equal(body(), "PUT|small#0123456789");
    assert_refused("PUT /small/1 HTTP/1.1\r\n" HEAD "Content-Length: 11\r\n\r\n01234567890", 400);
    assert_string_equal(body(), "{\"error\":{\"code\":\"/small/1\"}}");
    assert_refused("PUT /small HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n"
                   "b\r\n01234567890\r\n0\r\n\r\n",
                   400);
    assert_int_equal(atomic_load(&handled), before + 1);
    assert_int_equal(ask("PUT /p HTTP/1.1\r\n" HEAD "Content-Length: 11\r\n\r\n01234567890"), 200);
}

static void
put_and_patch_have_bodies_too(void **unused)
{
    (void)unused;
    assert_int_equal(ask("PUT /p HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nab"), 200);
    assert_string_equal(body(), "PUT|p#ab");
    assert_int_equal(ask("PATCH /p HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\nab"), 200);
    assert_string_equal(body(), "PATCH|p#ab");
    assert_int_equal(ask("PATCH /p HTTP/1.1\r\n" HEAD "\r\n"), 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_arrives_whole),
        cmocka_unit_test(a_body_in_chunks_arrives_whole),
        cmocka_unit_test(a_body_of_many_pieces_arrives_whole),
        cmocka_unit_test(two_readings_of_a_body_are_refused),
        cmocka_unit_test(a_body_that_ends_early_is_never_handled),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(a_body_that_trickles_is_cut_by_its_pace),
        cmocka_unit_test(a_client_that_falls_silent_is_refused),
        cmocka_unit_test(a_body_over_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_client_that_sends_its_large_body_first_reads_the_refusal),
        cmocka_unit_test(chunks_over_the_limit_are_refused),
        cmocka_unit_test(a_client_that_expects_to_go_on_is_told_to),
        cmocka_unit_test(a_body_may_have_a_limit_and_a_refusal_of_its_own),
        cmocka_unit_test(put_and_patch_have_bodies_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
