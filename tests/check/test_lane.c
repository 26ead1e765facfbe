/* test_lane.c - the lane against a real PostgreSQL, and what fences and losses do. */
#include <stdlib.h>

#include "tests/check/lane_world.h"

/* --- the lane --- */

static void
a_job_is_claimed_and_finished(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    assert_string_equal(world.writes[0].claimed.sql, "SELECT 1");
    assert_int_equal(world.writes[0].claimed.ghost_count, 0);
    assert_job(&job, "SELECT count(*) FROM node WHERE '%s' = ANY (jobs)", "1");
    write_t *write = a_finish(0, &job, 1);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_true(write->ended_ms >= write->started_ms && write->started_ms > 0);

    find_t find = found(&job, "demo");
    assert_int_equal(find.job->state, JOB_DONE);
    assert_int_equal(find.job->rows, 3);
    assert_int_equal(find.job->ended_ms, write->ended_ms);
    job_destroy(&find.job);
    assert_job(&job, "SELECT count(*) FROM live WHERE id = '%s'", "0");
}

static void
claims_and_finishes_share_a_batch_and_keep_their_order(void **unused)
{
    (void)unused;
    jobid_t first = a_claimed_job();
    jobid_t second = a_submitted_job();
    jobid_t third = a_submitted_job();
    write_t *login = a_write(0, WRITE_LOGIN, &first, 0);
    login->in.login.tenant = "demo";
    login->in.login.source = "nowhere";
    a_claim(1, &third);
    a_finish(2, &first, 1);
    a_claim(3, &second);
    run(4);
    assert_int_equal(world.writes[0].verdict, WRITE_FAILED);
    assert_int_equal(world.writes[0].err.kind, ERR_NOT_FOUND);
    for (int i = 1; i < 4; i++)
        assert_int_equal(world.writes[i].verdict, WRITE_DONE);
}

static void
an_old_attempt_writes_nothing(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    tell("UPDATE live SET attempt = 2");
    own(page) page = a_page();
    a_write(0, WRITE_PAGE, &job, 1)->in.page.page = page;
    write_t *outcome = a_write(1, WRITE_OUTCOME, &job, 1);
    outcome->in.outcome.manifest = (const uint8_t *)"x";
    outcome->in.outcome.manifest_size = 1;
    a_finish(2, &job, 1);
    a_write(3, WRITE_UNCLAIM, &job, 1);
    run(4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world.writes[i].verdict, WRITE_FENCED);
    assert_job(&job, "SELECT count(*) FROM page WHERE job = '%s'", "0");
    assert_job(&job, "SELECT count(*) FROM outcome WHERE job = '%s'", "0");
    assert_job(&job, "SELECT count(*) FROM job WHERE id = '%s'", "0");
    assert_job(&job,
               "SELECT state || attempt || coalesce(bucket::text, '-') FROM live "
               "WHERE id = '%s'",
               "running2-");
}

static void
a_page_is_read_back_by_its_row(void **unused)
{
    (void)unused;
    err_t err;
    jobid_t job = a_claimed_job();
    own(page) page = a_page();
    write_t *write = a_write(0, WRITE_PAGE, &job, 1);
    write->in.page.page = page;
    write->in.page.result = 2; /* results before it may have left no page */
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    find_t find = found(&job, "demo");
    assert_true(find.job->first_page_ms > 0);
    page_key_t key = { .job = job, .bucket_us = find.job->bucket_us, .attempt = 1, .result = 2 };
    job_destroy(&find.job);
    own(page) again = store_page(world_store, &key, 0, PAGE_RAW_MOST, &err);
    assert_non_null(again);
    assert_int_equal(again->size, page->size);
    assert_int_equal(again->raw_bytes, page->raw_bytes);
    assert_memory_equal(again->data, page->data, page->size);
    assert_null(store_page(world_store, &key, 1, PAGE_RAW_MOST, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
put_page(uint32_t i, const jobid_t *job, page_t *page, int64_t first_row, uint32_t rows)
{
    page->first_row = first_row;
    page->rows = rows;
    a_write(i, WRITE_PAGE, job, 1)->in.page.page = page;
}

/* Hands in the second write when the lane's own hook has run behind the first. */
static bool
second_write(void *arg)
{
    bool *due = (bool *)arg;
    if (!*due)
        return false;
    *due = false;
    lane_write(world.lane, &world.writes[1]);
    return true;
}

/* A job whose pages have their bucket. */
static jobid_t
a_job_with_pages(void)
{
    jobid_t job = a_claimed_job();
    char id[JOBID_TEXT_SIZE];
    own(mem) open = mem_format("UPDATE live SET bucket = page_bucket(retention_s) WHERE id = '%s'",
                               jobid_text(&job, id));
    tell(open);
    return job;
}

/* In how many transactions are two of its pages stored, from `first_row` on, of which the second
 * comes a turn behind the first? */
static void
assert_transactions(const jobid_t *job, int64_t first_row, uint32_t raw_bytes, bool hurried,
                    const char *expected)
{
    own(page) first = a_page();
    own(page) second = a_page();
    put_page(0, job, first, first_row, 1);
    put_page(1, job, second, first_row + 1, 1);
    first->raw_bytes = raw_bytes;
    world.writes[0].done = world.writes[1].done = answered;
    static bool due; /* the loop keeps it */
    due = true;
    loop_before_sleep(world.loop, second_write, &due);
    lane_write(world.lane, &world.writes[0]);
    if (hurried)
        lane_hurry(world.lane);
    await(2);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_int_equal(world.writes[1].verdict, WRITE_DONE);
    assert_job(job, "SELECT count(DISTINCT xmin::text) FROM page WHERE job = '%s'", expected);
}

static void
pages_that_nobody_waits_for_go_together(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with_pages();
    assert_transactions(&job, 1, 1, false, "1");
}

static void
pages_that_were_forgotten_hurry_nobody(void **unused)
{
    (void)unused;
    int owner;
    own(page) gone = a_page();
    jobid_t job = a_job_with_pages();
    put_page(2, &job, gone, 1, 1);
    world.writes[2].owner = &owner;
    lane_write(world.lane, &world.writes[2]);
    lane_hurry(world.lane);
    lane_forget(world.lane, &owner);
    assert_int_equal(lane_load(world.lane), 0);
    assert_transactions(&job, 1, 1, false, "1");
}

static void
a_page_that_somebody_waits_for_goes_at_once(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with_pages();
    assert_transactions(&job, 1, 1, true, "2");
}

static void
the_first_page_of_a_result_goes_at_once(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with_pages();
    assert_transactions(&job, 0, 1, false, "2");
}

static void
pages_go_at_once_when_they_are_enough_bytes(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with_pages();
    assert_transactions(&job, 1, LANE_GATHER_BYTES, false, "2");
}

static void
a_page_tells_of_the_next_and_goes_without_its_bytes_when_it_is_large(void **unused)
{
    (void)unused;
    err_t err;
    jobid_t job = a_claimed_job();
    own(page) first = a_page();
    own(page) second = a_page();
    put_page(0, &job, first, 0, 5);
    put_page(1, &job, second, 5, 3);
    run(2);
    find_t find = found(&job, "demo");
    page_key_t key = { .job = job, .bucket_us = find.job->bucket_us, .attempt = 1 };
    job_destroy(&find.job);

    own(page) page = store_page(world_store, &key, 4, first->raw_bytes, &err);
    assert_non_null(page);
    assert_non_null(page->data);
    own(page) large = store_page(world_store, &key, 7, second->raw_bytes - 1, &err);
    assert_non_null(large);
    assert_null(large->data);
    assert_int_equal(large->first_row, 5);
    assert_int_equal(large->size, second->size);
    assert_int_equal(large->raw_bytes, second->raw_bytes);
    assert_memory_equal(large->hash, second->hash, PAGE_HASH_SIZE);
}

static void
an_outcome_is_put_on_record_and_seen(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    write_t *look = a_write(0, WRITE_LOOK, &job, 1);
    run(1);
    assert_int_equal(look->verdict, WRITE_DONE);
    assert_false(look->look.found);
    write_t *outcome = a_write(0, WRITE_OUTCOME, &job, 1);
    outcome->in.outcome.manifest = (const uint8_t *)"x";
    outcome->in.outcome.manifest_size = 1;
    look = a_write(1, WRITE_LOOK, &job, 1);
    run(2);
    assert_int_equal(outcome->verdict, WRITE_DONE);
    assert_true(look->look.found);
}

static void
a_job_handed_back_keeps_its_attempt_but_not_its_try(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    a_write(0, WRITE_UNCLAIM, &job, 1);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_job(&job, "SELECT state || ' ' || attempt || ' ' || tries FROM live WHERE id = '%s'",
               "pending 1 0");
}

static void
a_try_that_counts_is_not_given_back(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    a_write(0, WRITE_UNCLAIM, &job, 1)->tried = true;
    run(1);
    assert_job(&job, "SELECT state || ' ' || tries FROM live WHERE id = '%s'", "pending 1");
}

static void
an_executor_declared_dead_claims_nothing_and_hears_of_it(void **unused)
{
    (void)unused;
    jobid_t job = a_submitted_job();
    lane_incarnation(world.lane, 999999);
    write_t *write = a_claim(0, &job);
    run(1);
    assert_int_equal(write->verdict, WRITE_FENCED);
    assert_int_equal(world.deposed, 1);
    assert_job(&job, "SELECT state FROM live WHERE id = '%s'", "pending");
}

static void
count_flagged(void *arg, const waiting_t *job)
{
    (void)arg;
    assert_true(job->recovering);
    assert_string_equal(job->tenant, "demo");
    world.awaited++;
}

static void
the_jobs_of_a_dead_executor_are_flagged_and_claimed_again(void **unused)
{
    (void)unused;
    err_t err;
    uint32_t nodes = 0;
    jobid_t job = a_claimed_job();
    enroll("exec", world.incarnation, -1);
    world.awaited = 0;
    CHECK(store_sweep_nodes(world_store, count_flagged, NULL, &nodes, &err));
    assert_int_equal(world.awaited, 1);
    assert_true(nodes >= 1);

    lane_incarnation(world.lane, ++world.incarnation);
    enroll("exec", world.incarnation, 60000);
    write_t *write = a_claim(0, &job);
    write->in.session.backend_pid = 78;
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_int_equal(write->claimed.attempt, 2);
    assert_int_equal(write->claimed.tries, 2);
    assert_int_equal(write->claimed.ghost_count, 1);
    assert_int_equal(write->claimed.ghosts[0], 77);
}

static void
one_bad_write_of_a_batch_fails_alone(void **unused)
{
    (void)unused;
    jobid_t first = a_claimed_job();
    jobid_t second = a_claimed_job();
    a_finish(0, &first, 1);
    write_t *bad = a_finish(1, &second, 1);
    bad->in.ending.state = JOB_FAILED;
    bad->in.ending.error = "bytes that are no text: \xff";
    run(2);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_int_equal(bad->verdict, WRITE_FAILED);
    assert_string_equal(bad->err.sqlstate, "22021");
    assert_job(&second, "SELECT state FROM live WHERE id = '%s'", "running");
}

static void
a_finish_whose_answer_is_lost_is_done_once(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    write_t *write = a_finish(0, &job, 1);
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(cutter_cuts(world.cutter), 1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_true(write->ended_ms > 0);
    assert_job(&job, "SELECT count(*) FROM job WHERE id = '%s'", "1");
}

static void
a_claim_whose_answer_is_lost_is_claimed_again_by_the_same_session(void **unused)
{
    (void)unused;
    jobid_t before = a_claimed_job(); /* so that the lane is connected */
    jobid_t job = a_submitted_job();
    (void)before;
    write_t *write = a_claim(0, &job);
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(cutter_cuts(world.cutter), 1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_int_equal(write->claimed.attempt, 2);
    assert_int_equal(write->claimed.tries, 1);
    assert_int_equal(write->claimed.ghost_count, 0);
}

static void
a_page_whose_answer_is_lost_is_stored_once(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = a_page();
    write_t *write = a_write(0, WRITE_PAGE, &job, 1);
    write->in.page.page = page;
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_job(&job, "SELECT count(*) FROM page WHERE job = '%s'", "1");
}

/* Once the lane waits for the row that this test holds: end its backend, and let the row go. */
static void
end_when_blocked(void *unused)
{
    (void)unused;
    own(mem) ended = ask("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                         "WHERE application_name = 'test-lane' AND wait_event_type = 'Lock'");
    if (strcmp(ended, "1") == 0)
        tell("COMMIT");
}

static void
a_finish_whose_backend_is_ended_before_the_commit_is_done_later(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    tell("BEGIN");
    tell("SELECT count(*) FROM (SELECT 1 FROM live FOR UPDATE) held");
    loop_timer_t *timer = loop_every(world.loop, 5, end_when_blocked, NULL);
    write_t *write = a_finish(0, &job, 1);
    run(1);
    loop_cancel(&timer);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_job(&job, "SELECT count(*) FROM job WHERE id = '%s'", "1");
}

static void
a_forgotten_write_is_not_answered(void **unused)
{
    (void)unused;
    jobid_t first = a_submitted_job();
    jobid_t second = a_submitted_job();
    write_t *forgotten = a_claim(2, &first);
    forgotten->done = answered;
    forgotten->owner = &first;
    forgotten->verdict = WRITE_FAILED;
    lane_write(world.lane, forgotten);
    lane_forget(world.lane, &first);
    a_claim(0, &second);
    run(1);
    assert_int_equal(forgotten->verdict, WRITE_FAILED);
    assert_job(&first, "SELECT state FROM live WHERE id = '%s'", "pending");
}

static void
a_final_job_is_gone_seven_days_after_it_expired(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    a_finish(0, &job, 1);
    run(1);
    tell("UPDATE job SET expires_at = now() - interval '6 days'");
    find_t find = found(&job, "demo");
    assert_int_equal(find.verdict, FIND_FOUND);
    assert_true(find.job->expired);
    job_destroy(&find.job);
    tell("UPDATE job SET expires_at = now() - interval '8 days'");
    assert_int_equal(found(&job, "demo").verdict, FIND_MISSING);
    assert_int_equal(found(&job, "other").verdict, FIND_MISSING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_job_is_claimed_and_finished),
        LANE_TEST(claims_and_finishes_share_a_batch_and_keep_their_order),
        LANE_TEST(an_old_attempt_writes_nothing),
        LANE_TEST(a_page_is_read_back_by_its_row),
        LANE_TEST(a_page_tells_of_the_next_and_goes_without_its_bytes_when_it_is_large),
        LANE_TEST(pages_that_nobody_waits_for_go_together),
        LANE_TEST(pages_that_were_forgotten_hurry_nobody),
        LANE_TEST(a_page_that_somebody_waits_for_goes_at_once),
        LANE_TEST(the_first_page_of_a_result_goes_at_once),
        LANE_TEST(pages_go_at_once_when_they_are_enough_bytes),
        LANE_TEST(an_outcome_is_put_on_record_and_seen),
        LANE_TEST(a_job_handed_back_keeps_its_attempt_but_not_its_try),
        LANE_TEST(a_try_that_counts_is_not_given_back),
        LANE_TEST(an_executor_declared_dead_claims_nothing_and_hears_of_it),
        LANE_TEST(the_jobs_of_a_dead_executor_are_flagged_and_claimed_again),
        LANE_TEST(one_bad_write_of_a_batch_fails_alone),
        LANE_TEST(a_finish_whose_answer_is_lost_is_done_once),
        LANE_TEST(a_claim_whose_answer_is_lost_is_claimed_again_by_the_same_session),
        LANE_TEST(a_page_whose_answer_is_lost_is_stored_once),
        LANE_TEST(a_finish_whose_backend_is_ended_before_the_commit_is_done_later),
        LANE_TEST(a_forgotten_write_is_not_answered),
        LANE_TEST(a_final_job_is_gone_seven_days_after_it_expired),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
