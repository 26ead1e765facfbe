/* test_allowance.c - what a script's results may come to, on a real PostgreSQL: too much of it
 * fails the script, or is left out. */
#include <stdlib.h>

#include "tests/check/channel_world.h"

static allowance_t allowance;

/* The rows of a result are integers below 128: two bytes each. */
enum { ROW = 2 };

static void
allow(int64_t rows, int64_t bytes, bool cut)
{
    allowance = (allowance_t){ .rows = rows, .bytes = bytes, .cut = cut };
    it.script.allowance = &allowance;
}

static void
commit(void)
{
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

static void
assert_cut(uint32_t result, const char *tag)
{
    assert_true(it.manifest->results[result].truncated);
    assert_string_equal(it.manifest->results[result].tag, tag);
}

static void
exactly_as_much_as_is_allowed_is_not_too_much(void **unused)
{
    (void)unused;
    for (int cut = 0; cut < 2; cut++) {
        allow(5, 5 * ROW, cut == 1);
        ran("SELECT generate_series(1, 2); SELECT generate_series(3, 5); SELECT 1 WHERE false",
            LAST);
        assert_string_equal(it.text, "1|;2|;\n3|;4|;5|;\n\n");
        assert_int_equal(allowance.rows, 0);
        assert_int_equal(allowance.bytes, 0);
        for (uint32_t i = 0; i < 3; i++)
            assert_false(it.manifest->results[i].truncated);
        assert_false(allowance.spent);
        commit();
    }
}

static void
a_row_too_many_is_over(void **unused)
{
    (void)unused;
    allow(5, INT64_MAX, false);
    run("SELECT generate_series(1, 2); SELECT generate_series(3, 6)", LAST);
    expect(TURN_OVER);
    assert_int_equal(allowance.rows, 0);
    reopen("");
    allow(INT64_MAX, 5 * ROW, false);
    run("SELECT generate_series(1, 2); SELECT generate_series(3, 6)", LAST);
    expect(TURN_OVER);
    assert_int_equal(allowance.rows, INT64_MAX - 5);
    reopen("");
    allow(3, INT64_MAX, false);
    run("COPY (SELECT generate_series(1, 4)) TO STDOUT", LAST);
    expect(TURN_OVER);
}

static void
what_is_over_had_no_effect(void **unused)
{
    (void)unused;
    set_up("CREATE TABLE channel_role.t (a int); GRANT ALL ON channel_role.t TO channel_role");
    allow(2, INT64_MAX, false);
    run("INSERT INTO channel_role.t SELECT generate_series(1, 3) RETURNING a", LAST);
    expect(TURN_OVER);
    reopen("");
    assert_says("SELECT count(*) FROM channel_role.t", "0|;\n");
}

static void
rows_that_are_left_out_change_no_effect(void **unused)
{
    (void)unused;
    set_up("CREATE TABLE channel_role.t (a int); GRANT ALL ON channel_role.t TO channel_role");
    allow(2, INT64_MAX, true);
    done("INSERT INTO channel_role.t SELECT generate_series(1, 300000) RETURNING a");
    assert_string_equal(it.text, "1|;2|;\n");
    assert_cut(0, "INSERT 0 300000");
    assert_true(allowance.spent);
    it.script.allowance = NULL;
    assert_says("SELECT count(*) FROM channel_role.t", "300000|;\n");
}

/* Even where a small row would still find room. */
static void
whole_rows_are_left_out_from_the_first_that_is_too_large(void **unused)
{
    (void)unused;
    allow(INT64_MAX, 50, true);
    done("SELECT repeat('x', CASE WHEN i = 3 THEN 100 ELSE 9 END) FROM generate_series(1, 5) i;"
         " SELECT 7; SELECT 8 WHERE false; CREATE TEMP TABLE t (n int)");
    assert_string_equal(it.text, "xxxxxxxxx|;xxxxxxxxx|;\n\n\n\n");
    assert_int_equal(allowance.bytes, 50 - 2 * 11);
    assert_cut(0, "SELECT 5");
    assert_cut(1, "SELECT 1");
    assert_true(it.manifest->results[1].has_columns);
    assert_false(it.manifest->results[2].truncated);
    assert_false(it.manifest->results[3].truncated);
    it.script.allowance = &allowance; /* and in the job's next script, too */
    done("SELECT 9");
    assert_cut(0, "SELECT 1");
    assert_string_equal(it.text, "\n");
}

/* It is dropped before it asks for memory. */
static void
a_row_larger_than_a_page_may_be_left_out(void **unused)
{
    (void)unused;
    allow(INT64_MAX, 50000, true);
    done("SELECT repeat('x', i) FROM unnest(array[1, 40000, 60000, 1]) i");
    assert_int_equal(it.manifest->results[0].rows, 0); /* the slot's to count */
    assert_int_equal(allowance.bytes, 50000 - 3 - 40004);
    assert_int_equal(it.size, 3 + 40002 + 1);
}

static void
copy_is_cut_as_rows_are(void **unused)
{
    (void)unused;
    allow(2, INT64_MAX, true);
    done("COPY (SELECT generate_series(1, 5)) TO STDOUT; SELECT 1");
    assert_string_equal(it.text, "1|;2|;\n\n");
    assert_cut(0, "COPY 5");
    assert_cut(1, "SELECT 1");
}

static void
an_autocommit_statement_is_cut(void **unused)
{
    (void)unused;
    allow(2, INT64_MAX, true);
    run("SELECT generate_series(1, 5)", LAST | ALONE);
    expect(TURN_COMMITTED);
    assert_string_equal(it.text, "1|;2|;\n");
    assert_cut(0, "SELECT 5");
    expect(TURN_CLEAN);
}

static void
what_nobody_needs_is_not_read(void **unused)
{
    (void)unused;
    allow(2, INT64_MAX, true);
    run("SELECT 1; SELECT generate_series(1, 1000000000)", LAST | READ_ONLY);
    expect(TURN_ENOUGH);
    assert_int_equal(it.manifest->count, 2);
    assert_true(it.manifest->results[1].truncated);
    assert_null(it.manifest->results[1].tag);
    reopen("");
    allow(2, INT64_MAX, true);
    run("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT", LAST | READ_ONLY);
    expect(TURN_ENOUGH);
}

static void
what_somebody_may_need_is_read(void **unused)
{
    (void)unused;
    allow(2, INT64_MAX, true);
    ran("SELECT generate_series(1, 4); SELECT 1 WHERE false", LAST | READ_ONLY); /* another one */
    assert_cut(0, "SELECT 4");
    commit();
    allow(2, INT64_MAX, true);
    ran("SELECT generate_series(1, 4)", READ_ONLY); /* another step */
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    allow(2, INT64_MAX, true);
    ran("SELECT generate_series(1, 4)", LAST); /* an effect */
    commit();
    set_up("CREATE TYPE channel_role.mood AS ENUM ('fine')");
    allow(2, INT64_MAX, true);
    ran("SELECT 'fine'::channel_role.mood FROM generate_series(1, 4)", LAST | READ_ONLY);
    assert_string_equal(it.manifest->results[0].columns[0].type, "mood"); /* a name */
    commit();
    allow(2, INT64_MAX, true);
    run("SELECT 'fine'::channel_role.mood FROM generate_series(1, 4)", LAST | READ_ONLY);
    expect(TURN_ENOUGH); /* which is known by now */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL(exactly_as_much_as_is_allowed_is_not_too_much),
        CHANNEL(a_row_too_many_is_over),
        CHANNEL(what_is_over_had_no_effect),
        CHANNEL(rows_that_are_left_out_change_no_effect),
        CHANNEL(whole_rows_are_left_out_from_the_first_that_is_too_large),
        CHANNEL(a_row_larger_than_a_page_may_be_left_out),
        CHANNEL(copy_is_cut_as_rows_are),
        CHANNEL(an_autocommit_statement_is_cut),
        CHANNEL(what_nobody_needs_is_not_read),
        CHANNEL(what_somebody_may_need_is_read),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}
