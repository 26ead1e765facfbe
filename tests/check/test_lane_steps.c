/* test_lane_steps.c - jobs of several steps, what earlier attempts left, and what was asked of a
 * job meanwhile, through the lane.
 */
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/unit/params.h"

static const submit_step_t two_steps[] = {
    { .sql = "INSERT" },
    { .sql = "SELECT {{x}}", .condition = "failed:0", .timeout_ms = 70, .is_template = true },
};

/* A job that asks for everything. */
static jobid_t
a_submitted_job_with(const char *options)
{
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    submit_t submit = { .id = jobid_make(ms, 0),
                        .tenant = "demo",
                        .source = "main",
                        .dialect = "test",
                        .priority = 5,
                        .retention_s = 3600,
                        .sql = "",
                        .steps = two_steps,
                        .step_count = 2,
                        .options = options,
                        .deadline_ms = 5000 };
    submit_t *list[] = { &submit };
    CHECK(store_submit(world_store, list, 1, &err));
    assert_int_equal(submit.err.kind, ERR_NONE);
    return submit.id;
}

static jobid_t
a_submitted_job_of_two_steps(void)
{
    return a_submitted_job_with("{\"statement_timeout_ms\": 1500, \"max_attempts\": 7, "
                                "\"autocommit\": \"needed\", \"read_only\": true, "
                                "\"max_rows\": 9007199254740992, \"max_bytes\": 80, "
                                "\"max_bytes_of\": \"source\", \"on_limit\": \"truncate\"}");
}

static jobid_t
a_claimed_job_of_two_steps(void)
{
    jobid_t job = a_submitted_job_of_two_steps();
    a_claim(0, &job);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    return job;
}

static write_t *
a_step(uint32_t i, const jobid_t *job, uint32_t step, job_state_t from, job_state_t to)
{
    write_t *write = a_write(i, WRITE_STEP, job, 1);
    write->in.step.step = step;
    write->in.step.from = from;
    write->in.step.to.state = to;
    write->in.step.attempt = 1;
    return write;
}

static write_t *
a_look(uint32_t i, const jobid_t *job, uint32_t steps)
{
    write_t *write = a_write(i, WRITE_LOOK, job, 1);
    write->in.steps = steps;
    return write;
}

/* Run one step from its beginning to its end, done, with this manifest. */
static void
do_step(const jobid_t *job, uint32_t step, const char *tag)
{
    size_t size = 0;
    own(manifest) manifest = manifest_new();
    manifest_add(manifest)->tag = mem_text(tag);
    uint8_t *packed = manifest_pack(manifest, &size);
    a_step(0, job, step, JOB_PENDING, JOB_RUNNING);
    write_t *done = a_step(1, job, step, JOB_RUNNING, JOB_DONE);
    done->in.step.to = (ending_t){ .state = JOB_DONE,
                                   .rows = 4,
                                   .bytes = 40,
                                   .raw_bytes = 50,
                                   .truncated = true,
                                   .pages = 1,
                                   .executing_us = 9,
                                   .manifest = packed,
                                   .manifest_size = size };
    run(2);
    free(packed);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_int_equal(done->verdict, WRITE_DONE);
}

/* --- claims --- */

static void
a_claim_says_all_that_was_asked_for(void **unused)
{
    (void)unused;
    (void)a_claimed_job_of_two_steps();
    const claimed_t *claimed = &world.writes[0].claimed;
    assert_int_equal(claimed->steps, 2);
    assert_string_equal(claimed->sql, "");
    assert_int_equal(claimed->statement_timeout_ms, 1500);
    assert_int_equal(claimed->max_attempts, 7);
    assert_int_equal(claimed->autocommit, AUTOCOMMIT_NEEDED);
    assert_true(claimed->read_only);
    assert_true(claimed->limits.rows.most == INT64_C(9007199254740992));
    assert_int_equal(claimed->limits.rows.owner, LIMIT_OF_JOB);
    assert_int_equal(claimed->limits.bytes.most, 80);
    assert_int_equal(claimed->limits.bytes.owner, LIMIT_OF_SOURCE);
    assert_true(claimed->limits.truncate);
    assert_int_equal(claimed->deadline_ms, 5000);
    assert_true(claimed->age_ms >= 0 && claimed->age_ms < 60000);
    assert_false(claimed->cancelled);
}

static void
a_claim_of_a_plain_job_says_the_defaults(void **unused)
{
    (void)unused;
    (void)a_claimed_job();
    const claimed_t *claimed = &world.writes[0].claimed;
    assert_int_equal(claimed->steps, 1);
    assert_int_equal(claimed->statement_timeout_ms, 0);
    assert_int_equal(claimed->max_attempts, 0);
    assert_int_equal(claimed->autocommit, AUTOCOMMIT_NEVER);
    assert_false(claimed->read_only);
    assert_int_equal(claimed->limits.rows.most, 0);
    assert_int_equal(claimed->limits.bytes.most, 0);
    assert_false(claimed->limits.truncate);
    assert_int_equal(claimed->deadline_ms, 0);
    assert_null(claimed->params);
}

/* Claim it, and look at what came with it. */
static void
assert_claimed_with(const jobid_t *job, const char *packed)
{
    a_claim(0, job);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_string_equal(world.writes[0].claimed.params, packed);
}

static void
parameters_come_with_every_claim_as_they_were(void **unused)
{
    (void)unused;
    enum { LONG = 1 << 20 };
    own(mem) value = mem_new(LONG + 1);
    memset(value, 'x', LONG);
    const param_t list[] = { a_param("a", 25, value), a_param("b", 0, NULL),
                             a_param("c", 3802, "{\"\\\": '\n\x01\xc3\xa4'}") };
    own(mem) packed = params_pack(list, 3);
    own(mem) options = mem_format("{\"max_attempts\":7,\"params\":\"%s\"}", packed);
    jobid_t job = a_submitted_job_with(options);
    assert_claimed_with(&job, packed);
    a_write(0, WRITE_UNCLAIM, &job, 1);
    run(1);
    assert_claimed_with(&job, packed);
    assert_int_equal(world.writes[0].claimed.attempt, 2);
    assert_int_equal(world.writes[0].claimed.max_attempts, 7);
}

/* --- looks --- */

static void
a_look_brings_the_steps_and_the_outcome_record(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job_of_two_steps();
    do_step(&job, 0, "INSERT 0 4");
    write_t *outcome = a_write(0, WRITE_OUTCOME, &job, 1);
    outcome->in.outcome = (outcome_t){ .step = 1,
                                       .system_id = -5,
                                       .timeline = 3,
                                       .xid = 99,
                                       .proof = PROOF_LEDGER,
                                       .manifest = (const uint8_t *)"xyz",
                                       .manifest_size = 3 };
    const look_t *look = &a_look(1, &job, 2)->look;
    run(2);
    assert_int_equal(world.writes[1].verdict, WRITE_DONE);
    assert_true(look->found);
    assert_int_equal(look->outcome.step, 1);
    assert_int_equal(look->outcome.attempt, 1);
    assert_int_equal(look->outcome.system_id, -5);
    assert_int_equal(look->outcome.timeline, 3);
    assert_int_equal(look->outcome.xid, 99);
    assert_int_equal(look->outcome.proof, PROOF_LEDGER);
    assert_int_equal(look->outcome.manifest_size, 3);
    assert_memory_equal(look->outcome.manifest, "xyz", 3);
    assert_int_equal(look->step_count, 2);
    assert_int_equal(look->steps[0].state, JOB_DONE);
    assert_int_equal(look->steps[0].rows, 4);
    assert_int_equal(look->steps[0].raw_bytes, 50);
    assert_true(look->steps[0].truncated);
    assert_false(look->steps[1].truncated);
    assert_int_equal(look->steps[0].attempt, 1);
    assert_null(look->steps[0].manifest); /* only how large it is */
    assert_true(look->steps[0].manifest_size > 0);
    assert_string_equal(look->steps[1].condition, "failed:0");
    assert_true(look->steps[1].is_template);
    assert_int_equal(look->steps[1].timeout_ms, 70);
    assert_int_equal(look->steps[1].state, JOB_PENDING);
}

static void
a_look_at_a_plain_job_finds_nothing(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    write_t *look = a_look(0, &job, 1);
    run(1);
    assert_int_equal(look->verdict, WRITE_DONE);
    assert_false(look->look.found);
    assert_int_equal(look->look.step_count, 0);
}

static void
a_look_that_misses_a_step_fails(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job_of_two_steps();
    write_t *look = a_look(0, &job, 3);
    run(1);
    assert_int_equal(look->verdict, WRITE_FAILED);
    assert_int_equal(look->err.kind, ERR_INTERNAL);
}

/* --- steps --- */

static void
a_move_whose_answer_is_lost_is_made_once_and_answered(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job_of_two_steps();
    write_t *move = a_step(0, &job, 0, JOB_PENDING, JOB_RUNNING);
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(cutter_cuts(world.cutter), 1);
    assert_int_equal(move->verdict, WRITE_DONE);
    own(mem) started = ask("SELECT max(started_at) FROM step");
    a_step(0, &job, 0, JOB_PENDING, JOB_RUNNING);
    run(1);
    own(mem) again = ask("SELECT max(started_at) FROM step");
    assert_string_equal(started, again);
}

static void
a_job_of_several_steps_is_found_with_their_results_in_order(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job_of_two_steps();
    do_step(&job, 0, "FIRST");
    do_step(&job, 1, "SECOND");
    a_finish(0, &job, 1)->several = true;
    run(1);
    find_t find = found(&job, "demo");
    assert_int_equal(find.job->steps, 2);
    assert_int_equal(find.job->step[0].executing_us, 9);
    assert_int_equal(find.job->step[1].pages, 1);
    assert_int_equal(find.job->manifest->count, 2);
    assert_string_equal(find.job->manifest->results[0].tag, "FIRST");
    assert_string_equal(find.job->manifest->results[1].tag, "SECOND");
    assert_int_equal(find.job->manifest->results[1].step, 1);
    assert_int_equal(find.job->manifest->results[1].attempt, 1);
    job_destroy(&find.job);
}

static void
conditional_steps_that_never_ran_are_skipped_at_the_end(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job_of_two_steps();
    jobid_t other = a_claimed_job_of_two_steps();
    a_finish(0, &job, 1)->several = true;
    a_finish(1, &other, 7)->several = true; /* fenced */
    run(2);
    static const char states[] = "SELECT string_agg(state, ' ' ORDER BY step) FROM step "
                                 "WHERE job = '%s'";
    assert_job(&job, states, "pending skipped");
    assert_job(&other, states, "pending pending");
}

static void
the_pages_of_all_attempts_share_a_bucket(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = a_page();
    a_write(0, WRITE_PAGE, &job, 1)->in.page.page = page;
    a_write(1, WRITE_UNCLAIM, &job, 1);
    run(1);
    tell("UPDATE live SET bucket = bucket - interval '1 hour' WHERE bucket IS NOT NULL");
    world.writes[0] = world.writes[1];
    run(1);
    a_claim(0, &job);
    run(1);
    a_write(0, WRITE_PAGE, &job, 2)->in.page.page = page;
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_job(&job,
               "SELECT page_bucket(3600) - l.bucket || ' ' || p.attempt FROM live l "
               "JOIN page p ON p.job = l.id AND p.bucket = l.bucket WHERE l.id = '%s'",
               "01:00:00 2");
}

/* --- handing back --- */

static void
an_undecided_job_stays_running_and_is_recovered(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    write_t *unclaim = a_write(0, WRITE_UNCLAIM, &job, 1);
    unclaim->tried = true;
    unclaim->undecided = true;
    run(1);
    assert_int_equal(unclaim->verdict, WRITE_DONE);
    assert_job(&job,
               "SELECT state || recovering || tries || ghosts::text || coalesce(owner, '-') "
               "FROM live WHERE id = '%s'",
               "runningtrue1{77,1234567}-");
    write_t *claim = a_claim(0, &job);
    run(1);
    assert_int_equal(claim->verdict, WRITE_DONE);
    assert_int_equal(claim->claimed.attempt, 2);
    assert_int_equal(claim->claimed.ghost_count, 1);
}

static void
a_job_that_is_handed_back_undecided_has_one_try_back_though_the_answer_is_lost(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    tell("UPDATE live SET tries = 2, ghosts = '{1,2}' WHERE state = 'running'");
    write_t *unclaim = a_write(0, WRITE_UNCLAIM, &job, 1);
    unclaim->undecided = true;
    unclaim->ghosts_gone = true;
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(cutter_cuts(world.cutter), 1);
    assert_job(&job,
               "SELECT state || recovering || tries || ghosts::text FROM live WHERE id = '%s'",
               "runningtrue1{77,1234567}");
}

static void
sessions_that_are_gone_are_no_ghosts_any_more(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    tell("UPDATE live SET ghosts = '{1,2,3,4}' WHERE state = 'running'");
    a_write(0, WRITE_UNCLAIM, &job, 1)->ghosts_gone = true;
    run(1);
    assert_job(&job, "SELECT ghosts::text FROM live WHERE id = '%s'", "{77,1234567}");
}

/* --- cancels --- */

static void
a_cancel_is_seen_by_who_asks_and_by_who_claims(void **unused)
{
    (void)unused;
    err_t err;
    cancel_verdict_t verdict = CANCEL_NONE;
    jobid_t jobs[] = { a_claimed_job(), a_claimed_job() };
    CHECK(store_cancel(world_store, &jobs[1], "demo", &verdict, &err));
    assert_int_equal(verdict, CANCEL_ASKED);
    write_t *ask_for = a_write(0, WRITE_CANCELS, &jobs[0], 0);
    ask_for->in.cancels.jobs = jobs;
    ask_for->in.cancels.count = 2;
    run(1);
    assert_int_equal(ask_for->verdict, WRITE_DONE);
    assert_int_equal(ask_for->cancelled_count, 1);
    assert_true(jobid_equal(&ask_for->cancelled[0], &jobs[1]));
    find_t find = found(&jobs[1], "demo");
    assert_true(find.job->cancel_ms > 0);
    job_destroy(&find.job);
    a_write(0, WRITE_UNCLAIM, &jobs[1], 1);
    run(1);
    write_t *claim = a_claim(0, &jobs[1]);
    run(1);
    assert_true(claim->claimed.cancelled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_claim_says_all_that_was_asked_for),
        LANE_TEST(a_claim_of_a_plain_job_says_the_defaults),
        LANE_TEST(parameters_come_with_every_claim_as_they_were),
        LANE_TEST(a_look_brings_the_steps_and_the_outcome_record),
        LANE_TEST(a_look_at_a_plain_job_finds_nothing),
        LANE_TEST(a_look_that_misses_a_step_fails),
        LANE_TEST(a_move_whose_answer_is_lost_is_made_once_and_answered),
        LANE_TEST(a_job_of_several_steps_is_found_with_their_results_in_order),
        LANE_TEST(conditional_steps_that_never_ran_are_skipped_at_the_end),
        LANE_TEST(the_pages_of_all_attempts_share_a_bucket),
        LANE_TEST(an_undecided_job_stays_running_and_is_recovered),
        LANE_TEST(a_job_that_is_handed_back_undecided_has_one_try_back_though_the_answer_is_lost),
        LANE_TEST(sessions_that_are_gone_are_no_ghosts_any_more),
        LANE_TEST(a_cancel_is_seen_by_who_asks_and_by_who_claims),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
