/* test_course.c - jobs of several steps, and statements outside a transaction, on a real source. */
#include <stdlib.h>

#include "tests/check/floor.h"

/* The states of a job's steps, as one text. */
static void
assert_steps(const job_t *job, const char *expected)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format("SELECT string_agg(state, ' ' ORDER BY step) FROM step WHERE job = "
                              "'%s'",
                              jobid_text(&job->id, text));
    own(mem) states = ask(sql);
    assert_string_equal(states, expected);
}

static void
assert_count(const char *table, const char *expected)
{
    own(mem) sql = mem_format("SELECT count(*) FROM floor_role.%s", table);
    own(mem) count = ask(sql);
    assert_string_equal(count, expected);
}

static void
make_effect(void)
{
    tell("DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n int);"
         "ALTER TABLE floor_role.effect OWNER TO floor_role");
}

/* --- several steps --- */

static void
each_step_has_its_own_end_and_results(void **unused)
{
    (void)unused;
    make_effect();
    const submit_step_t steps[] = { { .sql = "INSERT INTO effect VALUES (1); SELECT 7" },
                                    { .sql = "SELECT n FROM effect" } };
    own(job) job = ran_steps(steps, 2);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->steps, 2);
    assert_int_equal(job->rows, 2);
    assert_int_equal(job->manifest->count, 3);
    assert_int_equal(job->manifest->results[2].step, 1);
    assert_steps(job, "done done");
    assert_count("effect", "1");
    own(mem) outcomes = ask("SELECT count(*) FROM outcome");
    assert_string_equal(outcomes, "0");
}

static void
a_failure_leaves_the_steps_before_it_and_nothing_behind_it(void **unused)
{
    (void)unused;
    make_effect();
    const submit_step_t steps[] = { { .sql = "INSERT INTO effect VALUES (1)" },
                                    { .sql = "INSERT INTO effect VALUES (2); SELECT 1 / 0" },
                                    { .sql = "INSERT INTO effect VALUES (3)" } };
    own(job) job = ran_steps(steps, 3);
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "22012");
    assert_steps(job, "done failed pending");
    assert_count("effect", "1");
}

static void
a_reaction_knows_what_failed(void **unused)
{
    (void)unused;
    tell("DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n text);"
         "ALTER TABLE floor_role.effect OWNER TO floor_role");
    const submit_step_t steps[] = {
        { .sql = "SELECT 1 / 0" },
        { .sql = "INSERT INTO effect VALUES ('<%= error_message %> in <%= job_id %>')",
          .condition = "failed",
          .is_template = true },
        { .sql = "INSERT INTO effect VALUES ('well')", .condition = "done" }
    };
    own(job) job = ran_steps(steps, 3);
    assert_int_equal(job->state, JOB_FAILED);
    assert_steps(job, "failed done skipped");
    own(mem) text = ask("SELECT n FROM floor_role.effect");
    assert_non_null(strstr(text, "division by zero in "));
}

static void
session_state_is_kept_from_step_to_step_and_gone_afterwards(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = { { .sql = "CREATE TEMP TABLE mine AS SELECT 5 AS n" },
                                    { .sql = "SELECT n FROM mine" } };
    own(job) job = ran_steps(steps, 2);
    assert_int_equal(job->state, JOB_DONE);
    own(job) after = ran("SELECT n FROM mine");
    assert_string_equal(after->sqlstate, "42P01");
}

static void
a_job_that_ends_before_its_last_step_leaves_nothing(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = { { .sql = "CREATE TEMP TABLE mine AS SELECT 5 AS n" },
                                    { .sql = "SELECT 1 / 0" },
                                    { .sql = "SELECT 1" } };
    own(job) job = ran_steps(steps, 3);
    assert_int_equal(job->state, JOB_FAILED);
    own(job) after = ran("SELECT n FROM mine");
    assert_string_equal(after->sqlstate, "42P01");
}

static void
a_large_step_has_pages_of_its_own(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = {
        { .sql = "SELECT i, md5(i::text) FROM generate_series(1, 30000) i" },
        { .sql = "SELECT i, md5(i::text) FROM generate_series(1, 40000) i" }
    };
    own(job) job = ran_steps(steps, 2);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 70000);
    assert_job(&job->id, "SELECT sum(rows) FROM page WHERE job = '%s' AND step = 1", "40000");
}

/* The session that was stopped took its backend along: the next claim has another. */
static void
a_step_that_runs_too_long_is_reacted_to(void **unused)
{
    (void)unused;
    make_effect();
    const submit_step_t steps[] = { { .sql = "SELECT pg_sleep(20)", .timeout_ms = 100 },
                                    { .sql = "INSERT INTO effect VALUES (1)",
                                      .condition = "failed:0" } };
    submit_t submit = { .steps = steps, .step_count = 2 };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    heard_t *heard = wait_released(&id);
    assert_int_equal(heard->verdict, RELEASE_LATER);
    assert_int_equal(heard->later_ms, 1);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_TIMED_OUT);
    assert_int_equal(job->attempt, 2);
    assert_int_equal(job->tries, 1);
    assert_steps(job, "timed_out done");
    assert_count("effect", "1");
}

/* --- outside a transaction --- */

static void
a_statement_that_refuses_a_transaction_needs_the_option(void **unused)
{
    (void)unused;
    make_effect();
    own(job) refused = ran("VACUUM effect");
    assert_int_equal(refused->state, JOB_FAILED);
    assert_string_equal(refused->sqlstate, "25001");
    assert_non_null(strstr(refused->error, "`autocommit`"));
    own(job) job = ran_with("VACUUM effect", "{\"autocommit\": \"needed\"}");
    assert_int_equal(job->state, JOB_DONE);
    assert_string_equal(job->manifest->results[0].tag, "VACUUM");
    own(mem) outcomes = ask("SELECT count(*) FROM outcome");
    assert_string_equal(outcomes, "0");
}

static void
it_stands_alone_in_its_text(void **unused)
{
    (void)unused;
    own(job) job = ran_with("SELECT 1; VACUUM", "{\"autocommit\": \"needed\"}");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "25001");
    own(job) two = ran_with("SELECT 1; SELECT 2", "{\"autocommit\": \"always\"}");
    assert_int_equal(two->state, JOB_FAILED);
}

static void
any_single_statement_may_run_outside_one(void **unused)
{
    (void)unused;
    make_effect();
    own(job) job =
        ran_with("INSERT INTO effect VALUES (1) RETURNING n", "{\"autocommit\": \"always\"}");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(number_in(job), 1);
    assert_count("effect", "1");
    own(job) failed = ran_with("SELECT 1 / 0", "{\"autocommit\": \"always\"}");
    assert_int_equal(failed->state, JOB_FAILED);
    assert_string_equal(failed->sqlstate, "22012");
}

static void
a_session_lost_outside_one_leaves_the_job_unknown(void **unused)
{
    (void)unused;
    jobid_t id = a_job_with("SELECT pg_sleep(20)", "{\"autocommit\": \"always\"}");
    dispatch(&id);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
               " AND usename = 'floor_role' AND state = 'active'",
               "1");
    tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'floor_role'");
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_UNKNOWN);
}

/* --- read only --- */

static void
a_read_only_job_cannot_write(void **unused)
{
    (void)unused;
    make_effect();
    own(job) job = ran_with("INSERT INTO effect VALUES (1)", "{\"read_only\": true}");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "25006");
    own(job) read = ran_with("SELECT 3", "{\"read_only\": true}");
    assert_int_equal(number_in(read), 3);
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
        HERE(each_step_has_its_own_end_and_results),
        HERE(a_failure_leaves_the_steps_before_it_and_nothing_behind_it),
        HERE(a_reaction_knows_what_failed),
        HERE(session_state_is_kept_from_step_to_step_and_gone_afterwards),
        HERE(a_job_that_ends_before_its_last_step_leaves_nothing),
        HERE(a_large_step_has_pages_of_its_own),
        HERE(a_step_that_runs_too_long_is_reacted_to),
        HERE(a_statement_that_refuses_a_transaction_needs_the_option),
        HERE(it_stands_alone_in_its_text),
        HERE(any_single_statement_may_run_outside_one),
        HERE(a_session_lost_outside_one_leaves_the_job_unknown),
        HERE(a_read_only_job_cannot_write),
    };
    return cmocka_run_group_tests(tests, world_open, tidy_and_close);
}
