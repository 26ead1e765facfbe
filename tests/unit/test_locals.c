/* test_locals.c - which settings a script sets for its transaction only. */
#include "executor/drivers/postgres/locals.h"
#include "tests/unit/unit.h"

static void
assert_locals(const char *sql, const char *expected)
{
    err_t err;
    own(statements) statements = statements_split(sql, &err);
    assert_non_null(statements);
    own(mem) array = locals_array(statements);
    assert_string_equal(array, expected);
}

static void
no_script_sets_nothing(void **unused)
{
    (void)unused;
    own(mem) array = locals_array(NULL);
    assert_string_equal(array, "{}");
    assert_locals("SELECT 1; SET a.b = 1; SET SESSION c = 2; SETS", "{}");
}

static void
set_local_is_local(void **unused)
{
    (void)unused;
    assert_locals("SET LOCAL lock_timeout = 1", "{lock_timeout}");
    assert_locals("set local Work_Mem to 2; SELECT 1; SET LOCAL a.b = 1", "{work_mem,a.b}");
    assert_locals("/* x */ SET -- y\n LOCAL/**/a = 1", "{a}");
    assert_locals("SET LOCAL a = 1; SET LOCAL a = 2", "{a}");
}

static void
a_setting_of_the_session_is_not_local(void **unused)
{
    (void)unused;
    assert_locals("SET LOCAL a = 1; SET a = 2; SET LOCAL b = 1", "{b}");
    assert_locals("SET SESSION a = 1; SET LOCAL a = 2", "{}");
}

static void
settings_with_words_of_their_own_are_known(void **unused)
{
    (void)unused;
    assert_locals("SET LOCAL TIME ZONE 'UTC'; SET LOCAL SCHEMA 'a'; SET LOCAL ROLE b",
                  "{timezone,search_path,role}");
}

static void
names_that_are_quoted_or_too_long_do_not_count(void **unused)
{
    (void)unused;
    assert_locals("SET LOCAL \"a\" = 1", "{}");
    assert_locals("SET LOCAL a1234567890123456789012345678901234567890123456789012345678901234 = 1",
                  "{}");
}

static void
more_settings_than_there_is_room_for_are_left_out(void **unused)
{
    (void)unused;
    own(mem) sql = mem_text("");
    for (int i = 0; i < 40; i++) {
        own(mem) more = mem_format("%sSET LOCAL s%d = 1;", sql, i);
        mem_destroy(&sql);
        sql = take(more);
    }
    err_t err;
    own(statements) statements = statements_split(sql, &err);
    assert_non_null(statements);
    own(mem) array = locals_array(statements);
    assert_non_null(strstr(array, ",s31}"));
}

static bool
hidden(const char *sql)
{
    err_t err;
    own(statements) statements = statements_split(sql, &err);
    assert_non_null(statements);
    return locals_hidden(statements);
}

static void
settings_that_no_source_lists_are_seen_in_the_text(void **unused)
{
    (void)unused;
    assert_true(hidden("SELECT 1; SET my.own = 1"));
    assert_true(hidden("SET SESSION my.own = 1"));
    assert_true(hidden("SELECT Set_Config('my.own', '1', false)"));
    assert_false(hidden("SET LOCAL my.own = 1"));
    assert_false(hidden("SET lock_timeout = 1; SELECT a.b"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_script_sets_nothing),
        cmocka_unit_test(set_local_is_local),
        cmocka_unit_test(a_setting_of_the_session_is_not_local),
        cmocka_unit_test(settings_with_words_of_their_own_are_known),
        cmocka_unit_test(names_that_are_quoted_or_too_long_do_not_count),
        cmocka_unit_test(more_settings_than_there_is_room_for_are_left_out),
        cmocka_unit_test(settings_that_no_source_lists_are_seen_in_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
