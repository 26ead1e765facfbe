#include "tests/unit/unit.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "api/encoder.h"

enum { SIZE = 300000 };

/* Bytes that a coder makes a little shorter. */
static void
fill(char *text, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525U + 1013904223U;
        text[i] = (char)('a' + (state >> 28));
    }
}

/* Encode `size` bytes in pieces, through a small window; returns what came out. */
static size_t
encode(encoding_t encoding, const char *text, size_t size, size_t piece, size_t window, char *out)
{
    own(encoder) encoder = encoder_new(encoding);
    size_t used = 0;
    for (size_t at = 0; at <= size; at += piece) {
        size_t left = size - at;
        encoder_in_t in = { .at = text + at,
                            .size = left < piece ? left : piece,
                            .last = left < piece };
        for (bool done = false; !done;) {
            size_t made = 0;
            done = encoder_step(encoder, &in, out + used, window, &made);
            assert_in_range(made, 0, window);
            used += made;
        }
        assert_int_equal(in.size, 0);
    }
    return used;
}

static size_t
inflate_gzip(const char *coded, size_t size, char *out, size_t room)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)coded,
                        .avail_in = (uInt)size,
                        .next_out = (Bytef *)out,
                        .avail_out = (uInt)room };
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
    return room - stream.avail_out;
}

static size_t
inflate_zstd(const char *coded, size_t size, char *out, size_t room)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = { .src = coded, .size = size };
    ZSTD_outBuffer to = { .dst = out, .size = room };
    size_t rest = 1;
    while (in.pos < in.size) {
        rest = ZSTD_decompressStream(context, &to, &in);
        assert_false(ZSTD_isError(rest));
    }
    assert_int_equal(rest, 0); /* the frame is over */
    ZSTD_freeDCtx(context);
    return to.pos;
}

static void
any_pieces_come_back_whole(void **unused)
{
    (void)unused;
    static const size_t pieces[] = { 1000, 65536, SIZE + 1, SIZE / 2 };
    own(mem) text = mem_new(SIZE);
    own(mem) coded = mem_new(2 * SIZE);
    own(mem) back = mem_new(2 * SIZE);
    fill(text, SIZE);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t size = encode(ENCODING_GZIP, text, SIZE, pieces[i], 5000, coded);
        assert_in_range(size, 1, SIZE * 3 / 4);
        assert_int_equal(inflate_gzip(coded, size, back, 2 * SIZE), SIZE);
        assert_memory_equal(back, text, SIZE);
        size = encode(ENCODING_ZSTD, text, SIZE, pieces[i], 5000, coded);
        assert_in_range(size, 1, SIZE * 3 / 4);
        assert_int_equal(inflate_zstd(coded, size, back, 2 * SIZE), SIZE);
        assert_memory_equal(back, text, SIZE);
    }
}

static void
an_empty_body_is_an_empty_stream(void **unused)
{
    (void)unused;
    char coded[100];
    char back[10];
    size_t size = encode(ENCODING_GZIP, "", 0, 10, 90, coded);
    assert_int_equal(inflate_gzip(coded, size, back, sizeof back), 0);
    size = encode(ENCODING_ZSTD, "", 0, 10, 90, coded);
    assert_int_equal(inflate_zstd(coded, size, back, sizeof back), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pieces_come_back_whole),
        cmocka_unit_test(an_empty_body_is_an_empty_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
