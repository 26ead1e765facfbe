/* test_exchange_news.c - who may say what, who hears of it, and who leaves. */
#include "tests/unit/exchange_world.h"

static void
say_watch(world_t *world, uint8_t from, uint8_t n)
{
    wire_ref_t ref = { .job = id_of(n) };
    say(world, from, (wire_t){ .tag = WIRE_watch, .watch = { .jobs = &ref, .jobs_count = 1 } });
}

static void
say_change(world_t *world, uint8_t from, uint8_t n, job_state_t state)
{
    wire_change_t change = { .job = id_of(n), .attempt = 1, .state = state };
    say(world, from,
        (wire_t){ .tag = WIRE_changes, .changes = { .jobs = &change, .jobs_count = 1 } });
}

/* --- roles --- */

static void
an_executor_may_not_offer(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 1, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

static void
an_api_node_may_not_grant_credit(void **state)
{
    world_t *world = a_cluster(state, 0, 0);
    say(world, 10, credit(4, true));
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 10), 0);
}

static void
an_api_node_may_not_announce_changes(void **state)
{
    world_t *world = a_cluster(state, 0, 0);
    say_watch(world, 10, 1);
    say_change(world, 10, 1, JOB_DONE);
    turn(world);
    assert_int_equal(sent_to(world, 10, WIRE_changes), 0);
}

static void
a_broker_cannot_become_a_member(void **state)
{
    world_t *world = *state;
    peer_t peer = a_peer(50);
    wire_t message = hello(1);
    lead(world);
    exchange_hear(world->exchange, &peer, "broker", "broker-2", &message, T0);
    assert_int_equal(exchange_members(world->exchange), 0);
}

static void
an_offer_with_an_impossible_tenant_is_dropped(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    char name[100];
    memset(name, 'x', sizeof name);
    wire_offer_t offer = offer_of(1, "a");
    offer.tenant = (view_t){ name, sizeof name };
    wire_t message = { .tag = WIRE_offers, .offers = { .jobs = &offer, .jobs_count = 1 } };
    say(world, 10, message);
    offer.tenant = (view_t){ "a\0b", 3 };
    say(world, 10, message);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

/* --- news --- */

static void
news_goes_to_who_submitted_and_to_who_watches(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say(world, 11, hello(1));
    say(world, 12, hello(1));
    say_offer(world, 10, 1, "a");
    say_watch(world, 11, 1);
    say_change(world, 1, 1, JOB_DONE);
    turn(world);
    assert_int_equal(sent_to(world, 10, WIRE_changes), 1);
    assert_int_equal(sent_to(world, 11, WIRE_changes), 1);
    assert_int_equal(sent_to(world, 12, WIRE_changes), 0);
}

static void
news_of_one_turn_is_one_message(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    for (uint8_t n = 1; n <= 3; n++) {
        say_offer(world, 10, n, "a");
        say_change(world, 1, n, JOB_DONE);
    }
    turn(world);
    assert_int_equal(sent_to(world, 10, WIRE_changes), 1);
    assert_int_equal(last_sent(world)->changes.jobs_count, 3);
}

static void
after_the_final_change_there_is_no_more_news(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    say_change(world, 1, 1, JOB_RUNNING);
    say_change(world, 1, 1, JOB_DONE);
    say_change(world, 1, 1, JOB_DONE);
    turn(world);
    assert_int_equal(last_sent(world)->changes.jobs_count, 2);
}

static void
a_job_that_ended_is_not_dispatched(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    say_change(world, 1, 1, JOB_CANCELLED);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

static void
news_of_a_job_nobody_asked_for_goes_nowhere(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_change(world, 1, 1, JOB_DONE);
    turn(world);
    assert_int_equal(world->count, 0);
}

/* --- leaving --- */

static void
a_member_that_says_bye_gets_nothing_more(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say(world, 1, (wire_t){ .tag = WIRE_bye });
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(exchange_members(world->exchange), 1);
    assert_int_equal(dispatched_to(world, 1), 0);
}

static void
a_silent_executor_is_forgotten_and_its_jobs_are_swept(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_true(exchange_wants_sweep(world->exchange, T0));
    int64_t later_ms = T0 + EXCHANGE_SILENCE_EXECUTOR_MS + 1;
    say_at(world, 10, hello(1), later_ms);
    exchange_beat(world->exchange, later_ms);
    assert_int_equal(exchange_members(world->exchange), 1);
    assert_true(exchange_wants_sweep(world->exchange, later_ms));
    waiting_t job = { .id = id_of(1), .tenant = "a", .source = "demo", .priority = 5 };
    exchange_offer(world->exchange, &job, false, later_ms);
    assert_int_equal(queue_waiting(exchange_queue(world->exchange)), 1);
}

static void
an_executor_whose_lease_ran_out_is_forgotten_with_all_that_it_had(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer(world, 10, 1, "a");
    say_offer(world, 10, 2, "a");
    turn(world);
    waiting_t job = { .id = id_of(1),
                      .tenant = "a",
                      .source = "demo",
                      .recovering = true,
                      .lost_by = "node-1",
                      .lost_incarnation = 2 };
    exchange_offer(world->exchange, &job, false, T0);
    assert_int_equal(exchange_members(world->exchange), 2); /* it is another one by now */
    job.lost_incarnation = 1;
    exchange_offer(world->exchange, &job, false, T0);
    assert_int_equal(exchange_members(world->exchange), 1);
    assert_int_equal(queue_handed_out(exchange_queue(world->exchange)), 0);
    assert_true(exchange_wants_sweep(world->exchange, T0));
}

static void
an_unreachable_executor_loses_what_was_meant_for_it(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    world->dead = a_peer(1);
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(exchange_members(world->exchange), 1);
    assert_int_equal(queue_handed_out(exchange_queue(world->exchange)), 0);
    assert_true(exchange_wants_sweep(world->exchange, T0));
}

static void
a_new_incarnation_has_no_credit_of_the_old(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say(world, 1, hello(2));
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 0);
}

static void
greeting_again_changes_nothing(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say(world, 1, hello(1));
    say_offer(world, 10, 1, "a");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
}

static void
what_stands_behind_a_routing_id_does_not_matter(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    peer_t peer = a_peer(1);
    peer.id[7] = 0xff;
    wire_t message = credit(4, true);
    exchange_hear(world->exchange, &peer, "executor", "node-1", &message, T0);
    assert_int_equal(world->count, 0);
}

static void
members_are_bounded(void **state)
{
    world_t *world = *state;
    for (uint32_t i = 0; i < 1100; i++) {
        peer_t peer = { .id = { 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i }, .size = 5 };
        char name[64];
        snprintf(name, sizeof name, "node-%u", i);
        wire_t message = hello(1);
        exchange_hear(world->exchange, &peer, "api", name, &message, T0);
        forget_sent(world);
    }
    assert_int_equal(exchange_members(world->exchange), 1024);
}

int
main(void)
{
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        CLAIM(an_executor_may_not_offer),
        CLAIM(an_api_node_may_not_grant_credit),
        CLAIM(an_api_node_may_not_announce_changes),
        CLAIM(a_broker_cannot_become_a_member),
        CLAIM(an_offer_with_an_impossible_tenant_is_dropped),
        CLAIM(news_goes_to_who_submitted_and_to_who_watches),
        CLAIM(news_of_one_turn_is_one_message),
        CLAIM(after_the_final_change_there_is_no_more_news),
        CLAIM(a_job_that_ended_is_not_dispatched),
        CLAIM(news_of_a_job_nobody_asked_for_goes_nowhere),
        CLAIM(a_member_that_says_bye_gets_nothing_more),
        CLAIM(a_silent_executor_is_forgotten_and_its_jobs_are_swept),
        CLAIM(an_executor_whose_lease_ran_out_is_forgotten_with_all_that_it_had),
        CLAIM(an_unreachable_executor_loses_what_was_meant_for_it),
        CLAIM(a_new_incarnation_has_no_credit_of_the_old),
        CLAIM(greeting_again_changes_nothing),
        CLAIM(what_stands_behind_a_routing_id_does_not_matter),
        CLAIM(members_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
