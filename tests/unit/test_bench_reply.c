#include "tests/unit/unit.h"

#include "tests/bench/reply.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* A reply read in pieces of `step` bytes. */
static reply_t
read_in(const char *text, size_t step)
{
    reply_t reply;
    reply_init(&reply, '\n');
    for (size_t at = 0, size = strlen(text); at < size; at += step)
        (void)reply_take(&reply, text + at, size - at < step ? size - at : step);
    return reply;
}

static void
a_chunked_reply_is_whole_behind_its_trailers(void **unused)
{
    (void)unused;
    static const char text[] =
        CHUNKED "6\r\na\nb\nc\n\r\nA\r\n\r\n0\r\n\r\nxy\n\r\n0\r\nMore: no\r\n\r\n";
    for (size_t step = 1; step < sizeof text; step++) {
        reply_t reply = read_in(text, step);
        assert_int_equal(reply.state, REPLY_WHOLE);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.bytes, 16);
        assert_int_equal(reply.chunks, 2);
        assert_int_equal(reply.found, 7);
    }
}

static void
a_reply_without_its_last_chunk_is_not_whole(void **unused)
{
    (void)unused;
    assert_int_equal(read_in(CHUNKED "1\r\nx\r\n", 7).state, REPLY_LENGTH);
    assert_int_equal(read_in(CHUNKED "1\r\nx\r\n0\r\n", 7).state, REPLY_TRAILER);
    assert_int_equal(read_in(CHUNKED "5\r\nabc", 7).state, REPLY_BODY);
}

static void
what_is_no_chunk_is_bad(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        CHUNKED "z\r\nx\r\n",
        CHUNKED "1\nx\r\n",
        CHUNKED "1\r\nxy\r\n",
        CHUNKED "-1\r\nx",
        CHUNKED "\r\n0\r\n",
        "HTTP/1.0 200 OK\r\n",
        "200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(read_in(wrong[i], 5).state, REPLY_BAD);
}

static void
a_reply_of_a_length_ends_there(void **unused)
{
    (void)unused;
    static const char text[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\na\nbHTTP";
    reply_t reply;
    reply_init(&reply, -1);
    assert_int_equal(reply_take(&reply, text, sizeof text - 1), sizeof text - 1 - 4);
    assert_int_equal(reply.state, REPLY_WHOLE);
    assert_int_equal(reply.status, 404);
    assert_int_equal(reply.bytes, 3);
    assert_int_equal(reply.found, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunked_reply_is_whole_behind_its_trailers),
        cmocka_unit_test(a_reply_without_its_last_chunk_is_not_whole),
        cmocka_unit_test(what_is_no_chunk_is_bad),
        cmocka_unit_test(a_reply_of_a_length_ends_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
