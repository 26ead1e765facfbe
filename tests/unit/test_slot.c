/* test_slot.c - in which order a slot does things, and what it never does. */
#include "tests/unit/params.h"
#include "tests/unit/slot_fake.h"

/* --- claiming --- */

static void
nothing_runs_before_the_claim_is_stored(void **unused)
{
    (void)unused;
    source.backend = (backend_t){ .pid = 42, .start_us = 77 };
    start();
    assert_string_equal(source.story, "claim");
    assert_int_equal(fake.waiting[0]->in.session.backend_pid, 42);
    assert_int_equal(fake.waiting[0]->in.session.backend_start_us, 77);
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim run");
}

static void
a_lost_claim_runs_nothing(void **unused)
{
    (void)unused;
    start();
    answer(WRITE_CLAIM, WRITE_FENCED);
    assert_string_equal(source.story, "claim put");
    assert_true(fake.freed);
    assert_int_equal(fake.verdict, RELEASE_LOST);
    assert_int_equal(scribe_used(fake.kit.scribe), 0);
}

static void
a_lost_claim_of_a_job_in_line_is_no_news_of_the_job(void **unused)
{
    (void)unused;
    fake.in_line = true;
    start();
    answer(WRITE_CLAIM, WRITE_FENCED);
    assert_string_equal(source.story, "claim put");
    assert_int_equal(fake.verdict, RELEASE_LINE);
}

static void
a_job_waits_until_the_session_is_clean(void **unused)
{
    (void)unused;
    source.session.clean = false;
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim");
    turn(TURN_CLEAN);
    assert_string_equal(source.story, "claim run");
}

static void
a_source_that_is_away_leaves_the_job_unclaimed(void **unused)
{
    (void)unused;
    source.session.open = source.session.clean = false;
    start();
    turn(TURN_LOST);
    assert_string_equal(source.story, "close");
    assert_int_equal(fake.verdict, RELEASE_AWAY);
}

static void
a_refused_login_claims_the_job_to_fail_it(void **unused)
{
    (void)unused;
    source.session.open = source.session.clean = false;
    start();
    turn(TURN_BARRED);
    assert_int_equal(fake.waiting[0]->in.session.backend_pid, 0);
    answer_claim(1, 1);
    assert_string_equal(source.story, "close claim finish");
    assert_int_equal(fake.waiting[0]->in.ending.state, JOB_FAILED);
    assert_string_equal(fake.waiting[0]->in.ending.error, "gone");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_session_that_dies_while_claiming_hands_the_job_back(void **unused)
{
    (void)unused;
    start();
    turn(TURN_LOST);
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim close unclaim");
    answer(WRITE_UNCLAIM, WRITE_DONE);
    assert_int_equal(scribe_used(fake.kit.scribe), 0);
}

/* --- earlier attempts --- */

static void
ghosts_end_before_their_record_is_looked_for(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    assert_string_equal(source.story, "claim end");
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "claim end look");
    answer(WRITE_LOOK, WRITE_DONE);
    assert_string_equal(source.story, "claim end look run");
}

static void
a_ghost_that_is_still_there_is_asked_for_again(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    source.left = 1;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "claim end");
    assert_non_null(fake.slot.timer);
}

static void
a_job_whose_record_proves_nothing_is_unknown_and_not_run(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    turn(TURN_ANSWERED);
    answer_look(PROOF_NONE, 9);
    assert_string_equal(source.story, "claim end look finish put");
    (void)assert_ending(JOB_UNKNOWN);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
too_many_tries_fail_but_only_after_the_look(void **unused)
{
    (void)unused;
    start();
    answer_claim(4, 4);
    turn(TURN_ANSWERED);
    answer(WRITE_LOOK, WRITE_DONE);
    assert_string_equal(source.story, "claim end look finish put");
    assert_int_equal(fake.waiting[0]->in.ending.state, JOB_FAILED);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* A session that stands among the job's ghosts must not serve anybody else: it would be ended. */
static void
a_handed_back_job_takes_its_session_along(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    turn(TURN_ANSWERED);
    answer(WRITE_LOOK, WRITE_FAILED);
    assert_string_equal(source.story, "claim end look unclaim close");
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
ghosts_that_do_not_end_take_the_session_along(void **unused)
{
    (void)unused;
    start();
    answer_claim(2, 2);
    source.left = 1;
    fake.slot.until_ms = 0;
    turn(TURN_ANSWERED);
    assert_string_equal(source.story, "claim end unclaim close");
    assert_false(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

/* --- outcomes --- */

static void
a_job_that_wrote_nothing_commits_without_a_record(void **unused)
{
    (void)unused;
    start_running();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim run COMMIT finish put");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_job_that_wrote_commits_after_its_record_is_stored(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    assert_string_equal(source.story, "claim run outcome");
    assert_int_equal(fake.waiting[0]->in.outcome.xid, 9);
    assert_non_null(fake.waiting[0]->in.outcome.manifest);
    answer(WRITE_OUTCOME, WRITE_DONE);
    assert_string_equal(source.story, "claim run outcome COMMIT");
}

static void
a_record_waits_for_the_pages(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    give_rows(2);
    result_over();
    turn(TURN_RAN);
    assert_string_equal(source.story, "claim run page");
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page outcome");
}

static void
a_fenced_record_sends_no_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    answer(WRITE_OUTCOME, WRITE_FENCED);
    assert_string_equal(source.story, "claim run outcome close");
    assert_int_equal(fake.verdict, RELEASE_LOST);
}

static void
without_a_lease_there_is_neither_record_nor_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    fake.lease = false;
    start_running();
    turn(TURN_RAN);
    assert_string_equal(source.story, "claim run");
    slot_depose(&fake.slot);
    assert_string_equal(source.story, "claim run close");
}

static void
a_lease_that_ended_while_the_record_was_written_sends_no_commit(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    fake.lease = false;
    answer(WRITE_OUTCOME, WRITE_DONE);
    assert_string_equal(source.story, "claim run outcome");
    assert_int_equal(fake.slot.stage, STAGE_LEASE);
}

static void
an_unanswered_commit_of_a_job_that_wrote_is_handed_back_undecided(void **unused)
{
    (void)unused;
    source.xid = 9;
    source.marked = true;
    start_running();
    turn(TURN_RAN);
    answer(WRITE_OUTCOME, WRITE_DONE);
    turn(TURN_LOST);
    assert_string_equal(source.story, "claim run outcome COMMIT unclaim close");
    assert_true(fake.waiting[0]->undecided);
    assert_true(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
an_unanswered_commit_of_a_reader_is_handed_back(void **unused)
{
    (void)unused;
    start_running();
    turn(TURN_RAN);
    turn(TURN_LOST);
    assert_string_equal(source.story, "claim run COMMIT unclaim close");
    assert_int_equal(fake.verdict, 0); /* nothing is said before it is pending again */
    answer(WRITE_UNCLAIM, WRITE_DONE);
    assert_int_equal(fake.verdict, RELEASE_LATER);
}

static void
a_lost_session_counts_as_a_try_and_handing_back_does_not(void **unused)
{
    (void)unused;
    start();
    answer_claim(5, 2);
    turn(TURN_ANSWERED);
    answer(WRITE_LOOK, WRITE_DONE);
    turn(TURN_LOST);
    assert_string_equal(source.story, "claim end look run unclaim close");
    assert_true(fake.waiting[0]->tried);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
a_job_that_loses_its_session_each_time_fails_in_the_end(void **unused)
{
    (void)unused;
    start();
    answer_claim(3, 3);
    turn(TURN_ANSWERED);
    answer(WRITE_LOOK, WRITE_DONE);
    turn(TURN_LOST);
    assert_string_equal(source.story, "claim end look run finish close");
    assert_int_equal(fake.waiting[0]->in.ending.state, JOB_FAILED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_refused_text_is_failed_and_nothing_was_sent(void **unused)
{
    (void)unused;
    fake.sql = "SELECT 1; COMMIT; SELECT 2";
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim finish put");
    assert_non_null(strstr(assert_ending(JOB_FAILED)->error, "COMMIT"));
    answer(WRITE_FINISH, WRITE_DONE);
}

/* --- parameters --- */

static void
statements_go_out_with_the_parameters_of_the_claim(void **unused)
{
    (void)unused;
    const param_t param = a_param("id", 20, "42");
    own(mem) packed = params_pack(&param, 1);
    fake.params = packed;
    fake.sql = "SELECT :id";
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim run");
    assert_string_equal(source.script.binds->list[0].sql, "SELECT $1");
    assert_string_equal(source.script.binds->params->list[0].value, "42");
}

static void
a_job_without_parameters_goes_out_as_it_stands(void **unused)
{
    (void)unused;
    fake.sql = "SELECT $1, :id";
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim run");
    assert_null(source.script.binds);
}

static void
a_job_whose_parameters_cannot_be_read_is_failed_and_not_run(void **unused)
{
    (void)unused;
    fake.params = "kA==";
    start();
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim finish put");
    assert_string_equal(assert_ending(JOB_FAILED)->error, "the job's parameters are damaged");
    answer(WRITE_FINISH, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(nothing_runs_before_the_claim_is_stored),
        SLOT_TEST(a_lost_claim_runs_nothing),
        SLOT_TEST(a_lost_claim_of_a_job_in_line_is_no_news_of_the_job),
        SLOT_TEST(a_job_waits_until_the_session_is_clean),
        SLOT_TEST(a_source_that_is_away_leaves_the_job_unclaimed),
        SLOT_TEST(a_refused_login_claims_the_job_to_fail_it),
        SLOT_TEST(a_session_that_dies_while_claiming_hands_the_job_back),
        SLOT_TEST(ghosts_end_before_their_record_is_looked_for),
        SLOT_TEST(a_ghost_that_is_still_there_is_asked_for_again),
        SLOT_TEST(a_job_whose_record_proves_nothing_is_unknown_and_not_run),
        SLOT_TEST(too_many_tries_fail_but_only_after_the_look),
        SLOT_TEST(a_handed_back_job_takes_its_session_along),
        SLOT_TEST(ghosts_that_do_not_end_take_the_session_along),
        SLOT_TEST(a_job_that_wrote_nothing_commits_without_a_record),
        SLOT_TEST(a_job_that_wrote_commits_after_its_record_is_stored),
        SLOT_TEST(a_record_waits_for_the_pages),
        SLOT_TEST(a_fenced_record_sends_no_commit),
        SLOT_TEST(without_a_lease_there_is_neither_record_nor_commit),
        SLOT_TEST(a_lease_that_ended_while_the_record_was_written_sends_no_commit),
        SLOT_TEST(an_unanswered_commit_of_a_job_that_wrote_is_handed_back_undecided),
        SLOT_TEST(an_unanswered_commit_of_a_reader_is_handed_back),
        SLOT_TEST(a_lost_session_counts_as_a_try_and_handing_back_does_not),
        SLOT_TEST(a_job_that_loses_its_session_each_time_fails_in_the_end),
        SLOT_TEST(a_refused_text_is_failed_and_nothing_was_sent),
        SLOT_TEST(statements_go_out_with_the_parameters_of_the_claim),
        SLOT_TEST(a_job_without_parameters_goes_out_as_it_stands),
        SLOT_TEST(a_job_whose_parameters_cannot_be_read_is_failed_and_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
