/* Result pages: cells come back as they went in, and limits hold. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/opened.h"

enum { PAGE_BYTES = 4096, PAGE_ROWS = 100, ROW_BYTES = 1 << 20 };

static page_writer_t *
a_writer(void)
{
    return page_writer_new(PAGE_BYTES, PAGE_ROWS, ROW_BYTES);
}

static bool
put_text_row(page_writer_t *writer, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 't', size + 1);
    page_row_open(writer, 1);
    page_cell_text(writer, text, size);
    free(text);
    return page_row_close(writer);
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

static opened_t *
opened(const page_t *page)
{
    err_t err;
    opened_t *reader = opened_new(page->data, page->size, page->raw_bytes, &err);
    assert_non_null(reader);
    return reader;
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

static void
assert_at_end(opened_t *reader)
{
    err_t err = { .kind = ERR_LIMIT };
    uint32_t cells = 0;
    assert_false(page_reader_row(&reader->walk, &cells, &err));
    assert_int_equal(err.kind, ERR_NONE);
}

static void
every_kind_of_cell_comes_back(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    page_row_open(writer, 8);
    page_cell_nil(writer);
    page_cell_bool(writer, true);
    page_cell_bool(writer, false);
    page_cell_int(writer, 42);
    page_cell_int(writer, -42);
    page_cell_float(writer, 0.1);
    page_cell_text(writer, "n\0l", 3);
    page_cell_binary(writer, "\x00\xff", 2);
    assert_true(page_row_close(writer));

    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    open_row(reader, 8);
    assert_int_equal(next_cell(reader).kind, UNPACK_NIL);
    cell_t cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_BOOL && cell.boolean);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_BOOL && !cell.boolean);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_UINT && cell.number == 42);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_INT && cell.negative == -42);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_FLOAT && cell.real == 0.1);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_TEXT && cell.bytes.size == 3);
    assert_memory_equal(cell.bytes.data, "n\0l", 3);
    cell = next_cell(reader);
    assert_true(cell.kind == UNPACK_BINARY && cell.bytes.size == 2);
    assert_memory_equal(cell.bytes.data, "\x00\xff", 2);
    assert_at_end(reader);
}

static void
integers_keep_all_their_bits(void **unused)
{
    (void)unused;
    static const int64_t values[] = { 0,      127,       128,        255,       256,
                                      65535,  65536,     UINT32_MAX, INT64_MAX, 9007199254740993,
                                      -32,    -33,       -128,       -129,      -32768,
                                      -32769, INT32_MIN, INT64_MIN };
    own(page_writer) writer = a_writer();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_true(put_int_row(writer, values[i]));
    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        open_row(reader, 1);
        cell_t cell = next_cell(reader);
        int64_t value = cell.kind == UNPACK_UINT ? (int64_t)cell.number : cell.negative;
        assert_true(value == values[i]);
    }
}

static void
a_page_says_what_is_in_it(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    for (int i = 0; i < 3; i++)
        assert_true(put_int_row(writer, i));
    assert_int_equal(page_writer_rows(writer), 3);
    assert_int_equal(page_writer_bytes(writer), 6);

    own(page) page = closed(writer);
    assert_int_equal(page->first_row, 0);
    assert_int_equal(page->rows, 3);
    assert_int_equal(page->raw_bytes, 6);
    own(opened) reader = opened(page);
    view_t raw = opened_bytes(reader);
    assert_int_equal(raw.size, 6);
    assert_memory_equal(raw.data, "\x91\x00\x91\x01\x91\x02", 6);
}

static void
the_next_page_goes_on_behind_the_last(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1) && put_int_row(writer, 2));
    own(page) first = closed(writer);
    assert_int_equal(first->rows, 2);
    assert_int_equal(page_writer_rows(writer), 0);
    assert_int_equal(page_writer_bytes(writer), 0);
    assert_true(put_int_row(writer, 3));
    own(page) second = closed(writer);
    assert_int_equal(second->first_row, 2);
    assert_int_equal(second->rows, 1);
    own(opened) reader = opened(second);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 3);
    assert_at_end(reader);
}

static void
no_rows_are_one_empty_page(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    own(page) page = closed(writer);
    assert_int_equal(page->rows, 0);
    assert_int_equal(page->raw_bytes, 0);
    assert_true(page->size > 0);
    own(opened) reader = opened(page);
    assert_int_equal(opened_bytes(reader).size, 0);
    assert_at_end(reader);
}

static void
pages_are_chained_from_zero(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    own(page) first = closed(writer);
    assert_true(put_int_row(writer, 2));
    own(page) second = closed(writer);

    uint8_t hash[PAGE_HASH_SIZE] = { 0 };
    page_chain(hash, first->data, first->size, hash);
    assert_memory_equal(hash, first->hash, PAGE_HASH_SIZE);
    page_chain(hash, second->data, second->size, hash);
    assert_memory_equal(hash, second->hash, PAGE_HASH_SIZE);
}

static void
the_chain_is_blake2b_of_the_hash_before_and_the_page(void **unused)
{
    (void)unused;
    /* python3: hashlib.blake2b(bytes(32) + b"page", digest_size=32) */
    static const char expected[] =
        "\x9c\xd3\x03\x32\xd9\xa5\x57\x99\x2b\xad\x92\xc1\xaa\xcd\x95\xce"
        "\x55\x74\x2c\x45\x2d\xe7\xe5\x36\x13\xbc\xa2\xbe\xe0\x11\x0a\xc9";
    uint8_t hash[PAGE_HASH_SIZE] = { 0 };
    page_chain(hash, "page", 4, hash);
    assert_memory_equal(hash, expected, PAGE_HASH_SIZE);
}

static void
a_reset_begins_a_new_result(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 7));
    own(page) before = closed(writer);
    assert_true(put_int_row(writer, 8));
    page_writer_reset(writer);
    assert_int_equal(page_writer_rows(writer), 0);
    assert_true(put_int_row(writer, 7));
    own(page) again = closed(writer);
    assert_int_equal(again->first_row, 0);
    assert_int_equal(again->size, before->size);
    assert_memory_equal(again->data, before->data, before->size);
    assert_memory_equal(again->hash, before->hash, PAGE_HASH_SIZE);
}

static void
a_reset_in_the_middle_of_a_row_forgets_it(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    page_row_open(writer, 2);
    page_cell_int(writer, 1);
    page_writer_reset(writer);
    assert_true(put_int_row(writer, 1));
    assert_int_equal(page_writer_bytes(writer), 2);
}

static void
a_page_is_full_by_rows(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    for (int i = 0; i < PAGE_ROWS; i++) {
        assert_false(page_writer_full(writer));
        assert_true(put_int_row(writer, i));
    }
    assert_true(page_writer_full(writer));
}

static void
a_page_is_full_by_bytes(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_text_row(writer, PAGE_BYTES - 5));
    assert_int_equal(page_writer_bytes(writer), PAGE_BYTES - 1);
    assert_false(page_writer_full(writer));
    assert_true(put_int_row(writer, 1));
    assert_true(page_writer_full(writer));
}

static void
a_row_larger_than_a_page_is_taken(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    assert_true(put_text_row(writer, ROW_BYTES / 2));
    assert_true(put_int_row(writer, 2));
    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    open_row(reader, 1);
    open_row(reader, 1);
    cell_t cell = next_cell(reader);
    assert_int_equal(cell.bytes.size, ROW_BYTES / 2);
    assert_int_equal(cell.bytes.data[0], 't');
    assert_int_equal(cell.bytes.data[ROW_BYTES / 2 - 1], 't');
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 2);
    assert_at_end(reader);
}

static void
a_row_of_row_bytes_is_taken_and_one_more_is_not(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1)); /* the page before the row does not count */
    assert_false(put_text_row(writer, ROW_BYTES - 5));
    assert_true(put_text_row(writer, ROW_BYTES - 6)); /* heads of array and text: 1 and 5 */
    assert_int_equal(page_writer_bytes(writer), ROW_BYTES + 2);
}

static void
row_bytes_below_a_page_hold_too(void **unused)
{
    (void)unused;
    own(page_writer) writer = page_writer_new(PAGE_BYTES, PAGE_ROWS, 100);
    assert_false(put_text_row(writer, 98));
    assert_true(put_text_row(writer, 97));
    assert_int_equal(page_writer_bytes(writer), 100);
}

static void
a_refused_row_leaves_the_writer_as_it_was(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    page_row_open(writer, 3);
    char *large = mem_array(1, ROW_BYTES);
    page_cell_text(writer, large, ROW_BYTES / 2); /* taken, in a larger buffer */
    page_cell_text(writer, large, ROW_BYTES);     /* refused */
    page_cell_int(writer, 3);                     /* goes nowhere */
    assert_false(page_row_close(writer));
    assert_false(page_writer_starved(writer));
    free(large);

    assert_int_equal(page_writer_rows(writer), 1);
    assert_int_equal(page_writer_bytes(writer), 2);
    assert_true(put_int_row(writer, 2));
    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 1);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 2);
    assert_at_end(reader);
}

static void
a_dropped_row_leaves_the_writer_as_it_was(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    assert_true(put_int_row(writer, 1));
    char *large = mem_array(1, ROW_BYTES);
    static const size_t sizes[] = { 20, ROW_BYTES / 2, ROW_BYTES }; /* the last one is refused */
    for (size_t i = 0; i < 3; i++) {
        page_row_open(writer, 1);
        page_cell_text(writer, large, sizes[i]);
        if (i == 0)
            assert_int_equal(page_row_bytes(writer), 1 + 1 + 20);
        page_row_drop(writer);
        assert_int_equal(page_writer_rows(writer), 1);
        assert_int_equal(page_writer_bytes(writer), 2);
    }
    free(large);
    assert_true(put_int_row(writer, 2));
    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 1);
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 2);
    assert_at_end(reader);
}

static void
a_cell_beyond_all_sizes_is_refused_without_a_look_at_it(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    page_row_open(writer, 1);
    page_cell_text(writer, "short", (size_t)1 << 33);
    assert_false(page_row_close(writer));
    assert_true(put_int_row(writer, 1));
}

static void
a_page_never_exceeds_what_a_reader_takes(void **unused)
{
    (void)unused;
    own(page_writer) writer = page_writer_new(PAGE_BYTES, PAGE_ROWS, UINT32_MAX);
    assert_true(put_int_row(writer, 1));
    assert_false(put_text_row(writer, PAGE_RAW_MOST - 7));
    assert_true(put_text_row(writer, PAGE_RAW_MOST - 8));
    own(page) page = closed(writer);
    assert_int_equal(page->raw_bytes, PAGE_RAW_MOST);
    own(opened) reader = opened(page);
    open_row(reader, 1);
}

static void
rows_are_stepped_over(void **unused)
{
    (void)unused;
    own(page_writer) writer = a_writer();
    for (int i = 0; i < 10; i++)
        assert_true(put_int_row(writer, i));
    own(page) page = closed(writer);
    own(opened) reader = opened(page);
    err_t err;
    assert_true(page_reader_skip(&reader->walk, 0, &err));
    assert_true(page_reader_skip(&reader->walk, 7, &err));
    open_row(reader, 1); /* its cell stays unread */
    assert_true(page_reader_skip(&reader->walk, 1, &err));
    open_row(reader, 1);
    assert_true(next_cell(reader).number == 9);
    assert_at_end(reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_cell_comes_back),
        cmocka_unit_test(integers_keep_all_their_bits),
        cmocka_unit_test(a_page_says_what_is_in_it),
        cmocka_unit_test(the_next_page_goes_on_behind_the_last),
        cmocka_unit_test(no_rows_are_one_empty_page),
        cmocka_unit_test(pages_are_chained_from_zero),
        cmocka_unit_test(the_chain_is_blake2b_of_the_hash_before_and_the_page),
        cmocka_unit_test(a_reset_begins_a_new_result),
        cmocka_unit_test(a_reset_in_the_middle_of_a_row_forgets_it),
        cmocka_unit_test(a_page_is_full_by_rows),
        cmocka_unit_test(a_page_is_full_by_bytes),
        cmocka_unit_test(a_row_larger_than_a_page_is_taken),
        cmocka_unit_test(a_row_of_row_bytes_is_taken_and_one_more_is_not),
        cmocka_unit_test(row_bytes_below_a_page_hold_too),
        cmocka_unit_test(a_refused_row_leaves_the_writer_as_it_was),
        cmocka_unit_test(a_dropped_row_leaves_the_writer_as_it_was),
        cmocka_unit_test(a_cell_beyond_all_sizes_is_refused_without_a_look_at_it),
        cmocka_unit_test(a_page_never_exceeds_what_a_reader_takes),
        cmocka_unit_test(rows_are_stepped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
