/* test_late.c - writes that come late or twice: what a lost connection left behind in the server, a
 * repeat whose first try has had its day, a claim under way while its node dies. The other party is
 * played here, by the store's own queries. */
#include <stdlib.h>

#include "common/pg.h"
#include "tests/check/cutter.h"
#include "tests/check/world.h"

enum { EARLIER = 10, LATER = 20 }; /* flights */

static pg_t *other;

static int
late_open(void **unused)
{
    if (world_open(unused) != 0)
        return -1;
    other = pg_new(world_dsn, "test-late");
    tell("DELETE FROM live");
    tell("DELETE FROM node");
    return 0;
}

static int
late_close(void **unused)
{
    pg_destroy(&other);
    return world_close(unused);
}

/* --- acting --- */

/* Say which job the executor holds, in this flight. */
static bool
hold(const jobid_t *job, int64_t flight)
{
    err_t err;
    own(pg_result) result = NULL;
    own(pg_params) params = pg_params_new();
    pg_param_text(params, "exec");
    pg_param_int8(params, 1);
    pg_array_open(params, PG_UUID);
    pg_array_uuid(params, job);
    pg_array_close(params);
    pg_param_int8(params, flight);
    CHECK(pg_run(other, SQL_node_hold, params, &result, &err));
    return pg_rows(result) > 0;
}

static bool
claim(const jobid_t *job, int64_t flight)
{
    err_t err;
    own(pg_result) result = NULL;
    own(pg_params) params = pg_params_new();
    pg_array_open(params, PG_UUID);
    pg_array_uuid(params, job);
    pg_array_close(params);
    pg_array_open(params, PG_INT4);
    pg_array_int4(params, 77);
    pg_array_close(params);
    pg_array_open(params, PG_INT8);
    pg_array_int8(params, 1);
    pg_array_close(params);
    pg_param_text(params, "exec");
    pg_param_int8(params, 1);
    pg_param_int8(params, flight);
    CHECK(pg_run(other, SQL_claim, params, &result, &err));
    return pg_rows(result) > 0;
}

static void
count_one(void *count, const waiting_t *job)
{
    (void)job;
    ++*(int *)count;
}

/* How many jobs a sweep finds to be recovered. */
static int
sweep(void)
{
    err_t err;
    int jobs = 0;
    uint32_t nodes = 0;
    CHECK(store_sweep_nodes(world_store, count_one, &jobs, &nodes, &err));
    return jobs;
}

/* --- claims --- */

static void
a_flight_that_was_overtaken_claims_nothing_and_holds_nothing(void **unused)
{
    (void)unused;
    enroll("exec", 1, 60000);
    jobid_t taken = a_submitted_job();
    jobid_t waiting = a_submitted_job();
    assert_true(hold(&taken, LATER));
    assert_true(claim(&taken, LATER));

    assert_false(hold(&waiting, EARLIER));
    assert_false(claim(&waiting, EARLIER));
    assert_false(claim(&taken, EARLIER));
    assert_job(&taken, "SELECT attempt FROM live WHERE id = '%s'", "1");
    assert_job(&taken, "SELECT count(*) FROM node WHERE '%s' = ANY (jobs)", "1");
    assert_job(&waiting, "SELECT state FROM live WHERE id = '%s'", "pending");
}

static void
a_claim_under_way_while_its_lease_runs_out_is_recovered_later(void **unused)
{
    (void)unused;
    err_t err;
    enroll("exec", 1, -1);
    jobid_t job = a_submitted_job();
    CHECK(pg_script(other, "BEGIN", &err));
    assert_true(hold(&job, EARLIER));
    assert_true(claim(&job, EARLIER));
    assert_int_equal(sweep(), 0); /* and does not wait for it */
    CHECK(pg_script(other, "COMMIT", &err));
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT recovering FROM live WHERE id = '%s'", "t");
}

/* It holds the job's row, and will not let go by itself. */
static void
jobs_of_an_executor_that_stopped_within_a_batch_are_recovered(void **unused)
{
    (void)unused;
    err_t err;
    enroll("exec", 1, 60000);
    jobid_t job = a_submitted_job();
    assert_true(hold(&job, EARLIER));
    assert_true(claim(&job, EARLIER));
    own(pg) pages = pg_new(world_dsn, "millrace/exec/pages");
    CHECK(pg_script(pages, "BEGIN; SELECT 1 FROM live FOR SHARE", &err));
    assert_int_equal(sweep(), 0);
    enroll("exec", 1, -1);
    assert_int_equal(sweep(), 1);
}

static void
a_node_that_was_declared_dead_neither_holds_nor_claims_nor_renews(void **unused)
{
    (void)unused;
    err_t err;
    enroll("exec", 1, -1);
    jobid_t job = a_submitted_job();
    node_t node = { .name = "exec", .incarnation = 1, .lease_ms = 60000 };
    tell("UPDATE node SET lease_until = '-infinity'");
    assert_false(hold(&job, EARLIER));
    assert_false(claim(&job, EARLIER));
    assert_false(store_node_renew(world_store, &node, &err));
    assert_int_equal(err.kind, ERR_GONE);
}

static void
who_was_declared_dead_puts_no_outcome_on_record(void **unused)
{
    (void)unused;
    err_t err;
    enroll("exec", 1, 60000);
    jobid_t job = a_submitted_job();
    assert_true(hold(&job, EARLIER));
    assert_true(claim(&job, EARLIER));
    enroll("exec", 1, -1);
    assert_int_equal(sweep(), 1);

    own(pg_result) result = NULL;
    own(pg_params) params = pg_params_new();
    pg_param_uuid(params, &job);
    pg_param_int4(params, 1);
    pg_param_int2(params, 0);
    pg_param_int8(params, 1);
    pg_param_int4(params, 1);
    pg_param_int8(params, 1);
    pg_param_bytes(params, "x", 1);
    CHECK(pg_run(other, SQL_outcome_put, params, &result, &err));
    assert_int_equal(pg_rows(result), 0);
}

/* --- submits --- */

/* As if an executor had run the job before the submit's answer was out. */
static const char run_at_once[] =
    "CREATE OR REPLACE FUNCTION run_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    "    DELETE FROM live WHERE id = new.id;"
    "    INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps,"
    "                     retention_s, state, attempt, tries, ended_at, expires_at, rows, bytes,"
    "                     pages, planning_us, executing_us, storing_us)"
    "    VALUES (new.id, new.tenant, new.source, new.dialect, 5, now(), new.sql, 1, 60, 'done', 1, "
    "1,"
    "            now(), now() + interval '1 minute', 0, 0, 0, 0, 0, 0);"
    "    RETURN NULL; END $$;"
    "CREATE TRIGGER run_at_once AFTER INSERT ON live FOR EACH ROW EXECUTE FUNCTION run_at_once()";

static void
a_submit_whose_answer_is_lost_does_not_bring_a_finished_job_back(void **unused)
{
    (void)unused;
    err_t err;
    int64_t ms = 0;
    cutter_t *cutter = cutter_new(world_dsn);
    store_t *store = store_new(cutter_dsn(cutter), "test-cut");
    CHECK(store_clock(store, &ms, &err));
    submit_t submit = { .id = jobid_make(ms, 0),
                        .tenant = "demo",
                        .source = "main",
                        .dialect = "test",
                        .priority = 5,
                        .retention_s = 60,
                        .sql = "SELECT 1" };
    submit_t *list[] = { &submit };
    tell(run_at_once);
    cutter_arm(cutter, "INSERT");
    bool stored = store_submit(store, list, 1, &err);
    tell("DROP TRIGGER run_at_once ON live");
    assert_int_equal(cutter_cuts(cutter), 1);
    assert_true(stored);
    assert_int_equal(submit.err.kind, ERR_NONE);
    assert_job(&submit.id, "SELECT count(*) FROM live WHERE id = '%s'", "0");
    assert_job(&submit.id, "SELECT count(*) FROM job WHERE id = '%s'", "1");
    store_destroy(&store);
    cutter_destroy(&cutter);
}

int
main(void)
{
#define LATE_TEST(claim) cmocka_unit_test_setup_teardown(claim, late_open, late_close)
    const struct CMUnitTest tests[] = {
        LATE_TEST(a_flight_that_was_overtaken_claims_nothing_and_holds_nothing),
        LATE_TEST(a_claim_under_way_while_its_lease_runs_out_is_recovered_later),
        LATE_TEST(jobs_of_an_executor_that_stopped_within_a_batch_are_recovered),
        LATE_TEST(a_node_that_was_declared_dead_neither_holds_nor_claims_nor_renews),
        LATE_TEST(who_was_declared_dead_puts_no_outcome_on_record),
        LATE_TEST(a_submit_whose_answer_is_lost_does_not_bring_a_finished_job_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
