/* test_steps.c - the text of a step: filled in, split, and what it may not do. */
#include <stdlib.h>

#include "executor/steps.h"
#include "tests/unit/params.h"
#include "tests/unit/unit.h"

static steps_t steps;
static failure_t failure;
static jobid_t job;

static int
begin(void **unused)
{
    (void)unused;
    job = jobid_make(1, 0);
    return 0;
}

static int
end(void **unused)
{
    (void)unused;
    steps_clear(&steps);
    failure_clear(&failure);
    return 0;
}

static bool
prepared(const char *sql, autocommit_t autocommit, bool read_only)
{
    char *text = mem_text(sql);
    steps_one(&steps, &text);
    return steps_prepare(&steps, &job, NULL, autocommit, read_only, &failure);
}

static void
assert_refused(const char *sqlstate, const char *word)
{
    assert_string_equal(failure.sqlstate, sqlstate);
    if (!strstr(failure.message, word))
        fail_msg("\"%s\" does not say \"%s\"", failure.message, word);
}

static void
statements_are_split(void **unused)
{
    (void)unused;
    assert_true(prepared("SELECT 1; SELECT 2", AUTOCOMMIT_NEVER, false));
    assert_int_equal(steps.statements->count, 2);
    assert_false(steps.autocommit);
}

static void
a_text_that_cannot_be_split_says_why(void **unused)
{
    (void)unused;
    assert_false(prepared("SELECT 'a", AUTOCOMMIT_NEVER, false));
    assert_refused("42601", "does not end");
    assert_false(prepared("ROLLBACK", AUTOCOMMIT_NEVER, false));
    assert_refused("0A000", "ROLLBACK");
}

static void
alone_needs_the_option(void **unused)
{
    (void)unused;
    assert_false(prepared("VACUUM t", AUTOCOMMIT_NEVER, false));
    assert_refused("25001", "`autocommit`");
    assert_true(prepared("VACUUM t", AUTOCOMMIT_NEEDED, false));
    assert_true(steps.autocommit);
}

static void
alone_is_alone(void **unused)
{
    (void)unused;
    assert_false(prepared("VACUUM t; SELECT 1", AUTOCOMMIT_NEEDED, false));
    assert_refused("25001", "only one");
}

static void
needed_leaves_other_statements_in_their_transaction(void **unused)
{
    (void)unused;
    assert_true(prepared("SELECT 1", AUTOCOMMIT_NEEDED, false));
    assert_false(steps.autocommit);
}

static void
always_takes_one_statement_of_any_kind(void **unused)
{
    (void)unused;
    assert_true(prepared("SELECT 1", AUTOCOMMIT_ALWAYS, false));
    assert_true(steps.autocommit);
    assert_false(prepared("SELECT 1; SELECT 2", AUTOCOMMIT_ALWAYS, false));
    assert_refused("25001", "this one has 2");
}

static void
a_read_only_job_stays_in_its_transaction(void **unused)
{
    (void)unused;
    assert_false(prepared("VACUUM t", AUTOCOMMIT_NEEDED, true));
    assert_refused("25006", "`read_only`");
    assert_true(prepared("SELECT 1", AUTOCOMMIT_NEVER, true));
}

/* --- several --- */

static void
have_two(void)
{
    job_step_t *list = mem_array(2, sizeof *list);
    list[0].sql = mem_text("SELECT 1");
    list[1].sql = mem_text("SELECT '<%= error_message %>', <%= job_id %>");
    list[1].step = 1;
    list[1].condition = mem_text("failed");
    list[1].is_template = true;
    steps_several(&steps, &list, 2);
}

static void
a_template_is_filled_in_with_what_failed(void **unused)
{
    (void)unused;
    have_two();
    failure_say(&failure, "22012", "it's gone");
    const ending_t ending = { .state = JOB_FAILED };
    steps_ended(&steps, JOB_FAILED, &ending, &failure);
    assert_null(failure.message);
    steps.now = steps_next(&steps).step;
    assert_int_equal(steps.now, 1);
    assert_true(steps_last(&steps));
    assert_true(steps_prepare(&steps, &job, NULL, AUTOCOMMIT_NEVER, false, &failure));
    assert_non_null(strstr(steps.statements->list[0].sql, "'it''s gone', '"));
}

static void
statements_are_bound_to_what_they_take(void **unused)
{
    (void)unused;
    static const char *const names[] = { "id", "a", NULL };
    own(params) params = params_called(names);
    char *text = mem_text("SELECT 1; SELECT :a");
    steps_one(&steps, &text);
    assert_true(steps_prepare(&steps, &job, params, AUTOCOMMIT_NEVER, false, &failure));
    assert_int_equal(steps.binds->count, 2);
    assert_null(steps.binds->list[0].sql);
    assert_string_equal(steps.binds->list[1].sql, "SELECT $1");
    assert_true(steps_prepare(&steps, &job, NULL, AUTOCOMMIT_NEVER, false, &failure));
    assert_null(steps.binds);
}

static void
a_placeholder_without_a_value_says_which_and_where(void **unused)
{
    (void)unused;
    own(params) params = params_counted(1);
    char *text = mem_text("SELECT $1; SELECT $2");
    steps_one(&steps, &text);
    assert_false(steps_prepare(&steps, &job, params, AUTOCOMMIT_NEVER, false, &failure));
    assert_refused("42P02", "parameter 2 has no value");
    assert_int_equal(failure.position, 19);
}

static void
nothing_that_was_filled_in_is_a_placeholder(void **unused)
{
    (void)unused;
    static const char *const names[] = { "id", NULL };
    own(params) params = params_called(names);
    have_two();
    failure_say(&failure, "22012", "at :id, '$id' or $nothing");
    const ending_t ending = { .state = JOB_FAILED };
    steps_ended(&steps, JOB_FAILED, &ending, &failure);
    steps.now = 1;
    free(steps.list[1].sql);
    steps.list[1].sql = mem_text("SELECT <%= error_message %>, '<%= error_message %>', :id");
    assert_true(steps_prepare(&steps, &job, params, AUTOCOMMIT_NEVER, false, &failure));
    assert_string_equal(steps.binds->list[0].sql, "SELECT 'at :id, ''$id'' or $nothing', "
                                                  "'at :id, ''$id'' or $nothing', $1");
}

static void
the_job_fails_with_its_steps_words(void **unused)
{
    (void)unused;
    have_two();
    failure_say(&failure, "22012", "gone");
    failure.position = 7;
    const ending_t ending = { .state = JOB_FAILED };
    steps_ended(&steps, JOB_FAILED, &ending, &failure);
    failure = steps_blame(&steps, 0);
    assert_string_equal(failure.sqlstate, "22012");
    assert_string_equal(failure.message, "gone");
    assert_int_equal(failure.position, 7);
}

static void
totals_are_of_the_steps_that_are_done(void **unused)
{
    (void)unused;
    have_two();
    steps.list[0].state = JOB_DONE;
    steps.list[0].rows = 3;
    steps.list[1].state = JOB_FAILED;
    steps.list[1].rows = 4;
    ending_t ending = { .rows = 99 };
    steps_total(&steps, &ending);
    assert_int_equal(ending.rows, 3);
}

static void
only_what_earlier_attempts_left_is_lost(void **unused)
{
    (void)unused;
    have_two();
    steps.now = 1;
    steps.list[0].state = JOB_DONE;
    steps.list[0].attempt = 1;
    assert_null(steps_lost(&steps, 2));
    steps.list[0].leaves = mem_text("a temporary object");
    assert_string_equal(steps_lost(&steps, 2), "a temporary object");
    assert_null(steps_lost(&steps, 1));
}

static void
manifests_of_earlier_steps_leave_less_room(void **unused)
{
    (void)unused;
    failure_t none = { 0 };
    have_two();
    assert_int_equal(steps_room(&steps), MANIFEST_MOST);
    const ending_t large = { .manifest_size = MANIFESTS_MOST - 100 };
    steps_ended(&steps, JOB_FAILED, &large, &none); /* what its statements said is kept, too */
    steps.now = 1;
    assert_int_equal(steps_room(&steps), 100);
    steps.list[0].manifest_size = MANIFESTS_MOST + 1;
    assert_int_equal(steps_room(&steps), 0);
}

static void
half_of_the_room_is_for_results_alone(void **unused)
{
    (void)unused;
    have_two();
    steps.now = 1;
    steps.list[0].manifest_size = MANIFESTS_MOST / 2;
    assert_false(steps_crowded(&steps));
    steps.list[0].manifest_size++;
    assert_true(steps_crowded(&steps));
    assert_int_equal(steps_room(&steps), MANIFEST_MOST);
}

static void
assert_allowed(const job_limits_t *limits, int64_t rows, int64_t bytes)
{
    allowance_t allowance = { .rows = -1 };
    assert_true(steps_allow(&steps, limits, &allowance));
    assert_int_equal(allowance.rows, rows);
    assert_int_equal(allowance.bytes, bytes);
    assert_int_equal(allowance.cut, limits->truncate);
    assert_false(allowance.spent);
}

static void
done_steps_use_up_their_job_s_limits(void **unused)
{
    (void)unused;
    have_two();
    allowance_t allowance;
    job_limits_t limits = { .truncate = true };
    assert_false(steps_allow(&steps, &limits, &allowance));
    limits.rows.most = 10;
    assert_allowed(&limits, 10, INT64_MAX);
    limits.bytes.most = 100;
    const ending_t ending = { .rows = 4, .raw_bytes = 60 };
    failure_t none = { 0 };
    steps_ended(&steps, JOB_FAILED, &ending, &none);
    assert_allowed(&limits, 10, 100);
    steps_ended(&steps, JOB_DONE, &ending, &none);
    assert_allowed(&limits, 6, 40);
    limits = (job_limits_t){ .rows = { .most = 4 } };
    assert_allowed(&limits, 0, INT64_MAX);
    limits.rows.most = 3; /* an older attempt knew no limits */
    assert_allowed(&limits, 0, INT64_MAX);
}

static void
what_a_step_left_out_leaves_nothing_for_those_behind_it(void **unused)
{
    (void)unused;
    have_two();
    const job_limits_t limits = { .bytes = { .most = 100 }, .truncate = true };
    const ending_t ending = { .raw_bytes = 60, .truncated = true };
    failure_t none = { 0 };
    allowance_t allowance;
    steps_ended(&steps, JOB_DONE, &ending, &none);
    assert_true(steps_allow(&steps, &limits, &allowance));
    assert_int_equal(allowance.bytes, 40);
    assert_true(allowance.spent);
    ending_t total = { 0 };
    steps_total(&steps, &total);
    assert_true(total.truncated);
}

static void
what_runs_outside_a_transaction_is_cut_whatever_the_job_wants(void **unused)
{
    (void)unused;
    const job_limits_t limits = { .rows = { .most = 1 } };
    allowance_t allowance;
    assert_true(prepared("SELECT 1", AUTOCOMMIT_NEVER, false));
    assert_true(steps_allow(&steps, &limits, &allowance));
    assert_false(allowance.cut);
    assert_true(prepared("SELECT 1", AUTOCOMMIT_ALWAYS, false));
    assert_true(steps_allow(&steps, &limits, &allowance));
    assert_true(allowance.cut);
}

#define STEPS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STEPS_TEST(statements_are_split),
        STEPS_TEST(a_text_that_cannot_be_split_says_why),
        STEPS_TEST(alone_needs_the_option),
        STEPS_TEST(alone_is_alone),
        STEPS_TEST(needed_leaves_other_statements_in_their_transaction),
        STEPS_TEST(always_takes_one_statement_of_any_kind),
        STEPS_TEST(a_read_only_job_stays_in_its_transaction),
        STEPS_TEST(a_template_is_filled_in_with_what_failed),
        STEPS_TEST(statements_are_bound_to_what_they_take),
        STEPS_TEST(a_placeholder_without_a_value_says_which_and_where),
        STEPS_TEST(nothing_that_was_filled_in_is_a_placeholder),
        STEPS_TEST(the_job_fails_with_its_steps_words),
        STEPS_TEST(totals_are_of_the_steps_that_are_done),
        STEPS_TEST(manifests_of_earlier_steps_leave_less_room),
        STEPS_TEST(half_of_the_room_is_for_results_alone),
        STEPS_TEST(done_steps_use_up_their_job_s_limits),
        STEPS_TEST(what_a_step_left_out_leaves_nothing_for_those_behind_it),
        STEPS_TEST(what_runs_outside_a_transaction_is_cut_whatever_the_job_wants),
        STEPS_TEST(only_what_earlier_attempts_left_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
