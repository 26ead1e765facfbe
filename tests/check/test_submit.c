/* test_submit.c - jobs with steps and idempotency keys on their way in, against a real PostgreSQL.
 */
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/pg.h"
#include "tests/check/order_world.h"

static int
submit_open(void **unused)
{
    (void)unused;
    tell("DELETE FROM live");
    tell("DELETE FROM dedup");
    return 0;
}

static void
a_job_of_several_steps_is_stored_and_found_with_them(void **unused)
{
    (void)unused;
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    find_t find = found(&order.id, "demo");
    assert_int_equal(find.job->steps, 3);
    assert_string_equal(find.job->step[1].condition, "done:0");
    assert_string_equal(find.job->step[2].sql, "SELECT 2");
    assert_int_equal(find.job->step[2].state, JOB_PENDING);
    assert_null(find.job->manifest);
    job_destroy(&find.job);
}

static void
a_plain_find_brings_no_steps(void **unused)
{
    (void)unused;
    err_t err;
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    find_t find = { .id = order.id, .tenant = "demo" };
    find_t *list[] = { &find };
    CHECK(store_find(world_store, list, 1, &err));
    assert_int_equal(find.job->steps, 3);
    assert_null(find.job->step);
    job_destroy(&find.job);
}

static void
plain_and_other_jobs_that_arrive_together_are_each_answered(void **unused)
{
    (void)unused;
    err_t err;
    submit_t orders[] = { an_order_of_steps(), an_order(), a_keyed_order(1, 1), an_order() };
    submit_t *list[] = { &orders[0], &orders[1], &orders[2], &orders[3] };
    orders[2].sql = "SELECT '\xff'";
    CHECK(store_submit(world_store, list, 4, &err));
    assert_int_equal(orders[0].err.kind, ERR_NONE);
    assert_int_equal(orders[1].err.kind, ERR_NONE);
    assert_int_equal(orders[2].err.kind, ERR_SQL);
    assert_int_equal(orders[3].err.kind, ERR_NONE);
    own(mem) jobs = ask("SELECT count(*) FROM live");
    assert_string_equal(jobs, "3");
    own(mem) keys = ask("SELECT count(*) FROM dedup");
    assert_string_equal(keys, "0");
}

static void
the_same_request_under_a_key_is_the_same_job(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    submit_t second = a_keyed_order(1, 1);
    assert_int_equal(submit(&first), ERR_NONE);
    assert_false(first.existed);
    assert_int_equal(submit(&second), ERR_NONE);
    assert_true(second.existed);
    assert_true(jobid_equal(&first.id, &second.id));
    own(mem) jobs = ask("SELECT count(*) FROM live");
    assert_string_equal(jobs, "1");
}

static void
another_request_under_a_key_is_refused(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    submit_t second = a_keyed_order(1, 2);
    assert_int_equal(submit(&first), ERR_NONE);
    assert_int_equal(submit(&second), ERR_CONFLICT);
    own(mem) jobs = ask("SELECT count(*) FROM live");
    assert_string_equal(jobs, "1");
}

static void
a_key_is_its_tenants_own(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    submit_t second = a_keyed_order(1, 2);
    second.tenant = "other";
    assert_int_equal(submit(&first), ERR_NONE);
    assert_int_equal(submit(&second), ERR_NONE);
    assert_false(second.existed);
}

/* The job is as the clock will leave it when its row's days are over. */
static void
past_its_days(const char *table)
{
    own(mem) sql = mem_format(
        "WITH gone AS (DELETE FROM live RETURNING *)"
        "INSERT INTO %s (id, tenant, source, dialect, priority, created_at, sql, steps, "
        "retention_s,"
        " state, attempt, tries, ended_at, expires_at, rows, bytes, pages, planning_us,"
        " executing_us, storing_us) SELECT id, tenant, source, dialect, priority, created_at, sql,"
        " steps, retention_s, 'done', 1, 1, now(), now() - interval '7 days 1 second', 0, 0, 0, 0,"
        " 0, 0 FROM gone",
        table);
    tell(sql);
}

static void
a_key_ends_with_its_jobs_row(void **unused)
{
    (void)unused;
    static const char *const tables[] = { "job", "kept" };
    for (uint8_t i = 0; i < 2; i++) {
        submit_t first = a_keyed_order((uint8_t)(1 + i), 1);
        submit_t second = a_keyed_order((uint8_t)(1 + i), 2);
        submit_t third = a_keyed_order((uint8_t)(1 + i), 2);
        assert_int_equal(submit(&first), ERR_NONE);
        past_its_days(tables[i]);
        assert_int_equal(found(&first.id, "demo").verdict, FIND_MISSING);
        assert_int_equal(submit(&second), ERR_NONE);
        assert_false(second.existed);
        assert_job(&second.id, "SELECT count(*) FROM live WHERE id = '%s'", "1");
        assert_int_equal(submit(&third), ERR_NONE);
        assert_true(jobid_equal(&third.id, &second.id));
        assert_int_equal(submit(&first), ERR_CONFLICT);
        tell("DELETE FROM live");
    }
}

static void
a_key_outlives_its_jobs_results(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    submit_t second = a_keyed_order(1, 1);
    assert_int_equal(submit(&first), ERR_NONE);
    past_its_days("job");
    tell("UPDATE job SET expires_at = now() - interval '6 days'");
    assert_int_equal(submit(&second), ERR_NONE);
    assert_true(jobid_equal(&second.id, &first.id));
}

/* Its job is removed when a submit has found it taken, and before that looks whose it is. */
static void
a_key_whose_job_goes_just_then_is_taken_again(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    submit_t second = a_keyed_order(1, 2);
    assert_int_equal(submit(&first), ERR_NONE);
    tell("CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
         " DELETE FROM dedup WHERE request_hash = decode(repeat('01', 32), 'hex');"
         " RETURN NULL; END $$;"
         "CREATE TRIGGER forget AFTER INSERT ON dedup FOR EACH STATEMENT"
         " EXECUTE FUNCTION forget()");
    err_kind_t kind = submit(&second);
    tell("DROP TRIGGER forget ON dedup; DROP FUNCTION forget()");
    assert_int_equal(kind, ERR_NONE);
    assert_false(second.existed);
    assert_job(&second.id, "SELECT count(*) FROM dedup WHERE job = '%s'", "1");
}

static void *
submit_alone(void *arg)
{
    err_t err;
    submit_t *order = (submit_t *)arg;
    submit_t *list[] = { order };
    own(store) store = store_new(world_dsn, "test-racer");
    return store_submit(store, list, 1, &err) && order->err.kind == ERR_NONE ? order : NULL;
}

enum { RACERS = 6 };

/* All at once under one key: one makes the job, which all others get. */
static void
race(void)
{
    pthread_t threads[RACERS];
    submit_t orders[RACERS];
    uint32_t made = 0;
    for (int i = 0; i < RACERS; i++) {
        orders[i] = a_keyed_order(1, 1);
        assert_int_equal(pthread_create(&threads[i], NULL, submit_alone, &orders[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
        made += !orders[i].existed;
        assert_true(jobid_equal(&orders[i].id, &orders[0].id));
    }
    assert_int_equal(made, 1);
    own(mem) jobs = ask("SELECT count(*) FROM live");
    assert_string_equal(jobs, "1");
}

static void
of_requests_at_once_under_a_key_one_makes_the_job(void **unused)
{
    (void)unused;
    race();
}

static void
of_requests_at_once_one_inherits_a_key(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 2);
    assert_int_equal(submit(&first), ERR_NONE);
    past_its_days("job");
    race();
}

/* --- a node that stands still in the midst of a submit --- */

/* Its connection, behind the statement that took a key. Caller owns the result. */
static pg_t *
a_frozen_node(const char *options)
{
    err_t err;
    own(mem) dsn = mem_format("%s options='%s'", world_dsn, options);
    pg_t *frozen = pg_new(dsn, "test-frozen");
    CHECK(pg_script(frozen,
                    "BEGIN; INSERT INTO dedup (tenant, kind, key_hash, request_hash, job) VALUES"
                    " ('demo', 'token', decode(repeat('01', 32), 'hex'), '', gen_random_uuid())",
                    &err));
    return frozen;
}

static void
a_key_that_is_held_up_keeps_no_other_job_waiting(void **unused)
{
    (void)unused;
    err_t err;
    pg_t *frozen = a_frozen_node("");
    submit_t orders[] = { a_keyed_order(1, 1), a_keyed_order(2, 1), an_order_of_steps() };
    submit_t *list[] = { &orders[0], &orders[1], &orders[2] };
    int64_t began_ms = clock_mono_ms();
    CHECK(store_submit(world_store, list, 3, &err));
    assert_true(clock_mono_ms() - began_ms < 5000);
    assert_int_equal(orders[0].err.kind, ERR_UNAVAILABLE);
    assert_int_equal(orders[1].err.kind, ERR_NONE);
    assert_int_equal(orders[2].err.kind, ERR_NONE);
    pg_destroy(&frozen);
    assert_int_equal(submit(&orders[0]), ERR_NONE);
}

static void
a_transaction_of_a_frozen_node_ends_by_itself(void **unused)
{
    (void)unused;
    err_t err;
    own(pg) frozen = a_frozen_node("-c idle_in_transaction_session_timeout=100ms");
    submit_t order = a_keyed_order(1, 1);
    assert_int_equal(submit(&order), ERR_NONE);
    assert_false(pg_script(frozen, "COMMIT", &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    CHECK(pg_script(frozen, "SELECT 1", &err));
}

static void
every_session_of_ours_has_an_end_for_that(void **unused)
{
    (void)unused;
    err_t err;
    own(pg) pg = pg_new(world_dsn, "test-session");
    CHECK(pg_script(pg,
                    "CREATE TABLE seen AS SELECT current_setting("
                    "'idle_in_transaction_session_timeout') AS span",
                    &err));
    own(mem) span = ask("SELECT span FROM seen");
    tell("DROP TABLE seen");
    assert_string_equal(span, "10s");
}

static void
statements_see_what_was_committed_whatever_the_database_says(void **unused)
{
    (void)unused;
    err_t err;
    own(mem) database = ask("SELECT current_database()");
    own(mem) text = mem_format("ALTER DATABASE \"%s\" SET default_transaction_isolation = "
                               "'repeatable read'",
                               database);
    tell(text);
    own(pg) pg = pg_new(world_dsn, "test-session");
    CHECK(pg_script(
        pg, "CREATE TABLE seen AS SELECT current_setting('transaction_isolation') AS level", &err));
    own(mem) level = ask("SELECT level FROM seen");
    tell("DROP TABLE seen");
    assert_string_equal(level, "read committed");
}

static void
a_transaction_that_was_cut_is_repeated_and_stores_all_once(void **unused)
{
    (void)unused;
    static const char *const answers[] = { "BEGIN", "INSERT", "COMMIT" };
    for (uint8_t i = 0; i < 3; i++) {
        submit_t order = a_keyed_order((uint8_t)(i + 1), 1);
        order.sql = "";
        order.steps = three_steps;
        order.step_count = 3;
        submit_cut(&order, answers[i]);
        assert_job(&order.id, "SELECT count(*) FROM live WHERE id = '%s'", "1");
        assert_job(&order.id, "SELECT count(*) FROM step WHERE job = '%s'", "3");
        assert_job(&order.id, "SELECT count(*) FROM dedup WHERE job = '%s'", "1");
    }
}

static void
a_submit_that_is_repeated_keeps_its_queue_key(void **unused)
{
    (void)unused;
    submit_t order = a_keyed_order(1, 1);
    order.queue_key = "line";
    submit_cut(&order, "BEGIN");
    assert_job(&order.id, "SELECT queue_key FROM live WHERE id = '%s'", "line");
}

int
main(void)
{
#define SUBMIT_TEST(claim) cmocka_unit_test_setup(claim, submit_open)
    const struct CMUnitTest tests[] = {
        SUBMIT_TEST(a_job_of_several_steps_is_stored_and_found_with_them),
        SUBMIT_TEST(a_plain_find_brings_no_steps),
        SUBMIT_TEST(plain_and_other_jobs_that_arrive_together_are_each_answered),
        SUBMIT_TEST(the_same_request_under_a_key_is_the_same_job),
        SUBMIT_TEST(another_request_under_a_key_is_refused),
        SUBMIT_TEST(a_key_is_its_tenants_own),
        SUBMIT_TEST(a_key_ends_with_its_jobs_row),
        SUBMIT_TEST(a_key_whose_job_goes_just_then_is_taken_again),
        SUBMIT_TEST(a_key_outlives_its_jobs_results),
        SUBMIT_TEST(of_requests_at_once_one_inherits_a_key),
        SUBMIT_TEST(a_key_that_is_held_up_keeps_no_other_job_waiting),
        SUBMIT_TEST(a_transaction_of_a_frozen_node_ends_by_itself),
        SUBMIT_TEST(every_session_of_ours_has_an_end_for_that),
        SUBMIT_TEST(of_requests_at_once_under_a_key_one_makes_the_job),
        SUBMIT_TEST(a_transaction_that_was_cut_is_repeated_and_stores_all_once),
        SUBMIT_TEST(statements_see_what_was_committed_whatever_the_database_says),
        SUBMIT_TEST(a_submit_that_is_repeated_keeps_its_queue_key),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
