/* test_plan.c - conditions, and how a job of several steps goes on and ends. */
#include "common/plan.h"
#include "tests/unit/unit.h"

enum { STEPS_MOST = 6 };

/* Steps as "condition state" pairs; the condition NULL is a plain step. */
typedef struct {
    const char *condition;
    job_state_t state;
} given_t;

static uint32_t
make(job_step_t steps[STEPS_MOST], const given_t *given, uint32_t count)
{
    memset(steps, 0, STEPS_MOST * sizeof *steps);
    for (uint32_t i = 0; i < count; i++) {
        steps[i].step = i;
        steps[i].state = given[i].state;
        steps[i].condition = mem_text(given[i].condition);
    }
    return count;
}

static void
clear(job_step_t steps[STEPS_MOST])
{
    for (uint32_t i = 0; i < STEPS_MOST; i++)
        mem_destroy(&steps[i].condition);
}

static plan_t
plan_of(const given_t *given, uint32_t count)
{
    job_step_t steps[STEPS_MOST];
    plan_t plan = plan_next(steps, make(steps, given, count));
    clear(steps);
    return plan;
}

static uint32_t
blame_of(const given_t *given, uint32_t count, uint32_t step)
{
    job_step_t steps[STEPS_MOST];
    uint32_t blame = plan_blame(steps, make(steps, given, count), step);
    clear(steps);
    return blame;
}

#define GIVEN(...)                                                                                 \
    (const given_t[]){ __VA_ARGS__ },                                                              \
        (uint32_t)(sizeof((const given_t[]){ __VA_ARGS__ }) / sizeof(given_t))

static void
assert_next(uint32_t step, const given_t *given, uint32_t count)
{
    plan_t plan = plan_of(given, count);
    assert_false(plan.over);
    assert_int_equal(plan.step, step);
}

static void
assert_over(job_state_t state, uint32_t cause, const given_t *given, uint32_t count)
{
    plan_t plan = plan_of(given, count);
    assert_true(plan.over);
    assert_string_equal(job_state_word(plan.state), job_state_word(state));
    if (state != JOB_DONE)
        assert_int_equal(plan.cause, cause);
}

static void
conditions_are_read(void **unused)
{
    (void)unused;
    static const char *const fine[] = {
        "always", "done", "failed", "done:0", "failed:2", "done:10"
    };
    err_t err = { .kind = ERR_NONE };
    assert_true(plan_check(NULL, 0, &err));
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_true(plan_check(fine[i], 11, &err));
    assert_true(plan_check("failed", 0, &err));
}

static void
other_words_are_no_conditions(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "",        "Always",   "done ",    " done",   "done:",
                                         "done:-1", "done:+1",  "done:1x",  "done: 1", "done:01",
                                         "failed:", "faile",    "failed:a", "never",   "always:1",
                                         "done:0x", "failed:1 " };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err_t err = { .kind = ERR_NONE };
        if (plan_check(wrong[i], 5, &err))
            fail_msg("read: '%s'", wrong[i]);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.text, wrong[i]));
    }
}

static void
a_condition_speaks_of_a_step_before_its_own(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    assert_true(plan_check("done:4", 5, &err));
    assert_false(plan_check("done:5", 5, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(plan_check("failed:0", 0, &err));
    assert_false(plan_check("done:4294967296", 5, &err));
    assert_false(plan_check("done:99999999999999999999", 5, &err));
}

static void
plain_steps_run_one_after_the_other(void **unused)
{
    (void)unused;
    assert_next(0, GIVEN({ NULL, JOB_PENDING }, { NULL, JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_DONE }, { NULL, JOB_PENDING }));
    assert_over(JOB_DONE, 0, GIVEN({ NULL, JOB_DONE }, { NULL, JOB_DONE }));
}

static void
a_step_that_is_running_is_next(void **unused)
{
    (void)unused;
    assert_next(0, GIVEN({ NULL, JOB_RUNNING }, { NULL, JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_FAILED }, { "always", JOB_RUNNING }));
}

static void
a_plain_step_that_fails_fails_the_job(void **unused)
{
    (void)unused;
    assert_over(JOB_FAILED, 0, GIVEN({ NULL, JOB_FAILED }, { NULL, JOB_PENDING }));
    assert_over(JOB_FAILED, 1,
                GIVEN({ NULL, JOB_DONE }, { NULL, JOB_FAILED }, { NULL, JOB_PENDING }));
    assert_over(JOB_TIMED_OUT, 0, GIVEN({ NULL, JOB_TIMED_OUT }, { NULL, JOB_PENDING }));
}

static void
always_runs_when_its_turn_comes(void **unused)
{
    (void)unused;
    assert_next(0, GIVEN({ "always", JOB_PENDING }, { NULL, JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_DONE }, { "always", JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_FAILED }, { "always", JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_TIMED_OUT }, { "always", JOB_PENDING }));
}

static void
done_runs_when_every_plain_step_took_effect(void **unused)
{
    (void)unused;
    assert_next(2, GIVEN({ NULL, JOB_DONE }, { NULL, JOB_DONE }, { "done", JOB_PENDING }));
    assert_next(2, GIVEN({ NULL, JOB_DONE }, { "always", JOB_FAILED }, { "done", JOB_PENDING }));
    assert_next(0, GIVEN({ "done", JOB_PENDING }));
    assert_over(JOB_FAILED, 0, GIVEN({ NULL, JOB_FAILED }, { "done", JOB_PENDING }));
}

static void
done_before_a_plain_step_never_runs(void **unused)
{
    (void)unused;
    assert_next(2, GIVEN({ NULL, JOB_DONE }, { "done", JOB_PENDING }, { NULL, JOB_PENDING }));
    assert_over(JOB_DONE, 0,
                GIVEN({ NULL, JOB_DONE }, { "done", JOB_PENDING }, { NULL, JOB_DONE }));
}

static void
failed_runs_when_a_plain_step_before_it_failed(void **unused)
{
    (void)unused;
    assert_next(2, GIVEN({ NULL, JOB_FAILED }, { NULL, JOB_PENDING }, { "failed", JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_TIMED_OUT }, { "failed", JOB_PENDING }));
    assert_over(JOB_DONE, 0, GIVEN({ NULL, JOB_DONE }, { "failed", JOB_PENDING }));
    assert_over(JOB_DONE, 0,
                GIVEN({ NULL, JOB_DONE }, { "always", JOB_FAILED }, { "failed", JOB_PENDING }));
}

static void
a_turn_that_passed_does_not_come_back(void **unused)
{
    (void)unused;
    assert_over(JOB_FAILED, 1, GIVEN({ "failed", JOB_PENDING }, { NULL, JOB_FAILED }));
}

static void
done_k_runs_when_that_step_took_effect(void **unused)
{
    (void)unused;
    assert_next(2, GIVEN({ NULL, JOB_DONE }, { NULL, JOB_FAILED }, { "done:0", JOB_PENDING }));
    assert_over(JOB_FAILED, 1,
                GIVEN({ NULL, JOB_DONE }, { NULL, JOB_FAILED }, { "done:1", JOB_PENDING }));
    assert_over(JOB_FAILED, 0,
                GIVEN({ NULL, JOB_FAILED }, { NULL, JOB_PENDING }, { "done:1", JOB_PENDING }));
}

static void
failed_k_runs_when_that_step_failed(void **unused)
{
    (void)unused;
    assert_next(1, GIVEN({ NULL, JOB_FAILED }, { "failed:0", JOB_PENDING }));
    assert_next(1, GIVEN({ NULL, JOB_TIMED_OUT }, { "failed:0", JOB_PENDING }));
    assert_over(JOB_DONE, 0, GIVEN({ NULL, JOB_DONE }, { "failed:0", JOB_PENDING }));
    assert_over(JOB_FAILED, 0,
                GIVEN({ NULL, JOB_FAILED }, { NULL, JOB_PENDING }, { "failed:1", JOB_PENDING }));
}

static void
reactions_may_wait_for_reactions(void **unused)
{
    (void)unused;
    assert_next(2,
                GIVEN({ NULL, JOB_DONE }, { "done:0", JOB_FAILED }, { "failed:1", JOB_PENDING }));
    assert_over(JOB_DONE, 0,
                GIVEN({ NULL, JOB_DONE }, { "done:0", JOB_SKIPPED }, { "failed:1", JOB_PENDING }));
}

static void
a_reaction_that_fails_fails_nothing(void **unused)
{
    (void)unused;
    assert_next(1, GIVEN({ "always", JOB_FAILED }, { NULL, JOB_PENDING }));
    assert_over(JOB_DONE, 0, GIVEN({ NULL, JOB_DONE }, { "done", JOB_FAILED }));
    assert_over(JOB_DONE, 0, GIVEN({ NULL, JOB_DONE }, { "done", JOB_TIMED_OUT }));
    assert_over(JOB_FAILED, 0, GIVEN({ NULL, JOB_FAILED }, { "failed", JOB_DONE }));
}

static void
nothing_runs_after_a_step_that_was_cancelled_or_is_unknown(void **unused)
{
    (void)unused;
    assert_over(JOB_CANCELLED, 0, GIVEN({ NULL, JOB_CANCELLED }, { "always", JOB_PENDING }));
    assert_over(JOB_UNKNOWN, 0, GIVEN({ NULL, JOB_UNKNOWN }, { "always", JOB_PENDING }));
    assert_over(
        JOB_CANCELLED, 1,
        GIVEN({ NULL, JOB_FAILED }, { "failed", JOB_CANCELLED }, { "always", JOB_PENDING }));
    assert_over(JOB_UNKNOWN, 1, GIVEN({ NULL, JOB_DONE }, { "done", JOB_UNKNOWN }));
}

/* Every way that four steps with these conditions can go: it ends, no step has two turns, and the
 * turns come in order. */
static void
every_job_ends_with_each_step_at_most_once_and_in_order(void **unused)
{
    (void)unused;
    static const char *const conditions[] = {
        NULL, "always", "done", "failed", "done:0", "failed:0"
    };
    enum { KINDS = 6, COUNT = 4, WAYS = KINDS * KINDS * KINDS * KINDS };
    for (uint32_t way = 0; way < WAYS; way++)
        for (uint32_t fates = 0; fates < 1U << COUNT; fates++) {
            given_t given[COUNT] = { { NULL, JOB_PENDING } };
            for (uint32_t i = 0, left = way; i < COUNT; i++, left /= KINDS)
                given[i] = (given_t){ conditions[left % KINDS], JOB_PENDING };
            uint32_t turns = 0;
            plan_t plan = plan_of(given, COUNT);
            for (uint32_t least = 0; !plan.over; plan = plan_of(given, COUNT)) {
                assert_true(plan.step >= least && turns++ < COUNT);
                assert_true(given[plan.step].state == JOB_PENDING);
                least = plan.step + 1;
                given[plan.step].state = fates >> plan.step & 1 ? JOB_FAILED : JOB_DONE;
            }
            assert_true(plan.state == JOB_DONE || plan.state == JOB_FAILED);
        }
}

static void
a_template_speaks_of_the_step_that_its_condition_names(void **unused)
{
    (void)unused;
    assert_int_equal(0, blame_of(GIVEN({ NULL, JOB_FAILED }, { "failed:0", JOB_FAILED },
                                       { "failed:0", JOB_PENDING }),
                                 2));
}

static void
a_template_speaks_of_the_step_that_failed_the_job(void **unused)
{
    (void)unused;
    assert_int_equal(0, blame_of(GIVEN({ NULL, JOB_FAILED }, { "always", JOB_FAILED },
                                       { "failed", JOB_PENDING }),
                                 2));
}

static void
else_a_template_speaks_of_the_last_failed_step(void **unused)
{
    (void)unused;
    assert_int_equal(1, blame_of(GIVEN({ NULL, JOB_FAILED }, { "always", JOB_TIMED_OUT },
                                       { "always", JOB_PENDING }),
                                 2));
    assert_int_equal(2, blame_of(GIVEN({ NULL, JOB_DONE }, { NULL, JOB_PENDING }), 1));
    assert_int_equal(
        3, blame_of(GIVEN({ NULL, JOB_DONE }, { NULL, JOB_PENDING }, { "always", JOB_FAILED }), 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_read),
        cmocka_unit_test(other_words_are_no_conditions),
        cmocka_unit_test(a_condition_speaks_of_a_step_before_its_own),
        cmocka_unit_test(plain_steps_run_one_after_the_other),
        cmocka_unit_test(a_step_that_is_running_is_next),
        cmocka_unit_test(a_plain_step_that_fails_fails_the_job),
        cmocka_unit_test(always_runs_when_its_turn_comes),
        cmocka_unit_test(done_runs_when_every_plain_step_took_effect),
        cmocka_unit_test(done_before_a_plain_step_never_runs),
        cmocka_unit_test(failed_runs_when_a_plain_step_before_it_failed),
        cmocka_unit_test(a_turn_that_passed_does_not_come_back),
        cmocka_unit_test(done_k_runs_when_that_step_took_effect),
        cmocka_unit_test(failed_k_runs_when_that_step_failed),
        cmocka_unit_test(reactions_may_wait_for_reactions),
        cmocka_unit_test(a_reaction_that_fails_fails_nothing),
        cmocka_unit_test(nothing_runs_after_a_step_that_was_cancelled_or_is_unknown),
        cmocka_unit_test(every_job_ends_with_each_step_at_most_once_and_in_order),
        cmocka_unit_test(a_template_speaks_of_the_step_that_its_condition_names),
        cmocka_unit_test(a_template_speaks_of_the_step_that_failed_the_job),
        cmocka_unit_test(else_a_template_speaks_of_the_last_failed_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
