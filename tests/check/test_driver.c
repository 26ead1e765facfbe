/* test_driver.c - scripts on a real PostgreSQL: results, failures, sessions, COPY. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check/channel_world.h"

/* --- statements --- */

static void
every_statement_has_a_result_of_its_own(void **unused)
{
    (void)unused;
    it.script.step = 7;
    done("SELECT 1 AS a, 'x' AS b; CREATE TABLE channel_role.t (a int);"
         " INSERT INTO channel_role.t SELECT generate_series(1, 3);"
         " SELECT a FROM channel_role.t ORDER BY a; SELECT 1 WHERE false");
    it.script.step = 0;
    assert_string_equal(it.text, "1|x|;\n\n\n1|;2|;3|;\n\n");
    static const char *const tags[] = { "SELECT 1", "CREATE TABLE", "INSERT 0 3", "SELECT 3",
                                        "SELECT 0" };
    assert_int_equal(it.manifest->count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const result_t *result = &it.manifest->results[i];
        assert_string_equal(result->tag, tags[i]);
        assert_int_equal(result->ordinal, i);
        assert_int_equal(result->step, 7);
        assert_int_equal(result->has_columns, i != 1 && i != 2);
    }
}

static void
a_thousand_statements_are_one_flight(void **unused)
{
    (void)unused;
    own(mem) sql = mem_new(STATEMENTS_MOST * 16);
    size_t size = 0;
    for (int i = 0; i < STATEMENTS_MOST; i++)
        size += (size_t)snprintf(sql + size, 16, "SELECT %d;", i);
    done(sql);
    assert_int_equal(it.manifest->count, STATEMENTS_MOST);
    assert_string_equal(it.manifest->results[999].tag, "SELECT 1");
    assert_non_null(strstr(it.text, "998|;\n999|;\n"));
}

static void
statements_larger_than_any_socket_go_out(void **unused)
{
    (void)unused;
    enum { PIECE = 3 << 20 };
    own(mem) piece = mem_new(PIECE + 1);
    memset(piece, 'x', PIECE);
    own(mem) sql = mem_format("SELECT length('%s'); SELECT repeat('y', 100000);"
                              " SELECT length('%s')",
                              piece, piece);
    done(sql);
    assert_int_equal(it.manifest->count, 3);
    assert_non_null(strstr(it.text, "y|;\n3145728|;\n"));
    assert_true(it.driver->worn(it.channel));
}

static void
an_error_is_found_in_the_whole_text(void **unused)
{
    (void)unused;
    run("SELECT '\xc3\xa4';\nSELECT nothing", LAST);
    expect_failure(TURN_FAILED, "42703");
    assert_int_equal(it.failure.position, 20);
    expect(TURN_CLEAN);
    run("SELECT nothing", LAST);
    expect_failure(TURN_FAILED, "42703");
    assert_int_equal(it.failure.position, 8);
    expect(TURN_CLEAN);
}

static void
a_script_that_fails_leaves_nothing(void **unused)
{
    (void)unused;
    run("CREATE TABLE channel_role.t (a int); SET lock_timeout = 77; SELECT 1/0; SELECT 2", LAST);
    expect_failure(TURN_FAILED, "22012");
    assert_false(it.failure.already);
    expect(TURN_CLEAN);
    assert_look("SELECT to_regclass('channel_role.t') IS NULL", "t");
    assert_says("SHOW lock_timeout", "0|;\n");
}

static void
what_wrote_has_an_id(void **unused)
{
    (void)unused;
    ran("SELECT 1", LAST);
    assert_int_equal(it.driver->xid(it.channel), 0);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
    ran("CREATE TABLE channel_role.t (a int); SELECT txid_current()", LAST);
    own(mem) id = mem_format("\n%lld|;\n", (long long)it.driver->xid(it.channel));
    assert_string_equal(it.text, id);
    assert_false(it.driver->marked(it.channel));
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

static void
types_that_are_not_built_in_are_named_in_every_result(void **unused)
{
    (void)unused;
    set_up("CREATE TYPE channel_role.mood AS ENUM ('fine'); CREATE DOMAIN channel_role.n AS int");
    done("SELECT 'fine'::channel_role.mood; SELECT 1; SELECT array['fine']::channel_role.mood[]");
    assert_string_equal(it.manifest->results[0].columns[0].type, "mood");
    assert_string_equal(it.manifest->results[1].columns[0].type, "integer");
    assert_string_equal(it.manifest->results[2].columns[0].type, "mood[]");
}

static void
a_changed_encoding_breaks_the_script(void **unused)
{
    (void)unused;
    run("SET client_encoding = 'LATIN1'; SELECT 'a'; SET client_encoding = 'UTF8'", LAST);
    expect_failure(TURN_BROKEN, "0A000");
    reopen("");
    run("SET client_encoding = 'LATIN1'", LAST);
    expect_failure(TURN_BROKEN, "0A000");
}

static void
statements_may_still_set_their_transaction(void **unused)
{
    (void)unused;
    assert_says("SET LOCAL lock_timeout = 5; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;"
                " SHOW transaction_isolation",
                "\n\nserializable|;\n");
}

static void
a_role_cannot_make_commits_less_durable(void **unused)
{
    (void)unused;
    set_up("ALTER ROLE channel_role SET synchronous_commit = off");
    set_up("ALTER ROLE channel_role SET standard_conforming_strings = off");
    reopen("");
    assert_says("SHOW synchronous_commit; SHOW standard_conforming_strings", "on|;\non|;\n");
    assert_says("SET synchronous_commit = off; SHOW synchronous_commit", "\noff|;\n");
    assert_says("SHOW synchronous_commit", "on|;\n");
}

/* --- read only --- */

static void
a_read_only_script_cannot_write(void **unused)
{
    (void)unused;
    run("CREATE TABLE channel_role.t (a int)", LAST | READ_ONLY);
    expect_failure(TURN_FAILED, "25006");
    expect(TURN_CLEAN);
    run("SET TRANSACTION READ WRITE; CREATE TABLE channel_role.t (a int)", LAST | READ_ONLY);
    expect_failure(TURN_FAILED, "25001");
    expect(TURN_CLEAN);
}

static void
a_read_only_script_ends_well_and_is_rolled_back(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    ran("SET lock_timeout = 77; SELECT 5", KEPT | READ_ONLY);
    assert_string_equal(it.text, "\n5|;\n");
    assert_int_equal(it.driver->xid(it.channel), 0);
    assert_null(it.driver->leaves(it.channel));
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    assert_says("SHOW lock_timeout", "0|;\n");
}

/* --- outside any transaction --- */

static void
what_refuses_a_transaction_runs_alone(void **unused)
{
    (void)unused;
    done("CREATE TABLE channel_role.t (a int)");
    run("VACUUM channel_role.t", LAST);
    expect_failure(TURN_FAILED, "25001");
    expect(TURN_CLEAN);
    run("VACUUM channel_role.t", LAST | ALONE);
    expect(TURN_COMMITTED);
    assert_string_equal(it.manifest->results[0].tag, "VACUUM");
    expect(TURN_CLEAN);
    run("CREATE INDEX CONCURRENTLY i ON channel_role.t (a)", LAST | ALONE);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

static void
rows_of_an_autocommit_statement_come_in_pages(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        it.fulls = 0;
        run("SELECT generate_series(1, 1000)", (i < 2 ? KEPT : LAST) | ALONE);
        expect(TURN_COMMITTED);
        assert_int_equal(it.fulls, 10);
        assert_non_null(strstr(it.text, "999|;1000|;\n"));
    }
    expect(TURN_CLEAN);
    ran("CREATE TABLE channel_role.t (a int)", KEPT);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    it.fulls = 0;
    run("SELECT generate_series(1, 1000)", LAST | ALONE);
    expect(TURN_COMMITTED);
    assert_int_equal(it.fulls, 10);
    expect(TURN_CLEAN);
}

static void
an_autocommit_statement_may_fail_at_its_commit(void **unused)
{
    (void)unused;
    done("CREATE TABLE channel_role.t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
         " INSERT INTO channel_role.t VALUES (1)");
    run("INSERT INTO channel_role.t VALUES (1)", LAST | ALONE);
    expect_failure(TURN_FAILED, "23505");
    expect(TURN_CLEAN);
    run("SELECT 1/0", KEPT | ALONE);
    expect_failure(TURN_FAILED, "22012");
    expect(TURN_CLEAN);
    assert_says("SELECT count(*) FROM channel_role.t", "1|;\n");
}

static void
nobody_knows_of_an_autocommit_statement_that_was_cut_off(void **unused)
{
    (void)unused;
    run("SELECT pg_sleep(30)", LAST | ALONE);
    own(mem) kill =
        mem_format("SELECT pg_terminate_backend(%d)", (int)it.driver->backend(it.channel)->pid);
    set_up(kill);
    expect_failure(TURN_LOST, "57P01");
    reopen("");
    run("SELECT repeat('x', 3000000)", LAST | ALONE);
    expect_failure(TURN_LOST, "54000");
}

static void
an_autocommit_statement_says_what_it_leaves(void **unused)
{
    (void)unused;
    set_up("CREATE TYPE channel_role.mood AS ENUM ('fine')");
    run("SET lock_timeout = 77", KEPT | ALONE);
    expect(TURN_COMMITTED);
    assert_string_equal(it.driver->leaves(it.channel), "a setting (SET)");
    run("SELECT 'fine'::channel_role.mood", KEPT | ALONE);
    expect(TURN_COMMITTED);
    assert_string_equal(it.manifest->results[0].columns[0].type, "mood");
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    assert_says("SHOW lock_timeout", "0|;\n");
}

/* --- several scripts --- */

static void
a_session_is_kept_from_script_to_script(void **unused)
{
    (void)unused;
    ran("CREATE TEMP TABLE mine (a int); SET lock_timeout = 77", KEPT);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    ran("INSERT INTO mine VALUES (5); SELECT * FROM mine; SHOW lock_timeout", KEPT);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    assert_string_equal(it.text, "\n5|;\n77ms|;\n");
    run("SELECT 1/0", KEPT);
    expect(TURN_FAILED);
    expect(TURN_CLEAN);
    assert_says("SELECT * FROM mine", "5|;\n");
    run("SELECT * FROM mine", LAST);
    expect_failure(TURN_FAILED, "42P01");
    expect(TURN_CLEAN);
}

static void
a_job_may_end_between_its_scripts(void **unused)
{
    (void)unused;
    ran("SET lock_timeout = 77", KEPT);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    run("SET lock_timeout = 77; SELECT 1/0", KEPT);
    expect(TURN_FAILED);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    ran("SET lock_timeout = 77; CREATE TABLE channel_role.t (a int)", KEPT);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    assert_says("SHOW lock_timeout", "0|;\n");
    assert_look("SELECT to_regclass('channel_role.t') IS NULL", "t");
}

static void
a_commit_that_fails_keeps_the_session(void **unused)
{
    (void)unused;
    done("CREATE TABLE channel_role.t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    for (int i = 0; i < 2; i++) {
        ran("INSERT INTO channel_role.t VALUES (1), (1)", i == 0 ? KEPT : LAST);
        it.driver->commit(it.channel);
        expect_failure(TURN_FAILED, "23505");
        expect(TURN_CLEAN);
    }
    assert_says("SELECT count(*) FROM channel_role.t", "0|;\n");
}

static void
assert_leaves(const char *sql, const char *expected)
{
    ran(sql, KEPT);
    const char *leaves = it.driver->leaves(it.channel);
    if (!expected)
        assert_null(leaves);
    else if (!leaves || strcmp(leaves, expected) != 0)
        fail_msg("%s leaves %s", sql, leaves ? leaves : "nothing");
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
}

static void
what_a_script_leaves_in_its_session_is_known(void **unused)
{
    (void)unused;
    set_up("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'channel_group') THEN"
           " CREATE ROLE channel_group; END IF; END $$; GRANT channel_group TO channel_role");
    assert_leaves("SELECT 1", NULL);
    assert_leaves("CREATE TABLE channel_role.t (a int)", NULL);
    assert_leaves("CREATE TEMP TABLE mine (a int)", "a temporary object");
    assert_leaves("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                  "a temporary object");
    assert_leaves("CREATE TEMP TABLE mine (a int); DROP TABLE mine", NULL);
    assert_leaves("PREPARE p AS SELECT 1", "a prepared statement");
    assert_leaves("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "a cursor");
    assert_leaves("DECLARE c CURSOR FOR SELECT 1", NULL);
    assert_leaves("SELECT pg_advisory_lock(1)", "an advisory lock");
    assert_leaves("SET ROLE channel_group", "another role (SET ROLE)");
    assert_leaves("SET LOCAL ROLE channel_group", NULL);
    assert_leaves("SET lock_timeout = 77", "a setting (SET)");
    assert_leaves("SELECT set_config('my.own', '1', false)", "a setting (SET)");
    assert_leaves("SET my.own = 1", "a setting (SET)");
    assert_leaves("SET LOCAL my.own = 1", NULL);
    assert_leaves("SET LOCAL lock_timeout = 77; SET LOCAL TIME ZONE 'UTC'", NULL);
    assert_leaves("SET LOCAL lock_timeout = 77; SET lock_timeout = 78", "a setting (SET)");
    assert_leaves("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", NULL);
    assert_leaves("SET CONSTRAINTS ALL DEFERRED", NULL);
}

/* --- COPY --- */

static void
copy_to_stdout_is_a_result(void **unused)
{
    (void)unused;
    done("SELECT 1; COPY (SELECT 1, 'a' UNION ALL SELECT 2, E'\xc3\xa4\\n') TO STDOUT; SELECT 2");
    assert_string_equal(it.text, "1|;\n1\ta|;2\t\xc3\xa4\\n|;\n2|;\n");
    const result_t *result = &it.manifest->results[1];
    assert_string_equal(result->tag, "COPY 2");
    assert_int_equal(result->column_count, 1);
    assert_string_equal(result->columns[0].name, "copy");
    assert_string_equal(result->columns[0].type, "text");
    run("COPY (SELECT 1) TO STDOUT (FORMAT csv, HEADER)", LAST | ALONE);
    expect(TURN_COMMITTED);
    assert_string_equal(it.text, "?column?|;1|;\n");
    expect(TURN_CLEAN);
}

static void
copy_in_binary_is_a_result_of_bytes(void **unused)
{
    (void)unused;
    done("COPY (SELECT 1::int2) TO STDOUT (FORMAT binary)");
    const result_t *result = &it.manifest->results[0];
    assert_string_equal(result->columns[0].type, "bytea");
    assert_int_equal(result->columns[0].kind, CELL_BINARY);
    assert_memory_equal(it.text, "PGCOPY\n", 7);
}

static void
copy_stops_at_every_full_page(void **unused)
{
    (void)unused;
    done("COPY (SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g) TO STDOUT; SELECT 7");
    assert_true(it.fulls > 400);
    assert_true(it.widest < 8192);
    assert_non_null(strstr(it.text, "x|;\n7|;\n"));
    assert_string_equal(it.manifest->results[0].tag, "COPY 20000");
}

static void
copy_may_fail_on_its_way(void **unused)
{
    (void)unused;
    run("SELECT 1; COPY (SELECT 1/(1000-g) FROM generate_series(1, 2000) g) TO STDOUT; SELECT 2",
        LAST);
    expect_failure(TURN_FAILED, "22012");
    expect(TURN_CLEAN);
    run("COPY (SELECT repeat('x', 3000000)) TO STDOUT", LAST);
    expect_failure(TURN_BROKEN, "54000");
    reopen("");
    run("COPY (SELECT repeat('x', 30000000)) TO STDOUT", LAST);
    expect_failure(TURN_BROKEN, "54000");
    reopen("");
    run("COPY (SELECT g, pg_sleep(CASE WHEN g = 5000 THEN 30 ELSE 0 END)"
        " FROM generate_series(1, 6000) g) TO STDOUT",
        LAST);
    while (it.fulls == 0)
        (void)turn_once();
    own(mem) kill =
        mem_format("SELECT pg_terminate_backend(%d)", (int)it.driver->backend(it.channel)->pid);
    set_up(kill);
    expect_failure(TURN_LOST, "57P01");
}

static void
copy_from_the_client_never_hangs(void **unused)
{
    (void)unused;
    done("CREATE TABLE channel_role.t (a int)");
    statement_t statement = { .sql = mem_text("COPY channel_role.t FROM STDIN") };
    statement_t list[] = { statement, { .sql = mem_text("SELECT 1") } };
    statements_t statements = { .count = 2, .list = list };
    it.script.statements = &statements;
    it.script.last = true;
    it.driver->run(it.channel, &it.script, it.rows, it.manifest);
    expect_failure(TURN_BROKEN, "0A000");
    free(list[0].sql);
    free(list[1].sql);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL(every_statement_has_a_result_of_its_own),
        CHANNEL(a_thousand_statements_are_one_flight),
        CHANNEL(statements_larger_than_any_socket_go_out),
        CHANNEL(an_error_is_found_in_the_whole_text),
        CHANNEL(a_script_that_fails_leaves_nothing),
        CHANNEL(what_wrote_has_an_id),
        CHANNEL(types_that_are_not_built_in_are_named_in_every_result),
        CHANNEL(a_changed_encoding_breaks_the_script),
        CHANNEL(statements_may_still_set_their_transaction),
        CHANNEL(a_role_cannot_make_commits_less_durable),
        CHANNEL(a_read_only_script_cannot_write),
        CHANNEL(a_read_only_script_ends_well_and_is_rolled_back),
        CHANNEL(what_refuses_a_transaction_runs_alone),
        CHANNEL(rows_of_an_autocommit_statement_come_in_pages),
        CHANNEL(an_autocommit_statement_may_fail_at_its_commit),
        CHANNEL(nobody_knows_of_an_autocommit_statement_that_was_cut_off),
        CHANNEL(an_autocommit_statement_says_what_it_leaves),
        CHANNEL(a_session_is_kept_from_script_to_script),
        CHANNEL(a_job_may_end_between_its_scripts),
        CHANNEL(a_commit_that_fails_keeps_the_session),
        CHANNEL(what_a_script_leaves_in_its_session_is_known),
        CHANNEL(copy_to_stdout_is_a_result),
        CHANNEL(copy_in_binary_is_a_result_of_bytes),
        CHANNEL(copy_stops_at_every_full_page),
        CHANNEL(copy_may_fail_on_its_way),
        CHANNEL(copy_from_the_client_never_hangs),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}
