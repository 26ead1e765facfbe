/* test_halt.c - jobs that are stopped: cancelled, overdue, or in the way of a shut-down. */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/check/floor.h"

#define RUNNING                                                                                    \
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%/*slow*/%'"                          \
    " AND query NOT LIKE '%count%' AND usename = 'floor_role' AND state = 'active'"

static jobid_t
running(const char *sql)
{
    jobid_t id = a_job(sql);
    dispatch(&id);
    wait_until(RUNNING, "1");
    return id;
}

/* A statement that carries on when it is asked to stop. */
static void
make_stubborn(void)
{
    tell("CREATE OR REPLACE FUNCTION floor_role.stubborn() RETURNS void LANGUAGE plpgsql AS $$"
         " DECLARE until timestamptz := clock_timestamp() + interval '20 s'; BEGIN"
         " WHILE clock_timestamp() < until LOOP"
         " BEGIN PERFORM pg_sleep(5); EXCEPTION WHEN query_canceled THEN NULL; END;"
         " END LOOP; END $$");
}

/* --- cancelled --- */

static void
a_running_statement_stops_at_once_and_has_no_effect(void **unused)
{
    (void)unused;
    tell("DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n int);"
         "ALTER TABLE floor_role.effect OWNER TO floor_role");
    jobid_t id = running("INSERT INTO effect VALUES (1); SELECT /*slow*/ pg_sleep(20)");
    int64_t since_ms = clock_mono_ms();
    cancel(&id);
    own(job) job = ended(&id);
    assert_true(clock_mono_ms() - since_ms < 1000);
    assert_int_equal(job->state, JOB_CANCELLED);
    own(mem) count = ask("SELECT count(*) FROM floor_role.effect");
    assert_string_equal(count, "0");
}

static void
a_statement_that_swallows_cancels_loses_its_session(void **unused)
{
    (void)unused;
    make_stubborn();
    jobid_t id = running("SELECT /*slow*/ stubborn()");
    cancel(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_CANCELLED);
    wait_until(RUNNING, "0");
}

static void
a_cancel_that_nobody_told_of_is_found(void **unused)
{
    (void)unused;
    jobid_t id = running("SELECT /*slow*/ pg_sleep(20)");
    err_t err;
    cancel_verdict_t verdict;
    CHECK(store_cancel(world_store, &id, "demo", &verdict, &err));
    assert_int_equal(verdict, CANCEL_ASKED);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_CANCELLED);
}

/* The bus carries hints; what is true stands in the store. */
static void
a_cancel_that_the_store_does_not_know_stops_nothing(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT /*slow*/ 4 FROM pg_sleep(0.3)");
    dispatch(&id);
    wait_until(RUNNING, "1");
    say_cancel(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
}

static void
the_session_of_a_cancelled_job_serves_nobody_else(void **unused)
{
    (void)unused;
    jobid_t id = running("SELECT /*slow*/ pg_sleep(20)");
    own(mem) pid = ask("SELECT pid FROM pg_stat_activity WHERE query LIKE '%/*slow*/%'"
                       " AND query NOT LIKE '%pg_stat%' AND usename = 'floor_role'");
    cancel(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_CANCELLED);
    own(mem) gone = mem_format("SELECT count(*) FROM pg_stat_activity WHERE usename = 'floor_role'"
                               " AND pid = %s",
                               pid);
    wait_until(gone, "0");
}

static void
a_cancelled_job_that_is_pending_is_not_taken(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT 1");
    cancel(&id);
    dispatch(&id);
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LOST);
}

/* Whoever inserts has a COMMIT that takes so long; it is on its way when this returns. */
static jobid_t
committing(const char *seconds, int64_t deadline_ms)
{
    own(mem) sql = mem_format(
        "DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n int);"
        "ALTER TABLE floor_role.effect OWNER TO floor_role;"
        "CREATE OR REPLACE FUNCTION floor_role.dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(%s); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON floor_role.effect DEFERRABLE INITIALLY"
        " DEFERRED FOR EACH ROW EXECUTE FUNCTION floor_role.dawdle()",
        seconds);
    tell(sql);
    submit_t submit = { .sql = "INSERT INTO effect VALUES (1)", .deadline_ms = deadline_ms };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT'"
               " AND usename = 'floor_role' AND wait_event = 'PgSleep'",
               "1");
    return id;
}

static void
after_commit_was_sent_the_source_decides(void **unused)
{
    (void)unused;
    jobid_t id = committing("1", 0);
    cancel(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    own(mem) count = ask("SELECT count(*) FROM floor_role.effect");
    assert_string_equal(count, "1");
}

/* --- clocks --- */

static void
a_statement_beyond_its_timeout_is_stopped(void **unused)
{
    (void)unused;
    own(job) job = ran_with("SELECT pg_sleep(20)", "{\"statement_timeout_ms\": 100}");
    assert_int_equal(job->state, JOB_TIMED_OUT);
    assert_non_null(strstr(job->error, "100 ms"));
    own(job) after = ran("SELECT 1");
    assert_int_equal(after->state, JOB_DONE);
}

static void
a_job_beyond_its_deadline_is_stopped(void **unused)
{
    (void)unused;
    submit_t submit = { .sql = "SELECT pg_sleep(20)", .deadline_ms = 600 };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_TIMED_OUT);
    assert_non_null(strstr(job->error, "deadline"));
}

/* It is not stopped, but left to whoever asks the source, which ends its session first. */
static void
a_commit_beyond_its_deadline_is_in_doubt_until_it_is_asked_for(void **unused)
{
    (void)unused;
    jobid_t id = committing("30", 1500);
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LATER);
    assert_job(&id, "SELECT state || recovering FROM live WHERE id = '%s'", "runningtrue");
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_TIMED_OUT);
    own(mem) count = ask("SELECT count(*) FROM floor_role.effect");
    assert_string_equal(count, "0");
}

static void
a_paused_result_can_be_stopped(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT /*slow*/ repeat(md5(i::text), 20)"
                       " FROM generate_series(1, 100000000) i");
    dispatch(&id);
    wait_until("SELECT count(*) > 8 FROM page WHERE job = (SELECT id FROM live ORDER BY id DESC"
               " LIMIT 1)",
               "t");
    cancel(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_CANCELLED);
}

/* --- shutting down --- */

static void
finished_steps_stay_when_the_executor_leaves(void **unused)
{
    (void)unused;
    tell("DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n int);"
         "ALTER TABLE floor_role.effect OWNER TO floor_role");
    const submit_step_t steps[] = { { .sql = "INSERT INTO effect VALUES (1)" },
                                    { .sql = "SELECT /*slow*/ pg_sleep(20)" } };
    submit_t submit = { .steps = steps, .step_count = 2 };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    wait_until(RUNNING, "1");
    runner_drain(floor_world.runner);
    err_t err;
    CHECK(loop_run(floor_world.loop, &err));
    assert_job(&id, "SELECT state || tries FROM live WHERE id = '%s'", "pending0");
    assert_job(&id, "SELECT string_agg(state, ' ' ORDER BY step) FROM step WHERE job = '%s'",
               "done running");
    tell("DELETE FROM live");
}

/* The tests of other files have tables of the same name. */
static int
tidy_and_close(void **unused)
{
    tell("DROP TABLE IF EXISTS floor_role.effect; DELETE FROM live; DELETE FROM outcome");
    return world_close(unused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_running_statement_stops_at_once_and_has_no_effect),
        HERE(a_statement_that_swallows_cancels_loses_its_session),
        HERE(a_cancel_that_nobody_told_of_is_found),
        HERE(a_cancel_that_the_store_does_not_know_stops_nothing),
        HERE(the_session_of_a_cancelled_job_serves_nobody_else),
        HERE(a_cancelled_job_that_is_pending_is_not_taken),
        HERE(after_commit_was_sent_the_source_decides),
        HERE(a_statement_beyond_its_timeout_is_stopped),
        HERE(a_job_beyond_its_deadline_is_stopped),
        HERE(a_commit_beyond_its_deadline_is_in_doubt_until_it_is_asked_for),
        HERE(a_paused_result_can_be_stopped),
        HERE(finished_steps_stay_when_the_executor_leaves),
    };
    return cmocka_run_group_tests(tests, world_open, tidy_and_close);
}
