/* test_cells.c - PostgreSQL's texts into cells. */
#include <stdio.h>

#include "common/utf8.h"
#include "executor/driver.h"
#include "executor/drivers/postgres/cells.h"
#include "tests/unit/opened.h"
#include "tests/unit/unit.h"

static page_writer_t *writer;
static opened_t *reader;

static int
open_page(void **unused)
{
    (void)unused;
    writer = page_writer_new(65536, 100, 65536);
    return 0;
}

static int
close_page(void **unused)
{
    (void)unused;
    page_writer_destroy(&writer);
    opened_destroy(&reader);
    return 0;
}

/* The cell that a value becomes; texts point into the reader. */
static cell_t
cell_of(cell_kind_t kind, const char *value, size_t size)
{
    err_t err;
    uint32_t cells = 0;
    cell_t cell = { 0 };
    own(mem) copy = mem_copy(value, size);
    page_writer_reset(writer);
    page_row_open(writer, 1);
    assert_true(cells_put(writer, kind, copy, size));
    assert_true(page_row_close(writer));
    own(page) page = page_writer_close(writer, &err);
    opened_destroy(&reader);
    reader = opened_new(page->data, page->size, page->raw_bytes, &err);
    assert_true(page_reader_row(&reader->walk, &cells, &err));
    assert_true(page_reader_cell(&reader->walk, &cell, &err));
    return cell;
}

static cell_t
cell(cell_kind_t kind, const char *value)
{
    return cell_of(kind, value, strlen(value));
}

static void
assert_bytes(cell_t got, unpack_kind_t kind, const char *bytes, size_t size)
{
    assert_int_equal(got.kind, kind);
    assert_int_equal(got.bytes.size, size);
    assert_memory_equal(got.bytes.data, bytes, size);
}

static void
integers_are_exact_up_to_their_ends(void **unused)
{
    (void)unused;
    assert_int_equal(cell(CELL_INTEGER, "0").number, 0);
    assert_int_equal(cell(CELL_INTEGER, "4294967295").number, 4294967295);
    assert_int_equal(cell(CELL_INTEGER, "9223372036854775807").number, INT64_MAX);
    cell_t least = cell(CELL_INTEGER, "-9223372036854775808");
    assert_int_equal(least.kind, UNPACK_INT);
    assert_true(least.negative == INT64_MIN);
}

static void
what_is_no_integer_is_not_read_as_one(void **unused)
{
    (void)unused;
    static const char *const none[] = { "",
                                        "-",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "0x1",
                                        "--1",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        int64_t value = 0;
        assert_false(cells_int(none[i], strlen(none[i]), &value));
    }
    assert_bytes(cell(CELL_INTEGER, "$1.00"), UNPACK_TEXT, "$1.00", 5);
}

static void
floats_are_floats_unless_they_are_no_numbers(void **unused)
{
    (void)unused;
    assert_true(cell(CELL_FLOAT, "0.1").real == 0.1);
    assert_true(cell(CELL_FLOAT, "-1e-300").real == -1e-300);
    assert_true(cell(CELL_FLOAT, "1.7976931348623157e+308").real == 1.7976931348623157e+308);
    assert_bytes(cell(CELL_FLOAT, "NaN"), UNPACK_TEXT, "NaN", 3);
    assert_true(cell(CELL_REAL, "0.1").real == 0.1);
    assert_bytes(cell(CELL_REAL, "Infinity"), UNPACK_TEXT, "Infinity", 8);
    assert_bytes(cell(CELL_FLOAT, "-Infinity"), UNPACK_TEXT, "-Infinity", 9);
}

static void
booleans_and_numerics_are_themselves(void **unused)
{
    (void)unused;
    assert_true(cell(CELL_BOOLEAN, "t").boolean);
    assert_int_equal(cell(CELL_BOOLEAN, "f").kind, UNPACK_BOOL);
    assert_bytes(cell(CELL_NUMERIC, "12.50"), UNPACK_TEXT, "12.50", 5);
}

static void
bytea_is_decoded_from_either_of_its_texts(void **unused)
{
    (void)unused;
    assert_bytes(cell(CELL_BINARY, "\\x00fFa0"), UNPACK_BINARY, "\x00\xff\xa0", 3);
    assert_bytes(cell(CELL_BINARY, "\\x"), UNPACK_BINARY, "", 0);
    assert_bytes(cell(CELL_BINARY, "a\\\\b\\000\\377"), UNPACK_BINARY, "a\\b\x00\xff", 5);
}

static void
bytea_that_is_neither_is_refused(void **unused)
{
    (void)unused;
    static const char *const none[] = { "\\x0", "\\x0g", "\\", "a\\9", "\\400", "\\08" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        size_t decoded = 0;
        own(mem) copy = mem_text(none[i]);
        assert_false(cells_bytes(copy, strlen(copy), &decoded));
    }
}

static void
text_is_taken_only_as_utf8(void **unused)
{
    (void)unused;
    static const char *const good[] = { "",
                                        "plain text of more than eight bytes",
                                        "\xc3\xa4",
                                        "12345678\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = {
        "\xe9",     "12345678\xe9",     "\xc0\x80",         "\xed\xa0\x80",
        "\xe2\x82", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xff",
        "\x80",     "\xe0\x9f\xbf"
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
    own(mem) broken = mem_text("caf\xe9");
    page_row_open(writer, 1);
    assert_false(cells_put(writer, CELL_TEXT, broken, 4));
    page_cell_nil(writer);
    assert_true(page_row_close(writer));
}

static void
failures_hold_nothing_but_utf8_of_bounded_length(void **unused)
{
    (void)unused;
    own(mem) text = failure_text("caf\xe9 \xc3\xa4");
    assert_string_equal(text, "caf? \xc3\xa4");
    own(mem) lengthy = mem_array(FAILURE_TEXT_MOST + 100, 1);
    memset(lengthy, 'x', FAILURE_TEXT_MOST + 99);
    memcpy(lengthy + FAILURE_TEXT_MOST - 1, "\xc3\xa4", 2);
    own(mem) cut = failure_text(lengthy);
    assert_int_equal(strlen(cut), FAILURE_TEXT_MOST - 1);
}

#define ON_A_PAGE(test) cmocka_unit_test_setup_teardown(test, open_page, close_page)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PAGE(integers_are_exact_up_to_their_ends),
        ON_A_PAGE(what_is_no_integer_is_not_read_as_one),
        ON_A_PAGE(floats_are_floats_unless_they_are_no_numbers),
        ON_A_PAGE(booleans_and_numerics_are_themselves),
        ON_A_PAGE(bytea_is_decoded_from_either_of_its_texts),
        ON_A_PAGE(bytea_that_is_neither_is_refused),
        ON_A_PAGE(text_is_taken_only_as_utf8),
        ON_A_PAGE(failures_hold_nothing_but_utf8_of_bounded_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
