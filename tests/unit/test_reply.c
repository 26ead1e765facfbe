#include "tests/unit/unit.h"

#include <zlib.h>

#include "tests/unit/http_fake.h"

static const frame_t kept = { .keep = true };
static const frame_t old = { .old = true };

static void
assert_has(const fake_reply_t *fake, const char *line)
{
    if (!strstr(fake->text, line))
        fail_msg("no %s in %s", line, fake->text);
}

static void
a_small_reply_is_one_write_with_its_length(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_write(&fake->reply, "{\"a\":", 5);
    reply_write(&fake->reply, "1}", 2);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(fake->writes, 1);
    assert_memory_equal(fake->text, "HTTP/1.1 200 OK\r\nDate: ", 23);
    assert_has(fake, "\r\nContent-Length: 7\r\n");
    assert_has(fake, "\r\nContent-Type: application/json; charset=utf-8\r\n");
    assert_has(fake, "\r\nX-Content-Type-Options: nosniff\r\n");
    assert_null(strstr(fake->text, "Connection:"));
    assert_string_equal(fake_body(fake), "{\"a\":1}");
}

static void
status_and_headers_are_the_handlers(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_status(&fake->reply, 405);
    reply_header(&fake->reply, "Allow", "GET");
    reply_header(&fake->reply, "Content-Type", "text/csv");
    reply_close(&fake->reply);
    assert_false(reply_end(&fake->reply));
    assert_memory_equal(fake->text, "HTTP/1.1 405 Method Not Allowed\r\n", 33);
    assert_has(fake, "\r\nAllow: GET\r\n");
    assert_has(fake, "\r\nContent-Type: text/csv\r\n");
    assert_null(strstr(fake->text, "application/json"));
    assert_has(fake, "\r\nContent-Length: 0\r\n");
    assert_has(fake, "\r\nConnection: close\r\n");
}

static void
head_has_the_length_and_no_body(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, true);
    reply_write(&fake->reply, "12345", 5);
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "\r\nContent-Length: 5\r\n");
    assert_string_equal(fake_body(fake), "");
}

/* Writes `size` bytes, i % 251 each. */
static void
write_pattern(reply_t *reply, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t piece = size - at < 1000 ? size - at : 1000;
        char *room = reply_room(reply, piece);
        for (size_t i = 0; i < piece; i++)
            room[i] = (char)((at + i) % 251);
        reply_wrote(reply, piece);
        at += piece;
    }
}

/* Whatever was written for it, a little or a lot. */
static void
assert_unmeasured(encoding_t encoding, size_t size)
{
    own(fake_reply) fake = fake_reply_new(kept, true);
    reply_encode(&fake->reply, encoding);
    reply_unmeasured(&fake->reply);
    write_pattern(&fake->reply, size);
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "HTTP/1.1 200 OK\r\n");
    assert_null(strstr(fake->text, "Content-Length"));
    assert_null(strstr(fake->text, "Transfer-Encoding"));
    assert_null(strstr(fake->text, "Content-Encoding"));
    assert_string_equal(fake_body(fake), "");
}

static void
head_says_no_length_that_nobody_knows(void **unused)
{
    (void)unused;
    static const encoding_t encodings[] = { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_ZSTD };
    for (size_t i = 0; i < 3; i++) {
        assert_unmeasured(encodings[i], 5);
        assert_unmeasured(encodings[i], 5000);
        assert_unmeasured(encodings[i], 2 * REPLY_SIZE);
    }
}

static void
an_error_is_measured_again(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, true);
    reply_unmeasured(&fake->reply);
    assert_true(reply_restart(&fake->reply));
    reply_status(&fake->reply, 503);
    reply_write(&fake->reply, "12345", 5);
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "\r\nContent-Length: 5\r\n");
}

/* Undo the chunks of `text`; its size; -1: no last chunk. */
static long
dechunk(const char *text, const char *end, char *out)
{
    long size = 0;
    while (text < end) {
        char *rest = NULL;
        unsigned long chunk = strtoul(text, &rest, 16);
        assert_memory_equal(rest, "\r\n", 2);
        if (chunk == 0)
            return rest + 4 == end && memcmp(rest, "\r\n\r\n", 4) == 0 ? size : -1;
        memcpy(out + size, rest + 2, chunk);
        size += (long)chunk;
        text = rest + 2 + chunk;
        assert_memory_equal(text, "\r\n", 2);
        text += 2;
    }
    return -1;
}

static void
a_large_reply_comes_in_chunks_one_write_each(void **unused)
{
    (void)unused;
    enum { SIZE = 3 * REPLY_SIZE };
    own(fake_reply) fake = fake_reply_new(kept, false);
    write_pattern(&fake->reply, SIZE);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(fake->writes, 4);
    assert_has(fake, "\r\nTransfer-Encoding: chunked\r\n");
    assert_null(strstr(fake->text, "Content-Length"));
    own(mem) body = mem_new(SIZE);
    assert_int_equal(dechunk(fake_body(fake), fake->text + fake->size, body), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(body[i], (char)(i % 251));
}

static void
a_large_replys_buffer_is_given_back(void **unused)
{
    (void)unused;
    own(fake_reply) large = fake_reply_new(kept, false);
    write_pattern(&large->reply, 3 * REPLY_SIZE);
    assert_true(reply_end(&large->reply));
    assert_null(large->reply.buffer);
    own(fake_reply) small = fake_reply_new(kept, false);
    reply_write(&small->reply, "1", 1);
    assert_true(reply_end(&small->reply));
    assert_non_null(small->reply.buffer);
}

static void
a_body_that_just_fills_the_buffer_is_one_write(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    write_pattern(&fake->reply, REPLY_ROOM_MOST);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(fake->writes, 1);
    assert_has(fake, "\r\nContent-Length: ");
}

static void
an_old_client_gets_no_chunks_and_the_end_of_the_connection(void **unused)
{
    (void)unused;
    frame_t frame = { .old = true, .keep = true };
    own(fake_reply) fake = fake_reply_new(frame, false);
    write_pattern(&fake->reply, 2 * REPLY_SIZE);
    assert_false(reply_end(&fake->reply));
    assert_null(strstr(fake->text, "Transfer-Encoding"));
    assert_has(fake, "\r\nConnection: close\r\n");
    const char *body = fake_body(fake);
    assert_int_equal(fake->text + fake->size - body, 2 * REPLY_SIZE);
}

static void
an_old_client_that_asks_is_kept(void **unused)
{
    (void)unused;
    frame_t frame = { .old = true, .keep = true };
    own(fake_reply) fake = fake_reply_new(frame, false);
    reply_write(&fake->reply, "1", 1);
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "\r\nConnection: keep-alive\r\n");
    own(fake_reply) other = fake_reply_new(old, false);
    assert_false(reply_end(&other->reply));
}

static void
a_reply_that_has_not_begun_starts_anew(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_status(&fake->reply, 409);
    reply_header(&fake->reply, "Allow", "GET");
    reply_write(&fake->reply, "old", 3);
    assert_true(reply_restart(&fake->reply));
    reply_write(&fake->reply, "new", 3);
    assert_true(reply_end(&fake->reply));
    assert_memory_equal(fake->text, "HTTP/1.1 200", 12);
    assert_null(strstr(fake->text, "Allow"));
    assert_string_equal(fake_body(fake), "new");
}

static void
a_reply_that_has_begun_is_cut_without_its_last_chunk(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    write_pattern(&fake->reply, REPLY_SIZE);
    assert_false(reply_restart(&fake->reply));
    assert_false(reply_good(&fake->reply));
    assert_false(reply_end(&fake->reply));
    own(mem) body = mem_new(REPLY_SIZE);
    assert_int_equal(dechunk(fake_body(fake), fake->text + fake->size, body), -1);
}

static void
writing_to_a_client_that_is_gone_goes_nowhere(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    fake->refuse = true;
    write_pattern(&fake->reply, 5 * REPLY_SIZE);
    assert_false(reply_good(&fake->reply));
    fake->refuse = false;
    assert_false(reply_end(&fake->reply));
    assert_int_equal(fake->size, 0);
}

/* --- streams and codings --- */

static void
a_stream_comes_in_chunks_and_has_trailers(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    assert_true(reply_stream(&fake->reply));
    reply_header(&fake->reply, "Trailer", "Rows");
    reply_write(&fake->reply, "abc", 3);
    reply_trailer(&fake->reply, "Rows", "1");
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "\r\nTransfer-Encoding: chunked\r\n");
    assert_string_equal(fake_body(fake), "000003\r\nabc\r\n0\r\nRows: 1\r\n\r\n");
}

static void
what_a_stream_has_is_sent_when_it_is_said(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    assert_true(reply_stream(&fake->reply));
    reply_flush(&fake->reply);
    assert_has(fake, "\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t head = fake->size;
    reply_flush(&fake->reply);
    assert_int_equal(fake->size, head);
    reply_write(&fake->reply, "abc", 3);
    assert_int_equal(fake->size, head);
    reply_flush(&fake->reply);
    assert_string_equal(fake_body(fake), "000003\r\nabc\r\n");
    assert_true(reply_end(&fake->reply));
    assert_string_equal(fake_body(fake), "000003\r\nabc\r\n0\r\n\r\n");
}

static void
an_empty_stream_is_its_last_chunk(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    assert_true(reply_stream(&fake->reply));
    assert_true(reply_end(&fake->reply));
    assert_string_equal(fake_body(fake), "0\r\n\r\n");
}

static void
an_old_client_gets_no_stream(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(old, false);
    assert_false(reply_stream(&fake->reply));
    reply_write(&fake->reply, "abc", 3);
    reply_end(&fake->reply);
    assert_has(fake, "\r\nContent-Length: 3\r\n");
}

static void
a_stream_that_is_abandoned_has_no_last_chunk(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    assert_true(reply_stream(&fake->reply));
    write_pattern(&fake->reply, 2 * REPLY_SIZE);
    assert_false(reply_restart(&fake->reply));
    assert_false(reply_end(&fake->reply));
    own(mem) body = mem_new(2 * REPLY_SIZE);
    assert_int_equal(dechunk(fake_body(fake), fake->text + fake->size, body), -1);
}

/* What the chunks of a reply inflate to; -1 when it is cut. */
static long
decoded(const fake_reply_t *fake, char *out, size_t room)
{
    own(mem) body = mem_new(fake->size);
    long size = dechunk(fake_body(fake), fake->text + fake->size, body);
    z_stream stream = { .next_in = (Bytef *)body,
                        .avail_in = (uInt)(size > 0 ? size : 0),
                        .next_out = (Bytef *)out,
                        .avail_out = (uInt)room };
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    int said = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return said == Z_STREAM_END ? (long)(room - stream.avail_out) : -1;
}

static void
a_large_body_comes_in_a_coding(void **unused)
{
    (void)unused;
    enum { SIZE = 3 * REPLY_SIZE };
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_encode(&fake->reply, ENCODING_GZIP);
    write_pattern(&fake->reply, SIZE);
    assert_true(reply_end(&fake->reply));
    assert_has(fake, "\r\nContent-Encoding: gzip\r\n");
    assert_in_range(fake->size, 1, SIZE / 10);
    own(mem) body = mem_new(SIZE);
    assert_int_equal(decoded(fake, body, SIZE), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(body[i], (char)(i % 251));
}

static void
a_small_body_is_not_worth_a_coding(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_encode(&fake->reply, ENCODING_GZIP);
    reply_write(&fake->reply, "abc", 3);
    assert_true(reply_end(&fake->reply));
    assert_null(strstr(fake->text, "Content-Encoding"));
    assert_string_equal(fake_body(fake), "abc");
}

static void
an_error_instead_of_a_coded_body_is_plain(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_encode(&fake->reply, ENCODING_ZSTD);
    reply_write(&fake->reply, "abc", 3);
    assert_true(reply_restart(&fake->reply));
    reply_status(&fake->reply, 500);
    write_pattern(&fake->reply, 5000);
    assert_true(reply_end(&fake->reply));
    assert_null(strstr(fake->text, "Content-Encoding"));
    assert_has(fake, "\r\nContent-Length: 5000\r\n");
}

static void
nothing_new_has_neither_body_nor_type(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    reply_status(&fake->reply, 304);
    reply_header(&fake->reply, "Cache-Control", "private, no-cache");
    assert_true(reply_end(&fake->reply));
    assert_memory_equal(fake->text, "HTTP/1.1 304 Not Modified\r\n", 27);
    assert_null(strstr(fake->text, "\r\nContent-"));
    assert_null(strstr(fake->text, "no-store"));
    assert_string_equal(fake_body(fake), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_reply_is_one_write_with_its_length),
        cmocka_unit_test(status_and_headers_are_the_handlers),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(head_says_no_length_that_nobody_knows),
        cmocka_unit_test(an_error_is_measured_again),
        cmocka_unit_test(a_large_reply_comes_in_chunks_one_write_each),
        cmocka_unit_test(a_large_replys_buffer_is_given_back),
        cmocka_unit_test(a_body_that_just_fills_the_buffer_is_one_write),
        cmocka_unit_test(an_old_client_gets_no_chunks_and_the_end_of_the_connection),
        cmocka_unit_test(an_old_client_that_asks_is_kept),
        cmocka_unit_test(a_reply_that_has_not_begun_starts_anew),
        cmocka_unit_test(a_reply_that_has_begun_is_cut_without_its_last_chunk),
        cmocka_unit_test(writing_to_a_client_that_is_gone_goes_nowhere),
        cmocka_unit_test(a_stream_comes_in_chunks_and_has_trailers),
        cmocka_unit_test(what_a_stream_has_is_sent_when_it_is_said),
        cmocka_unit_test(an_empty_stream_is_its_last_chunk),
        cmocka_unit_test(an_old_client_gets_no_stream),
        cmocka_unit_test(a_stream_that_is_abandoned_has_no_last_chunk),
        cmocka_unit_test(a_large_body_comes_in_a_coding),
        cmocka_unit_test(a_small_body_is_not_worth_a_coding),
        cmocka_unit_test(an_error_instead_of_a_coded_body_is_plain),
        cmocka_unit_test(nothing_new_has_neither_body_nor_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
