/* exchange_world.h - an exchange between fake peers: what it sends is caught, time is ours. */
#ifndef TESTS_UNIT_EXCHANGE_WORLD_H
#define TESTS_UNIT_EXCHANGE_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "broker/exchange.h"
#include "common/log.h"
#include "tests/unit/unit.h"

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

/* An executor gives a slot back, with what became of a job. */
static inline void
say_release(world_t *world, uint8_t from, wire_release_t release, int64_t now_ms)
{
    wire_t back = { .tag = WIRE_credit,
                    .credit = { .epoch = EPOCH, .slots = 1, .done = &release, .done_count = 1 } };
    say_at(world, from, back, now_ms);
}

static inline void
say_offer(world_t *world, uint8_t from, uint8_t n, const char *tenant)
{
    wire_offer_t offer = offer_of(n, tenant);
    say(world, from, (wire_t){ .tag = WIRE_offers, .offers = { .jobs = &offer, .jobs_count = 1 } });
}

static wire_t
credit(uint32_t slots, bool fresh)
{
    return (wire_t){ .tag = WIRE_credit,
                     .credit = { .epoch = EPOCH, .slots = slots, .fresh = fresh } };
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
static inline uint32_t
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

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

#endif
