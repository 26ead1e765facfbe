/* test_queue_refill.c - what the window and the store owe each other. */
#include "tests/unit/queue_jobs.h"

/* --- refill --- */

static void
an_overflow_asks_for_more_when_half_has_run(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 12);
    assert_false(queue_wants_refill(queue));
    for (int i = 0; i < 4; i++)
        take_number(queue, T0);
    assert_false(queue_wants_refill(queue));
    take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
    assert_false(queue_wants_refill(queue));
}

static void
a_queue_that_never_overflowed_asks_for_nothing(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 11);
    for (int i = 0; i < 10; i++)
        take_number(queue, T0);
    assert_false(queue_wants_refill(queue));
}

static void
more_in_the_store_is_as_good_as_a_refusal(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 11);
    waiting_t job = a_job("a", 1, 5);
    queue_overflow(queue, &job);
    for (int i = 0; i < 5; i++)
        take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
}

static void
pairs_with_half_their_share_are_ample(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 6);
    offer_many(queue, "b", 11, 15);
    queue_pair_t pairs[4];
    assert_int_equal(queue_ample(queue, pairs, 4), 1);
    assert_string_equal(pairs[0].tenant, "a");
    assert_string_equal(pairs[0].source, "demo");
}

/* --- older ones in the store --- */

static queue_answer_t
offer_fresh(queue_t *queue, uint32_t n, int32_t priority)
{
    waiting_t job = a_job("a", n, priority);
    return queue_offer_fresh(queue, &job, T0);
}

/* Jobs 1 to 10 wait, and the store holds more. */
static queue_t *
an_overflowing_queue(void)
{
    queue_t *queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 12);
    return queue;
}

static void
a_fresh_job_is_taken_where_the_store_holds_no_older_one(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 5);
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_TAKEN);
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_KNOWN);
}

static void
a_fresh_job_does_not_overtake_older_ones_in_the_store(void **state)
{
    (void)state;
    own(queue) queue = an_overflowing_queue();
    take_number(queue, T0);
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_REFUSED);
    assert_int_equal(offer(queue, "a", 11), QUEUE_TAKEN);
}

static void
a_fresh_job_of_a_higher_priority_overtakes(void **state)
{
    (void)state;
    own(queue) queue = an_overflowing_queue();
    assert_int_equal(offer_fresh(queue, 50, 9), QUEUE_TAKEN);
    assert_int_equal(take_number(queue, T0), 50);
}

static void
fresh_jobs_stay_out_until_the_refill_has_come(void **state)
{
    (void)state;
    own(queue) queue = an_overflowing_queue();
    for (int i = 0; i < 5; i++)
        take_number(queue, T0);
    assert_true(queue_wants_refill(queue));
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_REFUSED);
    assert_int_equal(offer_fresh(queue, 51, 9), QUEUE_TAKEN);
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_REFUSED);
    assert_int_equal(offer(queue, "a", 10), QUEUE_KNOWN);
    assert_int_equal(offer_fresh(queue, 50, 5), QUEUE_TAKEN);
}

static void
a_pair_that_waits_for_its_refill_is_not_ample(void **state)
{
    (void)state;
    own(queue) queue = an_overflowing_queue();
    queue_pair_t pairs[4];
    assert_int_equal(queue_ample(queue, pairs, 4), 1);
    for (int i = 0; i < 5; i++)
        take_number(queue, T0);
    assert_int_equal(queue_ample(queue, pairs, 4), 0);
    offer(queue, "a", 11);
    assert_int_equal(queue_ample(queue, pairs, 4), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overflow_asks_for_more_when_half_has_run),
        cmocka_unit_test(a_queue_that_never_overflowed_asks_for_nothing),
        cmocka_unit_test(more_in_the_store_is_as_good_as_a_refusal),
        cmocka_unit_test(pairs_with_half_their_share_are_ample),
        cmocka_unit_test(a_fresh_job_is_taken_where_the_store_holds_no_older_one),
        cmocka_unit_test(a_fresh_job_does_not_overtake_older_ones_in_the_store),
        cmocka_unit_test(a_fresh_job_of_a_higher_priority_overtakes),
        cmocka_unit_test(fresh_jobs_stay_out_until_the_refill_has_come),
        cmocka_unit_test(a_pair_that_waits_for_its_refill_is_not_ample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
