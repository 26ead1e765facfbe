/* Rows as text: what each kind of cell looks like in each form. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "api/rowtext.h"
#include "tests/unit/http_fake.h"

/* --- rows that are one page, which a test makes --- */

struct rows {
    uint8_t *raw;
    const page_t *page; /* NULL: it was given */
    unsigned settled;
};

bool
rows_run(rows_t *self, int64_t most, run_t *run, err_t *err)
{
    (void)most;
    err_clear(err);
    if (!self->page)
        return false;
    *run = (run_t){ .rows = self->page->rows, .data = self->raw, .size = self->page->raw_bytes };
    self->page = NULL;
    return true;
}

void
rows_settle(void *rows)
{
    ((rows_t *)rows)->settled++;
}

typedef struct {
    const char *name;
    const char *type;
    cell_kind_t kind;
} heading_t;

static page_writer_t *writer;
static manifest_t *manifest;
static rowtext_shape_t shapes[4]; /* of the first columns */

static int
setup(void **unused)
{
    (void)unused;
    memset(shapes, 0, sizeof shapes);
    writer = page_writer_new(1 << 22, 1 << 20, 1 << 22);
    manifest = manifest_new();
    return 0;
}

static int
teardown(void **unused)
{
    (void)unused;
    page_writer_destroy(&writer);
    manifest_destroy(&manifest);
    return 0;
}

static result_t *
a_result(const heading_t *headings, uint32_t count)
{
    result_t *result = manifest_add(manifest);
    result_columns(result, count);
    for (uint32_t i = 0; i < count; i++) {
        result->columns[i].name = mem_text(headings[i].name);
        result->columns[i].type = mem_text(headings[i].type);
        result->columns[i].kind = headings[i].kind;
    }
    return result;
}

/* Write the rows that are in the writer as text; "!" when that failed. Caller owns the result. */
static char *
text_of(const result_t *result, rowtext_form_t form, numbers_t numbers)
{
    err_t err;
    own(page) page = page_writer_close(writer, &err);
    page_writer_reset(writer);
    own(mem) raw = mem_new(page->raw_bytes + 1);
    assert_true(page_inflate(page->data, page->size, raw, page->raw_bytes, &err));
    rows_t rows = { .raw = (uint8_t *)raw, .page = page };
    own(rowtext) text = rowtext_new(result, form, numbers);
    for (uint32_t i = 0; i < 4 && i < result->column_count; i++)
        rowtext_shape(text, i, shapes[i]);
    own(fake_reply) fake = fake_reply_new((frame_t){ .old = true }, false);
    rowtext_head(text, &fake->reply);
    int64_t count = 0;
    bool good = rowtext_write(text, &fake->reply, &rows, INT64_MAX, &count, &err);
    if (!good) {
        assert_int_equal(err.kind, ERR_INTERNAL);
        return mem_text("!");
    }
    reply_end(&fake->reply);
    return mem_text(fake_body(fake));
}

static void
assert_text(const result_t *result, rowtext_form_t form, numbers_t numbers, const char *expected)
{
    own(mem) text = text_of(result, form, numbers);
    assert_string_equal(text, expected);
}

static void
put_text(const char *text)
{
    page_cell_text(writer, text, strlen(text));
}

/* --- claims --- */

static const heading_t all_kinds[] = {
    { "t", "text", CELL_TEXT },       { "i", "integer", CELL_INTEGER },
    { "b", "bigint", CELL_INTEGER },  { "f", "double precision", CELL_FLOAT },
    { "r", "real", CELL_REAL },       { "n", "numeric", CELL_NUMERIC },
    { "o", "boolean", CELL_BOOLEAN }, { "x", "bytea", CELL_BINARY },
    { "z", "text", CELL_TEXT },
};

static void
put_all_kinds(void)
{
    page_row_open(writer, 9);
    put_text("a\"b,c\n");
    page_cell_int(writer, -7);
    page_cell_int(writer, INT64_C(9007199254740993));
    page_cell_float(writer, 1e6);
    page_cell_float(writer, 1e6);
    put_text("12.3000");
    page_cell_bool(writer, true);
    page_cell_binary(writer, "\x00\xff", 2);
    page_cell_nil(writer);
    assert_true(page_row_close(writer));
}

static void
objects_have_every_kind_of_value(void **unused)
{
    (void)unused;
    const result_t *result = a_result(all_kinds, 9);
    put_all_kinds();
    assert_text(result, ROWTEXT_OBJECTS, NUMBERS_EXACT,
                "{\"t\":\"a\\\"b,c\\n\",\"i\":-7,\"b\":9007199254740993,\"f\":1000000,\"r\":1e+06,"
                "\"n\":12.3000,\"o\":true,\"x\":\"\\\\x00ff\",\"z\":null}");
}

static void
numbers_that_a_double_may_not_hold_are_strings_on_demand(void **unused)
{
    (void)unused;
    const result_t *result = a_result(all_kinds, 9);
    put_all_kinds();
    assert_text(result, ROWTEXT_ARRAYS, NUMBERS_STRING,
                "[\"a\\\"b,c\\n\",-7,\"9007199254740993\",1000000,1e+06,\"12.3000\",true,"
                "\"\\\\x00ff\",null]");
}

static void
csv_is_what_the_database_prints(void **unused)
{
    (void)unused;
    const result_t *result = a_result(all_kinds, 9);
    put_all_kinds();
    assert_text(result, ROWTEXT_CSV, NUMBERS_STRING,
                "t,i,b,f,r,n,o,x,z\r\n"
                "\"a\"\"b,c\n\",-7,9007199254740993,1000000,1e+06,12.3000,t,\\x00ff,\r\n");
}

static void
csv_tells_an_empty_text_from_null(void **unused)
{
    (void)unused;
    static const heading_t headings[] = { { "a,b", "text", CELL_TEXT },
                                          { "", "text", CELL_TEXT },
                                          { "say \"x\"", "text", CELL_TEXT } };
    const result_t *result = a_result(headings, 3);
    page_row_open(writer, 3);
    put_text("");
    page_cell_nil(writer);
    put_text(" ");
    assert_true(page_row_close(writer));
    assert_text(result, ROWTEXT_CSV, NUMBERS_EXACT,
                "\"a,b\",\"\",\"say \"\"x\"\"\"\r\n\"\",, \r\n");
}

static void
rows_stand_behind_commas_or_on_lines(void **unused)
{
    (void)unused;
    static const heading_t headings[] = { { "a", "integer", CELL_INTEGER },
                                          { "a", "integer", CELL_INTEGER } };
    static const char *const expected[] = {
        [ROWTEXT_OBJECTS] = "{\"a\":0,\"a_2\":9},{\"a\":1,\"a_2\":9},{\"a\":2,\"a_2\":9}",
        [ROWTEXT_ARRAYS] = "[0,9],[1,9],[2,9]",
        [ROWTEXT_LINES] = "{\"a\":0,\"a_2\":9}\n{\"a\":1,\"a_2\":9}\n{\"a\":2,\"a_2\":9}\n",
        [ROWTEXT_CSV] = "a,a\r\n0,9\r\n1,9\r\n2,9\r\n",
    };
    for (rowtext_form_t form = ROWTEXT_OBJECTS; form <= ROWTEXT_CSV; form++) {
        for (int row = 0; row < 3; row++) {
            page_row_open(writer, 2);
            page_cell_int(writer, row);
            page_cell_int(writer, 9);
            assert_true(page_row_close(writer));
        }
        assert_text(a_result(headings, 2), form, NUMBERS_EXACT, expected[form]);
    }
}

static void
a_result_without_columns_still_has_rows(void **unused)
{
    (void)unused;
    static const char *const expected[] = { "{},{}", "[],[]", "{}\n{}\n", "\r\n\r\n\r\n" };
    for (rowtext_form_t form = ROWTEXT_OBJECTS; form <= ROWTEXT_CSV; form++) {
        for (int row = 0; row < 2; row++) {
            page_row_open(writer, 0);
            assert_true(page_row_close(writer));
        }
        assert_text(a_result(NULL, 0), form, NUMBERS_EXACT, expected[form]);
    }
}

static void
a_numeric_is_a_number_only_when_json_has_it(void **unused)
{
    (void)unused;
    static const char *const texts[] = { "12.30", "-0.5", "123456789012345678901234567890.123",
                                         "1e-7",  "NaN",  "Infinity",
                                         "007",   "1.",   ".5",
                                         "-",     "1e",   "1}",
                                         "" };
    static const heading_t heading = { "n", "numeric", CELL_NUMERIC };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        page_row_open(writer, 1);
        put_text(texts[i]);
        assert_true(page_row_close(writer));
    }
    assert_text(a_result(&heading, 1), ROWTEXT_ARRAYS, NUMBERS_EXACT,
                "[12.30],[-0.5],[123456789012345678901234567890.123],[1e-7],[\"NaN\"],"
                "[\"Infinity\"],[\"007\"],[\"1.\"],[\".5\"],[\"-\"],[\"1e\"],[\"1}\"],[\"\"]");
}

static void
cells_larger_than_the_buffer_come_whole(void **unused)
{
    (void)unused;
    enum { BIG = 3 * REPLY_SIZE };
    static const heading_t headings[] = { { "t", "text", CELL_TEXT },
                                          { "x", "bytea", CELL_BINARY } };
    own(mem) big = mem_new(BIG + 1);
    memset(big, '"', BIG);
    for (rowtext_form_t form = ROWTEXT_ARRAYS; form <= ROWTEXT_CSV; form += 2) {
        page_row_open(writer, 2);
        page_cell_text(writer, big, BIG);
        page_cell_binary(writer, big, BIG);
        assert_true(page_row_close(writer));
        own(mem) text = text_of(a_result(headings, 2), form, NUMBERS_EXACT);
        bool csv = form == ROWTEXT_CSV;
        size_t frame = strlen(csv ? "t,x\r\n\"\",\\x\r\n" : "[\"\",\"\\\\x\"]");
        assert_int_equal(strlen(text), 4 * (size_t)BIG + frame);
        const char *at = text + strlen(csv ? "t,x\r\n\"" : "[\"");
        for (size_t i = 0; i < BIG; i++)
            assert_memory_equal(at + 2 * i, csv ? "\"\"" : "\\\"", 2);
        at += 2 * (size_t)BIG + strlen(csv ? "\",\\x" : "\",\"\\\\x");
        for (size_t i = 0; i < BIG; i++)
            assert_memory_equal(at + 2 * i, "22", 2);
    }
}

static void
names_larger_than_the_buffer_come_whole(void **unused)
{
    (void)unused;
    enum { BIG = REPLY_SIZE };
    own(mem) name = mem_new(BIG + 1);
    memset(name, 'n', BIG);
    const heading_t heading = { name, "integer", CELL_INTEGER };
    page_row_open(writer, 1);
    page_cell_int(writer, 5);
    assert_true(page_row_close(writer));
    own(mem) text = text_of(a_result(&heading, 1), ROWTEXT_LINES, NUMBERS_EXACT);
    assert_int_equal(strlen(text), BIG + strlen("{\"\":5}\n"));
    assert_string_equal(text + BIG, "nn\":5}\n");
}

static void
rows_of_another_width_are_refused(void **unused)
{
    (void)unused;
    for (uint32_t cells = 0; cells < 4; cells += 2) {
        static const heading_t heading = { "n", "integer", CELL_INTEGER };
        page_row_open(writer, cells);
        for (uint32_t i = 0; i < cells; i++)
            page_cell_int(writer, 1);
        assert_true(page_row_close(writer));
        assert_text(a_result(&heading, 1), ROWTEXT_LINES, NUMBERS_EXACT, "!");
    }
}

/* --- shapes --- */

static void
assert_shape(rowtext_shape_t shape, const char *cell, const char *expected)
{
    static const heading_t heading = { "a", "any", CELL_TEXT };
    const result_t *result = a_result(&heading, 1);
    shapes[0] = shape;
    page_row_open(writer, 1);
    put_text(cell);
    assert_true(page_row_close(writer));
    own(mem) wanted = mem_format("{\"a\":%s}", expected);
    assert_text(result, ROWTEXT_OBJECTS, NUMBERS_EXACT, wanted);
}

static void
dates_are_moments_of_utc(void **unused)
{
    (void)unused;
    static const char *const cases[][2] = {
        { "2012-02-06 22:50:35.778123+00", "\"2012-02-06T22:50:35Z\"" },
        { "2012-02-06 22:50:35.999999", "\"2012-02-06T22:50:35Z\"" },
        { "2012-02-06 22:50:35", "\"2012-02-06T22:50:35Z\"" },
        { "1969-12-31 23:59:59.5", "\"1969-12-31T23:59:59Z\"" },
        { "2012-02-06", "\"2012-02-06T00:00:00Z\"" },
        { "2012-03-01 01:00:00+05:30", "\"2012-02-29T19:30:00Z\"" },
        { "2012-12-31 23:00:00-02", "\"2013-01-01T01:00:00Z\"" },
        { "1880-01-01 00:00:00+00:19:32", "\"1879-12-31T23:40:28Z\"" },
        { "0001-01-01", "\"0001-01-01T00:00:00Z\"" },
        { "9999-12-31 23:59:59.999999", "\"9999-12-31T23:59:59Z\"" },
        { "infinity", "\"Infinity\"" },
        { "-infinity", "\"-Infinity\"" },
        /* what JavaScript has no date for stays as it is */
        { "0044-03-15 BC", "\"0044-03-15 BC\"" },
        { "12012-02-06", "\"12012-02-06\"" },
        { "2012-02-06 22:50", "\"2012-02-06 22:50\"" },
        { "2012-02-06 22:50:35.", "\"2012-02-06T22:50:35Z\"" },
        { "", "\"\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_shape(ROWTEXT_AS_DATE, cases[i][0], cases[i][1]);
}

static void
arrays_are_lists(void **unused)
{
    (void)unused;
    assert_shape(ROWTEXT_AS_NUMBERS, "{1,-2.50,NULL,1e-07}", "[1,-2.50,null,1e-07]");
    assert_shape(ROWTEXT_AS_NUMBERS, "{NaN,Infinity}", "[\"NaN\",\"Infinity\"]");
    assert_shape(ROWTEXT_AS_NUMBERS, "{{1,2},{3,4}}", "[[1,2],[3,4]]");
    assert_shape(ROWTEXT_AS_NUMBERS, "[0:1]={7,8}", "[7,8]");
    assert_shape(ROWTEXT_AS_NUMBERS, "{}", "[]");
    assert_shape(ROWTEXT_AS_BOOLEANS, "{t,f,NULL}", "[true,false,null]");
    assert_shape(ROWTEXT_AS_TEXTS, "{a,\"b,c\",\"\",\"NULL\",NULL}",
                 "[\"a\",\"b,c\",\"\",\"NULL\",null]");
    assert_shape(ROWTEXT_AS_TEXTS, "{\"q\\\"\\\\\",\"{}\"}", "[\"q\\\"\\\\\",\"{}\"]");
    assert_shape(ROWTEXT_AS_DATES, "{2012-02-06,NULL,infinity,\"0044-03-15 BC\"}",
                 "[\"2012-02-06T00:00:00Z\",null,\"Infinity\",\"0044-03-15 BC\"]");
    assert_shape(ROWTEXT_AS_DATES, "{{\"2012-02-06 22:50:35.7+01\"}}",
                 "[[\"2012-02-06T21:50:35Z\"]]");
    assert_shape(ROWTEXT_AS_JSONS, "{1,NULL,\"null\",\"{\\\"a\\\": [\\\"\\\\\\\"\\\"]}\"}",
                 "[1,null,null,{\"a\": [\"\\\"\"]}]");
}

static void
a_text_that_is_no_array_stays_a_text(void **unused)
{
    (void)unused;
    static const char *const cases[] = { "",   "1,2",   "{1",
                                         "1}", "{1}}",  "{1}{2}",
                                         "{a", "[0:1]", "{{{{{{{1}}}}}}}" };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        own(mem) same = mem_format("\"%s\"", cases[i]);
        assert_shape(ROWTEXT_AS_NUMBERS, cases[i], same);
    }
    assert_shape(ROWTEXT_AS_TEXTS, "{\"a", "\"{\\\"a\"");
    assert_shape(ROWTEXT_AS_TEXTS, "{\"a\\", "\"{\\\"a\\\\\"");
}

static void
json_is_itself(void **unused)
{
    (void)unused;
    assert_shape(ROWTEXT_AS_JSON, "{\"a\": [1, null]}", "{\"a\": [1, null]}");
}

static void
hidden_columns_leave_no_comma(void **unused)
{
    (void)unused;
    static const heading_t headings[] = { { "a", "text", CELL_TEXT },
                                          { "b", "text", CELL_TEXT },
                                          { "c", "text", CELL_TEXT } };
    for (unsigned hidden = 0; hidden < 8; hidden++) {
        const result_t *result = a_result(headings, 3);
        own(mem) expected = mem_text("");
        for (unsigned i = 0; i < 3; i++) {
            shapes[i] = hidden & (1u << i) ? ROWTEXT_HIDDEN : ROWTEXT_AS_IT_IS;
            if (hidden & (1u << i))
                continue;
            own(mem) longer = mem_format("%s%s\"%s\":\"%u\"", (char *)expected,
                                         expected[0] ? "," : "", headings[i].name, i);
            free(expected);
            expected = take(longer);
        }
        own(mem) object = mem_format("{%s}", (char *)expected);
        page_row_open(writer, 3);
        put_text("0");
        put_text("1");
        put_text("2");
        assert_true(page_row_close(writer));
        assert_text(result, ROWTEXT_OBJECTS, NUMBERS_EXACT, object);
    }
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* And not any more once they are written: then they may be gone. */
static void
rows_are_settled_while_they_are_written(void **unused)
{
    (void)unused;
    enum { NUMBERS = 50000 };
    static const heading_t heading = { "n", "integer", CELL_INTEGER };
    err_t err;
    for (int i = 0; i < NUMBERS; i++) {
        page_row_open(writer, 1);
        page_cell_int(writer, 100000 + i);
        assert_true(page_row_close(writer));
    }
    own(page) page = page_writer_close(writer, &err);
    own(mem) raw = mem_new(page->raw_bytes);
    assert_true(page_inflate(page->data, page->size, raw, page->raw_bytes, &err));
    rows_t rows = { .raw = (uint8_t *)raw, .page = page };
    own(rowtext) text = rowtext_new(a_result(&heading, 1), ROWTEXT_CSV, NUMBERS_EXACT);
    own(fake_reply) fake = fake_reply_new((frame_t){ .keep = true }, false);
    fake->slow = true;
    int64_t count = 0;
    assert_true(rowtext_write(text, &fake->reply, &rows, INT64_MAX, &count, &err));
    assert_int_equal(count, NUMBERS);
    assert_true(rows.settled > 0);
    assert_int_equal(rows.settled, fake->waits);
    unsigned settled = rows.settled;
    assert_true(reply_end(&fake->reply));
    assert_int_equal(fake->waits, settled + 1);
    assert_int_equal(rows.settled, settled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(objects_have_every_kind_of_value),
        CLAIM(numbers_that_a_double_may_not_hold_are_strings_on_demand),
        CLAIM(csv_is_what_the_database_prints),
        CLAIM(csv_tells_an_empty_text_from_null),
        CLAIM(rows_stand_behind_commas_or_on_lines),
        CLAIM(a_result_without_columns_still_has_rows),
        CLAIM(a_numeric_is_a_number_only_when_json_has_it),
        CLAIM(cells_larger_than_the_buffer_come_whole),
        CLAIM(names_larger_than_the_buffer_come_whole),
        CLAIM(rows_of_another_width_are_refused),
        CLAIM(dates_are_moments_of_utc),
        CLAIM(arrays_are_lists),
        CLAIM(a_text_that_is_no_array_stays_a_text),
        CLAIM(json_is_itself),
        CLAIM(hidden_columns_leave_no_comma),
        CLAIM(rows_are_settled_while_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
