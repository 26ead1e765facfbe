/* The exchange between fake peers: what it sends is caught, time is ours. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/exchange.h"
#include "common/log.h"

enum { T0 = 1000000, SENT_MOST = 64, EPOCH = 5 };

/* What was sent, read back from its bytes. */
typedef struct {
    peer_t peer;
    wire_t *message;
} sent_t;

typedef struct {
    exchange_t *exchange;
    sent_t sent[SENT_MOST];
    uint32_t count;
    peer_t dead; /* cannot be sent to */
} world_t;

static peer_t
a_peer(uint8_t n)
{
    return (peer_t){ .id = { 0, 0, 0, 0, n }, .size = 5 };
}

static bool
peer_equal(const peer_t *a, const peer_t *b)
{
    return a->size == b->size && memcmp(a->id, b->id, a->size) == 0;
}

static bool catch (void *arg, const peer_t *peer, const wire_t *message)
{
    world_t *world = arg;
    if (peer_equal(peer, &world->dead))
        return false;
    size_t size = 0;
    err_t err;
    uint8_t *bytes = wire_pack(message, &size);
    assert_true(world->count < SENT_MOST);
    world->sent[world->count++] = (sent_t){ *peer, wire_unpack(bytes, size, &err) };
    free(bytes);
    return true;
}

static void
forget_sent(world_t *world)
{
    for (uint32_t i = 0; i < world->count; i++)
        wire_destroy(&world->sent[i].message);
    world->count = 0;
}

static int
world_make(void **state)
{
    world_t *world = mem_new(sizeof *world);
    exchange_options_t options = {
        .name = "broker-1", .limits = { 100, 50, 0 }, .send = catch, .arg = world
    };
    world->exchange = exchange_new(&options);
    *state = world;
    return 0;
}

static int
world_end(void **state)
{
    world_t *world = *state;
    forget_sent(world);
    exchange_destroy(&world->exchange);
    free(world);
    return 0;
}

/* --- saying and seeing --- */

/* Executors are peers 1 to 9, API nodes those from 10 on. */
static void
say_at(world_t *world, uint8_t n, wire_t message, int64_t now_ms)
{
    char name[64];
    peer_t peer = a_peer(n);
    snprintf(name, sizeof name, "node-%u", (unsigned)n);
    exchange_hear(world->exchange, &peer, n < 10 ? "executor" : "api", name, &message, now_ms);
}

static void
say(world_t *world, uint8_t n, wire_t message)
{
    say_at(world, n, message, T0);
}

static wire_t
hello(uint64_t incarnation)
{
    return (wire_t){ .tag = WIRE_hello, .hello = { .incarnation = incarnation } };
}

static jobid_t
id_of(uint8_t n)
{
    jobid_t id = { { 0 } };
    id.bytes[5] = n;
    return id;
}

static wire_offer_t
offer_of(uint8_t n, const char *tenant)
{
    return (wire_offer_t){
        .job = id_of(n), .tenant = wire_text(tenant), .source = wire_text("demo"), .priority = 5
    };
}

static void
say_offer(world_t *world, uint8_t from, uint8_t n, const char *tenant)
{
    wire_offer_t offer = offer_of(n, tenant);
    say(world, from, (wire_t){ .tag = WIRE_offers, .offers = { .jobs = &offer, .jobs_count = 1 } });
}

static void
say_watch(world_t *world, uint8_t from, uint8_t n)
{
    wire_ref_t ref = { .job = id_of(n) };
    say(world, from, (wire_t){ .tag = WIRE_watch, .watch = { .jobs = &ref, .jobs_count = 1 } });
}

static wire_t
credit(uint32_t slots, bool fresh)
{
    return (wire_t){ .tag = WIRE_credit,
                     .credit = { .epoch = EPOCH, .slots = slots, .fresh = fresh } };
}

static void
say_change(world_t *world, uint8_t from, uint8_t n, job_state_t state)
{
    wire_change_t change = { .job = id_of(n), .attempt = 1, .state = state };
    say(world, from,
        (wire_t){ .tag = WIRE_changes, .changes = { .jobs = &change, .jobs_count = 1 } });
}

static void
lead(world_t *world)
{
    exchange_lead(world->exchange, EPOCH);
}

static void
turn(world_t *world)
{
    exchange_turn(world->exchange, T0);
}

/* Jobs dispatched to a peer, over all that was sent. */
static uint32_t
dispatched_to(const world_t *world, uint8_t n)
{
    peer_t peer = a_peer(n);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        const wire_t *message = world->sent[i].message;
        if (message->tag == WIRE_dispatch && peer_equal(&world->sent[i].peer, &peer))
            count += message->dispatch.jobs_count;
    }
    return count;
}

/* Messages of a kind sent to a peer. */
static uint32_t
sent_to(const world_t *world, uint8_t n, wire_tag_t tag)
{
    peer_t peer = a_peer(n);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++)
        count += world->sent[i].message->tag == tag && peer_equal(&world->sent[i].peer, &peer);
    return count;
}

static const wire_t *
last_sent(const world_t *world)
{
    assert_true(world->count > 0);
    return world->sent[world->count - 1].message;
}

/* A leader with one API node (10) and executors 1 to `executors`, each with `slots` slots. */
static world_t *
a_cluster(void **state, uint8_t executors, uint32_t slots)
{
    world_t *world = *state;
    lead(world);
    say(world, 10, hello(1));
    for (uint8_t n = 1; n <= executors; n++) {
        say(world, n, hello(1));
        say(world, n, credit(slots, true));
    }
    forget_sent(world);
    return world;
}

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
what_the_sweep_finds_is_dispatched_too(void **state)
{
    world_t *world = a_cluster(state, 1, 1);
    waiting_t job = { .id = id_of(3), .tenant = "a", .source = "demo", .priority = 5 };
    exchange_offer(world->exchange, &job, false, T0);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
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

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

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
        CLAIM(what_the_sweep_finds_is_dispatched_too),
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
        CLAIM(an_unreachable_executor_loses_what_was_meant_for_it),
        CLAIM(a_new_incarnation_has_no_credit_of_the_old),
        CLAIM(greeting_again_changes_nothing),
        CLAIM(what_stands_behind_a_routing_id_does_not_matter),
        CLAIM(members_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
