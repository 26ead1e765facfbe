/* test_slot_steps.c - jobs of several steps. */
#include "tests/unit/steps_fake.h"

static void
run_step(void)
{
    answer_move(JOB_PENDING, JOB_RUNNING);
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
}

/* --- in order --- */

static void
steps_run_one_after_another_each_on_record(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    assert_string_equal(source.story, "step");
    answer_move(JOB_PENDING, JOB_RUNNING);
    assert_false(source.script.last);
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "step run COMMIT step");
    answer_move(JOB_RUNNING, JOB_DONE);
    run_step();
    assert_true(source.script.last);
    assert_int_equal(source.script.step, 1);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(source.story, "step run COMMIT step step run COMMIT put step finish");
    assert_true(fake.waiting[0]->several);
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_steps_end_waits_for_its_pages(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    give_rows(2);
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "step run page COMMIT");
    assert_int_equal(fake.waiting[0]->in.page.step, 0);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "step run page COMMIT step");
    assert_int_equal(fake.waiting[0]->in.step.to.rows, 2);
    answer_move(JOB_RUNNING, JOB_DONE);
}

static void
the_first_failure_ends_the_job_and_says_why(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_FAILED);
    turn(TURN_CLEAN); /* it has rolled back */
    assert_string_equal(source.story, "step run step clean finish put");
    assert_string_equal(assert_ending(JOB_FAILED)->error, "gone");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_reaction_runs_when_the_step_before_it_failed(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "INSERT INTO log VALUES ('<%= error_message %>')", "failed");
    given[1].is_template = true;
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_FAILED);
    turn(TURN_CLEAN);
    answer_move(JOB_PENDING, JOB_RUNNING);
    assert_string_equal(source.script.statements->list[0].sql, "INSERT INTO log VALUES ('gone')");
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(assert_ending(JOB_FAILED)->error, "gone");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_move_that_is_fenced_out_drops_the_job(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    answer(WRITE_STEP, WRITE_FENCED);
    assert_string_equal(source.story, "step close");
    assert_int_equal(fake.verdict, RELEASE_LOST);
}

/* --- sessions --- */

/* A session that is not on record runs nothing: the next claim puts one there. */
static void
a_session_lost_between_steps_hands_the_job_back(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    run_step();
    turn(TURN_LOST);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(source.story, "step run COMMIT step close unclaim");
    assert_false(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
    assert_int_equal(fake.later_ms, 1);
}

static void
what_a_step_leaves_is_on_record_before_its_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    source.leaves = "a temporary object";
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    turn(TURN_RAN);
    assert_string_equal(source.story, "step run step");
    assert_string_equal(fake.waiting[0]->in.step.leaves, "a temporary object");
    answer_move(JOB_RUNNING, JOB_RUNNING);
    assert_string_equal(source.story, "step run step outcome");
}

static void
a_step_that_may_need_a_lost_session_is_not_run(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    given[0].state = JOB_DONE;
    given[0].attempt = 1;
    given[0].leaves = mem_text("a temporary object");
    start_steps(2, 2);
    assert_string_equal(source.story, "finish put");
    assert_non_null(strstr(assert_ending(JOB_FAILED)->error, "a temporary object"));
    answer(WRITE_FINISH, WRITE_DONE);
}

/* --- recovery --- */

static void
finished_steps_stay_and_the_next_one_runs(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    given[0].state = JOB_DONE;
    given[0].rows = 3;
    given[1].state = JOB_RUNNING;
    start_steps(2, 2);
    answer_move(JOB_RUNNING, JOB_RUNNING);
    assert_int_equal(source.script.step, 1);
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_int_equal(assert_ending(JOB_DONE)->rows, 3);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* --- stopping --- */

static void
a_cancel_between_steps_leaves_the_rest_alone(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    run_step();
    slot_halt(&fake.slot, HALT_CANCEL);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(source.story, "step run COMMIT step clean finish put");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_cancelled_step_ends_before_its_job(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", "failed");
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    slot_halt(&fake.slot, HALT_CANCEL);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_CANCELLED);
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* It is this attempt's move, whatever the slot had before. */
static void
a_step_that_an_earlier_attempt_left_running_is_cancelled_by_this_one(void **unused)
{
    (void)unused;
    fake.slot.attempt = 7;
    fake.claim.cancelled = true;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    given[0].state = JOB_RUNNING;
    given[0].attempt = 1;
    start_steps(2, 2);
    assert_int_equal(fake.waiting[0]->in.step.attempt, 2);
    answer_move(JOB_RUNNING, JOB_CANCELLED);
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_deadline_ends_the_job_despite_reactions(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", "failed");
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    slot_halt(&fake.slot, HALT_DEADLINE);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_TIMED_OUT);
    (void)assert_ending(JOB_TIMED_OUT);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* Its session is gone, and so the reaction needs another one on record. */
static void
a_timed_out_step_leaves_its_reaction_to_the_next_claim(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", "failed");
    given[0].timeout_ms = 20;
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    loop_for(60);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_TIMED_OUT);
    assert_string_equal(source.story, "step run cancel close step unclaim");
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
who_leaves_hands_back_between_steps(void **unused)
{
    (void)unused;
    step_is(0, "SELECT 1", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    run_step();
    slot_leave(&fake.slot);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(source.story, "step run COMMIT step unclaim close");
    assert_false(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STEPS_TEST(steps_run_one_after_another_each_on_record),
        STEPS_TEST(a_steps_end_waits_for_its_pages),
        STEPS_TEST(the_first_failure_ends_the_job_and_says_why),
        STEPS_TEST(a_reaction_runs_when_the_step_before_it_failed),
        STEPS_TEST(a_move_that_is_fenced_out_drops_the_job),
        STEPS_TEST(a_session_lost_between_steps_hands_the_job_back),
        STEPS_TEST(what_a_step_leaves_is_on_record_before_its_commit),
        STEPS_TEST(a_step_that_may_need_a_lost_session_is_not_run),
        STEPS_TEST(finished_steps_stay_and_the_next_one_runs),
        STEPS_TEST(a_cancel_between_steps_leaves_the_rest_alone),
        STEPS_TEST(a_cancelled_step_ends_before_its_job),
        STEPS_TEST(a_step_that_an_earlier_attempt_left_running_is_cancelled_by_this_one),
        STEPS_TEST(a_deadline_ends_the_job_despite_reactions),
        STEPS_TEST(a_timed_out_step_leaves_its_reaction_to_the_next_claim),
        STEPS_TEST(who_leaves_hands_back_between_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
