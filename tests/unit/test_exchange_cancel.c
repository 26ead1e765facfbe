/* test_exchange_cancel.c - who is told to stop a job. */
#include "tests/unit/exchange_world.h"

static void
say_cancel(world_t *world, uint8_t from, uint8_t n)
{
    wire_ref_t ref = { .job = id_of(n) };
    say(world, from, (wire_t){ .tag = WIRE_cancel, .cancel = { .jobs = &ref, .jobs_count = 1 } });
}

/* Cancels that a peer was told of, over all messages. */
static uint32_t
cancels_at(const world_t *world, uint8_t n)
{
    peer_t peer = a_peer(n);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        const wire_t *message = world->sent[i].message;
        if (message->tag == WIRE_cancel && peer_equal(&world->sent[i].peer, &peer))
            count += message->cancel.jobs_count;
    }
    return count;
}

/* Job 1 is out, to whom the answer is. */
static uint8_t
a_job_that_is_out(world_t *world)
{
    say_offer(world, 10, 1, "a");
    turn(world);
    uint8_t who = dispatched_to(world, 1) ? 1 : 2;
    forget_sent(world);
    return who;
}

static void
the_executor_that_has_the_job_is_told_in_the_same_turn(void **state)
{
    world_t *world = a_cluster(state, 2, 4);
    uint8_t who = a_job_that_is_out(world);
    say_cancel(world, 10, 1);
    turn(world);
    assert_int_equal(world->count, 1);
    const wire_t *cancel = last_sent(world);
    jobid_t id = id_of(1);
    assert_int_equal(cancels_at(world, who), 1);
    assert_true(jobid_equal(&cancel->cancel.jobs[0].job, &id));
}

static void
all_executors_are_told_of_a_job_that_nobody_is_known_to_have(void **state)
{
    world_t *world = a_cluster(state, 2, 4);
    say(world, 11, hello(1));
    forget_sent(world);
    say_cancel(world, 10, 7);
    say_cancel(world, 10, 8);
    turn(world);
    assert_int_equal(cancels_at(world, 1), 2);
    assert_int_equal(cancels_at(world, 2), 2);
    assert_int_equal(world->count, 2);
}

static void
all_are_told_when_the_executor_that_had_it_is_gone(void **state)
{
    world_t *world = a_cluster(state, 2, 4);
    uint8_t who = a_job_that_is_out(world);
    say(world, who, (wire_t){ .tag = WIRE_bye });
    say_cancel(world, 10, 1);
    turn(world);
    assert_int_equal(cancels_at(world, who == 1 ? 2 : 1), 1);
}

static void
a_cancel_is_told_once(void **state)
{
    world_t *world = a_cluster(state, 2, 4);
    a_job_that_is_out(world);
    say_cancel(world, 10, 1);
    say_cancel(world, 10, 9);
    turn(world);
    forget_sent(world);
    turn(world);
    assert_int_equal(world->count, 0);
}

static void
a_job_that_waits_is_nobodys_to_stop(void **state)
{
    world_t *world = a_cluster(state, 1, 0);
    say_offer(world, 10, 1, "a");
    say_cancel(world, 10, 1);
    turn(world);
    assert_int_equal(world->count, 0);
}

static void
a_job_that_ended_lately_needs_no_stopping(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    a_job_that_is_out(world);
    say_release(world, 1, (wire_release_t){ .job = id_of(1), .verdict = RELEASE_FINISHED }, T0);
    say_cancel(world, 10, 1);
    turn(world);
    assert_int_equal(world->count, 0);
}

static void
a_job_goes_out_before_its_cancel_does(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    turn(world);
    say_cancel(world, 10, 1);
    say_offer(world, 10, 2, "a");
    forget_sent(world);
    turn(world);
    assert_int_equal(world->sent[0].message->tag, WIRE_dispatch);
    assert_int_equal(world->sent[1].message->tag, WIRE_cancel);
}

static void
an_executor_may_not_cancel(void **state)
{
    world_t *world = a_cluster(state, 2, 4);
    say_cancel(world, 1, 7);
    turn(world);
    assert_int_equal(world->count, 0);
}

static void
a_standby_passes_no_cancel_on(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    exchange_lead(world->exchange, 0);
    forget_sent(world);
    say_cancel(world, 10, 7);
    turn(world);
    assert_int_equal(world->count, 0);
}

static void
cancels_of_a_turn_are_bounded(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    wire_ref_t *refs = mem_array(WIRE_LIST_MOST, sizeof *refs);
    for (uint32_t i = 0; i < WIRE_LIST_MOST; i++)
        refs[i].job = id_of((uint8_t)(2 + i % 200));
    wire_t many = { .tag = WIRE_cancel, .cancel = { .jobs = refs, .jobs_count = WIRE_LIST_MOST } };
    say(world, 10, many);
    say(world, 10, many);
    turn(world);
    assert_int_equal(cancels_at(world, 1), WIRE_LIST_MOST);
    free(refs);
}

int
main(void)
{
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        CLAIM(the_executor_that_has_the_job_is_told_in_the_same_turn),
        CLAIM(all_executors_are_told_of_a_job_that_nobody_is_known_to_have),
        CLAIM(all_are_told_when_the_executor_that_had_it_is_gone),
        CLAIM(a_cancel_is_told_once),
        CLAIM(a_job_that_waits_is_nobodys_to_stop),
        CLAIM(a_job_that_ended_lately_needs_no_stopping),
        CLAIM(a_job_goes_out_before_its_cancel_does),
        CLAIM(an_executor_may_not_cancel),
        CLAIM(a_standby_passes_no_cancel_on),
        CLAIM(cancels_of_a_turn_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
