/* test_outcome.c - what an executor makes of commits, of earlier attempts, and of its own end. */
#include "tests/check/floor.h"

/* --- outcomes --- */

static void
a_job_that_wrote_did_so_once_and_leaves_no_record(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE effect (n int)");
    assert_int_equal(made->state, JOB_DONE);
    own(job) job = ran("INSERT INTO effect VALUES (1), (2) RETURNING n");
    const result_t *result = result_of(job);
    assert_int_equal(result->rows, 2);
    assert_string_equal(result->tag, "INSERT 0 2");
    own(mem) count = ask("SELECT count(*) FROM floor_role.effect");
    assert_string_equal(count, "2");
    own(mem) outcomes = ask("SELECT count(*) FROM outcome");
    assert_string_equal(outcomes, "0");
    own(job) gone = ran("DROP TABLE effect");
    assert_int_equal(gone->state, JOB_DONE);
}

/* The job as a dead executor left it: running, and flagged for recovery. */
static void
abandon(const jobid_t *id, const char *pid_and_start)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format("UPDATE live SET state = 'running', owner = 'dead/1', attempt = 1,"
                              " tries = 1, recovering = true, (backend_pid, backend_start) = (%s)"
                              " WHERE id = '%s'",
                              pid_and_start, jobid_text(id, text));
    tell(sql);
}

static void
a_job_with_an_outcome_record_ends_unknown(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT 1");
    char text[JOBID_TEXT_SIZE];
    abandon(&id, "SELECT 1, 1::bigint");
    own(mem) sql =
        mem_format("INSERT INTO outcome VALUES ('%s', 0, 1, 0, 0, 1, '')", jobid_text(&id, text));
    tell(sql);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_UNKNOWN);
    assert_int_equal(job->attempt, 2);
    own(mem) outcomes = ask("SELECT count(*) FROM outcome");
    assert_string_equal(outcomes, "0");
}

static void
an_earlier_attempts_session_is_ended_before_the_job_runs_again(void **unused)
{
    (void)unused;
    jobid_t ghost = a_job("SELECT pg_sleep(30)");
    dispatch(&ghost);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
               " AND usename = 'floor_role' AND state = 'active'",
               "1");
    jobid_t id = a_job("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
                       " AND query NOT LIKE '%count%' AND usename = 'floor_role'");
    abandon(&id, "SELECT backend_pid, backend_start FROM live WHERE backend_pid IS NOT NULL");
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->attempt, 2);
    assert_int_equal(number_in(job), 0);
    (void)wait_released(&ghost);
    tell("DELETE FROM live");
}

static void
a_job_whose_executors_died_too_often_is_not_run_again(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT 1");
    abandon(&id, "SELECT 1, 1::bigint");
    tell("UPDATE live SET tries = 3, attempt = 3");
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_FAILED);
    assert_non_null(strstr(job->error, "not run again"));
}

static void
a_fenced_out_job_has_no_effect_on_the_source(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE fenced (n int)");
    assert_int_equal(made->state, JOB_DONE);
    jobid_t id = a_job("INSERT INTO fenced SELECT 1 FROM pg_sleep(0.5)");
    dispatch(&id);
    wait_until("SELECT count(*) FROM live WHERE state = 'running'", "1");
    tell("UPDATE live SET attempt = attempt + 1");
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LOST);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO fenced%'"
               " AND usename = 'floor_role' AND state <> 'idle'",
               "0");
    own(mem) count = ask("SELECT count(*) FROM floor_role.fenced");
    assert_string_equal(count, "0");
    tell("DELETE FROM live");
    own(job) gone = ran("DROP TABLE fenced");
    assert_int_equal(gone->state, JOB_DONE);
}

/* Whoever recovers the job must not find it `unknown` for a COMMIT that would never be sent. */
static void
a_job_flagged_for_recovery_gets_no_outcome_record(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE flagged (n int)");
    assert_int_equal(made->state, JOB_DONE);
    jobid_t id = a_job("INSERT INTO flagged SELECT 1 FROM pg_sleep(0.5)");
    dispatch(&id);
    wait_until("SELECT count(*) FROM live WHERE state = 'running'", "1");
    tell("UPDATE live SET recovering = true");
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LOST);
    own(mem) outcomes = ask("SELECT count(*) FROM outcome");
    assert_string_equal(outcomes, "0");
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO flagged%'"
               " AND usename = 'floor_role' AND state <> 'idle'",
               "0");
    own(mem) count = ask("SELECT count(*) FROM floor_role.flagged");
    assert_string_equal(count, "0");
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->attempt, 2);
    own(job) gone = ran("DROP TABLE flagged");
    assert_int_equal(gone->state, JOB_DONE);
}

static void
without_a_good_lease_nothing_is_committed(void **unused)
{
    (void)unused;
    floor_world.lease_good = false;
    own(job) job = ran("CREATE TABLE too_late (n int)");
    assert_int_equal(job->state, JOB_FAILED);
    own(mem) there = ask("SELECT coalesce(to_regclass('floor_role.too_late')::text, 'no')");
    assert_string_equal(there, "no");
}

/* --- leaving --- */

static void
a_deposed_executor_drops_its_jobs_and_goes_on(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT pg_sleep(20)");
    dispatch(&id);
    wait_until("SELECT count(*) FROM live WHERE state = 'running'", "1");
    enroll("floor", 999, 600000);
    runner_deposed(floor_world.runner, 999);
    own(job) job = ran("SELECT 2");
    assert_int_equal(job->state, JOB_DONE);
    assert_job(&id, "SELECT state || attempt FROM live WHERE id = '%s'", "running1");
    tell("DELETE FROM live");
}

static void
a_deposed_executor_keeps_no_session(void **unused)
{
    (void)unused;
    own(job) before = ran("SELECT 1");
    assert_int_equal(before->state, JOB_DONE);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE usename = 'floor_role'", "1");
    enroll("floor", 999, 600000);
    runner_deposed(floor_world.runner, 999);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE usename = 'floor_role'", "0");
}

static void
a_drained_executor_hands_back_what_still_runs(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT pg_sleep(20)");
    dispatch(&id);
    wait_until("SELECT count(*) FROM live WHERE state = 'running'", "1");
    runner_drain(floor_world.runner);
    err_t err;
    CHECK(loop_run(floor_world.loop, &err));
    assert_job(&id, "SELECT state || tries FROM live WHERE id = '%s'", "pending0");
    assert_int_equal(floor_world.credit, 0);
    tell("DELETE FROM live");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_job_that_wrote_did_so_once_and_leaves_no_record),
        HERE(a_job_with_an_outcome_record_ends_unknown),
        HERE(an_earlier_attempts_session_is_ended_before_the_job_runs_again),
        HERE(a_job_whose_executors_died_too_often_is_not_run_again),
        HERE(a_fenced_out_job_has_no_effect_on_the_source),
        HERE(a_job_flagged_for_recovery_gets_no_outcome_record),
        HERE(without_a_good_lease_nothing_is_committed),
        HERE(a_deposed_executor_drops_its_jobs_and_goes_on),
        HERE(a_deposed_executor_keeps_no_session),
        HERE(a_drained_executor_hands_back_what_still_runs),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
