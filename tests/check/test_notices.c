/* test_notices.c - what the source said of a job's statements, as the store keeps it. */
#include <stdlib.h>

#include "tests/check/floor.h"

#define SAY(text) "DO $$ BEGIN RAISE NOTICE '" text "'; END $$;"

static void
assert_said(const manifest_t *manifest, uint32_t at, uint32_t step, const char *text)
{
    assert_non_null(manifest);
    assert_true(at < manifest->notice_count);
    assert_int_equal(manifest->notices[at].step, step);
    assert_string_equal(manifest->notices[at].message, text);
}

/* Run it until it sleeps, and cancel it then. */
static job_t *
cancelled_asleep(const jobid_t *id)
{
    dispatch(id);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
               " AND usename = 'floor_role' AND state = 'active'",
               "1");
    cancel(id);
    return ended(id);
}

static void
a_done_job_keeps_what_was_said(void **unused)
{
    (void)unused;
    own(job) job = ran(SAY("one") "SELECT 1;" SAY("two"));
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->manifest->count, 3);
    assert_int_equal(job->manifest->notice_count, 2);
    assert_said(job->manifest, 1, 0, "two");
    assert_int_equal(job->manifest->notices[1].ordinal, 2);
}

static void
a_failed_job_keeps_what_was_said_and_no_result(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT 1;" SAY("careful") "SELECT 1 / 0");
    assert_int_equal(job->state, JOB_FAILED);
    assert_int_equal(job->manifest->count, 0);
    assert_int_equal(job->manifest->notice_count, 1);
    assert_said(job->manifest, 0, 0, "careful");
    own(job) silent = ran("SELECT 1; SELECT 1 / 0");
    assert_int_equal(silent->state, JOB_FAILED);
    assert_null(silent->manifest);
}

/* Its outcome record, with results, was there before. */
static void
so_does_one_that_fails_at_commit(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    assert_int_equal(made->state, JOB_DONE);
    own(job) job = ran(SAY("twice") "INSERT INTO once SELECT 1 FROM generate_series(1, 2)");
    own(job) gone = ran("DROP TABLE once");
    assert_int_equal(gone->state, JOB_DONE);
    assert_string_equal(job->sqlstate, "23505");
    assert_int_equal(job->manifest->count, 0);
    assert_said(job->manifest, 0, 0, "twice");
}

static void
so_do_one_that_runs_out_of_time_and_one_that_is_cancelled(void **unused)
{
    (void)unused;
    own(job) late = ran_with(SAY("slow") "SELECT pg_sleep(60)", "{\"statement_timeout_ms\": 200}");
    assert_int_equal(late->state, JOB_TIMED_OUT);
    assert_said(late->manifest, 0, 0, "slow");

    jobid_t id = a_job(SAY("stop me") "SELECT pg_sleep(60)");
    own(job) cancelled = cancelled_asleep(&id);
    assert_int_equal(cancelled->state, JOB_CANCELLED);
    assert_said(cancelled->manifest, 0, 0, "stop me");
}

/* Whoever asks for the status of many does not want to read them all whole. */
static void
what_was_said_of_a_failed_job_comes_with_every_look_at_it(void **unused)
{
    (void)unused;
    err_t err;
    own(job) failed = ran(SAY("careful") "SELECT 1 / 0");
    own(job) done = ran(SAY("fine"));
    find_t first = { .id = failed->id, .tenant = "demo" };
    find_t second = { .id = done->id, .tenant = "demo" };
    find_t *both[] = { &first, &second };
    CHECK(store_find(world_store, both, 2, &err));
    assert_said(first.job->manifest, 0, 0, "careful");
    assert_null(second.job->manifest);
    job_destroy(&first.job);
    job_destroy(&second.job);
}

static void
a_failed_step_keeps_what_was_said_and_moves_no_result(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = {
        { .sql = "SELECT 10;" SAY("first") },
        { .sql = "SELECT 20;" SAY("second") "SELECT 1 / 0" },
        { .sql = "SELECT 30;" SAY("third"), .condition = "failed" },
    };
    own(job) job = ran_steps(steps, 3);
    assert_int_equal(job->state, JOB_FAILED);
    assert_int_equal(job->manifest->count, 4);
    assert_int_equal(job->manifest->results[2].step, 2);
    assert_int_equal(job->manifest->notice_count, 3);
    assert_said(job->manifest, 0, 0, "first");
    assert_said(job->manifest, 1, 1, "second");
    assert_said(job->manifest, 2, 2, "third");
    assert_int_equal(job->manifest->notices[1].ordinal, 1);
}

/* The step's row has it: the job's would say it again. */
static void
a_job_that_is_ended_within_a_step_says_nothing_twice(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = {
        { .sql = SAY("first") },
        { .sql = SAY("second") "SELECT pg_sleep(60)" },
    };
    submit_t submit = { .sql = "", .steps = steps, .step_count = 2 };
    jobid_t id = submitted(&submit);
    own(job) job = cancelled_asleep(&id);
    assert_int_equal(job->state, JOB_CANCELLED);
    assert_int_equal(job->manifest->notice_count, 2);
    assert_said(job->manifest, 1, 1, "second");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_done_job_keeps_what_was_said),
        HERE(a_failed_job_keeps_what_was_said_and_no_result),
        HERE(so_does_one_that_fails_at_commit),
        HERE(so_do_one_that_runs_out_of_time_and_one_that_is_cancelled),
        HERE(what_was_said_of_a_failed_job_comes_with_every_look_at_it),
        HERE(a_failed_step_keeps_what_was_said_and_moves_no_result),
        HERE(a_job_that_is_ended_within_a_step_says_nothing_twice),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
