/* test_queue_sources.c - the sources of a tenant share its part of the window, and are one line. */
#include "tests/unit/queue_jobs.h"

static void
a_source_with_very_much_does_not_hide_another_of_its_tenant(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10000, 1000, 0);
    for (uint32_t n = 1; n <= 5000; n++)
        offer_on(queue, "stuck", "a", n);
    assert_int_equal(queue_waiting(queue), 1000);
    for (uint32_t n = 6001; n <= 6500; n++)
        assert_int_equal(offer_on(queue, "well", "a", n), QUEUE_TAKEN);
    assert_int_equal(offer_on(queue, "well", "a", 6501), QUEUE_REFUSED);
    assert_int_equal(queue_waiting(queue), 1000);
}

static void
nor_does_it_in_a_window_that_is_full_anyway(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    for (uint32_t n = 1; n <= 200; n++)
        offer_on(queue, "stuck", "a", n);
    for (uint32_t n = 301; n <= 350; n++)
        assert_int_equal(offer_on(queue, "well", "a", n), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(queue), 100);
}

static void
all_of_a_tenants_sources_are_one_line(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    offer_on(queue, "s1", "a", 4);
    offer_on(queue, "s2", "a", 1);
    offer_on(queue, "s3", "a", 3);
    offer_on(queue, "s1", "a", 2);
    waiting_t urgent = a_job_on("s3", "a", 9, 8);
    queue_offer(queue, &urgent, T0);
    static const uint32_t order[] = { 9, 1, 2, 3, 4, 0 };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        assert_int_equal(take_number(queue, T0), order[i]);
}

static void
two_tenants_take_turns_however_many_sources_one_has(void **state)
{
    (void)state;
    own(queue) queue = a_queue(1000, 1000, 0);
    for (uint32_t n = 1; n <= 100; n++) {
        char source[8];
        snprintf(source, sizeof source, "s%u", n % 10);
        offer_on(queue, source, "many", n);
    }
    offer_many(queue, "one", 1001, 1021);
    int one = 0;
    for (int i = 0; i < 20; i++)
        one += take_number(queue, T0) > 1000;
    assert_int_equal(one, 10);
}

static void
a_source_is_refilled_when_half_of_its_share_has_run(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 20, 0);
    for (uint32_t n = 1; n <= 20; n++)
        offer_on(queue, "s1", "a", n);
    for (uint32_t n = 101; n <= 115; n++)
        offer_on(queue, "s2", "a", n);
    for (int i = 0; i < 4; i++)
        take_number(queue, T0);
    assert_false(queue_wants_refill(queue));
    take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
}

static void
a_refill_that_brings_nothing_new_is_not_asked_for_again(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 12);
    for (int i = 0; i < 5; i++)
        take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
    for (uint32_t n = 6; n <= 10; n++) {
        waiting_t echo = a_job("a", n, 5);
        queue_offer(queue, &echo, T0);
        queue_overflow(queue, &echo);
    }
    assert_false(queue_wants_refill(queue));
    take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_with_very_much_does_not_hide_another_of_its_tenant),
        cmocka_unit_test(nor_does_it_in_a_window_that_is_full_anyway),
        cmocka_unit_test(all_of_a_tenants_sources_are_one_line),
        cmocka_unit_test(two_tenants_take_turns_however_many_sources_one_has),
        cmocka_unit_test(a_source_is_refilled_when_half_of_its_share_has_run),
        cmocka_unit_test(a_refill_that_brings_nothing_new_is_not_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
