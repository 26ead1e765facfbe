/* test_life.c - what people do to a job, against a real PostgreSQL: cancel it, keep it longer,
 * remove it.
 */
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

static cancel_verdict_t
cancel(const jobid_t *job)
{
    err_t err;
    cancel_verdict_t verdict = CANCEL_NONE;
    CHECK(store_cancel(world_store, job, "demo", &verdict, &err));
    return verdict;
}

static uint32_t
sweep(void)
{
    err_t err;
    uint32_t ended = 0;
    CHECK(store_sweep_overdue(world_store, INT64_C(86400000), 10, &ended, &err));
    return ended;
}

static int
life_open(void **unused)
{
    int status = lane_open(unused);
    tell("DELETE FROM live");
    tell("DELETE FROM dedup");
    return status;
}

/* A final job with a page. */
static jobid_t
a_done_job(void)
{
    jobid_t job = a_claimed_job();
    own(page) page = a_page();
    a_write(0, WRITE_PAGE, &job, 1)->in.page.page = page;
    run(1);
    a_finish(0, &job, 1);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    return job;
}

static const char step_states[] = "SELECT string_agg(state, ' ' ORDER BY step) FROM step "
                                  "WHERE job = '%s'";

/* --- cancel --- */

static void
a_cancelled_job_that_waited_is_over_with_its_steps(void **unused)
{
    (void)unused;
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    assert_int_equal(cancel(&order.id), CANCEL_OVER);
    assert_int_equal(cancel(&order.id), CANCEL_NONE);
    find_t find = found(&order.id, "demo");
    assert_int_equal(find.job->state, JOB_CANCELLED);
    assert_int_equal(find.job->started_ms, 0);
    assert_non_null(find.job->error);
    assert_true(find.job->expires_ms > find.job->ended_ms);
    job_destroy(&find.job);
    assert_job(&order.id, step_states, "pending skipped pending");
}

static void
a_step_of_a_job_that_was_handed_back_ends_with_it(void **unused)
{
    (void)unused;
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    tell("UPDATE step SET state = 'running' WHERE step = 0");
    tell("UPDATE live SET attempt = 1, tries = 1");
    assert_job(&order.id, step_states, "running pending pending");
    assert_int_equal(cancel(&order.id), CANCEL_OVER);
    assert_job(&order.id, step_states, "cancelled skipped pending");
}

static const char totals[] = "SELECT concat_ws(' ', state, rows, bytes, pages, executing_us) "
                             "FROM job WHERE id = '%s'";

/* What one done step has left. */
static const char counted[] =
    "UPDATE step SET state = 'done', rows = 1, bytes = 20, pages = 3, executing_us = 40 "
    "WHERE step = 0";

static void
what_its_steps_did_is_counted_when_a_job_is_cancelled(void **unused)
{
    (void)unused;
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    tell(counted);
    assert_int_equal(cancel(&order.id), CANCEL_OVER);
    assert_job(&order.id, totals, "cancelled 1 20 3 40");
}

static void
nobody_cancels_the_job_of_another_tenant(void **unused)
{
    (void)unused;
    err_t err;
    cancel_verdict_t verdict = CANCEL_OVER;
    jobid_t waits = a_submitted_job();
    jobid_t runs = a_claimed_job();
    CHECK(store_cancel(world_store, &waits, "other", &verdict, &err));
    assert_int_equal(verdict, CANCEL_NONE);
    CHECK(store_cancel(world_store, &runs, "other", &verdict, &err));
    assert_int_equal(verdict, CANCEL_NONE);
    assert_job(&waits, "SELECT state FROM live WHERE id = '%s'", "pending");
    assert_job(&runs, "SELECT cancel_at IS NULL FROM live WHERE id = '%s'", "t");
}

static void
a_job_that_was_asked_to_stop_and_handed_back_is_ended_by_the_sweep(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    assert_int_equal(cancel(&job), CANCEL_ASKED);
    assert_int_equal(sweep(), 0);
    a_write(0, WRITE_UNCLAIM, &job, 1);
    run(1);
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state FROM job WHERE id = '%s'", "cancelled");
}

/* --- results: longer, or no more --- */

static void
a_renewed_job_expires_later(void **unused)
{
    (void)unused;
    err_t err;
    int64_t now_ms = 0;
    int64_t expires_ms = 0;
    jobid_t job = a_done_job();
    CHECK(store_clock(world_store, &now_ms, &err));
    CHECK(store_renew(world_store, &job, "demo", 100000, &expires_ms, &err));
    assert_true(expires_ms >= now_ms + 100000000 && expires_ms < now_ms + 100060000);
    find_t find = found(&job, "demo");
    assert_int_equal(find.job->expires_ms, expires_ms);
    assert_int_equal(find.job->retention_s, 100000);
    job_destroy(&find.job);
}

static void
only_a_final_job_of_ones_own_that_has_results_is_renewed(void **unused)
{
    (void)unused;
    err_t err;
    int64_t expires_ms = 0;
    jobid_t waits = a_submitted_job();
    jobid_t job = a_done_job();
    assert_false(store_renew(world_store, &waits, "demo", 0, &expires_ms, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(store_renew(world_store, &job, "other", 0, &expires_ms, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    CHECK(store_renew(world_store, &job, "demo", 0, &expires_ms, &err));
    tell("UPDATE job SET expires_at = now()");
    assert_false(store_renew(world_store, &job, "demo", 0, &expires_ms, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
a_removed_job_leaves_nothing(void **unused)
{
    (void)unused;
    err_t err;
    submit_t order = a_keyed_order(1, 1);
    order.sql = "";
    order.steps = three_steps;
    order.step_count = 3;
    assert_int_equal(submit(&order), ERR_NONE);
    a_claim(0, &order.id);
    run(1);
    own(page) page = a_page();
    uint8_t *text = (uint8_t *)mem_text("draft");
    own(page) draft = page_draft(&text, 5);
    write_t *write = a_write(0, WRITE_PAGE, &order.id, 1);
    write->in.page.page = page;
    write->in.page.draft = draft;
    run(1);
    a_finish(0, &order.id, 1);
    run(1);
    assert_job(&order.id, "SELECT count(*) FROM page WHERE job = '%s'", "2");
    assert_false(store_remove(world_store, &order.id, "other", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    CHECK(store_remove(world_store, &order.id, "demo", &err));
    assert_job(&order.id, "SELECT count(*) FROM page WHERE job = '%s'", "0");
    assert_job(&order.id, "SELECT count(*) FROM step WHERE job = '%s'", "0");
    assert_job(&order.id, "SELECT count(*) FROM dedup WHERE job = '%s'", "0");
    assert_int_equal(found(&order.id, "demo").verdict, FIND_MISSING);
    assert_false(store_remove(world_store, &order.id, "demo", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
a_job_that_is_not_over_is_not_removed(void **unused)
{
    (void)unused;
    err_t err;
    jobid_t job = a_claimed_job();
    assert_false(store_remove(world_store, &job, "demo", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_job(&job, "SELECT state FROM live WHERE id = '%s'", "running");
}

/* --- terms --- */

static void
terms_are_the_smaller_of_the_tenants_and_the_sources(void **unused)
{
    (void)unused;
    err_t err;
    terms_t terms;
    const uint8_t sealed[] = { 1 };
    CHECK(store_tenant_add(world_store, "capped", &err));
    CHECK(store_source_add(world_store, "slow", "postgres", "dbname=s", &err));
    CHECK(store_source_add(world_store, "fast", "postgres", "dbname=f", &err));
    CHECK(store_login_add(world_store, "capped", "s", "slow", "capped", sealed, 1, &err));
    CHECK(store_login_add(world_store, "capped", "slow", "fast", "capped", sealed, 1, &err));
    limits_t tenant = { 77, 500, -1, 9000, 1000, 50 };
    limits_t source = { -1, 400, 300, -1, 2000, 49 };
    CHECK(store_tenant_limit(world_store, "capped", &tenant, &err));
    CHECK(store_source_limit(world_store, "slow", &source, &err));

    CHECK(store_terms(world_store, "capped", "", &terms, &err));
    assert_string_equal(terms.source, "slow");
    assert_int_equal(terms.retention_s, 77);
    assert_int_equal(terms.statement_timeout_ms, 400);
    assert_int_equal(terms.queue_timeout_ms, 300);
    assert_int_equal(terms.deadline_ms, 9000);
    assert_int_equal(terms.max_rows.most, 1000);
    assert_int_equal(terms.max_rows.owner, LIMIT_OF_TENANT);
    assert_int_equal(terms.max_bytes.most, 49);
    assert_int_equal(terms.max_bytes.owner, LIMIT_OF_SOURCE);
    CHECK(store_terms(world_store, "capped", "slow", &terms, &err)); /* an alias before a source */
    assert_string_equal(terms.source, "fast");
    assert_int_equal(terms.statement_timeout_ms, 500);
    assert_false(store_terms(world_store, "capped", "none", &terms, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);

    limits_t some = { -1, -1, -1, -1, 0, -1 };
    CHECK(store_tenant_limit(world_store, "capped", &some, &err));
    CHECK(store_terms(world_store, "capped", "s", &terms, &err));
    assert_int_equal(terms.max_rows.most, 2000);
    assert_int_equal(terms.max_rows.owner, LIMIT_OF_SOURCE);
    CHECK(store_terms(world_store, "capped", "fast", &terms, &err));
    assert_int_equal(terms.max_rows.most, 0);
    assert_int_equal(terms.max_bytes.most, 50);
    assert_int_equal(terms.max_bytes.owner, LIMIT_OF_TENANT);

    limits_t none = { 0 };
    CHECK(store_tenant_limit(world_store, "capped", &none, &err));
    CHECK(store_terms(world_store, "capped", "fast", &terms, &err));
    assert_int_equal(terms.retention_s, 0);
    assert_int_equal(terms.statement_timeout_ms, 0);
    assert_int_equal(terms.max_bytes.most, 0);
    assert_false(store_tenant_limit(world_store, "nobody", &none, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int
main(void)
{
#define LIFE_TEST(claim) cmocka_unit_test_setup_teardown(claim, life_open, lane_close)
    const struct CMUnitTest tests[] = {
        LIFE_TEST(a_cancelled_job_that_waited_is_over_with_its_steps),
        LIFE_TEST(a_step_of_a_job_that_was_handed_back_ends_with_it),
        LIFE_TEST(what_its_steps_did_is_counted_when_a_job_is_cancelled),
        LIFE_TEST(nobody_cancels_the_job_of_another_tenant),
        LIFE_TEST(a_job_that_was_asked_to_stop_and_handed_back_is_ended_by_the_sweep),
        LIFE_TEST(a_renewed_job_expires_later),
        LIFE_TEST(only_a_final_job_of_ones_own_that_has_results_is_renewed),
        LIFE_TEST(a_removed_job_leaves_nothing),
        LIFE_TEST(a_job_that_is_not_over_is_not_removed),
        LIFE_TEST(terms_are_the_smaller_of_the_tenants_and_the_sources),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
