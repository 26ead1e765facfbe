/* test_slot_life.c - what a slot makes of barriers, and of earlier attempts. */
#include "common/clock.h"
#include "tests/unit/slot_fake.h"

/* --- barriers --- */

static void
without_a_ledger_the_record_waits_for_a_barrier(void **unused)
{
    (void)unused;
    source.xid = 9;
    start_running();
    turn(TURN_RAN);
    assert_int_equal(fake.slot.stage, STAGE_BARRIER);
    answer_barrier(FATE_COMMITTED);
    assert_string_equal(source.story, "claim run barrier outcome");
    assert_int_equal(fake.waiting[0]->in.outcome.proof, PROOF_BARRIER);
    answer(WRITE_OUTCOME, WRITE_DONE);
    assert_string_equal(source.story, "claim run barrier outcome COMMIT");
}

static void
with_a_ledger_there_is_no_barrier(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    assert_string_equal(source.story, "claim run outcome");
    assert_int_equal(fake.waiting[0]->in.outcome.proof, PROOF_LEDGER);
}

static void
a_source_that_refuses_barriers_proves_nothing(void **unused)
{
    (void)unused;
    source.xid = 9;
    start_running();
    turn(TURN_RAN);
    answer_barrier(FATE_UNTOLD);
    assert_int_equal(fake.waiting[0]->in.outcome.proof, PROOF_NONE);
}

static void
pages_and_the_barrier_are_waited_for_at_the_same_time(void **unused)
{
    (void)unused;
    source.xid = 9;
    start_running();
    give_rows(2);
    result_over();
    turn(TURN_RAN);
    answer_barrier(FATE_COMMITTED);
    assert_string_equal(source.story, "claim run page barrier");
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page barrier outcome");
}

static void
a_barrier_that_came_too_late_sends_neither_record_nor_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    start_running();
    turn(TURN_RAN);
    loop_for(0);
    assert_int_equal(source.pairs[0], 42);
    assert_int_equal(source.pairs[1], 4200);
    source.fate = FATE_COMMITTED;
    for (int i = 0; i < 3; i++) {
        source.left = 0;
        turn_of(&source.reserve, TURN_ANSWERED);
    }
    assert_string_equal(source.story, "claim run barrier barrier barrier unclaim close");
    assert_true(fake.waiting[0]->tried);
    assert_false(fake.waiting[0]->undecided);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

/* --- earlier attempts --- */

static void
a_job_whose_marker_is_there_is_done_with_its_stored_manifest(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    turn(TURN_ANSWERED);
    answer_look(PROOF_LEDGER, 77);
    assert_string_equal(source.story, "claim end look marker?");
    source.fate = FATE_COMMITTED;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "claim end look marker? finish put");
    const ending_t *ending = assert_ending(JOB_DONE);
    assert_int_equal(ending->rows, 5);
    err_t err;
    own(manifest) manifest = manifest_unpack(ending->manifest, ending->manifest_size, &err);
    assert_int_equal(manifest->results[0].attempt, 1);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_job_whose_commit_was_aborted_runs_again(void **unused)
{
    (void)unused;
    start_again(PROOF_BARRIER);
    source.fate = FATE_ABORTED;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "run");
}

static void
a_job_whose_commit_is_under_way_is_asked_for_again(void **unused)
{
    (void)unused;
    start_again(PROOF_BARRIER);
    source.fate = FATE_RUNNING;
    turn(TURN_ANSWERED);
    loop_for(80);
    assert_string_equal(source.story, "fate?");
    source.fate = FATE_COMMITTED;
    turn(TURN_ANSWERED);
    (void)assert_ending(JOB_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_commit_that_does_not_end_is_handed_back_undecided(void **unused)
{
    (void)unused;
    start_again(PROOF_BARRIER);
    source.fate = FATE_RUNNING;
    fake.slot.until_ms = 0;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "unclaim close");
    assert_true(fake.waiting[0]->undecided);
    assert_true(fake.waiting[0]->ghosts_gone);
    assert_false(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
    assert_true(fake.later_ms > 0);
}

static void
start_without_login(proof_t proof)
{
    source.login = LOGIN_NONE;
    start();
    answer_claim(2, 2);
    answer_look(proof, 77);
}

/* Somebody may put the login right; after the deadline the sweep ends it. */
static void
a_job_in_doubt_without_a_login_is_handed_back_undecided(void **unused)
{
    (void)unused;
    start_without_login(PROOF_LEDGER);
    assert_string_equal(source.story, "claim look unclaim");
    assert_true(fake.waiting[0]->undecided);
    assert_false(fake.waiting[0]->tried);
    assert_false(fake.waiting[0]->ghosts_gone);
    answer(WRITE_UNCLAIM, WRITE_DONE);
    assert_true(fake.later_ms > 0);
}

static void
what_no_login_could_decide_is_unknown_without_one(void **unused)
{
    (void)unused;
    start_without_login(PROOF_NONE);
    (void)assert_ending(JOB_UNKNOWN);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_source_that_says_nothing_does_not_keep_the_slot(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    int64_t now_ms = clock_mono_ms();
    slot_tick(&fake.slot, now_ms + 9000);
    assert_string_equal(source.story, "claim end");
    slot_tick(&fake.slot, now_ms + 11000);
    assert_string_equal(source.story, "claim end close unclaim");
    assert_true(fake.waiting[0]->undecided);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
another_servers_word_is_not_taken(void **unused)
{
    (void)unused;
    start_again(PROOF_BARRIER);
    source.fate = FATE_STRANGE;
    turn(TURN_ANSWERED);
    (void)assert_ending(JOB_UNKNOWN);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* Who is not in doubt must not look as if he were: a cancel would not end him at once. */
static void
a_hand_back_is_undecided_only_while_it_is(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    slot_leave(&fake.slot);
    assert_true(fake.waiting[0]->undecided);
    assert_false(fake.waiting[0]->ghosts_gone);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
a_decided_job_is_handed_back_as_any_other(void **unused)
{
    (void)unused;
    start_again(PROOF_BARRIER);
    source.fate = FATE_ABORTED;
    turn(TURN_ANSWERED);
    turn(TURN_LOST);
    assert_false(fake.waiting[0]->undecided);
    assert_true(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(without_a_ledger_the_record_waits_for_a_barrier),
        SLOT_TEST(with_a_ledger_there_is_no_barrier),
        SLOT_TEST(a_source_that_refuses_barriers_proves_nothing),
        SLOT_TEST(pages_and_the_barrier_are_waited_for_at_the_same_time),
        SLOT_TEST(a_barrier_that_came_too_late_sends_neither_record_nor_commit),
        SLOT_TEST(a_job_whose_marker_is_there_is_done_with_its_stored_manifest),
        SLOT_TEST(a_job_whose_commit_was_aborted_runs_again),
        SLOT_TEST(a_job_whose_commit_is_under_way_is_asked_for_again),
        SLOT_TEST(a_commit_that_does_not_end_is_handed_back_undecided),
        SLOT_TEST(a_job_in_doubt_without_a_login_is_handed_back_undecided),
        SLOT_TEST(what_no_login_could_decide_is_unknown_without_one),
        SLOT_TEST(a_source_that_says_nothing_does_not_keep_the_slot),
        SLOT_TEST(another_servers_word_is_not_taken),
        SLOT_TEST(a_hand_back_is_undecided_only_while_it_is),
        SLOT_TEST(a_decided_job_is_handed_back_as_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
