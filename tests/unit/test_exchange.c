/* test_exchange.c - greetings, and who gets which job. */
#include "tests/unit/exchange_world.h"

/* --- greeting --- */

static void
a_leader_answers_a_greeting_with_its_epoch(void **state)
{
    world_t *world = *state;
    lead(world);
    say(world, 10, hello(1));
    const wire_t *beat = last_sent(world);
    assert_int_equal(beat->tag, WIRE_beat);
    assert_true(beat->beat.leading);
    assert_int_equal(beat->beat.epoch, EPOCH);
}

static void
a_standby_says_that_it_does_not_lead_and_who_does(void **state)
{
    world_t *world = *state;
    exchange_heard_of(world->exchange, 4);
    say(world, 10, hello(1));
    const wire_t *beat = last_sent(world);
    assert_false(beat->beat.leading);
    assert_int_equal(beat->beat.epoch, 4);
}

static void
a_stranger_is_asked_to_greet(void **state)
{
    world_t *world = *state;
    lead(world);
    say(world, 1, credit(4, true));
    const wire_t *beat = last_sent(world);
    assert_int_equal(beat->tag, WIRE_beat);
    assert_false(beat->beat.leading);
    assert_int_equal(exchange_members(world->exchange), 0);
}

static void
a_change_of_leader_is_told_at_once(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    exchange_lead(world->exchange, 0);
    assert_int_equal(sent_to(world, 1, WIRE_beat), 1);
    assert_int_equal(sent_to(world, 10, WIRE_beat), 1);
    assert_false(last_sent(world)->beat.leading);
}

static void
a_node_on_a_new_connection_replaces_its_old_self(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    peer_t again = a_peer(77);
    wire_t message = hello(1);
    exchange_hear(world->exchange, &again, "executor", "node-1", &message, T0);
    assert_int_equal(exchange_members(world->exchange), 2);
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

/* --- dispatch --- */

static void
a_job_goes_to_an_executor_with_credit(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    turn(world);
    const wire_t *dispatch = last_sent(world);
    assert_int_equal(dispatch->tag, WIRE_dispatch);
    assert_int_equal(dispatch->dispatch.epoch, EPOCH);
    assert_int_equal(dispatch->dispatch.jobs_count, 1);
    jobid_t id = id_of(1);
    assert_true(jobid_equal(&dispatch->dispatch.jobs[0].job, &id));
    assert_memory_equal(dispatch->dispatch.jobs[0].tenant.data, "a", 1);
}

static void
jobs_of_one_turn_go_out_in_one_message(void **state)
{
    world_t *world = a_cluster(state, 1, 8);
    for (uint8_t n = 1; n <= 5; n++)
        say_offer(world, 10, n, "a");
    turn(world);
    assert_int_equal(sent_to(world, 1, WIRE_dispatch), 1);
    assert_int_equal(dispatched_to(world, 1), 5);
}

static void
no_more_jobs_go_out_than_there_is_credit(void **state)
{
    world_t *world = a_cluster(state, 2, 2);
    for (uint8_t n = 1; n <= 9; n++)
        say_offer(world, 10, n, "a");
    turn(world);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 2);
    assert_int_equal(dispatched_to(world, 2), 2);
}

static void
credit_adds_up_and_fresh_credit_replaces(void **state)
{
    world_t *world = a_cluster(state, 1, 0);
    say(world, 1, credit(2, false));
    say(world, 1, credit(3, false));
    say(world, 1, credit(4, true));
    for (uint8_t n = 1; n <= 9; n++)
        say_offer(world, 10, n, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 4);
}

static void
credit_for_another_epoch_is_ignored(void **state)
{
    world_t *world = a_cluster(state, 1, 0);
    wire_t old = credit(4, true);
    old.credit.epoch = EPOCH - 1;
    say(world, 1, old);
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

static void
a_warm_executor_is_preferred(void **state)
{
    world_t *world = a_cluster(state, 3, 4);
    say_offer(world, 10, 1, "a");
    turn(world);
    uint8_t warm = dispatched_to(world, 1) ? 1 : dispatched_to(world, 2) ? 2 : 3;
    forget_sent(world);
    say_offer(world, 10, 2, "a");
    say_offer(world, 10, 3, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, warm), 2);
}

static void
among_cold_executors_the_idlest_is_taken(void **state)
{
    world_t *world = a_cluster(state, 3, 4);
    say(world, 2, credit(9, true));
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 2), 1);
}

static void
a_standby_dispatches_nothing(void **state)
{
    world_t *world = *state;
    say(world, 10, hello(1));
    say(world, 1, hello(1));
    say(world, 1, credit(4, true));
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(sent_to(world, 1, WIRE_dispatch), 0);
}

static void
a_new_leadership_begins_empty(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    exchange_lead(world->exchange, EPOCH + 1);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
    assert_true(exchange_wants_sweep(world->exchange, T0));
}

static void
a_deferred_job_comes_back_after_a_moment(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    say_offer(world, 10, 1, "a");
    turn(world);
    wire_release_t done = { .job = id_of(1), .verdict = RELEASE_LATER };
    wire_t back = credit(1, false);
    back.credit.done = &done;
    back.credit.done_count = 1;
    say(world, 1, back);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
    exchange_turn(world->exchange, T0 + QUEUE_LATER_MS);
    assert_int_equal(dispatched_to(world, 1), 2);
}

static void
a_job_is_deferred_for_as_long_as_its_release_says(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    say_offer(world, 10, 1, "a");
    turn(world);
    wire_release_t later = { .job = id_of(1), .verdict = RELEASE_LATER, .later_ms = 4000 };
    say_release(world, 1, later, T0);
    exchange_turn(world->exchange, T0 + 3999);
    assert_int_equal(dispatched_to(world, 1), 1);
    exchange_turn(world->exchange, T0 + 4000);
    assert_int_equal(dispatched_to(world, 1), 2);
}

static void
nothing_is_dispatched_of_a_source_that_is_away(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    say_offer(world, 10, 1, "a");
    say_offer(world, 10, 2, "b");
    turn(world);
    say_release(world, 1, (wire_release_t){ .job = id_of(1), .verdict = RELEASE_AWAY }, T0);
    say_offer(world, 10, 3, "c");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
    assert_int_equal(queue_waiting(exchange_queue(world->exchange)), 0);
    exchange_turn(world->exchange, T0 + 1250);
    assert_true(exchange_wants_sweep(world->exchange, T0 + 1250));
}

static void
a_verdict_that_we_do_not_know_changes_nothing(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    say_offer(world, 10, 1, "a");
    turn(world);
    say_release(world, 1, (wire_release_t){ .job = id_of(1), .verdict = RELEASE_LINE + 1 }, T0);
    assert_int_equal(queue_handed_out(exchange_queue(world->exchange)), 1);
}

static void
what_the_sweep_finds_is_dispatched_too(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    waiting_t job = { .id = id_of(3), .tenant = "a", .source = "demo", .priority = 5 };
    exchange_offer(world->exchange, &job, false, T0);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
}

int
main(void)
{
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        CLAIM(a_leader_answers_a_greeting_with_its_epoch),
        CLAIM(a_standby_says_that_it_does_not_lead_and_who_does),
        CLAIM(a_stranger_is_asked_to_greet),
        CLAIM(a_change_of_leader_is_told_at_once),
        CLAIM(a_node_on_a_new_connection_replaces_its_old_self),
        CLAIM(a_job_goes_to_an_executor_with_credit),
        CLAIM(jobs_of_one_turn_go_out_in_one_message),
        CLAIM(no_more_jobs_go_out_than_there_is_credit),
        CLAIM(credit_adds_up_and_fresh_credit_replaces),
        CLAIM(credit_for_another_epoch_is_ignored),
        CLAIM(a_warm_executor_is_preferred),
        CLAIM(among_cold_executors_the_idlest_is_taken),
        CLAIM(a_standby_dispatches_nothing),
        CLAIM(a_new_leadership_begins_empty),
        CLAIM(a_deferred_job_comes_back_after_a_moment),
        CLAIM(a_job_is_deferred_for_as_long_as_its_release_says),
        CLAIM(nothing_is_dispatched_of_a_source_that_is_away),
        CLAIM(a_verdict_that_we_do_not_know_changes_nothing),
        CLAIM(what_the_sweep_finds_is_dispatched_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
