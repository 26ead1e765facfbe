#include "tests/unit/unit.h"

#include "common/timers.h"

enum { LOG_SIZE = 256, MANY = 200 };

static int ran[LOG_SIZE]; /* the numbers of the timers that ran, in order */
static int ran_count;
static timers_t *timers;
static loop_timer_t *other;

static int
begin(void **unused)
{
    (void)unused;
    ran_count = 0;
    other = NULL;
    timers = timers_new();
    return 0;
}

static int
end(void **unused)
{
    (void)unused;
    timers_destroy(&timers);
    return 0;
}

static int numbers[MANY];

static void
note(void *number)
{
    ran[ran_count++] = (int)((int *)number - numbers);
}

static void
timers_run_in_the_order_of_their_times(void **unused)
{
    (void)unused;
    for (int i = 0; i < MANY; i++)
        timers_add(timers, (i * 77) % MANY, 0, note, &numbers[(i * 77) % MANY]);
    assert_int_equal(timers_due_ms(timers), 0);
    timers_run(timers, MANY / 2 - 1);
    assert_int_equal(ran_count, MANY / 2);
    timers_run(timers, MANY);
    assert_int_equal(ran_count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ran[i], i);
    assert_int_equal(timers_due_ms(timers), INT64_MAX);
}

static void
timers_of_one_time_run_as_they_were_set(void **unused)
{
    (void)unused;
    for (int i = 0; i < MANY; i++)
        timers_add(timers, 5, 0, note, &numbers[i]);
    timers_run(timers, 5);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ran[i], i);
}

static void
cancelled_timers_do_not_run_and_the_rest_keeps_its_order(void **unused)
{
    (void)unused;
    loop_timer_t *set[MANY];
    for (int i = 0; i < MANY; i++)
        set[i] = timers_add(timers, (i * 77) % MANY, 0, note, &numbers[(i * 77) % MANY]);
    for (int i = 0; i < MANY; i++) {
        if ((i * 77) % MANY % 3 != 0)
            timers_cancel(&set[i]);
    }
    timers_run(timers, MANY);
    assert_int_equal(ran_count, (MANY + 2) / 3);
    for (int i = 0; i < ran_count; i++)
        assert_int_equal(ran[i], 3 * i);
}

static void
cancel_other(void *number)
{
    note(number);
    timers_cancel(&other);
}

static void
a_timer_may_cancel_another_that_is_due(void **unused)
{
    (void)unused;
    timers_add(timers, 1, 0, cancel_other, &numbers[1]);
    other = timers_add(timers, 1, 0, note, &numbers[2]);
    timers_run(timers, 1);
    assert_int_equal(ran_count, 1);
    assert_null(other);
}

static void
a_repeated_timer_may_cancel_itself(void **unused)
{
    (void)unused;
    other = timers_add(timers, 1, 1, cancel_other, &numbers[1]);
    timers_run(timers, 1);
    timers_run(timers, 2);
    assert_int_equal(ran_count, 1);
    assert_int_equal(timers_due_ms(timers), INT64_MAX);
}

static void
a_timer_that_runs_may_be_cancelled_too_late(void **unused)
{
    (void)unused;
    other = timers_add(timers, 1, 0, cancel_other, &numbers[1]);
    timers_add(timers, 9, 0, note, &numbers[2]);
    timers_run(timers, 1);
    timers_sweep(timers);
    timers_run(timers, 9);
    assert_int_equal(ran_count, 2);
}

static void
set_again_at_once(void *number)
{
    note(number);
    timers_add(timers, 1, 0, set_again_at_once, number);
}

static void
what_a_timer_sets_waits_for_the_next_turn(void **unused)
{
    (void)unused;
    timers_add(timers, 1, 0, set_again_at_once, &numbers[1]);
    timers_run(timers, 5);
    assert_int_equal(ran_count, 1);
    assert_int_equal(timers_due_ms(timers), 1);
    timers_run(timers, 5);
    assert_int_equal(ran_count, 2);
}

static void
a_repeated_timer_keeps_its_beat_and_drops_missed_ones(void **unused)
{
    (void)unused;
    timers_add(timers, 10, 10, note, &numbers[1]);
    timers_run(timers, 12);
    assert_int_equal(timers_due_ms(timers), 20);
    timers_run(timers, 57);
    assert_int_equal(ran_count, 2);
    assert_int_equal(timers_due_ms(timers), 67);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(timers_run_in_the_order_of_their_times),
        ONE(timers_of_one_time_run_as_they_were_set),
        ONE(cancelled_timers_do_not_run_and_the_rest_keeps_its_order),
        ONE(a_timer_may_cancel_another_that_is_due),
        ONE(a_repeated_timer_may_cancel_itself),
        ONE(a_timer_that_runs_may_be_cancelled_too_late),
        ONE(what_a_timer_sets_waits_for_the_next_turn),
        ONE(a_repeated_timer_keeps_its_beat_and_drops_missed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
