/* test_clocks.c - deadlines, timeouts, and waiting before the next try. */
#include "executor/clocks.h"
#include "tests/unit/unit.h"

static void
a_deadline_counts_from_the_submit(void **unused)
{
    (void)unused;
    assert_int_equal(clock_deadline(10000, 400, 1000, 5000), 10600);
    assert_int_equal(clock_deadline(10000, 400, 0, 5000), 14600);
    assert_true(clock_deadline(10000, 400, 0, 0) == CLOCK_NEVER);
}

static void
a_steps_timeout_goes_before_the_jobs_and_that_before_the_default(void **unused)
{
    (void)unused;
    assert_int_equal(clock_timeout(1, 2, 3), 1);
    assert_int_equal(clock_timeout(0, 2, 3), 2);
    assert_int_equal(clock_timeout(0, 0, 3), 3);
    assert_true(clock_end(5, 0) == CLOCK_NEVER);
    assert_int_equal(clock_end(5, 7), 12);
}

static void
the_wait_doubles_with_each_try_up_to_a_limit(void **unused)
{
    (void)unused;
    for (int32_t tries = 1; tries < 40; tries++) {
        int64_t middle = BACKOFF_FIRST_MS;
        for (int32_t i = 1; i < tries && middle < BACKOFF_MOST_MS; i++)
            middle *= 2;
        middle = middle < BACKOFF_MOST_MS ? middle : BACKOFF_MOST_MS;
        for (uint32_t random = 0; random < 100000; random += 997) {
            int64_t ms = clock_backoff(tries, random);
            assert_true(ms >= middle / 2 && ms <= middle + middle / 2);
        }
    }
}

static void
jobs_that_failed_together_come_back_apart(void **unused)
{
    (void)unused;
    assert_true(clock_backoff(3, 17) != clock_backoff(3, 1018));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_counts_from_the_submit),
        cmocka_unit_test(a_steps_timeout_goes_before_the_jobs_and_that_before_the_default),
        cmocka_unit_test(the_wait_doubles_with_each_try_up_to_a_limit),
        cmocka_unit_test(jobs_that_failed_together_come_back_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
