/* test_queue.c - the order of jobs, repeats, and bounds. */
#include "tests/unit/queue_jobs.h"

/* --- order --- */

static void
an_empty_queue_has_no_head(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    assert_null(queue_head(queue, T0));
}

static void
jobs_of_one_priority_go_oldest_first(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    for (uint32_t n = 50; n > 0; n--)
        assert_int_equal(offer(queue, "a", n), QUEUE_TAKEN);
    for (uint32_t n = 1; n <= 50; n++)
        assert_int_equal(take_number(queue, T0), n);
    assert_int_equal(take_number(queue, T0), 0);
}

static void
a_higher_priority_goes_first(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    for (uint32_t n = 1; n <= 10; n++) {
        waiting_t job = a_job("a", n, (int32_t)(n - 1));
        queue_offer(queue, &job, T0);
    }
    for (uint32_t n = 10; n > 0; n--)
        assert_int_equal(take_number(queue, T0), n);
}

static void
a_recovering_job_goes_before_every_priority(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    waiting_t urgent = a_job("a", 1, 9);
    waiting_t recovering = a_job("a", 2, 0);
    recovering.recovering = true;
    queue_offer(queue, &urgent, T0);
    queue_offer(queue, &recovering, T0);
    assert_int_equal(take_number(queue, T0), 2);
}

static void
two_tenants_take_turns_however_much_one_has(void **state)
{
    (void)state;
    own(queue) queue = a_queue(1000, 1000, 0);
    offer_many(queue, "flood", 1, 501);
    offer_many(queue, "quiet", 1001, 1011);
    int quiet = 0;
    for (int i = 0; i < 20; i++)
        quiet += take_number(queue, T0) > 1000;
    assert_int_equal(quiet, 10);
}

static void
a_tenant_that_comes_back_waits_for_its_turn(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    offer_many(queue, "a", 1, 10);
    offer_many(queue, "b", 11, 20);
    offer(queue, "c", 21);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 11);
    assert_int_equal(take_number(queue, T0), 21);
    offer(queue, "c", 22);
    assert_int_equal(take_number(queue, T0), 2);
    assert_int_equal(take_number(queue, T0), 12);
    assert_int_equal(take_number(queue, T0), 22);
}

/* --- repeats --- */

static void
a_job_offered_twice_goes_out_once(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_TAKEN);
    assert_int_equal(offer(queue, "a", 1), QUEUE_KNOWN);
    assert_int_equal(queue_waiting(queue), 1);
}

static void
a_job_that_is_out_is_not_offered_again_soon(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    waiting_t job = a_job("a", 1, 5);
    queue_offer(queue, &job, T0);
    take_number(queue, T0);
    assert_int_equal(queue_offer(queue, &job, T0 + QUEUE_REPEAT_MS - 1), QUEUE_KNOWN);
}

static void
a_job_that_was_out_for_long_may_be_offered_again(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 1);
    waiting_t job = a_job("a", 1, 5);
    queue_offer(queue, &job, T0);
    take_number(queue, T0);
    assert_int_equal(queue_offer(queue, &job, T0 + QUEUE_REPEAT_MS), QUEUE_TAKEN);
    assert_int_equal(take_number(queue, T0 + QUEUE_REPEAT_MS), 1);
}

static void
a_job_of_a_dead_executor_is_taken_at_once(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    waiting_t job = a_job("a", 1, 5);
    queue_offer(queue, &job, T0);
    take_number(queue, T0);
    job.recovering = true;
    assert_int_equal(queue_offer(queue, &job, T0 + 1), QUEUE_TAKEN);
    take_number(queue, T0 + 1);
    assert_int_equal(queue_offer(queue, &job, T0 + 2), QUEUE_KNOWN);
}

static void
an_echo_of_a_finished_job_is_ignored(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer(queue, "a", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_FINISHED, T0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_KNOWN);
    assert_int_equal(queue_handed_out(queue), 0);
}

static void
a_lost_claim_is_forgotten(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer(queue, "a", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LOST, T0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_TAKEN);
}

static void
a_job_that_ends_while_it_waits_does_not_go_out(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer_many(queue, "a", 1, 6);
    release(queue, "a", 2, RELEASE_FINISHED, T0);
    release(queue, "a", 5, RELEASE_FINISHED, T0);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 3);
    assert_int_equal(take_number(queue, T0), 4);
    assert_int_equal(take_number(queue, T0), 0);
}

static void
a_job_for_later_is_held_back_for_a_moment(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer(queue, "a", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LATER, T0);
    assert_int_equal(queue_waiting(queue), 1);
    assert_null(queue_head(queue, T0 + QUEUE_LATER_MS - 1));
    assert_int_equal(take_number(queue, T0 + QUEUE_LATER_MS), 1);
}

static void
a_repeat_of_a_held_job_changes_nothing(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer(queue, "a", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LATER, T0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_KNOWN);
    assert_null(queue_head(queue, T0));
}

static void
jobs_of_a_runner_that_is_gone_may_be_offered_at_once(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    offer_many(queue, "a", 1, 4);
    take_number(queue, T0);
    take_number(queue, T0);
    queue_head(queue, T0);
    queue_take(queue, RUNNER + 1, T0);
    queue_runner_gone(queue, RUNNER);
    assert_int_equal(queue_handed_out(queue), 1);
    assert_int_equal(offer(queue, "a", 1), QUEUE_TAKEN);
    assert_int_equal(offer(queue, "a", 3), QUEUE_KNOWN);
}

/* --- bounds --- */

static void
a_tenant_has_no_more_than_its_window(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 11);
    assert_int_equal(offer(queue, "a", 11), QUEUE_REFUSED);
    assert_int_equal(offer(queue, "b", 12), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(queue), 11);
}

static void
a_better_job_displaces_a_worse_one_of_its_tenant(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 11);
    waiting_t urgent = a_job("a", 99, 9);
    assert_int_equal(queue_offer(queue, &urgent, T0), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(queue), 10);
    assert_int_equal(take_number(queue, T0), 99);
}

static void
a_newcomer_gets_its_share_of_a_full_window(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    offer_many(queue, "flood", 1, 200);
    assert_int_equal(queue_waiting(queue), 100);
    for (uint32_t n = 1000; n < 1050; n++)
        assert_int_equal(offer(queue, "quiet", n), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(queue), 100);
    assert_int_equal(offer(queue, "quiet", 1050), QUEUE_REFUSED);
}

static void
a_tenant_at_its_cap_waits_for_a_release(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 2);
    offer_many(queue, "a", 1, 5);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 2);
    assert_null(queue_head(queue, T0));
    offer(queue, "b", 50);
    assert_int_equal(take_number(queue, T0), 50);
    release(queue, "a", 1, RELEASE_FINISHED, T0);
    assert_int_equal(take_number(queue, T0), 3);
    assert_null(queue_head(queue, T0));
}

static void
what_is_remembered_is_bounded_too(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10, 10, 0);
    for (uint32_t n = 1; n <= 1000; n++) {
        assert_int_equal(offer(queue, "a", n), QUEUE_TAKEN);
        assert_int_equal(take_number(queue, T0), n);
    }
    assert_int_equal(queue_handed_out(queue), 10);
}

static void
the_queue_survives_any_mixture(void **state)
{
    (void)state;
    own(queue) queue = a_queue(64, 20, 3);
    srand(1);
    for (int64_t i = 0; i < 400000; i++) {
        char tenant[8];
        snprintf(tenant, sizeof tenant, "t%d", rand() % 9);
        uint32_t n = 1 + (uint32_t)rand() % 300;
        char source[8];
        snprintf(source, sizeof source, "s%u", n % 4);
        waiting_t job = a_job_on(source, tenant, n, rand() % 10);
        job.recovering = rand() % 50 == 0;
        switch (rand() % 6) {
        case 0:
        case 1:
        case 2: queue_offer(queue, &job, T0 + i); break;
        case 3: take_number(queue, T0 + i); break;
        case 4: release(queue, tenant, n, (release_verdict_t)(rand() % 4), T0 + i); break;
        case 5:
            if (rand() % 100 == 0)
                queue_runner_gone(queue, RUNNER);
            break;
        }
        assert_true(queue_waiting(queue) <= 96 && queue_handed_out(queue) <= 64);
    }
}

static void
a_cleared_queue_knows_nothing(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    offer_many(queue, "a", 1, 11);
    take_number(queue, T0);
    queue_clear(queue);
    assert_null(queue_head(queue, T0));
    assert_int_equal(queue_handed_out(queue), 0);
    assert_int_equal(offer(queue, "a", 1), QUEUE_TAKEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_has_no_head),
        cmocka_unit_test(jobs_of_one_priority_go_oldest_first),
        cmocka_unit_test(a_higher_priority_goes_first),
        cmocka_unit_test(a_recovering_job_goes_before_every_priority),
        cmocka_unit_test(two_tenants_take_turns_however_much_one_has),
        cmocka_unit_test(a_tenant_that_comes_back_waits_for_its_turn),
        cmocka_unit_test(a_job_offered_twice_goes_out_once),
        cmocka_unit_test(a_job_that_is_out_is_not_offered_again_soon),
        cmocka_unit_test(a_job_that_was_out_for_long_may_be_offered_again),
        cmocka_unit_test(a_job_of_a_dead_executor_is_taken_at_once),
        cmocka_unit_test(an_echo_of_a_finished_job_is_ignored),
        cmocka_unit_test(a_lost_claim_is_forgotten),
        cmocka_unit_test(a_job_that_ends_while_it_waits_does_not_go_out),
        cmocka_unit_test(a_job_for_later_is_held_back_for_a_moment),
        cmocka_unit_test(a_repeat_of_a_held_job_changes_nothing),
        cmocka_unit_test(jobs_of_a_runner_that_is_gone_may_be_offered_at_once),
        cmocka_unit_test(a_tenant_has_no_more_than_its_window),
        cmocka_unit_test(a_better_job_displaces_a_worse_one_of_its_tenant),
        cmocka_unit_test(a_newcomer_gets_its_share_of_a_full_window),
        cmocka_unit_test(a_tenant_at_its_cap_waits_for_a_release),
        cmocka_unit_test(what_is_remembered_is_bounded_too),
        cmocka_unit_test(the_queue_survives_any_mixture),
        cmocka_unit_test(a_cleared_queue_knows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
