/* test_queue_later.c - jobs that are held back, each for its own time. */
#include "tests/unit/queue_jobs.h"

/* Jobs 1 to `count` are out. */
static queue_t *
a_busy_queue(uint32_t window, uint32_t tenant_window, uint32_t count)
{
    queue_t *queue = a_queue(window, tenant_window, 0);
    for (uint32_t n = 1; n <= count; n++) {
        offer(queue, "a", n);
        take_number(queue, T0);
    }
    return queue;
}

static void
a_job_is_held_back_for_as_long_as_its_release_says(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(10, 10, 1);
    release_later(queue, "a", 1, 7000, T0);
    assert_null(queue_head(queue, T0 + 6999));
    assert_int_equal(take_number(queue, T0 + 7000), 1);
}

static void
the_one_whose_time_comes_first_goes_first(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(10, 10, 3);
    release_later(queue, "a", 1, 3000, T0);
    release_later(queue, "a", 2, 500, T0);
    release_later(queue, "a", 3, 2000, T0);
    assert_int_equal(take_number(queue, T0 + 500), 2);
    assert_null(queue_head(queue, T0 + 1999));
    assert_int_equal(take_number(queue, T0 + 2000), 3);
    assert_int_equal(take_number(queue, T0 + 3000), 1);
}

static void
no_job_is_held_back_for_ever(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(10, 10, 2);
    release_later(queue, "a", 1, INT64_MAX, T0);
    release_later(queue, "a", 2, INT64_MIN, T0);
    assert_int_equal(take_number(queue, T0 + QUEUE_LATER_MS), 2);
    assert_int_equal(take_number(queue, T0 + QUEUE_LATER_MOST_MS), 1);
}

static void
held_jobs_take_no_room_from_those_that_can_run(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(20, 10, 5);
    for (uint32_t n = 1; n <= 5; n++)
        release_later(queue, "a", n, 5000, T0);
    for (uint32_t n = 101; n <= 110; n++)
        assert_int_equal(offer(queue, "a", n), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(queue), 15);
}

static void
what_is_held_is_bounded(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(20, 10, 20);
    for (uint32_t n = 1; n <= 20; n++)
        release_later(queue, "a", n, 5000, T0);
    assert_int_equal(queue_waiting(queue), 5);
    assert_int_equal(queue_handed_out(queue), 0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_KNOWN);
    assert_int_equal(offer(queue, "a", 20), QUEUE_TAKEN);
}

static void
a_held_job_that_finds_the_window_full_is_left_to_the_store(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer(queue, "a", 99);
    take_number(queue, T0);
    offer_many(queue, "a", 1, 11);
    release_later(queue, "a", 99, 500, T0);
    assert_int_equal(queue_waiting(queue), 11);
    assert_int_equal(take_number(queue, T0 + 500), 1);
    assert_int_equal(queue_waiting(queue), 9);
}

static void
a_held_job_that_ends_does_not_go_out(void **state)
{
    (void)state;
    own(queue) queue = a_busy_queue(10, 10, 1);
    release_later(queue, "a", 1, 500, T0);
    release(queue, "a", 1, RELEASE_FINISHED, T0);
    assert_int_equal(queue_waiting(queue), 0);
    assert_null(queue_head(queue, T0 + 500));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_held_back_for_as_long_as_its_release_says),
        cmocka_unit_test(the_one_whose_time_comes_first_goes_first),
        cmocka_unit_test(no_job_is_held_back_for_ever),
        cmocka_unit_test(held_jobs_take_no_room_from_those_that_can_run),
        cmocka_unit_test(what_is_held_is_bounded),
        cmocka_unit_test(a_held_job_that_finds_the_window_full_is_left_to_the_store),
        cmocka_unit_test(a_held_job_that_ends_does_not_go_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
