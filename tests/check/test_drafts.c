/* test_drafts.c - a job that runs on a real source, read before it is over. */
#include <stdlib.h>

#include "common/pg.h"
#include "tests/check/floor.h"

/* Trickles for as long as somebody holds the lock that its last row waits for. */
#define TRICKLE                                                                                    \
    "SELECT i AS n, repeat('x', 3000) AS pad, CASE WHEN i = 30 THEN hold() END AS held"            \
    " FROM generate_series(1, 30) i"

static pg_t *gate;

static void
close_gate(void)
{
    err_t err;
    gate = pg_new(world_dsn, "test-drafts");
    CHECK(pg_script(gate, "SELECT pg_advisory_lock(4711)", &err));
    tell("CREATE OR REPLACE FUNCTION floor_role.hold() RETURNS text LANGUAGE plpgsql AS"
         " $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN 'x'; END $$;"
         "DROP TYPE IF EXISTS floor_role.mood; CREATE TYPE floor_role.mood AS ENUM ('fine')");
}

static void
open_gate(void)
{
    pg_destroy(&gate);
}

static manifest_t *
partial(const jobid_t *id, uint32_t step)
{
    err_t err;
    find_t find = found(id, "demo");
    own(job) job = take(find.job);
    assert_int_equal(job->state, JOB_RUNNING);
    manifest_t *manifest = store_partial(world_store, job, step, &err);
    if (!manifest)
        fail_msg("%s", err.text);
    return manifest;
}

/* The source keeps back some eight thousand bytes, which are a few rows. */
static void
await_rows(const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format("SELECT coalesce(sum(rows), 0) > 20 FROM page WHERE job = '%s'",
                              jobid_text(id, text));
    wait_until(sql, "t");
}

static void
a_running_job_can_be_read_as_far_as_it_is_stored(void **unused)
{
    (void)unused;
    close_gate();
    jobid_t id =
        a_job("SELECT 1 AS small; SELECT 2, 'fine'::mood AS m, repeat('y', 70000);" TRICKLE);
    dispatch(&id);
    await_rows(&id);
    own(manifest) now = partial(&id, 0);
    assert_int_equal(now->count, 2); /* what is small is not told before the end */
    const result_t *moods = &now->results[0];
    assert_int_equal(moods->ordinal, 1);
    assert_int_equal(moods->rows, 1);
    assert_string_equal(moods->columns[1].name, "m");
    assert_string_equal(moods->columns[1].type, ""); /* the source was not asked yet */
    const result_t *slow = &now->results[1];
    assert_int_equal(slow->ordinal, 2);
    assert_in_range(slow->rows, 20, 29);
    assert_int_equal(slow->column_count, 3);
    assert_string_equal(slow->columns[0].name, "n");
    assert_string_equal(slow->columns[0].type, "integer");

    open_gate();
    own(job) job = ended(&id);
    assert_int_equal(job->manifest->count, 3);
    assert_int_equal(job->manifest->results[2].rows, 30);
    assert_string_equal(job->manifest->results[1].columns[1].type, "mood");
    assert_job(&id, "SELECT count(*) FROM page WHERE job = '%s' AND first_row = -1", "2");
}

static void
so_can_the_step_that_is_at_work(void **unused)
{
    (void)unused;
    close_gate();
    const submit_step_t steps[] = { { .sql = "SELECT repeat('z', 70000)" }, { .sql = TRICKLE } };
    submit_t submit = { .steps = steps, .step_count = 2 };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    await_rows(&id);
    own(manifest) now = partial(&id, 1);
    assert_int_equal(now->count, 1);
    assert_int_equal(now->results[0].step, 1);
    assert_in_range(now->results[0].rows, 20, 29);
    open_gate();
    own(job) job = ended(&id);
    assert_int_equal(job->rows, 31);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_running_job_can_be_read_as_far_as_it_is_stored),
        HERE(so_can_the_step_that_is_at_work),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
