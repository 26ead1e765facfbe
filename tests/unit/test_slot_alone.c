/* test_slot_alone.c - statements that run outside any transaction. */
#include "tests/unit/steps_fake.h"

static void
start_alone(void)
{
    fake.sql = "VACUUM";
    fake.claim.autocommit = AUTOCOMMIT_NEEDED;
    start();
    answer_claim(1, 1);
}

static void
it_is_on_record_before_it_is_sent(void **unused)
{
    (void)unused;
    start_alone();
    assert_string_equal(source.story, "claim outcome");
    assert_int_equal(fake.waiting[0]->in.outcome.xid, 0);
    assert_int_equal(fake.waiting[0]->in.outcome.proof, PROOF_NONE);
    answer(WRITE_OUTCOME, WRITE_DONE);
    assert_string_equal(source.story, "claim outcome alone");
    result_over();
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim outcome alone finish put");
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_lost_one_is_unknown(void **unused)
{
    (void)unused;
    start_alone();
    answer(WRITE_OUTCOME, WRITE_DONE);
    turn(TURN_LOST);
    (void)assert_ending(JOB_UNKNOWN);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
without_the_option_it_fails_and_nothing_is_sent(void **unused)
{
    (void)unused;
    fake.sql = "VACUUM";
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim finish put");
    const ending_t *ending = assert_ending(JOB_FAILED);
    assert_string_equal(ending->sqlstate, "25001");
    assert_non_null(strstr(ending->error, "`autocommit`"));
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
its_result_is_the_one_that_came(void **unused)
{
    (void)unused;
    fake.claim.autocommit = AUTOCOMMIT_ALWAYS;
    start();
    answer_claim(1, 1);
    answer(WRITE_OUTCOME, WRITE_DONE);
    give_rows(2);
    turn(TURN_FULL);
    result_over();
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim outcome alone page");
    answer(WRITE_PAGE, WRITE_DONE);
    assert_int_equal(assert_ending(JOB_DONE)->rows, 2);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
one_whose_result_is_lost_is_not_failed(void **unused)
{
    (void)unused;
    fake.claim.autocommit = AUTOCOMMIT_ALWAYS;
    start();
    answer_claim(1, 1);
    answer(WRITE_OUTCOME, WRITE_DONE);
    give_rows(2);
    turn(TURN_FULL);
    result_over();
    turn(TURN_COMMITTED);
    answer(WRITE_PAGE, WRITE_FAILED);
    (void)assert_ending(JOB_UNKNOWN);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_shut_down_stops_it_and_says_so(void **unused)
{
    (void)unused;
    start_alone();
    answer(WRITE_OUTCOME, WRITE_DONE);
    slot_leave(&fake.slot);
    assert_string_equal(source.story, "claim outcome alone cancel");
    turn(TURN_FAILED);
    assert_non_null(strstr(assert_ending(JOB_FAILED)->error, "executor was shut down"));
    assert_string_equal(source.story, "claim outcome alone cancel finish close");
    answer(WRITE_FINISH, WRITE_DONE);
}

/* The reaction to it never ran, and is somebody else's. */
static void
a_shut_down_that_stops_it_leaves_its_reaction_pending(void **unused)
{
    (void)unused;
    fake.claim.autocommit = AUTOCOMMIT_NEEDED;
    step_is(0, "VACUUM", NULL);
    step_is(1, "SELECT 2", "failed");
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    answer(WRITE_OUTCOME, WRITE_DONE);
    slot_leave(&fake.slot);
    turn(TURN_FAILED);
    answer_move(JOB_RUNNING, JOB_FAILED);
    assert_string_equal(source.story, "step outcome alone cancel close step unclaim");
    assert_false(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

/* The cancel may still be on its way to its session. */
static void
one_that_was_faster_than_its_cancel_is_done_and_its_session_never_used_again(void **unused)
{
    (void)unused;
    start_alone();
    answer(WRITE_OUTCOME, WRITE_DONE);
    slot_halt(&fake.slot, HALT_CANCEL);
    result_over();
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim outcome alone cancel close finish");
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
so_it_is_with_a_step(void **unused)
{
    (void)unused;
    fake.claim.autocommit = AUTOCOMMIT_NEEDED;
    step_is(0, "VACUUM", NULL);
    step_is(1, "SELECT 2", NULL);
    start_steps(2, 1);
    answer_move(JOB_PENDING, JOB_RUNNING);
    answer(WRITE_OUTCOME, WRITE_DONE);
    slot_halt(&fake.slot, HALT_CANCEL);
    result_over();
    turn(TURN_COMMITTED);
    answer_move(JOB_RUNNING, JOB_DONE);
    assert_string_equal(source.story, "step outcome alone cancel close step finish");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STEPS_TEST(it_is_on_record_before_it_is_sent),
        STEPS_TEST(a_lost_one_is_unknown),
        STEPS_TEST(without_the_option_it_fails_and_nothing_is_sent),
        STEPS_TEST(its_result_is_the_one_that_came),
        STEPS_TEST(one_whose_result_is_lost_is_not_failed),
        STEPS_TEST(a_shut_down_stops_it_and_says_so),
        STEPS_TEST(a_shut_down_that_stops_it_leaves_its_reaction_pending),
        STEPS_TEST(one_that_was_faster_than_its_cancel_is_done_and_its_session_never_used_again),
        STEPS_TEST(so_it_is_with_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
