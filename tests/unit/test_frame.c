#include "tests/unit/unit.h"

#include "api/frame.h"

static const header_t host = { "Host", "h" };

/* The status a list of headers is refused with; 0: taken. */
static int
judged(const char *version, const header_t *headers, uint32_t count, frame_t *frame)
{
    refusal_t refusal = { 0 };
    return frame_read(version, headers, count, frame, &refusal) ? 0 : refusal.status;
}

static int
judged_with(const char *name, const char *value)
{
    header_t headers[] = { host, { name, value } };
    frame_t frame;
    return judged("1.1", headers, 2, &frame);
}

static void
a_length_is_digits(void **unused)
{
    (void)unused;
    header_t headers[] = { host, { "content-LENGTH", "0123 " } };
    frame_t frame;
    assert_int_equal(judged("1.1", headers, 2, &frame), 0);
    assert_int_equal(frame.length, 123);
    static const char *const wrong[] = {
        "", "+5", "-1", "0x5", "5, 5", "5;", "a", "5 5", "１", "1e3", "9999999999999999999"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(judged_with("Content-Length", wrong[i]), 400);
}

static void
a_body_has_one_length_or_chunks(void **unused)
{
    (void)unused;
    header_t twice[] = { host, { "Content-Length", "3" }, { "content-length", "3" } };
    header_t both[] = { host, { "Content-Length", "3" }, { "Transfer-Encoding", "chunked" } };
    header_t chunks[] = { host,
                          { "Transfer-Encoding", "chunked" },
                          { "Transfer-Encoding", "chunked" } };
    frame_t frame;
    assert_int_equal(judged("1.1", twice, 3, &frame), 400);
    assert_int_equal(judged("1.1", both, 3, &frame), 400);
    assert_int_equal(judged("1.1", chunks, 3, &frame), 400);
    assert_int_equal(judged("1.1", chunks, 2, &frame), 0);
    assert_true(frame.chunked);
}

static void
no_other_transfer_encoding_is_taken(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "identity", "gzip, chunked", "chunked, chunked",
                                         "xchunked", "chunked ",      "" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(judged_with("Transfer-Encoding", wrong[i]), 400);
    header_t chunks[] = { { "Transfer-Encoding", "chunked" } };
    frame_t frame;
    assert_int_equal(judged("1.0", chunks, 1, &frame), 400);
}

static void
there_is_one_host(void **unused)
{
    (void)unused;
    header_t two[] = { host, host };
    frame_t frame;
    assert_int_equal(judged("1.1", two, 1, &frame), 0);
    assert_int_equal(judged("1.1", two, 2, &frame), 400);
    assert_int_equal(judged("1.1", NULL, 0, &frame), 400);
    assert_int_equal(judged("1.0", NULL, 0, &frame), 0);
    assert_int_equal(judged("1.0", two, 2, &frame), 400);
    static const char *const right[] = { "h", "h:80", "127.0.0.1:8080", "[::1]",
                                         "[fe80::1%25eth0]:80" };
    static const char *const wrong[] = { "", "h, i", "h,i", "h i", "u@h", "h/", "h?", "h#", "h\\" };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_int_equal(judged("1.1", &(header_t){ "Host", right[i] }, 1, &frame), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(judged("1.1", &(header_t){ "Host", wrong[i] }, 1, &frame), 400);
}

static void
the_64th_header_is_one_too_many(void **unused)
{
    (void)unused;
    header_t headers[64];
    for (int i = 0; i < 64; i++)
        headers[i] = i == 0 ? host : (header_t){ "X", "y" };
    frame_t frame;
    assert_int_equal(judged("1.1", headers, 63, &frame), 0);
    assert_int_equal(judged("1.1", headers, 64, &frame), 431);
}

static void
names_are_tokens_and_values_hold_no_control_bytes(void **unused)
{
    (void)unused;
    assert_int_equal(judged_with("X-A_b.1~", "a\tb \xc3\xa4"), 0);
    assert_int_equal(judged_with("X(", "a"), 400);
    assert_int_equal(judged_with("X ", "a"), 400);
    assert_int_equal(judged_with("", "a"), 400);
    assert_int_equal(judged_with("X", "a\rb"), 400);
    assert_int_equal(judged_with("X", "a\x7f"), 400);
}

static void
only_100_continue_may_be_expected(void **unused)
{
    (void)unused;
    assert_int_equal(judged_with("Expect", "100-Continue"), 0);
    assert_int_equal(judged_with("Expect", "200-ok"), 417);
}

static bool
kept(const char *version, const char *name, const char *value)
{
    header_t headers[] = { host, { name, value } };
    frame_t frame;
    assert_int_equal(judged(version, headers, 2, &frame), 0);
    return frame.keep;
}

static void
a_connection_is_kept_only_when_both_sides_read_it_so(void **unused)
{
    (void)unused;
    assert_true(kept("1.1", "X", "y"));
    assert_false(kept("1.0", "X", "y"));
    assert_true(kept("1.1", "Connection", "Keep-Alive"));
    assert_true(kept("1.0", "Connection", "keep-alive"));
    assert_false(kept("1.1", "Connection", "close"));
    assert_false(kept("1.1", "Connection", "k"));
    assert_false(kept("1.1", "Upgrade", "websocket"));
    assert_false(kept("1.1", "Transfer-Encoding", "chunked"));
}

/* --- the head as civetweb leaves it --- */

/* "GET /a HTTP/1.1", `first` and `second` between the line's end and the first header, and so on:
 * every NUL below stands where civetweb has put one. */
typedef struct {
    const char *bytes;
    size_t target;
    size_t version;
    size_t names[2];
    size_t values[2];
    uint32_t count;
} layout_t;

static bool
plain_within(const layout_t *layout, size_t size)
{
    header_t headers[2];
    for (uint32_t i = 0; i < layout->count; i++)
        headers[i] =
            (header_t){ layout->bytes + layout->names[i], layout->bytes + layout->values[i] };
    head_t head = {
        .method = layout->bytes,
        .target = layout->bytes + layout->target,
        .version = layout->bytes + layout->version,
        .headers = headers,
        .count = layout->count,
        .limit = layout->bytes + size, /* of the buffer */
    };
    return frame_plain(&head);
}

static bool
plain(const layout_t *layout)
{
    return plain_within(layout, 100);
}

static void
a_well_formed_head_is_plain(void **unused)
{
    (void)unused;
    layout_t layout = {
        "GET\0/a\0HTTP/1.1\0\0A\0 b\0\0C\0d\0\0\r\0", 4, 12, { 17, 23 }, { 20, 25 }, 2
    };
    assert_true(plain(&layout));
    layout_t bare = { "GET\0/a\0HTTP/1.0\0\0\0\0", 4, 12, { 0 }, { 0 }, 0 };
    assert_true(plain(&bare));
}

static void
a_folded_or_nameless_line_behind_the_last_header_is_seen(void **unused)
{
    (void)unused;
    layout_t folded = { "GET\0/a\0HTTP/1.1\0\0A\0b\0\0 c\r\n\r\0", 4, 12, { 17 }, { 19 }, 1 };
    assert_false(plain(&folded));
    layout_t nameless = { "GET\0/a\0HTTP/1.1\0\0A\0b\0\0:c\r\n\r\0", 4, 12, { 17 }, { 19 }, 1 };
    assert_false(plain(&nameless));
    layout_t first = { "GET\0/a\0HTTP/1.1\0\0:c\r\n\r\0", 4, 12, { 0 }, { 0 }, 0 };
    assert_false(plain(&first));
}

static void
a_space_before_the_first_header_or_a_colon_is_seen(void **unused)
{
    (void)unused;
    layout_t indented = { "GET\0/a\0HTTP/1.1\0\0\0A\0b\0\0\r\0", 4, 12, { 18 }, { 20 }, 1 };
    assert_false(plain(&indented));
    layout_t spaced = { "GET\0/a\0HTTP/1.1\0\0A\0\0b\0\0\r\0", 4, 12, { 17 }, { 20 }, 1 };
    assert_false(plain(&spaced));
}

static void
a_bare_line_feed_is_seen(void **unused)
{
    (void)unused;
    layout_t bare = { "GET\0/a\0HTTP/1.1\0\0A\0b\0C\0d\0\0\r\0", 4, 12, { 17, 21 }, { 19, 23 }, 2 };
    assert_false(plain(&bare));
    layout_t line = { "GET\0/a\0HTTP/1.1\0A\0b\0\0\r\0", 4, 12, { 16 }, { 18 }, 1 };
    assert_false(plain(&line));
}

static void
a_head_cut_off_by_the_buffers_end_is_seen(void **unused)
{
    (void)unused;
    layout_t layout = { "GET\0/a\0HTTP/1.1\0\0A\0b\0\0\r\0", 4, 12, { 17 }, { 19 }, 1 };
    assert_true(plain_within(&layout, 24));
    assert_false(plain_within(&layout, 23));
}

static void
two_spaces_in_the_first_line_are_seen(void **unused)
{
    (void)unused;
    layout_t layout = { "GET\0\0/a\0HTTP/1.0\0\0\0\0", 5, 13, { 0 }, { 0 }, 0 };
    assert_false(plain(&layout));
    layout_t second = { "GET\0/a\0\0HTTP/1.0\0\0\0\0", 4, 13, { 0 }, { 0 }, 0 };
    assert_false(plain(&second));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_digits),
        cmocka_unit_test(a_body_has_one_length_or_chunks),
        cmocka_unit_test(no_other_transfer_encoding_is_taken),
        cmocka_unit_test(there_is_one_host),
        cmocka_unit_test(the_64th_header_is_one_too_many),
        cmocka_unit_test(names_are_tokens_and_values_hold_no_control_bytes),
        cmocka_unit_test(only_100_continue_may_be_expected),
        cmocka_unit_test(a_connection_is_kept_only_when_both_sides_read_it_so),
        cmocka_unit_test(a_well_formed_head_is_plain),
        cmocka_unit_test(a_folded_or_nameless_line_behind_the_last_header_is_seen),
        cmocka_unit_test(a_space_before_the_first_header_or_a_colon_is_seen),
        cmocka_unit_test(a_bare_line_feed_is_seen),
        cmocka_unit_test(a_head_cut_off_by_the_buffers_end_is_seen),
        cmocka_unit_test(two_spaces_in_the_first_line_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
