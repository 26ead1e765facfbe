/* A link and a broker that the test plays with a bare bound socket, on one loop in one thread. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/link.h"
#include "common/log.h"

enum { PATIENCE_MS = 10000, SILENCE_MS = 1500 };

typedef struct {
    loop_t *loop;
    bus_keys_t server_keys;
    bus_keys_t keys;
    bus_t *server;
    loop_watch_t *watch;
    link_t *link;
    broker_t brokers[2];
    /* what the server heard */
    peer_t peer; /* of the last greeting */
    uint32_t hellos;
    uint32_t credits;
    uint32_t byes;
    uint64_t incarnation;
    /* what the link told */
    uint64_t epoch;
    uint32_t leaders;
    uint32_t messages;
    uint64_t message_epoch;
    /* until when the loop turns */
    bool (*done)(void *arg);
    bool in_time;
} world_t;

static bus_answer_t
allow(void *arg, const char *public_key, char *role, char *name)
{
    (void)arg;
    (void)public_key;
    snprintf(role, 64, "executor");
    snprintf(name, 64, "executor-1");
    return BUS_ALLOW;
}

static void
on_leader(void *arg, uint64_t epoch)
{
    world_t *world = arg;
    world->epoch = epoch;
    world->leaders++;
}

static void
on_message(void *arg, const wire_t *message)
{
    world_t *world = arg;
    world->messages++;
    if (message->tag == WIRE_dispatch)
        world->message_epoch = message->dispatch.epoch;
}

static void
server_heard(world_t *world, const peer_t *peer, const wire_t *message)
{
    if (message->tag == WIRE_hello) {
        world->peer = *peer;
        world->hellos++;
        world->incarnation = message->hello.incarnation;
    }
    world->credits += message->tag == WIRE_credit;
    world->byes += message->tag == WIRE_bye;
}

static bool
server_read(world_t *world)
{
    bool heard = false;
    peer_t peer;
    char role[64];
    char name[64];
    for (;;) {
        own(wire) message = bus_receive(world->server, &peer, role, name);
        if (!message)
            return heard;
        server_heard(world, &peer, message);
        heard = true;
    }
}

static bool
turn_ends(void *arg)
{
    world_t *world = arg;
    bool heard = server_read(world);
    if (world->done && world->done(world)) {
        world->in_time = true;
        loop_stop(world->loop);
    }
    return heard;
}

static void
ignore(void *arg, unsigned events)
{
    (void)arg;
    (void)events;
}

static void
too_late(void *arg)
{
    world_t *world = arg;
    loop_stop(world->loop);
}

/* Turn until `done` holds. */
static void
turn_until(world_t *world, bool (*done)(void *arg))
{
    err_t err;
    loop_timer_t *timer = loop_after(world->loop, PATIENCE_MS, too_late, world);
    world->done = done;
    world->in_time = false;
    assert_true(loop_run(world->loop, &err));
    world->done = NULL;
    assert_true(world->in_time);
    loop_cancel(&timer);
}

static int
world_make(void **state)
{
    err_t err;
    world_t *world = mem_new(sizeof *world);
    *state = world;
    world->loop = loop_new(&err);
    assert_non_null(world->loop);
    assert_true(bus_keys_make(&world->server_keys, &err) && bus_keys_make(&world->keys, &err));
    world->server = bus_bind("127.0.0.1", &world->server_keys, allow, NULL, &err);
    assert_non_null(world->server);
    world->watch = loop_watch(world->loop, bus_fd(world->server), LOOP_READ, ignore, NULL);
    snprintf(world->brokers[0].name, 64, "broker-1");
    snprintf(world->brokers[0].endpoint, 256, "%s", bus_endpoint(world->server));
    memcpy(world->brokers[0].public_key, world->server_keys.public_key, BUS_KEY_SIZE);
    world->brokers[1] = world->brokers[0];
    snprintf(world->brokers[1].name, 64, "broker-2");
    link_options_t options = { .loop = world->loop,
                               .role = "executor",
                               .name = "executor-1",
                               .incarnation = 7,
                               .keys = &world->keys,
                               .silence_ms = SILENCE_MS,
                               .message = on_message,
                               .leader = on_leader,
                               .arg = world };
    world->link = link_new(&options);
    loop_before_sleep(world->loop, turn_ends, world);
    link_brokers(world->link, world->brokers, 1);
    return 0;
}

static int
world_end(void **state)
{
    world_t *world = *state;
    link_destroy(&world->link);
    loop_unwatch(&world->watch);
    bus_destroy(&world->server);
    loop_destroy(&world->loop);
    free(world);
    return 0;
}

/* --- what the server says --- */

static void
beat(world_t *world, uint64_t epoch, bool leading)
{
    wire_t message = { .tag = WIRE_beat,
                       .beat = {
                           .name = wire_text("broker-1"), .epoch = epoch, .leading = leading } };
    assert_true(bus_send(world->server, &world->peer, &message));
}

static void
send_dispatch(world_t *world, uint64_t epoch)
{
    wire_t message = { .tag = WIRE_dispatch, .dispatch = { .epoch = epoch } };
    assert_true(bus_send(world->server, &world->peer, &message));
}

/* --- what is waited for --- */

static bool
greeted(void *arg)
{
    return ((world_t *)arg)->hellos >= 1;
}

static bool
greeted_three_times(void *arg)
{
    return ((world_t *)arg)->hellos >= 3;
}

static bool
greeted_anew(void *arg)
{
    return ((world_t *)arg)->incarnation == 8;
}

static bool
leader_is_5(void *arg)
{
    return ((world_t *)arg)->epoch == 5;
}

static bool
leader_is_6(void *arg)
{
    return ((world_t *)arg)->epoch == 6;
}

static bool
leader_was_lost(void *arg)
{
    world_t *world = arg;
    return world->leaders >= 2 && world->epoch == 0;
}

static bool
a_message_came(void *arg)
{
    return ((world_t *)arg)->messages >= 1;
}

static bool
a_credit_came(void *arg)
{
    return ((world_t *)arg)->credits >= 1;
}

static world_t *
a_led_world(void **state)
{
    world_t *world = *state;
    turn_until(world, greeted);
    beat(world, 5, true);
    turn_until(world, leader_is_5);
    return world;
}

/* --- the claims --- */

static void
a_broker_on_the_list_is_greeted(void **state)
{
    world_t *world = *state;
    turn_until(world, greeted);
    assert_int_equal(world->incarnation, 7);
    assert_int_equal(link_epoch(world->link), 0);
    assert_int_equal(world->leaders, 0);
}

static void
a_broker_is_greeted_again_and_again(void **state)
{
    turn_until(*state, greeted_three_times);
}

static void
a_beat_makes_the_leader_known_once(void **state)
{
    world_t *world = a_led_world(state);
    beat(world, 5, true);
    send_dispatch(world, 5);
    turn_until(world, a_message_came);
    assert_int_equal(world->leaders, 1);
    assert_int_equal(link_epoch(world->link), 5);
}

static void
messages_of_the_leader_are_shown(void **state)
{
    world_t *world = a_led_world(state);
    send_dispatch(world, 5);
    turn_until(world, a_message_came);
    assert_int_equal(world->message_epoch, 5);
}

static void
messages_of_a_broker_that_does_not_lead_are_dropped(void **state)
{
    world_t *world = *state;
    turn_until(world, greeted);
    send_dispatch(world, 1);
    beat(world, 5, true);
    send_dispatch(world, 5);
    turn_until(world, a_message_came);
    assert_int_equal(world->messages, 1);
    assert_int_equal(world->message_epoch, 5);
}

static void
what_is_sent_goes_to_the_leader(void **state)
{
    world_t *world = a_led_world(state);
    wire_t credit = { .tag = WIRE_credit, .credit = { .epoch = 5, .slots = 1 } };
    assert_true(link_send(world->link, &credit));
    turn_until(world, a_credit_came);
}

static void
without_a_leader_nothing_is_sent(void **state)
{
    world_t *world = *state;
    wire_t credit = { .tag = WIRE_credit, .credit = { .epoch = 5, .slots = 1 } };
    assert_false(link_send(world->link, &credit));
}

static void
a_higher_epoch_is_a_new_leader(void **state)
{
    world_t *world = a_led_world(state);
    beat(world, 6, true);
    turn_until(world, leader_is_6);
    assert_int_equal(world->leaders, 2);
}

static void
a_leader_that_steps_down_is_lost(void **state)
{
    world_t *world = a_led_world(state);
    beat(world, 5, false);
    turn_until(world, leader_was_lost);
}

static void
a_leader_that_hears_of_a_newer_one_is_lost(void **state)
{
    world_t *world = a_led_world(state);
    beat(world, 6, false);
    beat(world, 5, true);
    turn_until(world, leader_was_lost);
}

static void
a_silent_leader_is_lost_and_greeted_over_a_new_connection(void **state)
{
    world_t *world = a_led_world(state);
    peer_t before = world->peer;
    turn_until(world, leader_was_lost);
    world->hellos = 0;
    turn_until(world, greeted);
    assert_memory_not_equal(before.id, world->peer.id, sizeof before.id);
    beat(world, 5, true);
    turn_until(world, leader_is_5);
    assert_int_equal(world->leaders, 3);
}

static void
a_broker_that_left_the_list_leads_no_more(void **state)
{
    world_t *world = a_led_world(state);
    link_brokers(world->link, NULL, 0);
    assert_int_equal(world->epoch, 0);
    assert_int_equal(link_epoch(world->link), 0);
}

static void
a_list_that_says_the_same_changes_nothing(void **state)
{
    world_t *world = a_led_world(state);
    world->brokers[0].epoch = 5;
    link_brokers(world->link, world->brokers, 2);
    link_brokers(world->link, world->brokers, 1);
    assert_int_equal(world->leaders, 1);
    assert_int_equal(link_epoch(world->link), 5);
}

static void
a_new_incarnation_is_told_at_once(void **state)
{
    world_t *world = a_led_world(state);
    link_incarnation(world->link, 8);
    turn_until(world, greeted_anew);
}

static bool
said_bye(void *arg)
{
    return ((world_t *)arg)->byes == 1;
}

/* The link's hook stays on its loop, so what comes after a link is read without that loop. */
static void
a_link_that_goes_says_bye(void **state)
{
    world_t *world = a_led_world(state);
    err_t err;
    link_destroy(&world->link);
    loop_unwatch(&world->watch);
    loop_destroy(&world->loop);
    world->loop = loop_new(&err);
    world->watch = loop_watch(world->loop, bus_fd(world->server), LOOP_READ, ignore, NULL);
    loop_before_sleep(world->loop, turn_ends, world);
    turn_until(world, said_bye);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int
main(void)
{
    err_t err;
    if (!bus_init(&err))
        return 1;
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        CLAIM(a_broker_on_the_list_is_greeted),
        CLAIM(a_broker_is_greeted_again_and_again),
        CLAIM(a_beat_makes_the_leader_known_once),
        CLAIM(messages_of_the_leader_are_shown),
        CLAIM(messages_of_a_broker_that_does_not_lead_are_dropped),
        CLAIM(what_is_sent_goes_to_the_leader),
        CLAIM(without_a_leader_nothing_is_sent),
        CLAIM(a_higher_epoch_is_a_new_leader),
        CLAIM(a_leader_that_steps_down_is_lost),
        CLAIM(a_leader_that_hears_of_a_newer_one_is_lost),
        CLAIM(a_silent_leader_is_lost_and_greeted_over_a_new_connection),
        CLAIM(a_broker_that_left_the_list_leads_no_more),
        CLAIM(a_list_that_says_the_same_changes_nothing),
        CLAIM(a_new_incarnation_is_told_at_once),
        CLAIM(a_link_that_goes_says_bye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
