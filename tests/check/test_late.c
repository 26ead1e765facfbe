/* test_late.c - writes that come late or twice: what a lost connection left behind in the server, a
 * repeat whose first try has had its day, a claim under way while its node dies. The other party is
 * played here, by the store's own queries. */
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/pg.h"
#include "tests/check/cutter.h"
#include "tests/check/world.h"

enum { EARLIER = 10, LATER = 20 }; /* flights */

enum { PATIENCE_MS = 30000 };

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
    pg_param_text(params, "none");
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

/* Submit it; the answer that holds `text` is lost, and the job is over before it is sent again. */
static void
submit_cut(submit_t *submit, const char *text)
{
    err_t err;
    int64_t ms = 0;
    cutter_t *cutter = cutter_new(world_dsn);
    store_t *store = store_new(cutter_dsn(cutter), "test-cut");
    CHECK(store_clock(store, &ms, &err));
    submit->id = jobid_make(ms, 0);
    submit_t *list[] = { submit };
    tell(run_at_once);
    cutter_arm(cutter, text);
    bool stored = store_submit(store, list, 1, &err);
    tell("DROP TRIGGER run_at_once ON live");
    assert_int_equal(cutter_cuts(cutter), 1);
    assert_true(stored);
    assert_int_equal(submit->err.kind, ERR_NONE);
    assert_job(&submit->id, "SELECT count(*) FROM live WHERE id = '%s'", "0");
    assert_job(&submit->id, "SELECT count(*) FROM job WHERE id = '%s'", "1");
    store_destroy(&store);
    cutter_destroy(&cutter);
}

static void
a_submit_whose_answer_is_lost_does_not_bring_a_finished_job_back(void **unused)
{
    (void)unused;
    submit_t submit = { .tenant = "demo",
                        .source = "main",
                        .dialect = "test",
                        .priority = 5,
                        .retention_s = 60,
                        .sql = "SELECT 1" };
    submit_cut(&submit, "INSERT");
}

static void
nor_does_one_with_a_key_and_steps(void **unused)
{
    (void)unused;
    static const submit_step_t steps[] = { { .sql = "SELECT 1" }, { .sql = "SELECT 2" } };
    submit_t submit = { .tenant = "demo",
                        .source = "main",
                        .dialect = "test",
                        .priority = 5,
                        .retention_s = 60,
                        .sql = "",
                        .steps = steps,
                        .step_count = 2,
                        .keyed = true };
    tell("DELETE FROM dedup");
    submit_cut(&submit, "COMMIT");
    assert_false(submit.existed);
}

/* --- submits that the server goes on with --- */

/* Wait until a session of this name waits for a lock. */
static bool
somebody_waits(const char *who)
{
    own(mem) query = mem_format("SELECT count(*) FROM pg_stat_activity WHERE "
                                "wait_event_type = 'Lock' AND application_name = '%s'",
                                who);
    for (int64_t end = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < end;) {
        own(mem) waiting = ask(query);
        if (strcmp(waiting, "1") == 0)
            return true;
    }
    return false;
}

/* A first INSERT of a job waits for the tests' lock; a repeat does not. */
static const char hold_first[] =
    "CREATE OR REPLACE FUNCTION hold_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    "    IF current_query() NOT LIKE '%NOT EXISTS%' THEN"
    "        PERFORM pg_advisory_xact_lock(42);"
    "    END IF;"
    "    RETURN new; END $$;"
    "CREATE TRIGGER hold_first BEFORE INSERT ON live FOR EACH ROW EXECUTE FUNCTION hold_first()";

typedef struct {
    store_t *store;
    submit_t submit;
} late_t;

static void *
submit_late(void *arg)
{
    err_t err;
    late_t *self = (late_t *)arg;
    submit_t *list[] = { &self->submit };
    bool stored = store_submit(self->store, list, 1, &err);
    return stored && self->submit.err.kind == ERR_NONE ? arg : NULL;
}

static void
a_submit_that_outlives_its_connection_does_not_bring_a_finished_job_back(void **unused)
{
    (void)unused;
    err_t err;
    int64_t ms = 0;
    pthread_t thread;
    void *good = NULL;
    cutter_t *cutter = cutter_new(world_dsn);
    late_t late = { .store = store_new(cutter_dsn(cutter), "test-cut") };
    CHECK(store_clock(late.store, &ms, &err));
    late.submit = (submit_t){ .id = jobid_make(ms, 0),
                              .tenant = "demo",
                              .source = "main",
                              .dialect = "test",
                              .priority = 5,
                              .retention_s = 60,
                              .sql = "SELECT 1" };
    tell(hold_first);
    tell("SELECT pg_advisory_lock(42)");
    assert_int_equal(pthread_create(&thread, NULL, submit_late, &late), 0);
    bool waits = somebody_waits("test-cut");
    cutter_drop(cutter);
    assert_int_equal(pthread_join(thread, &good), 0);
    own(mem) stored = ask("SELECT count(*) FROM live");
    tell("DELETE FROM live"); /* it has run */
    tell("SELECT pg_advisory_unlock(42)");
    tell("SELECT pg_advisory_lock(42)"); /* behind whoever waited for it */
    tell("SELECT pg_advisory_unlock(42)");
    tell("DROP TRIGGER hold_first ON live");
    store_destroy(&late.store);
    cutter_destroy(&cutter);
    assert_true(waits);
    assert_non_null(good);
    assert_string_equal(stored, "1");
    assert_job(&late.submit.id, "SELECT count(*) FROM live WHERE id = '%s'", "0");
}

/* --- what comes while a claim is under way --- */

static void *
sweep_overdue(void *arg)
{
    err_t err;
    own(store) store = store_new(world_dsn, "test-racer");
    bool good = store_sweep_overdue(store, 1000, 10, (uint32_t *)arg, &err);
    return good ? arg : NULL;
}

typedef struct {
    jobid_t job;
    cancel_verdict_t verdict;
} cancel_t;

static void *
cancel(void *arg)
{
    err_t err;
    cancel_t *self = (cancel_t *)arg;
    own(store) store = store_new(world_dsn, "test-racer");
    return store_cancel(store, &self->job, "demo", &self->verdict, &err) ? arg : NULL;
}

/* Claim the job; before that is committed let `act` come, and wait for it. */
static void
claim_and_meanwhile(const jobid_t *job, void *(*act)(void *arg), void *arg)
{
    err_t err;
    pthread_t thread;
    void *good = NULL;
    CHECK(pg_script(other, "BEGIN", &err));
    assert_true(hold(job, EARLIER));
    assert_true(claim(job, EARLIER));
    assert_int_equal(pthread_create(&thread, NULL, act, arg), 0);
    bool waits = somebody_waits("test-racer");
    CHECK(pg_script(other, "COMMIT", &err));
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_true(waits);
    assert_non_null(good);
}

static void
a_claim_under_way_when_the_deadline_passes_wins(void **unused)
{
    (void)unused;
    uint32_t ended = 7;
    enroll("exec", 1, 60000);
    jobid_t job = a_submitted_job();
    tell("UPDATE live SET deadline_at = now() - interval '1 s'");
    claim_and_meanwhile(&job, sweep_overdue, &ended);
    assert_int_equal(ended, 0);
    assert_job(&job, "SELECT state FROM live WHERE id = '%s'", "running");
}

static void
a_cancel_that_meets_a_claim_under_way_asks_it_to_stop(void **unused)
{
    (void)unused;
    enroll("exec", 1, 60000);
    cancel_t meanwhile = { .job = a_submitted_job(), .verdict = CANCEL_NONE };
    claim_and_meanwhile(&meanwhile.job, cancel, &meanwhile);
    assert_int_equal(meanwhile.verdict, CANCEL_ASKED);
    assert_job(&meanwhile.job, "SELECT state || (cancel_at IS NULL) FROM live WHERE id = '%s'",
               "runningfalse");
}

/* --- a removal that meets the move to kept --- */

static void *
remove_job(void *arg)
{
    err_t err;
    own(store) store = store_new(world_dsn, "test-racer");
    return store_remove(store, (const jobid_t *)arg, "demo", &err) ? arg : NULL;
}

static void
a_job_that_is_just_moved_to_the_kept_ones_is_removed(void **unused)
{
    (void)unused;
    err_t err;
    pthread_t thread;
    void *good = NULL;
    cancel_verdict_t verdict = CANCEL_NONE;
    jobid_t job = a_submitted_job();
    CHECK(store_cancel(world_store, &job, "demo", &verdict, &err));
    CHECK(pg_script(other,
                    "BEGIN; WITH moved AS (DELETE FROM job RETURNING *) "
                    "INSERT INTO kept SELECT * FROM moved",
                    &err));
    assert_int_equal(pthread_create(&thread, NULL, remove_job, &job), 0);
    bool waits = somebody_waits("test-racer");
    CHECK(pg_script(other, "COMMIT", &err));
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_true(waits);
    assert_non_null(good);
    assert_job(&job, "SELECT count(*) FROM kept WHERE id = '%s'", "0");
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
        LATE_TEST(nor_does_one_with_a_key_and_steps),
        LATE_TEST(a_submit_that_outlives_its_connection_does_not_bring_a_finished_job_back),
        LATE_TEST(a_claim_under_way_when_the_deadline_passes_wins),
        LATE_TEST(a_cancel_that_meets_a_claim_under_way_asks_it_to_stop),
        LATE_TEST(a_job_that_is_just_moved_to_the_kept_ones_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
