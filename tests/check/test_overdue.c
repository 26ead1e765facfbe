/* test_overdue.c - jobs whose clocks ran out while no executor had them, against a real PostgreSQL.
 */
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

enum { MINUTE_S = 60 };

static uint32_t
sweep(void)
{
    err_t err;
    uint32_t ended = 0;
    CHECK(store_sweep_overdue(world_store, INT64_C(86400000), 10, &ended, &err));
    return ended;
}

static int
overdue_open(void **unused)
{
    int status = lane_open(unused);
    tell("DELETE FROM live");
    tell("DELETE FROM dedup");
    return status;
}

static const char step_states[] = "SELECT string_agg(state, ' ' ORDER BY step) FROM step "
                                  "WHERE job = '%s'";

static const char totals[] = "SELECT concat_ws(' ', state, rows, bytes, pages, executing_us) "
                             "FROM job WHERE id = '%s'";

/* What one done step has left. */
static const char counted[] =
    "UPDATE step SET state = 'done', rows = 1, bytes = 20, pages = 3, executing_us = 40 "
    "WHERE step = 0";

/* Submit with clocks that have run out already. */
static jobid_t
a_late_job(int64_t queue_ms, int64_t deadline_ms)
{
    submit_t order = an_order();
    order.queue_timeout_ms = queue_ms;
    order.deadline_ms = deadline_ms;
    assert_int_equal(submit(&order), ERR_NONE);
    assert_int_equal(sweep(), 0);
    tell("UPDATE live SET queue_until = queue_until - interval '1 day',"
         "                deadline_at = deadline_at - interval '1 day'");
    return order.id;
}

static void
a_job_that_nobody_took_up_in_time_ends_timed_out(void **unused)
{
    (void)unused;
    jobid_t job = a_late_job(MINUTE_S * 1000, 0);
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state || ' ' || error FROM job WHERE id = '%s'",
               "timed_out not taken up within its queue timeout");
}

static void
the_queues_clock_stops_at_the_first_try(void **unused)
{
    (void)unused;
    jobid_t job = a_late_job(MINUTE_S * 1000, 0);
    tell("UPDATE live SET tries = 1");
    assert_int_equal(sweep(), 0);
    assert_job(&job, "SELECT state FROM live WHERE id = '%s'", "pending");
}

static void
a_deadline_ends_what_waits_however_often_it_was_tried(void **unused)
{
    (void)unused;
    jobid_t job = a_late_job(0, MINUTE_S * 1000);
    tell("UPDATE live SET tries = 3");
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state || ' ' || error FROM job WHERE id = '%s'",
               "timed_out its deadline passed");
}

static void
a_job_without_a_deadline_has_the_clusters(void **unused)
{
    (void)unused;
    err_t err;
    uint32_t ended = 0;
    submit_t order = an_order();
    order.id = jobid_make(jobid_ms(&order.id) - 5000, 0);
    assert_int_equal(submit(&order), ERR_NONE);
    CHECK(store_sweep_overdue(world_store, 60000, 10, &ended, &err));
    assert_int_equal(ended, 0);
    CHECK(store_sweep_overdue(world_store, 1000, 10, &ended, &err));
    assert_int_equal(ended, 1);
    assert_job(&order.id, "SELECT state FROM job WHERE id = '%s'", "timed_out");
}

/* Its executor was lost, and its deadline has been over for long. */
static jobid_t
a_late_lost_job(void)
{
    jobid_t job = a_late_job(0, MINUTE_S * 1000);
    a_claim(0, &job);
    run(1);
    assert_int_equal(sweep(), 0); /* an executor has it */
    return job;
}

static void
a_lost_job_that_sent_no_commit_ends_timed_out(void **unused)
{
    (void)unused;
    jobid_t job = a_late_lost_job();
    tell("UPDATE live SET recovering = true");
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state FROM job WHERE id = '%s'", "timed_out");
}

static void
a_lost_job_in_the_midst_of_its_commit_ends_unknown(void **unused)
{
    (void)unused;
    jobid_t job = a_late_lost_job();
    write_t *outcome = a_write(0, WRITE_OUTCOME, &job, 1);
    outcome->in.outcome.manifest = (const uint8_t *)"x";
    outcome->in.outcome.manifest_size = 1;
    run(1);
    tell("UPDATE live SET recovering = true");
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state FROM job WHERE id = '%s'", "unknown");
    assert_job(&job, "SELECT count(*) FROM outcome WHERE job = '%s'", "0");
    /* And who had it comes too late to say otherwise. */
    write_t *finish = a_finish(0, &job, 1);
    run(1);
    assert_int_equal(finish->verdict, WRITE_FENCED);
}

static void
a_lost_job_is_left_to_executors_for_a_minute_behind_its_deadline(void **unused)
{
    (void)unused;
    jobid_t job = a_late_lost_job();
    tell("UPDATE live SET recovering = true, deadline_at = now() - interval '50 s'");
    assert_int_equal(sweep(), 0);
    a_claim(0, &job);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    tell("UPDATE live SET recovering = true, deadline_at = now() - interval '61 s'");
    assert_int_equal(sweep(), 1);
}

static void
so_is_one_that_has_the_clusters_deadline(void **unused)
{
    (void)unused;
    err_t err;
    uint32_t ended = 7;
    submit_t order = an_order();
    order.id = jobid_make(jobid_ms(&order.id) - 55000, 0);
    assert_int_equal(submit(&order), ERR_NONE);
    tell("UPDATE live SET state = 'running', attempt = 1, recovering = true");
    CHECK(store_sweep_overdue(world_store, 1000, 10, &ended, &err));
    assert_int_equal(ended, 0);
    tell("DELETE FROM live");
    order.id = jobid_make(jobid_ms(&order.id) - 10000, 0);
    assert_int_equal(submit(&order), ERR_NONE);
    tell("UPDATE live SET state = 'running', attempt = 1, recovering = true");
    CHECK(store_sweep_overdue(world_store, 1000, 10, &ended, &err));
    assert_int_equal(ended, 1);
}

/* A lost job of three steps: the first is done, and the second has come this far. */
static jobid_t
a_lost_job_of_steps(const char *second, int in_doubt)
{
    submit_t order = an_order_of_steps();
    char id[JOBID_TEXT_SIZE];
    order.deadline_ms = 1000;
    assert_int_equal(submit(&order), ERR_NONE);
    (void)jobid_text(&order.id, id);
    own(mem) steps =
        mem_format("UPDATE step SET state = CASE step WHEN 0 THEN 'done' ELSE '%s' END "
                   "WHERE job = '%s' AND step < 2",
                   second, id);
    own(mem) record =
        mem_format("INSERT INTO outcome (job, step, attempt, system_id, timeline, xid,"
                   " manifest) VALUES ('%s', %d, 1, 1, 1, 1, '')",
                   id, in_doubt);
    tell(steps);
    tell(record);
    tell("UPDATE live SET state = 'running', recovering = true, attempt = 1, tries = 1,"
         "                deadline_at = now() - interval '2 minutes'");
    return order.id;
}

static void
only_the_step_in_doubt_makes_a_lost_job_unknown(void **unused)
{
    (void)unused;
    jobid_t job = a_lost_job_of_steps("running", 1);
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state FROM job WHERE id = '%s'", "unknown");
    assert_job(&job, step_states, "done unknown pending");
}

static void
a_record_of_a_step_that_is_decided_raises_no_doubt(void **unused)
{
    (void)unused;
    jobid_t job = a_lost_job_of_steps("running", 0);
    assert_int_equal(sweep(), 1);
    assert_job(&job, "SELECT state FROM job WHERE id = '%s'", "timed_out");
    assert_job(&job, step_states, "done timed_out pending");
}

static void
what_its_steps_did_is_counted_when_a_jobs_time_is_over(void **unused)
{
    (void)unused;
    jobid_t job = a_lost_job_of_steps("running", 0);
    tell(counted);
    assert_int_equal(sweep(), 1);
    assert_job(&job, totals, "timed_out 1 20 3 40");
}

int
main(void)
{
#define OVERDUE_TEST(claim) cmocka_unit_test_setup_teardown(claim, overdue_open, lane_close)
    const struct CMUnitTest tests[] = {
        OVERDUE_TEST(a_job_that_nobody_took_up_in_time_ends_timed_out),
        OVERDUE_TEST(the_queues_clock_stops_at_the_first_try),
        OVERDUE_TEST(a_deadline_ends_what_waits_however_often_it_was_tried),
        OVERDUE_TEST(a_job_without_a_deadline_has_the_clusters),
        OVERDUE_TEST(a_lost_job_that_sent_no_commit_ends_timed_out),
        OVERDUE_TEST(a_lost_job_in_the_midst_of_its_commit_ends_unknown),
        OVERDUE_TEST(a_lost_job_is_left_to_executors_for_a_minute_behind_its_deadline),
        OVERDUE_TEST(so_is_one_that_has_the_clusters_deadline),
        OVERDUE_TEST(only_the_step_in_doubt_makes_a_lost_job_unknown),
        OVERDUE_TEST(a_record_of_a_step_that_is_decided_raises_no_doubt),
        OVERDUE_TEST(what_its_steps_did_is_counted_when_a_jobs_time_is_over),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
