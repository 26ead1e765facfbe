/* test_edit.c - other texts for a job that waits: what they replace, what stays, and when they come
 * too late. */
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

static const submit_step_t one_step = { .sql = "SELECT 9" };
static const submit_step_t quick_step = { .sql = "SELECT 9", .timeout_ms = 500 };
static const submit_step_t two_steps[2] = {
    { .sql = "SELECT 7", .timeout_ms = 70 },
    { .sql = "SELECT 8", .condition = "failed:0", .is_template = true },
};

static edit_t
an_edit(const jobid_t *job, const submit_step_t *steps, uint32_t count)
{
    static int64_t moment_ms = 1650566950000;
    return (edit_t){
        .id = *job, .tenant = "demo", .steps = steps, .step_count = count, .edited_ms = moment_ms++
    };
}

static bool
done(const edit_t *edit)
{
    err_t err;
    bool edited = false;
    CHECK(store_edit(world_store, edit, &edited, &err));
    return edited;
}

static bool
give(const jobid_t *job, const submit_step_t *steps, uint32_t count)
{
    edit_t edit = an_edit(job, steps, count);
    return done(&edit);
}

static jobid_t
a_job_with(const char *options)
{
    submit_t order = an_order();
    order.options = options;
    assert_int_equal(submit(&order), ERR_NONE);
    return order.id;
}

static jobid_t
a_job_of_steps(void)
{
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    return order.id;
}

static const claimed_t *
claimed(const jobid_t *job)
{
    const write_t *write = a_claim(0, job);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    return &write->claimed;
}

/* Its options but for the moment of the edit. */
static void
assert_options(const jobid_t *job, const char *options)
{
    assert_job(job, "SELECT options - 'edited_ms' FROM live WHERE id = '%s'", options);
}

/* --- what is replaced --- */

static void
a_job_that_waits_is_given_another_text_and_note(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with("{\"note\":\"old\",\"max_attempts\":2}");
    edit_t edit = an_edit(&job, &one_step, 1);
    edit.note = "new\n\"1\"";
    assert_true(done(&edit));
    find_t find = found(&job, "demo");
    assert_string_equal(find.job->note, "new\n\"1\"");
    assert_int_equal(find.job->edited_ms, edit.edited_ms);
    assert_int_equal(find.job->state, JOB_PENDING);
    job_destroy(&find.job);
    const claimed_t *claim = claimed(&job);
    assert_string_equal(claim->sql, "SELECT 9");
    assert_int_equal(claim->max_attempts, 2);
}

static void
without_a_note_it_has_none(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with("{\"note\":\"old\"}");
    assert_true(give(&job, &one_step, 1));
    assert_options(&job, "{}");
}

static void
one_step_becomes_several_and_several_become_one(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with(NULL);
    assert_true(give(&job, three_steps, 3));
    find_t find = found(&job, "demo");
    assert_int_equal(find.job->steps, 3);
    assert_string_equal(find.job->step[1].condition, "done:0");
    job_destroy(&find.job);

    assert_true(give(&job, two_steps, 2));
    find = found(&job, "demo");
    assert_int_equal(find.job->steps, 2);
    assert_string_equal(find.job->step[0].sql, "SELECT 7");
    assert_int_equal(find.job->step[0].timeout_ms, 70);
    assert_string_equal(find.job->step[1].condition, "failed:0");
    assert_true(find.job->step[1].is_template);
    job_destroy(&find.job);

    assert_true(give(&job, &one_step, 1));
    assert_job(&job, "SELECT count(*) FROM step WHERE job = '%s'", "0");
    const claimed_t *claim = claimed(&job);
    assert_int_equal(claim->steps, 1);
    assert_string_equal(claim->sql, "SELECT 9");
}

static void
a_job_of_several_steps_has_no_text_of_its_own(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with(NULL);
    assert_true(give(&job, two_steps, 2));
    const claimed_t *claim = claimed(&job);
    assert_string_equal(claim->sql, "");
    assert_int_equal(claim->steps, 2);
}

/* --- what stays --- */

static void
the_orders_timeout_comes_back_when_that_of_its_only_step_goes(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with("{\"statement_timeout_ms\":9000,\"read_only\":true}");
    assert_true(give(&job, &quick_step, 1));
    assert_options(&job, "{\"read_only\": true, \"order_timeout_ms\": 9000, "
                         "\"statement_timeout_ms\": 500}");
    assert_true(give(&job, &quick_step, 1));
    assert_true(give(&job, two_steps, 2));
    assert_options(&job, "{\"read_only\": true, \"statement_timeout_ms\": 9000}");
    assert_true(give(&job, &quick_step, 1));
    assert_true(give(&job, &one_step, 1));
    assert_options(&job, "{\"read_only\": true, \"statement_timeout_ms\": 9000}");
    assert_int_equal(claimed(&job)->statement_timeout_ms, 9000);
}

static void
an_order_without_a_timeout_has_none_again(void **unused)
{
    (void)unused;
    jobid_t job = a_job_with("{\"order_timeout_ms\":0,\"statement_timeout_ms\":70}");
    assert_true(give(&job, &quick_step, 1));
    assert_options(&job, "{\"order_timeout_ms\": 0, \"statement_timeout_ms\": 500}");
    assert_true(give(&job, &one_step, 1));
    assert_options(&job, "{}");
    assert_int_equal(claimed(&job)->statement_timeout_ms, 0);
}

static void
it_keeps_its_place_in_its_line(void **unused)
{
    (void)unused;
    submit_t orders[2] = { an_order(), an_order() };
    int64_t ms = jobid_ms(&orders[0].id) - 100;
    for (int i = 0; i < 2; i++) {
        orders[i].id = jobid_make(ms + 10 * i, 0);
        orders[i].queue_key = "place";
        assert_int_equal(submit(&orders[i]), ERR_NONE);
    }
    assert_true(give(&orders[0].id, &one_step, 1));
    const write_t *write = a_claim(0, &orders[1].id);
    run(1);
    assert_int_equal(write->verdict, WRITE_FENCED);
    assert_string_equal(claimed(&orders[0].id)->sql, "SELECT 9");
}

static void
a_job_that_was_handed_back_is_given_other_texts(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    (void)claimed(&job);
    assert_job(&job,
               "WITH s AS (UPDATE step SET state = 'running', attempt = 1, started_at = now()"
               " WHERE job = '%s' AND step = 0 RETURNING 1) SELECT count(*) FROM s",
               "1");
    a_write(0, WRITE_UNCLAIM, &job, 1);
    run(1);
    assert_true(give(&job, two_steps, 2));
    assert_job(&job,
               "SELECT string_agg(state || attempt || coalesce(started_at::text, '-'), ' ')"
               " FROM step WHERE job = '%s'",
               "pending0- pending0-");
}

/* --- too late --- */

static void
assert_old_texts(const jobid_t *job)
{
    assert_job(job, "SELECT string_agg(sql, ';' ORDER BY step) FROM step WHERE job = '%s'",
               "SELECT 0;SELECT 1;SELECT 2");
    assert_job(job, "SELECT steps || sql || coalesce(options::text, '') FROM live WHERE id = '%s'",
               "3");
}

static void
assert_kept(const jobid_t *job)
{
    assert_false(give(job, two_steps, 2));
    assert_old_texts(job);
}

static void
a_job_that_runs_keeps_its_texts(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    (void)claimed(&job);
    assert_kept(&job);
}

static void
a_job_that_is_to_stop_keeps_its_texts(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    assert_job(&job, "UPDATE live SET cancel_at = now() WHERE id = '%s' RETURNING 1", "1");
    assert_kept(&job);
}

static void
a_job_that_has_a_step_behind_it_keeps_its_texts(void **unused)
{
    (void)unused;
    static const char *const states[] = { "done", "failed" };
    for (int i = 0; i < 2; i++) {
        jobid_t job = a_job_of_steps();
        own(mem) sql = mem_format("UPDATE step SET state = '%s' WHERE job = '%%s' AND step = 1"
                                  " RETURNING 1",
                                  states[i]);
        assert_job(&job, sql, "1");
        assert_kept(&job);
    }
}

static void
a_job_of_which_a_commit_may_have_been_sent_keeps_its_texts(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    assert_job(&job,
               "INSERT INTO outcome (job, step, attempt, system_id, timeline, xid, manifest)"
               " VALUES ('%s', 0, 1, 1, 1, 1, '') RETURNING 1",
               "1");
    assert_kept(&job);
}

static void
nobody_elses_job_is_edited(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    edit_t edit = an_edit(&job, two_steps, 2);
    edit.tenant = "other";
    assert_false(done(&edit));
    assert_old_texts(&job);
}

/* --- answers that were lost --- */

static void
an_edit_whose_answer_was_lost_is_told_done(void **unused)
{
    (void)unused;
    err_t err;
    int64_t ms = 0;
    bool edited = false;
    jobid_t job = a_job_of_steps();
    edit_t edit = an_edit(&job, two_steps, 2);
    cutter_t *cutter = cutter_new(world_dsn);
    store_t *store = store_new(cutter_dsn(cutter), "test-cut");
    CHECK(store_clock(store, &ms, &err));
    cutter_arm(cutter, "SELECT");
    CHECK(store_edit(store, &edit, &edited, &err));
    assert_int_equal(cutter_cuts(cutter), 1);
    assert_true(edited);
    store_destroy(&store);
    cutter_destroy(&cutter);
    assert_int_equal(claimed(&job)->steps, 2);
}

static void
an_edit_that_was_done_is_told_so_whatever_became_of_the_job(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of_steps();
    edit_t edit = an_edit(&job, &one_step, 1);
    assert_true(done(&edit));
    (void)claimed(&job);
    assert_true(done(&edit));
    assert_false(give(&job, &one_step, 1));
    const write_t *finish = a_finish(0, &job, 1);
    run(1);
    assert_int_equal(finish->verdict, WRITE_DONE);
    assert_true(done(&edit));
    assert_false(give(&job, &one_step, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_job_that_waits_is_given_another_text_and_note),
        LANE_TEST(without_a_note_it_has_none),
        LANE_TEST(one_step_becomes_several_and_several_become_one),
        LANE_TEST(a_job_of_several_steps_has_no_text_of_its_own),
        LANE_TEST(the_orders_timeout_comes_back_when_that_of_its_only_step_goes),
        LANE_TEST(an_order_without_a_timeout_has_none_again),
        LANE_TEST(it_keeps_its_place_in_its_line),
        LANE_TEST(a_job_that_was_handed_back_is_given_other_texts),
        LANE_TEST(a_job_that_runs_keeps_its_texts),
        LANE_TEST(a_job_that_is_to_stop_keeps_its_texts),
        LANE_TEST(a_job_that_has_a_step_behind_it_keeps_its_texts),
        LANE_TEST(a_job_of_which_a_commit_may_have_been_sent_keeps_its_texts),
        LANE_TEST(nobody_elses_job_is_edited),
        LANE_TEST(an_edit_whose_answer_was_lost_is_told_done),
        LANE_TEST(an_edit_that_was_done_is_told_so_whatever_became_of_the_job),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
