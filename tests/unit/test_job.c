/* The states' words, and every move there could be. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/job.h"

/* Row: from; column: to; in the order of job_state_t. x may, . may not. */
/* clang-format off */
static const char *const legal[JOB_STATES] = {
    /*                P R D F C T U S */
    [JOB_PENDING]   = ".x.xxx.x",
    [JOB_RUNNING]   = "xxxxxxx.",
    [JOB_DONE]      = "........",
    [JOB_FAILED]    = "........",
    [JOB_CANCELLED] = "........",
    [JOB_TIMED_OUT] = "........",
    [JOB_UNKNOWN]   = "........",
    [JOB_SKIPPED]   = "........",
};
/* clang-format on */

static void
every_move_is_legal_or_not_as_the_table_says(void **unused)
{
    (void)unused;
    for (unsigned from = 0; from < JOB_STATES; from++) {
        assert_int_equal(strlen(legal[from]), JOB_STATES);
        for (unsigned to = 0; to < JOB_STATES; to++) {
            bool expected = legal[from][to] == 'x';
            if (job_may_move((job_state_t)from, (job_state_t)to) != expected)
                fail_msg("%s to %s", job_state_word((job_state_t)from),
                         job_state_word((job_state_t)to));
        }
    }
}

static void
nothing_leaves_a_final_state(void **unused)
{
    (void)unused;
    for (unsigned from = 0; from < JOB_STATES; from++) {
        for (unsigned to = 0; to < JOB_STATES; to++)
            assert_false(job_state_final((job_state_t)from)
                         && job_may_move((job_state_t)from, (job_state_t)to));
    }
}

static void
all_states_but_pending_and_running_are_final(void **unused)
{
    (void)unused;
    for (unsigned state = 0; state < JOB_STATES; state++)
        assert_int_equal(job_state_final((job_state_t)state),
                         state != JOB_PENDING && state != JOB_RUNNING);
}

static void
every_state_is_read_back_from_its_word(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < JOB_STATES; i++) {
        job_state_t state = i == 0 ? JOB_DONE : JOB_PENDING;
        assert_true(job_state_parse(job_state_word((job_state_t)i), &state));
        assert_int_equal(state, i);
    }
}

static void
the_words_are_those_of_the_store(void **unused)
{
    (void)unused;
    assert_string_equal(job_state_word(JOB_PENDING), "pending");
    assert_string_equal(job_state_word(JOB_RUNNING), "running");
    assert_string_equal(job_state_word(JOB_DONE), "done");
    assert_string_equal(job_state_word(JOB_FAILED), "failed");
    assert_string_equal(job_state_word(JOB_CANCELLED), "cancelled");
    assert_string_equal(job_state_word(JOB_TIMED_OUT), "timed_out");
    assert_string_equal(job_state_word(JOB_UNKNOWN), "unknown");
    assert_string_equal(job_state_word(JOB_SKIPPED), "skipped");
}

static void
another_word_is_no_state(void **unused)
{
    (void)unused;
    static const char *const words[] = {
        "", "PENDING", "pendin", "pending ", "partial", "invalid"
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        job_state_t state = JOB_DONE;
        assert_false(job_state_parse(words[i], &state));
        assert_int_equal(state, JOB_DONE);
    }
}

static void
a_number_that_is_no_state_goes_nowhere(void **unused)
{
    (void)unused;
    job_state_t none = (job_state_t)JOB_STATES;
    assert_string_equal(job_state_word(none), "invalid");
    assert_false(job_state_final(none));
    assert_false(job_may_move(none, JOB_PENDING));
    assert_false(job_may_move(JOB_PENDING, none));
}

static void
a_new_job_is_pending_and_has_empty_texts(void **unused)
{
    (void)unused;
    own(job) job = job_new();
    assert_int_equal(job->state, JOB_PENDING);
    assert_string_equal(job->tenant, "");
    assert_string_equal(job->source, "");
    assert_string_equal(job->dialect, "");
    assert_null(job->error);
    assert_null(job->manifest);
}

static void
fill_step(job_step_t *step)
{
    step->sql = mem_text("s");
    step->condition = mem_text("done");
    step->error = mem_text("e");
    step->error_detail = mem_text("d");
    step->error_hint = mem_text("h");
    step->leaves = mem_text("l");
    step->manifest = manifest_new();
    manifest_add(step->manifest)->tag = mem_text("t");
}

static void
a_job_frees_all_it_owns(void **unused)
{
    (void)unused;
    job_t *job = job_new();
    job->error = mem_text("e");
    job->error_detail = mem_text("d");
    job->error_hint = mem_text("h");
    job->sql = mem_text("s");
    job->manifest = manifest_new();
    manifest_add(job->manifest)->tag = mem_text("t");
    job->steps = 2;
    job->step = (job_step_t *)mem_array(job->steps, sizeof *job->step);
    fill_step(&job->step[1]);
    job_destroy(&job);
    assert_null(job);
    job_destroy(&job);
}

static void
a_cleared_step_is_empty_and_may_be_filled_again(void **unused)
{
    (void)unused;
    job_step_t step = { 0 };
    fill_step(&step);
    job_step_clear(&step);
    assert_null(step.sql);
    assert_null(step.manifest);
    fill_step(&step);
    job_step_clear(&step);
    job_step_clear(&step);
}

static void
a_way_of_autocommit_is_read_back_from_its_word(void **unused)
{
    (void)unused;
    static const char *const words[] = { "never", "needed", "always" };
    for (unsigned i = 0; i < 3; i++) {
        autocommit_t autocommit = i ? AUTOCOMMIT_NEVER : AUTOCOMMIT_ALWAYS;
        assert_string_equal(autocommit_word((autocommit_t)i), words[i]);
        assert_true(autocommit_parse(words[i], &autocommit));
        assert_int_equal(autocommit, i);
    }
}

static void
no_word_is_never_and_another_word_is_none(void **unused)
{
    (void)unused;
    autocommit_t autocommit = AUTOCOMMIT_ALWAYS;
    assert_false(autocommit_parse("", &autocommit));
    assert_false(autocommit_parse("Never", &autocommit));
    assert_false(autocommit_parse("invalid", &autocommit));
    assert_int_equal(autocommit, AUTOCOMMIT_ALWAYS);
    assert_true(autocommit_parse(NULL, &autocommit));
    assert_int_equal(autocommit, AUTOCOMMIT_NEVER);
    assert_string_equal(autocommit_word((autocommit_t)3), "invalid");
}

static void
the_owner_of_a_limit_is_read_back_from_its_word(void **unused)
{
    (void)unused;
    static const char *const words[] = { "job", "tenant", "source" };
    for (unsigned i = 0; i < 3; i++) {
        limit_owner_t owner = i ? LIMIT_OF_JOB : LIMIT_OF_SOURCE;
        assert_string_equal(limit_owner_word((limit_owner_t)i), words[i]);
        assert_true(limit_owner_parse(words[i], &owner));
        assert_int_equal(owner, i);
    }
    limit_owner_t owner = LIMIT_OF_SOURCE;
    assert_false(limit_owner_parse("jobs", &owner));
    assert_int_equal(owner, LIMIT_OF_SOURCE);
    assert_true(limit_owner_parse(NULL, &owner));
    assert_int_equal(owner, LIMIT_OF_JOB);
    assert_string_equal(limit_owner_word((limit_owner_t)3), "invalid");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_move_is_legal_or_not_as_the_table_says),
        cmocka_unit_test(nothing_leaves_a_final_state),
        cmocka_unit_test(all_states_but_pending_and_running_are_final),
        cmocka_unit_test(every_state_is_read_back_from_its_word),
        cmocka_unit_test(the_words_are_those_of_the_store),
        cmocka_unit_test(another_word_is_no_state),
        cmocka_unit_test(a_number_that_is_no_state_goes_nowhere),
        cmocka_unit_test(a_new_job_is_pending_and_has_empty_texts),
        cmocka_unit_test(a_job_frees_all_it_owns),
        cmocka_unit_test(a_cleared_step_is_empty_and_may_be_filled_again),
        cmocka_unit_test(the_owner_of_a_limit_is_read_back_from_its_word),
        cmocka_unit_test(a_way_of_autocommit_is_read_back_from_its_word),
        cmocka_unit_test(no_word_is_never_and_another_word_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
