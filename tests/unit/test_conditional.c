#include "tests/unit/unit.h"

#include "api/conditional.h"

static void
a_tag_is_found_in_a_list(void **unused)
{
    (void)unused;
    static const char tag[] = "\"a.b\"";
    assert_true(conditional_matches("\"a.b\"", tag));
    assert_true(conditional_matches("W/\"a.b\"", tag));
    assert_true(conditional_matches("\"x\", \"a,\" ,W/\"a.b\"", tag));
    assert_true(conditional_matches("*", tag));
    assert_true(conditional_matches("\"x\",*", tag));
}

static void
another_tag_is_none(void **unused)
{
    (void)unused;
    static const char tag[] = "\"a.b\"";
    static const char *const others[] = { "",      " ",     "\"a.bc\"", "\"a.\"", "a.b",
                                          "\"a.b", "W/a.b", "\"\"",     ",",      "x \"a.b\"" };
    assert_false(conditional_matches(NULL, tag));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(conditional_matches(others[i], tag));
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
    static const char *const headers[] = { "bytes=0-9", "rows",      "rows=",     "rows=-",
                                           "rows=5",    "rows=5-4",  "rows=a-b",  "rows=0-1,3-4",
                                           "rows= 0-1", "rows=+1-2", "rows=1-2 ", "" };
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
        cmocka_unit_test(a_range_names_rows_by_first_and_last),
        cmocka_unit_test(a_range_behind_the_end_has_no_rows),
        cmocka_unit_test(what_is_no_range_of_rows_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
