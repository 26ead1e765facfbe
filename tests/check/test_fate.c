/* test_fate.c - what a real PostgreSQL says of transactions: markers, barriers, fates, stopping. */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/check/channel_world.h"

static fate_t
answered(void)
{
    expect(TURN_ANSWERED);
    return it.driver->fate(it.channel);
}

static fate_t
ask_fate(int64_t xid)
{
    const backend_t *backend = it.driver->backend(it.channel);
    it.driver->ask_fate(it.channel, backend->system_id, backend->timeline, xid);
    return answered();
}

static fate_t
ask_marker(uint32_t step)
{
    it.driver->ask_marker(it.channel, &it.script.job, step);
    return answered();
}

static void
make_table(void)
{
    done("CREATE TABLE channel_role.t (a int)");
}

/* --- the session --- */

static void
a_session_knows_its_server(void **unused)
{
    (void)unused;
    const backend_t *backend = it.driver->backend(it.channel);
    own(mem) system = look("SELECT system_identifier FROM pg_control_system()");
    own(mem) start = look("SELECT round(extract(epoch FROM backend_start) * 1000000)::int8"
                          " FROM pg_stat_activity WHERE application_name = 'test_driver'"
                          " ORDER BY backend_start DESC LIMIT 1");
    assert_int_equal(backend->system_id, atoll(system));
    assert_int_equal(backend->timeline, 1);
    assert_int_equal(backend->start_us, atoll(start));
    assert_false(backend->ledger);
}

static void
a_ledger_counts_where_it_may_be_used(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    assert_true(it.driver->backend(it.channel)->ledger);
    set_up("REVOKE USAGE ON SCHEMA millrace FROM PUBLIC");
    reopen("");
    assert_false(it.driver->backend(it.channel)->ledger);
    set_up("GRANT USAGE ON SCHEMA millrace TO PUBLIC;"
           "REVOKE EXECUTE ON FUNCTION millrace.mark FROM PUBLIC");
    reopen("options='-c search_path=pg_temp'");
    assert_false(it.driver->backend(it.channel)->ledger);
}

/* --- markers --- */

static void
a_marker_is_there_with_its_effects(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    make_table();
    it.script.step = 3;
    ran("INSERT INTO channel_role.t VALUES (1); SELECT txid_current()", LAST);
    own(mem) id = mem_format("\n%lld|;\n", (long long)it.driver->xid(it.channel));
    assert_string_equal(it.text, id);
    assert_true(it.driver->marked(it.channel));
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
    assert_int_equal(ask_marker(3), FATE_COMMITTED);
    assert_int_equal(ask_marker(2), FATE_ABORTED);
    ran("SELECT 1", LAST);
    assert_false(it.driver->marked(it.channel));
    assert_int_equal(it.driver->xid(it.channel), 0);
}

static void
a_marker_vanishes_with_its_effects(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    make_table();
    it.script.step = 3;
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    assert_int_equal(ask_marker(3), FATE_ABORTED);
}

static void
a_step_takes_effect_once(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    make_table();
    it.script.step = 3;
    done("INSERT INTO channel_role.t VALUES (1)");
    run("INSERT INTO channel_role.t VALUES (1)", LAST);
    expect_failure(TURN_FAILED, "23505");
    assert_true(it.failure.already);
    expect(TURN_CLEAN);
    assert_look("SELECT count(*) FROM channel_role.t", "1");
    it.script.step = 4;
    run("CREATE TABLE channel_role.ledger (a int UNIQUE);"
        " INSERT INTO channel_role.ledger VALUES (1), (1)",
        LAST);
    expect_failure(TURN_FAILED, "23505");
    assert_false(it.failure.already);
    expect(TURN_CLEAN);
}

static void
a_ledger_that_was_taken_away_ends_the_session(void **unused)
{
    (void)unused;
    make_ledger();
    reopen("");
    set_up("DROP SCHEMA millrace CASCADE");
    run("CREATE TABLE channel_role.t (a int)", LAST);
    expect(TURN_LOST);
    assert_look("SELECT to_regclass('channel_role.t') IS NULL", "t");
    reopen("");
    make_table();
    assert_int_equal(ask_marker(3), FATE_UNTOLD);
    assert_says("SELECT 1", "1|;\n");
}

/* --- barriers --- */

static fate_t
ask_barrier(const tested_t *other, int64_t start_more)
{
    const backend_t *backend = other->driver->backend(other->channel);
    const int64_t pairs[] = { backend->pid, backend->start_us + start_more };
    it.driver->ask_barrier(it.channel, pairs, 1);
    return answered();
}

static void
a_barrier_makes_the_log_durable(void **unused)
{
    (void)unused;
    make_table();
    tested_t before;
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    second(&before);
    own(mem) lsn = look("SELECT pg_current_wal_insert_lsn()");
    assert_int_equal(ask_barrier(&before, 0), FATE_COMMITTED);
    assert_int_equal(it.driver->left(it.channel), 1);
    own(mem) sql = mem_format("SELECT pg_current_wal_flush_lsn() >= '%s'", lsn);
    assert_look(sql, "t");
    assert_says("SELECT 1", "1|;\n");
    swap_back(&before);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

static void
a_source_may_refuse_a_barrier(void **unused)
{
    (void)unused;
    set_up("REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(bool, text, text) FROM PUBLIC");
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask_barrier(&it, 0), FATE_UNTOLD);
    assert_says("SELECT 1", "1|;\n");
    set_up("GRANT EXECUTE ON FUNCTION pg_logical_emit_message(bool, text, text) TO PUBLIC");
    assert_int_equal(ask_barrier(&it, 0), FATE_COMMITTED);
}

/* The session that was ended has not been turned: nobody here has heard of its end. */
static void
a_barrier_tells_who_did_not_live_to_see_it(void **unused)
{
    (void)unused;
    make_table();
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    own(mem) kill = mem_format("SELECT pg_terminate_backend(%d, 5000)",
                               (int)it.driver->backend(it.channel)->pid);
    tested_t before;
    second(&before);
    assert_int_equal(ask_barrier(&before, 0), FATE_COMMITTED);
    assert_int_equal(it.driver->left(it.channel), 1);
    assert_int_equal(ask_barrier(&before, 1), FATE_COMMITTED);
    assert_int_equal(it.driver->left(it.channel), 0);
    set_up(kill);
    assert_int_equal(ask_barrier(&before, 0), FATE_COMMITTED);
    assert_int_equal(it.driver->left(it.channel), 0);
    assert_says("SELECT 1", "1|;\n");
    swap_back(&before);
}

/* --- fates --- */

static void
the_source_knows_what_became_of_a_transaction(void **unused)
{
    (void)unused;
    make_table();
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    int64_t xid = it.driver->xid(it.channel);
    tested_t before;
    second(&before);
    assert_int_equal(ask_fate(xid), FATE_RUNNING);
    swap_back(&before);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
    assert_int_equal(ask_fate(xid), FATE_COMMITTED);
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    xid = it.driver->xid(it.channel);
    it.driver->clean(it.channel);
    expect(TURN_CLEAN);
    assert_int_equal(ask_fate(xid), FATE_ABORTED);
    assert_int_equal(ask_fate(xid + 1000000), FATE_FUTURE);
    assert_int_equal(ask_fate(5), FATE_FORGOTTEN);
    assert_says("SELECT 1", "1|;\n");
}

static void
another_server_or_history_says_nothing(void **unused)
{
    (void)unused;
    const backend_t *backend = it.driver->backend(it.channel);
    it.driver->ask_fate(it.channel, backend->system_id + 1, backend->timeline, 1000);
    assert_int_equal(answered(), FATE_STRANGE);
    it.driver->ask_fate(it.channel, backend->system_id, backend->timeline + 1, 1000);
    assert_int_equal(answered(), FATE_STRANGE);
    it.driver->ask_fate(it.channel, backend->system_id, backend->timeline + 1, INT64_MAX / 2);
    assert_int_equal(answered(), FATE_STRANGE);
    it.driver->ask_fate(it.channel, 0, 0, 1000);
    assert_int_equal(answered(), FATE_UNTOLD);
    set_up("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    it.driver->ask_fate(it.channel, backend->system_id, backend->timeline, 1000);
    assert_int_equal(answered(), FATE_UNTOLD);
    reopen("");
    assert_int_equal(it.driver->backend(it.channel)->system_id, 0);
    set_up("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
    assert_says("SELECT 1", "1|;\n");
}

static void
a_connection_that_goes_with_its_commit_is_lost(void **unused)
{
    (void)unused;
    make_table();
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    own(mem) kill = mem_format("SELECT pg_terminate_backend(%d, 5000)",
                               (int)it.driver->backend(it.channel)->pid);
    set_up(kill);
    it.driver->commit(it.channel);
    expect(TURN_LOST);
    assert_look("SELECT count(*) FROM channel_role.t", "0");
}

/* --- stopping --- */

static void
stop(const tested_t *other, int64_t start_more, bool hard)
{
    const backend_t *backend = other->driver->backend(other->channel);
    const int64_t pairs[] = { backend->pid, backend->start_us + start_more, 1, 2 };
    it.driver->stop_backends(it.channel, pairs, 2, hard);
    expect(TURN_ANSWERED);
}

static void
a_statement_can_be_stopped_and_its_session_lives(void **unused)
{
    (void)unused;
    run("SELECT 1; SELECT pg_sleep(30)", KEPT);
    while (it.manifest->count == 0 || page_writer_rows(it.rows) > 0 || !*it.text)
        (void)turn_once();
    tested_t before;
    second(&before);
    stop(&before, 1, false);
    assert_int_equal(it.driver->left(it.channel), 0);
    stop(&before, 0, false);
    assert_int_equal(it.driver->left(it.channel), 1);
    swap_back(&before);
    expect_failure(TURN_FAILED, "57014");
    expect(TURN_CLEAN);
    assert_says("SELECT 1", "1|;\n");
}

static void
a_session_can_be_ended_by_its_pid_and_start(void **unused)
{
    (void)unused;
    run("SELECT pg_sleep(30)", LAST);
    tested_t before;
    second(&before);
    stop(&before, -1, true);
    assert_int_equal(it.driver->left(it.channel), 0);
    uint32_t left = 0;
    int64_t until_ms = clock_mono_ms() + 10000;
    do {
        stop(&before, 0, true);
        left = it.driver->left(it.channel);
    } while (left > 0 && clock_mono_ms() < until_ms);
    assert_int_equal(left, 0);
    assert_says("SELECT 1", "1|;\n");
    swap_back(&before);
    expect_failure(TURN_LOST, "57P01");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL(a_session_knows_its_server),
        CHANNEL(a_ledger_counts_where_it_may_be_used),
        CHANNEL(a_marker_is_there_with_its_effects),
        CHANNEL(a_marker_vanishes_with_its_effects),
        CHANNEL(a_step_takes_effect_once),
        CHANNEL(a_ledger_that_was_taken_away_ends_the_session),
        CHANNEL(a_barrier_makes_the_log_durable),
        CHANNEL(a_source_may_refuse_a_barrier),
        CHANNEL(a_barrier_tells_who_did_not_live_to_see_it),
        CHANNEL(the_source_knows_what_became_of_a_transaction),
        CHANNEL(another_server_or_history_says_nothing),
        CHANNEL(a_connection_that_goes_with_its_commit_is_lost),
        CHANNEL(a_statement_can_be_stopped_and_its_session_lives),
        CHANNEL(a_session_can_be_ended_by_its_pid_and_start),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}
