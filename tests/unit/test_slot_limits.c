/* test_slot_limits.c - a slot whose job's results may come to so much and no more. */
#include "tests/unit/slot_fake.h"

static void
running_with(const job_limits_t *limits)
{
    fake.claim.limits = *limits;
    start_running();
}

static void
a_job_without_limits_runs_without_an_allowance(void **unused)
{
    (void)unused;
    start_running();
    assert_null(source.script.allowance);
}

static void
a_job_s_limits_are_its_script_s_allowance(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 7 } };
    running_with(&limits);
    assert_non_null(source.script.allowance);
    assert_int_equal(source.script.allowance->rows, 7);
    assert_int_equal(source.script.allowance->bytes, INT64_MAX);
    assert_false(source.script.allowance->cut);
}

static void
assert_over(const char *message)
{
    turn(TURN_OVER);
    assert_string_equal(source.story, "claim run finish close");
    assert_string_equal(assert_ending(JOB_FAILED)->sqlstate, "54000");
    assert_string_equal(fake.waiting[0]->in.ending.error, message);
}

static void
too_many_rows_fail_the_job_and_its_session_with_it(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 1000 }, .bytes = { .most = 5 } };
    running_with(&limits);
    source.script.allowance->rows = 0;
    assert_over("the results have more than 1000 rows (max_rows)");
}

static void
too_many_bytes_say_whose_cap_it_was(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 1000 },
                                  .bytes = { .most = 9007199254740992, .owner = LIMIT_OF_TENANT } };
    running_with(&limits);
    assert_over("the results have more than 9007199254740992 bytes (max_bytes, the cap of the"
                " tenant)");
}

/* Closing the session is what rolls back: nothing of it may go on. */
static void
a_job_that_is_to_stop_is_stopped_by_its_limit_too(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 1 } };
    running_with(&limits);
    slot_halt(&fake.slot, HALT_CANCEL);
    turn(TURN_OVER);
    assert_string_equal(source.story, "claim run cancel finish close");
    (void)assert_ending(JOB_CANCELLED);
}

static void
what_nobody_needs_ends_the_job_without_a_commit(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 3 }, .truncate = true };
    running_with(&limits);
    give_rows(2);
    turn(TURN_FULL);
    give_rows(1);
    source.manifest->results[0].truncated = true;
    turn(TURN_ENOUGH);
    assert_string_equal(source.story, "claim run page page close");
    assert_true(fake.freed);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page page close");
    answer(WRITE_PAGE, WRITE_DONE);
    const ending_t *ending = assert_ending(JOB_DONE);
    assert_int_equal(ending->rows, 3);
    assert_int_equal(ending->pages, 2);
    assert_true(ending->truncated);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_page_that_cannot_be_stored_fails_what_was_enough(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 2 }, .truncate = true };
    running_with(&limits);
    give_rows(2);
    turn(TURN_FULL);
    turn(TURN_ENOUGH);
    answer(WRITE_PAGE, WRITE_FAILED);
    (void)assert_ending(JOB_FAILED);
}

static void
what_was_enough_is_cancelled_when_it_was_to_stop(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 2 }, .truncate = true };
    running_with(&limits);
    give_rows(1);
    slot_halt(&fake.slot, HALT_CANCEL);
    turn(TURN_ENOUGH);
    assert_string_equal(source.story, "claim run cancel finish close");
    (void)assert_ending(JOB_CANCELLED);
}

static bool
end_with(bool truncated)
{
    source.session.clean = true; /* from the job before */
    start_running();
    give_rows(1);
    source.manifest->results[0].truncated = truncated;
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    if (fake.waiting[0]->kind == WRITE_PAGE)
        answer(WRITE_PAGE, WRITE_DONE);
    answer(WRITE_FINISH, WRITE_DONE);
    wire_t message;
    assert_true(scribe_changes(fake.kit.scribe, &message));
    return message.changes.jobs[0].more;
}

static void
only_of_a_cut_result_there_is_more_to_tell(void **unused)
{
    (void)unused;
    assert_false(end_with(false));
    assert_true(end_with(true));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(a_job_without_limits_runs_without_an_allowance),
        SLOT_TEST(a_job_s_limits_are_its_script_s_allowance),
        SLOT_TEST(too_many_rows_fail_the_job_and_its_session_with_it),
        SLOT_TEST(too_many_bytes_say_whose_cap_it_was),
        SLOT_TEST(a_job_that_is_to_stop_is_stopped_by_its_limit_too),
        SLOT_TEST(what_nobody_needs_ends_the_job_without_a_commit),
        SLOT_TEST(a_page_that_cannot_be_stored_fails_what_was_enough),
        SLOT_TEST(what_was_enough_is_cancelled_when_it_was_to_stop),
        SLOT_TEST(only_of_a_cut_result_there_is_more_to_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
