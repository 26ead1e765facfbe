/* steps_fake.h - jobs of several steps on a fake slot (slot_fake.h): what the store says of them.
 */
#ifndef TESTS_UNIT_STEPS_FAKE_H
#define TESTS_UNIT_STEPS_FAKE_H

#include "tests/unit/slot_fake.h"

enum { STEPS_MOST = 4 };

static job_step_t given[STEPS_MOST];

HELPER int
open_steps(void **unused)
{
    memset(given, 0, sizeof given);
    return fake_open(unused);
}

HELPER void
step_is(uint32_t step, const char *sql, const char *condition)
{
    given[step].step = step;
    given[step].sql = mem_text(sql);
    given[step].condition = mem_text(condition);
}

/* The store says what there is of its steps. */
HELPER void
answer_steps(uint32_t count)
{
    write_t *write = take_write(WRITE_LOOK);
    assert_int_equal(write->in.steps, count);
    write->look.step_count = count;
    write->look.steps = mem_array(count, sizeof(job_step_t));
    memcpy(write->look.steps, given, count * sizeof(job_step_t));
    write->verdict = WRITE_DONE;
    write->done(write);
}

HELPER void
start_steps(uint32_t count, int32_t attempt)
{
    fake.claim.steps = count;
    start();
    answer_claim(attempt, attempt);
    if (attempt > 1)
        turn(TURN_ANSWERED);
    forget_story();
    answer_steps(count);
}

/* A step is moved; between which states. */
HELPER void
answer_move(job_state_t from, job_state_t to)
{
    write_t *write = take_write(WRITE_STEP);
    assert_string_equal(job_state_word(write->in.step.from), job_state_word(from));
    assert_string_equal(job_state_word(write->in.step.to.state), job_state_word(to));
    write->verdict = WRITE_DONE;
    write->done(write);
}

#define STEPS_TEST(test) cmocka_unit_test_setup_teardown(test, open_steps, fake_close)

#endif
