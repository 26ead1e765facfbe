/* Reading stored pages: whatever is damaged is seen, and nothing is read behind its end. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <zstd.h>

#include "tests/unit/opened.h"

enum { PAGE_BYTES = 4096, PAGE_ROWS = 100, ROW_BYTES = 1 << 20 };

static page_writer_t *
a_writer(void)
{
    return page_writer_new(PAGE_BYTES, PAGE_ROWS, ROW_BYTES);
}

static bool
put_int_row(page_writer_t *writer, int64_t value)
{
    page_row_open(writer, 1);
    page_cell_int(writer, value);
    return page_row_close(writer);
}

static page_t *
closed(page_writer_t *writer)
{
    err_t err;
    page_t *page = page_writer_close(writer, &err);
    assert_non_null(page);
    return page;
}

static void
open_row(opened_t *reader, uint32_t cells)
{
    err_t err;
    uint32_t count = 0;
    assert_true(page_reader_row(&reader->walk, &count, &err));
    assert_int_equal(count, cells);
}

static cell_t
next_cell(opened_t *reader)
{
    err_t err;
    cell_t cell;
    assert_true(page_reader_cell(&reader->walk, &cell, &err));
    return cell;
}

/* Raw bytes as a page of their own, in a block of its exact size. */
static opened_t *
reader_of(const void *raw, size_t size)
{
    uint8_t frame[ZSTD_COMPRESSBOUND(1024)];
    size_t stored = ZSTD_compress(frame, sizeof frame, raw, size, 1);
    assert_false(ZSTD_isError(stored));
    err_t err;
    opened_t *reader = opened_new(frame, stored, (uint32_t)size, &err);
    assert_non_null(reader);
    return reader;
}

/* Read all rows and cells; true when all of it was good. */
static bool
walks(const void *raw, size_t size)
{
    own(opened) reader = reader_of(raw, size);
    err_t err;
    uint32_t cells = 0;
    while (page_reader_row(&reader->walk, &cells, &err)) {
        for (uint32_t i = 0; i < cells; i++) {
            cell_t cell;
            if (!page_reader_cell(&reader->walk, &cell, &err)) {
                assert_int_equal(err.kind, ERR_INTERNAL);
                return false;
            }
        }
    }
    return err.kind == ERR_NONE;
}

static bool
skips(const void *raw, size_t size, uint32_t rows)
{
    own(opened) reader = reader_of(raw, size);
    err_t err;
    err_clear(&err);
    bool skipped = page_reader_skip(&reader->walk, rows, &err);
    assert_int_equal(err.kind, skipped ? ERR_NONE : ERR_INTERNAL);
    return skipped;
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void
stepping_over_more_rows_than_there_are_is_refused(void **unused)
{
    (void)unused;
    assert_true(skips(BYTES(0x91, 1, 0x91, 2), 2));
    assert_false(skips(BYTES(0x91, 1, 0x91, 2), 3));
    assert_false(skips(BYTES(0x91, 1, 0x91, 2), UINT32_MAX));
}

static void
cells_that_were_not_read_are_stepped_over(void **unused)
{
    (void)unused;
    own(opened) reader = reader_of(BYTES(0x93, 1, 2, 3, 0x91, 4));
    open_row(reader, 3);
    assert_true(next_cell(reader).number == 1);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 4);
}

static void
more_cells_than_a_row_has_are_refused(void **unused)
{
    (void)unused;
    own(opened) reader = reader_of(BYTES(0x91, 1, 2));
    open_row(reader, 1);
    next_cell(reader);
    err_t err;
    cell_t cell;
    assert_false(page_reader_cell(&reader->walk, &cell, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static void
bytes_that_are_no_rows_are_refused(void **unused)
{
    (void)unused;
    assert_true(walks(BYTES(0x91, 1)));
    assert_false(walks(BYTES(0x01)));
    assert_false(walks(BYTES(0x81, 1, 1)));
    assert_false(walks(BYTES(0x91, 0xc1)));
    assert_false(walks(BYTES(0x91, 0xd4, 1, 1)));
    assert_false(walks(BYTES(0x91, 0x90)));
    assert_false(walks(BYTES(0x91, 0x80)));
    assert_false(skips(BYTES(0x01), 1));
    assert_false(skips(BYTES(0x91, 0xc1), 1));
}

static void
every_prefix_of_a_row_is_refused(void **unused)
{
    (void)unused;
    static const uint8_t row[] = { 0x95, 0xc0, 0xcd, 1, 0,    0xcb, 0,   0,    0, 0,
                                   0,    0,    0,    0, 0xa2, 'h',  'i', 0xc4, 1, 9 };
    assert_true(walks(row, sizeof row));
    for (size_t size = 1; size < sizeof row; size++) {
        assert_false(walks(row, size));
        assert_false(skips(row, size, 1));
    }
}

static void
a_count_larger_than_the_bytes_left_is_refused(void **unused)
{
    (void)unused;
    assert_false(walks(BYTES(0xdd, 0xff, 0xff, 0xff, 0xff)));
    assert_false(walks(BYTES(0x92, 1)));
    assert_false(walks(BYTES(0x91, 0xdb, 0xff, 0xff, 0xff, 0xff)));
    assert_false(skips(BYTES(0xdd, 0xff, 0xff, 0xff, 0xff), 1));
}

static void
a_depth_bomb_is_refused(void **unused)
{
    (void)unused;
    uint8_t bomb[1000];
    memset(bomb, 0x91, sizeof bomb);
    bomb[sizeof bomb - 1] = 0x90;
    assert_false(walks(bomb, sizeof bomb));
    assert_false(skips(bomb, sizeof bomb, 1));
}

static void
every_prefix_of_a_stored_page_is_refused(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    for (int i = 0; i < 50; i++)
        assert_true(put_int_row(writer, i * 1000));
    own(page) page = closed(writer);
    for (uint32_t size = 0; size < page->size; size++) {
        uint8_t *block = malloc(size > 0 ? size : 1);
        assert_non_null(block);
        memcpy(block, page->data, size);
        err_t err;
        opened_t *reader = opened_new(block, size, page->raw_bytes, &err);
        assert_null(reader);
        assert_int_equal(err.kind, ERR_INTERNAL);
        free(block);
    }
}

static void
a_frame_of_another_size_than_the_store_says_is_refused(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    own(page) page = closed(writer);
    for (uint32_t raw = 0; raw < 5; raw++) {
        err_t err;
        own(opened) reader = opened_new(page->data, page->size, raw, &err);
        assert_true((reader != NULL) == (raw == page->raw_bytes));
    }
}

/* Whatever bit it is; but a few say nothing, and change nothing. */
static void
a_bit_that_flipped_is_noticed(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    for (int i = 0; i < 60; i++) {
        page_row_open(writer, 2);
        page_cell_int(writer, i * 1000003);
        page_cell_text(writer, "some text and more of it", 5 + (size_t)i % 19);
        assert_true(page_row_close(writer));
    }
    err_t err;
    own(page) page = closed(writer);
    assert_true(page_has_checksum(page->data, page->size));
    own(opened) whole = opened_new(page->data, page->size, page->raw_bytes, &err);
    uint32_t passed = 0;
    for (uint32_t bit = 0; bit < page->size * 8; bit++) {
        page->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        own(opened) flipped = opened_new(page->data, page->size, page->raw_bytes, &err);
        if (flipped)
            assert_memory_equal(flipped->raw, whole->raw, whole->size);
        passed += flipped != NULL;
        page->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_in_range(passed, 0, page->size / 10);
}

static void
a_frame_without_a_checksum_is_known(void **unused)
{
    (void)unused;
    uint8_t frame[64];
    size_t size = ZSTD_compress(frame, sizeof frame, "\x91\x01", 2, 1);
    assert_false(page_has_checksum(frame, size));
    assert_false(page_has_checksum(frame, 4));
}

static void
bytes_behind_the_frame_are_refused(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    own(page) page = closed(writer);
    size_t twice = (size_t)page->size * 2;
    uint8_t *both = mem_array(1, twice);
    memcpy(both, page->data, page->size);
    memcpy(both + page->size, page->data, page->size);
    for (size_t size = page->size + 1; size <= twice; size++) {
        err_t err;
        assert_null(opened_new(both, size, page->raw_bytes, &err));
        assert_int_equal(err.kind, ERR_INTERNAL);
    }
    free(both);
}

static void
a_frame_that_announces_gigabytes_is_refused(void **unused)
{
    (void)unused;
    /* magic, a single segment with 4 bytes of size: 0xfffffff0; one empty last block */
    static const uint8_t bomb[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xf0, 0xff, 0xff, 0xff, 1, 0, 0 };
    err_t err;
    assert_null(opened_new(bomb, sizeof bomb, 0xfffffff0U, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static void
an_empty_frame_behind_the_frame_is_refused(void **unused)
{
    (void)unused;
    uint8_t both[64];
    size_t first = ZSTD_compress(both, sizeof both, "\x91\x01", 2, 1);
    size_t second = ZSTD_compress(both + first, sizeof both - first, NULL, 0, 1);
    err_t err;
    own(opened) one = opened_new(both, first, 2, &err);
    assert_non_null(one);
    assert_null(opened_new(both, first + second, 2, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static void
a_frame_that_does_not_say_its_size_is_refused(void **unused)
{
    (void)unused;
    uint8_t frame[64];
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t size = ZSTD_compress2(zstd, frame, sizeof frame, "\x91\x01", 2);
    ZSTD_freeCCtx(zstd);
    assert_false(ZSTD_isError(size));
    err_t err;
    assert_null(opened_new(frame, size, 2, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static void
a_page_larger_than_the_most_is_refused(void **unused)
{
    (void)unused;
    size_t raw_size = PAGE_RAW_MOST + 1;
    own(mem) raw = mem_array(1, raw_size);
    size_t room = ZSTD_compressBound(raw_size);
    own(mem) frame = mem_array(1, room);
    size_t size = ZSTD_compress(frame, room, raw, raw_size, 1);
    assert_false(ZSTD_isError(size));
    err_t err;
    assert_null(opened_new(frame, size, (uint32_t)raw_size, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stepping_over_more_rows_than_there_are_is_refused),
        cmocka_unit_test(cells_that_were_not_read_are_stepped_over),
        cmocka_unit_test(more_cells_than_a_row_has_are_refused),
        cmocka_unit_test(bytes_that_are_no_rows_are_refused),
        cmocka_unit_test(every_prefix_of_a_row_is_refused),
        cmocka_unit_test(a_count_larger_than_the_bytes_left_is_refused),
        cmocka_unit_test(a_depth_bomb_is_refused),
        cmocka_unit_test(every_prefix_of_a_stored_page_is_refused),
        cmocka_unit_test(a_frame_of_another_size_than_the_store_says_is_refused),
        cmocka_unit_test(a_bit_that_flipped_is_noticed),
        cmocka_unit_test(a_frame_without_a_checksum_is_known),
        cmocka_unit_test(bytes_behind_the_frame_are_refused),
        cmocka_unit_test(a_frame_that_announces_gigabytes_is_refused),
        cmocka_unit_test(an_empty_frame_behind_the_frame_is_refused),
        cmocka_unit_test(a_frame_that_does_not_say_its_size_is_refused),
        cmocka_unit_test(a_page_larger_than_the_most_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
