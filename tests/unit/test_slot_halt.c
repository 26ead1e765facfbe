/* test_slot_halt.c - what a slot makes of being stopped, and of clocks. */
#include "common/clock.h"
#include "tests/unit/slot_fake.h"

/* --- cancelled --- */

static void
a_job_that_was_cancelled_before_its_claim_runs_nothing(void **unused)
{
    (void)unused;
    fake.claim.cancelled = true;
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim finish put");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_cancelled_job_is_decided_before_it_ends(void **unused)
{
    (void)unused;
    fake.claim.cancelled = true;
    start_again(PROOF_LEDGER);
    source.fate = FATE_COMMITTED;
    turn(TURN_ANSWERED);
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_cancelled_job_without_effect_does_not_run_again(void **unused)
{
    (void)unused;
    fake.claim.cancelled = true;
    start_again(PROOF_LEDGER);
    source.fate = FATE_ABORTED;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "finish put");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
what_runs_is_stopped_and_its_session_never_used_again(void **unused)
{
    (void)unused;
    start_running();
    slot_halt(&fake.slot, HALT_CANCEL);
    assert_string_equal(source.story, "claim run cancel");
    assert_int_equal(source.pairs[0], 42);
    assert_int_equal(source.pairs[1], 4200);
    turn(TURN_FAILED);
    assert_string_equal(source.story, "claim run cancel finish close");
    assert_string_equal(assert_ending(JOB_CANCELLED)->sqlstate, "57014");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_statement_that_was_faster_than_its_cancel_is_not_committed(void **unused)
{
    (void)unused;
    start_running();
    slot_halt(&fake.slot, HALT_CANCEL);
    result_over();
    turn(TURN_RAN);
    assert_string_equal(source.story, "claim run cancel finish close");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* Of a cancelled job nothing has taken effect, as far as anybody can tell. */
static void
an_earlier_attempts_marker_counts_for_more_than_a_cancel(void **unused)
{
    (void)unused;
    start_running();
    slot_halt(&fake.slot, HALT_CANCEL);
    failure_t failure = { .already = true };
    source.session.holder->turned(&fake.slot, &source.session, TURN_FAILED, &failure);
    (void)assert_ending(JOB_UNKNOWN);
    assert_string_equal(source.story, "claim run cancel finish close");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_statement_that_cannot_be_stopped_loses_its_connection(void **unused)
{
    (void)unused;
    source.no_reserve = true;
    start_running();
    slot_halt(&fake.slot, HALT_CANCEL);
    loop_for(2 * GRACE_MS + STOP_AGAIN_MS + 50);
    assert_string_equal(source.story, "claim run finish close");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
rows_of_a_stopped_statement_are_nobodys(void **unused)
{
    (void)unused;
    start_running();
    for (int i = 0; i < RECORD_PAGES_MOST; i++) {
        give_rows(2);
        turn(TURN_FULL);
    }
    slot_halt(&fake.slot, HALT_CANCEL);
    assert_false(source.session.paused);
    give_rows(2);
    turn(TURN_FULL);
    turn(TURN_FAILED);
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_cancel_while_the_record_is_written_sends_no_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    slot_halt(&fake.slot, HALT_CANCEL);
    answer(WRITE_OUTCOME, WRITE_DONE);
    assert_string_equal(source.story, "claim run outcome finish close");
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_cancel_while_the_barrier_is_waited_for_ends_it(void **unused)
{
    (void)unused;
    source.xid = 9;
    start_running();
    turn(TURN_RAN);
    slot_halt(&fake.slot, HALT_CANCEL);
    (void)assert_ending(JOB_CANCELLED);
    answer(WRITE_FINISH, WRITE_DONE);
    loop_for(0);
    assert_string_equal(source.story, "claim run finish close");
}

static void
after_commit_it_is_too_late(void **unused)
{
    (void)unused;
    start_running();
    turn(TURN_RAN);
    slot_halt(&fake.slot, HALT_CANCEL);
    turn(TURN_COMMITTED);
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* --- clocks --- */

static void
a_statement_that_runs_too_long_is_stopped_and_timed_out(void **unused)
{
    (void)unused;
    fake.claim.statement_timeout_ms = 30;
    start_running();
    loop_for(60);
    assert_string_equal(source.story, "claim run cancel");
    turn(TURN_FAILED);
    assert_non_null(strstr(assert_ending(JOB_TIMED_OUT)->error, "30 ms"));
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
the_statements_clock_begins_anew_with_each(void **unused)
{
    (void)unused;
    fake.sql = "SELECT 1; SELECT 2; SELECT 3";
    fake.claim.statement_timeout_ms = 100;
    start_running();
    loop_for(60);
    result_over();
    loop_for(60);
    result_over();
    loop_for(60);
    assert_string_equal(source.story, "claim run");
    loop_for(60);
    assert_string_equal(source.story, "claim run cancel");
}

static void
a_deadline_counts_from_the_submit(void **unused)
{
    (void)unused;
    fake.claim.deadline_ms = 1000;
    fake.claim.age_ms = 950;
    start_running();
    loop_for(80);
    assert_string_equal(source.story, "claim run cancel");
    turn(TURN_LOST);
    assert_non_null(strstr(assert_ending(JOB_TIMED_OUT)->error, "deadline"));
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
start_committing(int64_t xid)
{
    source.xid = xid;
    source.marked = xid != 0;
    fake.claim.deadline_ms = 1000;
    fake.claim.age_ms = 950;
    start_running();
    turn(TURN_RAN);
    if (xid != 0)
        answer(WRITE_OUTCOME, WRITE_DONE);
    forget_story();
}

static void
a_commit_without_an_answer_is_handed_back_undecided_at_the_deadline(void **unused)
{
    (void)unused;
    start_committing(9);
    loop_for(80);
    assert_string_equal(source.story, "unclaim close");
    assert_true(fake.waiting[0]->undecided);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
a_cancel_that_came_too_late_does_not_stop_the_clock_of_commit(void **unused)
{
    (void)unused;
    start_committing(9);
    slot_halt(&fake.slot, HALT_CANCEL);
    loop_cancel(&fake.slot.clock);
    slot_tick(&fake.slot, clock_mono_ms());
    loop_for(80);
    assert_string_equal(source.story, "unclaim close");
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
a_reader_whose_commit_is_overdue_is_timed_out(void **unused)
{
    (void)unused;
    start_committing(0);
    loop_for(80);
    assert_string_equal(source.story, "finish close");
    (void)assert_ending(JOB_TIMED_OUT);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
time_that_a_slow_store_takes_is_not_the_statements(void **unused)
{
    (void)unused;
    fake.claim.statement_timeout_ms = 100;
    start_running();
    for (int i = 0; i < RECORD_PAGES_MOST; i++) {
        give_rows(2);
        turn(TURN_FULL);
    }
    forget_story();
    loop_for(150);
    assert_string_equal(source.story, "");
    answer(WRITE_PAGE, WRITE_DONE);
    loop_for(40);
    assert_string_equal(source.story, "resume");
    loop_for(100);
    assert_string_equal(source.story, "resume cancel");
}

static void
an_overdue_job_runs_nothing(void **unused)
{
    (void)unused;
    fake.claim.deadline_ms = 1000;
    fake.claim.age_ms = 1001;
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim finish put");
    (void)assert_ending(JOB_TIMED_OUT);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_far_deadline_is_the_ticks_to_see(void **unused)
{
    (void)unused;
    start_running();
    assert_null(fake.slot.clock);
    slot_tick(&fake.slot, fake.slot.deadline_ms - 10);
    assert_non_null(fake.slot.clock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(a_job_that_was_cancelled_before_its_claim_runs_nothing),
        SLOT_TEST(a_cancelled_job_is_decided_before_it_ends),
        SLOT_TEST(a_cancelled_job_without_effect_does_not_run_again),
        SLOT_TEST(what_runs_is_stopped_and_its_session_never_used_again),
        SLOT_TEST(a_statement_that_was_faster_than_its_cancel_is_not_committed),
        SLOT_TEST(an_earlier_attempts_marker_counts_for_more_than_a_cancel),
        SLOT_TEST(a_statement_that_cannot_be_stopped_loses_its_connection),
        SLOT_TEST(rows_of_a_stopped_statement_are_nobodys),
        SLOT_TEST(a_cancel_while_the_record_is_written_sends_no_commit),
        SLOT_TEST(a_cancel_while_the_barrier_is_waited_for_ends_it),
        SLOT_TEST(after_commit_it_is_too_late),
        SLOT_TEST(a_statement_that_runs_too_long_is_stopped_and_timed_out),
        SLOT_TEST(the_statements_clock_begins_anew_with_each),
        SLOT_TEST(a_deadline_counts_from_the_submit),
        SLOT_TEST(a_commit_without_an_answer_is_handed_back_undecided_at_the_deadline),
        SLOT_TEST(a_cancel_that_came_too_late_does_not_stop_the_clock_of_commit),
        SLOT_TEST(a_reader_whose_commit_is_overdue_is_timed_out),
        SLOT_TEST(time_that_a_slow_store_takes_is_not_the_statements),
        SLOT_TEST(an_overdue_job_runs_nothing),
        SLOT_TEST(a_far_deadline_is_the_ticks_to_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
