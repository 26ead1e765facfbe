/* test_limits.c - limits on results: jobs that have them, from their options to what the store
 * keeps, on a real source. */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/check/floor.h"

#define TRUNCATED "\"on_limit\": \"truncate\""

static void
assert_over(const job_t *job, const char *error)
{
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "54000");
    assert_string_equal(job->error, error);
    assert_null(job->manifest);
}

static void
results_within_their_limits_are_whole(void **unused)
{
    (void)unused;
    own(job) job = ran_with("SELECT generate_series(1, 5); SELECT generate_series(6, 10)",
                            "{\"max_rows\": 10, \"max_bytes\": 20}");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 10);
    assert_false(job->manifest->results[0].truncated);
    assert_false(job->manifest->results[1].truncated);
}

static void
a_job_over_its_limit_fails_without_effect(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE much (n int)");
    assert_int_equal(made->state, JOB_DONE);
    own(job) rows = ran_with("INSERT INTO much SELECT generate_series(1, 30000) RETURNING n",
                             "{\"max_rows\": 29999}");
    assert_over(rows, "the results have more than 29999 rows (max_rows)");
    own(job) bytes = ran_with("SELECT 1; SELECT repeat('x', 100)",
                              "{\"max_bytes\": 50, \"max_bytes_of\": \"source\"}");
    assert_over(bytes, "the results have more than 50 bytes (max_bytes, the cap of the source)");
    own(mem) left = ask("SELECT count(*) FROM floor_role.much");
    assert_string_equal(left, "0");
    tell("DROP TABLE floor_role.much");
}

static void
a_job_that_is_cut_has_its_whole_effect(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE much (n int)");
    assert_int_equal(made->state, JOB_DONE);
    own(job) job = ran_with("INSERT INTO much SELECT generate_series(1, 30000) RETURNING n;"
                            " SELECT 1; SELECT 1 WHERE false",
                            "{\"max_rows\": 12345, " TRUNCATED "}");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 12345);
    assert_int_equal(job->manifest->results[0].rows, 12345);
    assert_string_equal(job->manifest->results[0].tag, "INSERT 0 30000");
    assert_true(job->manifest->results[0].truncated);
    assert_int_equal(job->manifest->results[1].rows, 0);
    assert_true(job->manifest->results[1].truncated);
    assert_false(job->manifest->results[2].truncated);
    own(mem) left = ask("SELECT count(*) FROM floor_role.much");
    assert_string_equal(left, "30000");
    assert_job(&job->id, "SELECT sum(rows) FROM page WHERE job = '%s'", "12345");
    tell("DROP TABLE floor_role.much");
}

static void
steps_share_their_job_s_limit(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = {
        { .sql = "SELECT generate_series(1, 6)" },
        { .sql = "SELECT generate_series(1, 5)" },
        { .sql = "SELECT 1" },
        { .sql = "SELECT generate_series(1, 3)", .condition = "failed" },
    };
    submit_t whole = { .steps = steps, .step_count = 4, .options = "{\"max_rows\": 10}" };
    jobid_t id = submitted(&whole);
    dispatch(&id);
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LATER); /* its session is gone */
    dispatch(&id);
    own(job) over = ended(&id);
    assert_int_equal(over->state, JOB_FAILED);
    assert_string_equal(over->error, "the results have more than 10 rows (max_rows)");
    assert_int_equal(over->step[0].state, JOB_DONE);
    assert_int_equal(over->step[3].state, JOB_DONE); /* which has room for its rows */
    assert_int_equal(over->rows, 9);

    submit_t cut = { .steps = steps,
                     .step_count = 3,
                     .options = "{\"max_bytes\": 20, " TRUNCATED "}" };
    id = submitted(&cut);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 10);
    assert_int_equal(job->manifest->count, 3);
    assert_false(job->manifest->results[0].truncated);
    assert_true(job->manifest->results[1].truncated);
    assert_int_equal(job->manifest->results[1].rows, 4);
    assert_true(job->manifest->results[2].truncated);
    assert_job(&id,
               "SELECT string_agg(raw_bytes::text || truncated, ',' ORDER BY step) FROM step"
               " WHERE job = '%s'",
               "12false,8true,0true");
}

/* What was used up is read back where an attempt begins in the midst of a job. */
static void
a_later_attempt_goes_on_with_what_is_left(void **unused)
{
    (void)unused;
    tell("DROP TABLE IF EXISTS floor_role.gate; CREATE TABLE floor_role.gate AS SELECT 60 AS n;"
         "ALTER TABLE floor_role.gate OWNER TO floor_role");
    const submit_step_t steps[] = {
        { .sql = "SELECT generate_series(1, 6)" },
        { .sql = "SELECT i FROM generate_series(1, 6) i,"
                 " LATERAL (SELECT count(pg_sleep(n)) FROM gate) g" },
    };
    submit_t submit = { .steps = steps,
                        .step_count = 2,
                        .options = "{\"max_rows\": 10, " TRUNCATED "}" };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT i FROM%'"
               " AND usename = 'floor_role' AND state = 'active'",
               "1");
    tell("DELETE FROM floor_role.gate;"
         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'floor_role'");
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LATER);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->attempt, 2);
    assert_int_equal(job->step[0].attempt, 1);
    assert_int_equal(job->rows, 10);
    assert_true(job->manifest->results[1].truncated);
    tell("DROP TABLE floor_role.gate");
}

static void
outside_a_transaction_rows_are_cut_and_never_a_failure(void **unused)
{
    (void)unused;
    own(job) job =
        ran_with("SELECT generate_series(1, 5)", "{\"max_rows\": 3, \"autocommit\": \"always\"}");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 3);
    assert_true(result_of(job)->truncated);
    err_t err;
    find_t look = { .id = job->id, .tenant = "demo" }; /* and everybody who looks sees it */
    find_t *looks[] = { &look };
    CHECK(store_find(world_store, looks, 1, &err));
    assert_true(look.job->manifest->results[0].truncated);
    job_destroy(&look.job);
}

/* No backend is at work any more, within this time. */
static void
await_end(int64_t most_ms)
{
    int64_t began_ms = clock_mono_ms();
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE usename = 'floor_role'"
               " AND state = 'active'",
               "0");
    int64_t took_ms = clock_mono_ms() - began_ms;
    print_message("its backend was gone after %lld ms\n", (long long)took_ms);
    assert_true(took_ms < most_ms);
}

/* Its rows could come for minutes; its backend ends when it cannot send them. */
static void
what_a_reading_job_does_not_need_is_not_waited_for(void **unused)
{
    (void)unused;
    static const char *const texts[] = { "SELECT generate_series(1, 1000000000)",
                                         "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT" };
    for (size_t i = 0; i < 2; i++) {
        own(job) job =
            ran_with(texts[i], "{\"max_rows\": 1000, \"read_only\": true, " TRUNCATED "}");
        await_end(1500);
        assert_int_equal(job->rows, 1000);
        assert_true(result_of(job)->truncated);
        assert_string_equal(result_of(job)->tag, "");
    }
    own(job) after = ran("SELECT 1");
    assert_int_equal(after->state, JOB_DONE);
}

static void
one_that_sends_nothing_for_a_while_is_gone_within_the_second_too(void **unused)
{
    (void)unused;
    own(job) job = ran_with("SELECT generate_series(1, 1000000), repeat('x', 3000), pg_sleep(0.02)",
                            "{\"max_rows\": 5, \"read_only\": true, " TRUNCATED "}");
    await_end(2500);
    assert_int_equal(job->rows, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(results_within_their_limits_are_whole),
        HERE(a_job_over_its_limit_fails_without_effect),
        HERE(a_job_that_is_cut_has_its_whole_effect),
        HERE(steps_share_their_job_s_limit),
        HERE(a_later_attempt_goes_on_with_what_is_left),
        HERE(outside_a_transaction_rows_are_cut_and_never_a_failure),
        HERE(what_a_reading_job_does_not_need_is_not_waited_for),
        HERE(one_that_sends_nothing_for_a_while_is_gone_within_the_second_too),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
