#include "tests/unit/unit.h"

#include "api/conditional.h"

static const char tag[] = "\"a.b\"";

static void
a_tag_is_found_in_a_list(void **unused)
{
    (void)unused;
    static const char *const lists[] = { "\"a.b\"", " \"a.b\" ", "\"x\", \"a.b\"",
                                         ",\"a,\" ,\"a.b\",,", "\"\",\"a.b\",W/\"a.b\"" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_true(conditional_none_match(lists[i], tag));
        assert_true(conditional_match(lists[i], tag));
    }
}

static void
another_tag_is_none(void **unused)
{
    (void)unused;
    static const char *const lists[] = { "",     " ",     "\"a.bc\"", "\"a.\"",
                                         "\"\"", "\"*\"", ",",        "\"A.B\"" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_false(conditional_none_match(lists[i], tag));
        assert_false(conditional_match(lists[i], tag));
    }
}

static void
a_list_that_is_malformed_names_nothing(void **unused)
{
    (void)unused;
    static const char *const lists[] = {
        "a.b",           "\"a.b",      "a.b\"",      "x \"a.b\"",
        "\"a.b\" \"c\"", "\"a.b\"x",   "\"a.b\", c", "\"a.b\", \"c d\"",
        "\"a.b\", *",    "*, \"a.b\"", "**",         "W/",
        "W/a.b",         "w/\"a.b\"",  "W/ \"a.b\"", "\"a.b\"; \"c\""
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_false(conditional_none_match(lists[i], tag));
        assert_false(conditional_match(lists[i], tag));
        assert_false(conditional_if_range(lists[i], tag));
    }
}

static void
a_weak_tag_says_that_a_client_has_it_and_no_more(void **unused)
{
    (void)unused;
    static const char *const lists[] = { "W/\"a.b\"", "\"x\" , W/\"a.b\"" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_true(conditional_none_match(lists[i], tag));
        assert_false(conditional_match(lists[i], tag));
        assert_false(conditional_if_range(lists[i], tag));
    }
}

static void
a_star_is_whatever_there_is(void **unused)
{
    (void)unused;
    static const char *const stars[] = { "*", " * " };
    for (size_t i = 0; i < sizeof stars / sizeof stars[0]; i++) {
        assert_true(conditional_none_match(stars[i], tag));
        assert_true(conditional_none_match(stars[i], NULL));
        assert_true(conditional_match(stars[i], tag));
        assert_true(conditional_match(stars[i], NULL));
        assert_false(conditional_if_range(stars[i], tag));
    }
}

static void
without_a_header_there_is_no_condition(void **unused)
{
    (void)unused;
    assert_false(conditional_none_match(NULL, tag));
    assert_true(conditional_match(NULL, tag));
    assert_true(conditional_match(NULL, NULL));
    assert_true(conditional_if_range(NULL, tag));
    assert_true(conditional_if_range(NULL, NULL));
}

static void
an_answer_without_a_tag_is_not_named(void **unused)
{
    (void)unused;
    assert_false(conditional_none_match(tag, NULL));
    assert_false(conditional_match(tag, NULL));
    assert_false(conditional_if_range(tag, NULL));
}

static void
a_range_counts_for_this_very_tag(void **unused)
{
    (void)unused;
    assert_true(conditional_if_range("\"a.b\"", tag));
    assert_true(conditional_if_range(" \"a.b\"\t", tag));
    static const char *const others[] = { "\"a.c\"", "\"a.b\", \"a.b\"", "",
                                          "Sun, 29 Nov 2026 10:39:01 GMT" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(conditional_if_range(others[i], tag));
}

static void
assert_rows(const char *header, int64_t total, int64_t first, int64_t rows)
{
    row_range_t range = conditional_range(header);
    int64_t offset = -1;
    int64_t count = -1;
    assert_int_not_equal(range.kind, RANGE_NONE);
    assert_true(conditional_rows(&range, total, &offset, &count));
    assert_int_equal(offset, first);
    assert_int_equal(count, rows);
}

static void
a_range_names_rows_by_first_and_last(void **unused)
{
    (void)unused;
    assert_rows("rows=0-0", 10, 0, 1);
    assert_rows("rows=0-9", 10, 0, 10);
    assert_rows("rows=5-99", 10, 5, 5);
    assert_rows("rows=5-", 10, 5, 5);
    assert_rows("rows=-3", 10, 7, 3);
    assert_rows("rows=-30", 10, 0, 10);
    assert_rows("Rows=3-4", 10, 3, 2);
    assert_rows("rows= 3-4", 10, 3, 2);
    assert_rows("ROWS=\t-3 ", 10, 7, 3);
    assert_rows("rows=9-99999999999999999999", 10, 9, 1);
    assert_rows("rows=0-9223372036854775807", INT64_MAX, 0, INT64_MAX);
}

static void
a_range_behind_the_end_has_no_rows(void **unused)
{
    (void)unused;
    static const char *const headers[] = { "rows=10-", "rows=10-20", "rows=99999999999999999999-",
                                           "rows=-0" };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        row_range_t range = conditional_range(headers[i]);
        int64_t offset = 0;
        int64_t count = 0;
        assert_int_not_equal(range.kind, RANGE_NONE);
        assert_false(conditional_rows(&range, 10, &offset, &count));
    }
    row_range_t all = conditional_range("rows=0-");
    int64_t offset = 0;
    int64_t count = 0;
    assert_false(conditional_rows(&all, 0, &offset, &count));
}

static void
what_is_no_range_of_rows_is_passed_over(void **unused)
{
    (void)unused;
    static const char *const headers[] = {
        "bytes=0-9", "rows",         "rows=",      "rows= ",          "rows=-",
        "rows=5",    "rows=5-4",     "rows=a-b",   "rows=+1-",        "rows =0-1",
        "row=0-1",   "rows=0-1,3-4", "rows=0 - 1", "rows=0-9, 20-29", "rows=--1",
        "rows=1-2-", "rows=0x1-",    "",
    };
    assert_int_equal(conditional_range(NULL).kind, RANGE_NONE);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_int_equal(conditional_range(headers[i]).kind, RANGE_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(another_tag_is_none),
        cmocka_unit_test(a_list_that_is_malformed_names_nothing),
        cmocka_unit_test(a_weak_tag_says_that_a_client_has_it_and_no_more),
        cmocka_unit_test(a_star_is_whatever_there_is),
        cmocka_unit_test(without_a_header_there_is_no_condition),
        cmocka_unit_test(an_answer_without_a_tag_is_not_named),
        cmocka_unit_test(a_range_counts_for_this_very_tag),
        cmocka_unit_test(a_range_names_rows_by_first_and_last),
        cmocka_unit_test(a_range_behind_the_end_has_no_rows),
        cmocka_unit_test(what_is_no_range_of_rows_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
