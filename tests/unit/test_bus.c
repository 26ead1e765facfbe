/* A broker's socket and its peers, on loopback, in one thread. What must not arrive is proved by
 * what arrives after it: the handshake thread answers in order. */
#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <czmq.h>

#include "common/bus.h"
#include "common/clock.h"

enum { PATIENCE_MS = 10000 };

/* The allow-list that the gate is asked about. */
typedef struct {
    char friend_key[BUS_KEY_SIZE];
    bus_answer_t others;
    atomic_int refused;
    atomic_int later; /* answer this many times "not now" first */
} list_t;

static bus_answer_t
allow(void *arg, const char *public_key, char *role, char *name)
{
    list_t *list = arg;
    if (atomic_load(&list->later) > 0) {
        atomic_fetch_sub(&list->later, 1);
        return BUS_LATER;
    }
    if (strcmp(public_key, list->friend_key) != 0) {
        atomic_fetch_add(&list->refused, 1);
        return list->others;
    }
    snprintf(role, 64, "executor");
    snprintf(name, 64, "executor-7");
    return BUS_ALLOW;
}

typedef struct {
    bus_keys_t server_keys;
    bus_keys_t friend_keys;
    list_t list;
    bus_t *server;
    bus_t *peer;
} world_t;

static int
world_make(void **state)
{
    err_t err;
    world_t *world = mem_new(sizeof *world);
    assert_true(bus_keys_make(&world->server_keys, &err));
    assert_true(bus_keys_make(&world->friend_keys, &err));
    memcpy(world->list.friend_key, world->friend_keys.public_key, BUS_KEY_SIZE);
    world->list.others = BUS_REFUSE;
    world->server = bus_bind("127.0.0.1", &world->server_keys, allow, &world->list, &err);
    assert_non_null(world->server);
    world->peer = bus_connect(bus_endpoint(world->server), world->server_keys.public_key,
                              &world->friend_keys, &err);
    assert_non_null(world->peer);
    *state = world;
    return 0;
}

static int
world_end(void **state)
{
    world_t *world = *state;
    bus_destroy(&world->peer);
    bus_destroy(&world->server);
    free(world);
    return 0;
}

/* --- talking --- */

typedef struct {
    peer_t peer;
    char role[64];
    char name[64];
} sender_t;

/* The next message, or NULL when none comes in time. */
static wire_t *
receive_soon(bus_t *bus, sender_t *sender)
{
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        wire_t *message = bus_receive(bus, &sender->peer, sender->role, sender->name);
        int64_t left_ms = until_ms - clock_mono_ms();
        if (message || left_ms <= 0)
            return message;
        struct pollfd item = { .fd = bus_fd(bus), .events = POLLIN };
        poll(&item, 1, (int)left_ms);
    }
}

static wire_t
credit(uint32_t slots)
{
    return (wire_t){ .tag = WIRE_credit, .credit = { .epoch = 1, .slots = slots } };
}

static void
assert_credit_comes(bus_t *bus, sender_t *sender, uint32_t slots)
{
    own(wire) message = receive_soon(bus, sender);
    assert_non_null(message);
    assert_int_equal(message->tag, WIRE_credit);
    assert_int_equal(message->credit.slots, slots);
}

/* A DEALER that is not ours: no CURVE at all, or whatever the caller sets. */
static zsock_t *
a_raw_peer(const world_t *world, bool curve)
{
    zsock_t *raw = zsock_new(ZMQ_DEALER);
    zsock_set_linger(raw, 0);
    if (curve) {
        zsock_set_curve_serverkey(raw, world->server_keys.public_key);
        zsock_set_curve_publickey(raw, world->friend_keys.public_key);
        zsock_set_curve_secretkey(raw, world->friend_keys.secret_key);
    }
    assert_int_equal(zmq_connect(zsock_resolve(raw), bus_endpoint(world->server)), 0);
    return raw;
}

/* Wait until the socket has lost its connection (or its handshake). */
static void
wait_for_refusal(zsock_t *events)
{
    zmq_pollitem_t item = { .socket = zsock_resolve(events), .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    own(zmsg) event = zmsg_recv(events);
    assert_non_null(event);
}

static zsock_t *
watch_refusals(zsock_t *raw)
{
    static int watched = 0; /* a closed monitor frees its name in the background */
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "inproc://refusals-%d", ++watched);
    int kinds = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    assert_int_equal(zmq_socket_monitor(zsock_resolve(raw), endpoint, kinds), 0);
    zsock_t *events = zsock_new(ZMQ_PAIR);
    assert_int_equal(zmq_connect(zsock_resolve(events), endpoint), 0);
    return events;
}

/* --- the claims --- */

static void
a_peer_on_the_list_talks_both_ways(void **state)
{
    world_t *world = *state;
    sender_t sender;
    wire_t question = credit(3);
    assert_true(bus_send(world->peer, NULL, &question));
    assert_credit_comes(world->server, &sender, 3);
    wire_t answer = credit(4);
    assert_true(bus_send(world->server, &sender.peer, &answer));
    assert_credit_comes(world->peer, &sender, 4);
}

static void
role_and_name_are_the_lists_word(void **state)
{
    world_t *world = *state;
    sender_t sender;
    wire_t hello = { .tag = WIRE_hello,
                     .hello = { .role = wire_text("broker"), .name = wire_text("somebody") } };
    assert_true(bus_send(world->peer, NULL, &hello));
    own(wire) message = receive_soon(world->server, &sender);
    assert_non_null(message);
    assert_string_equal(sender.role, "executor");
    assert_string_equal(sender.name, "executor-7");
}

static void
a_key_that_is_not_on_the_list_gets_nothing_through(void **state)
{
    world_t *world = *state;
    err_t err;
    bus_keys_t keys;
    assert_true(bus_keys_make(&keys, &err));
    own(bus) stranger =
        bus_connect(bus_endpoint(world->server), world->server_keys.public_key, &keys, &err);
    wire_t bad = credit(666);
    bus_send(stranger, NULL, &bad);
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    while (atomic_load(&world->list.refused) == 0 && clock_mono_ms() < until_ms) {
        sender_t sender;
        wire_t good = credit(1);
        assert_true(bus_send(world->peer, NULL, &good));
        assert_credit_comes(world->server, &sender, 1);
    }
    assert_true(atomic_load(&world->list.refused) > 0);
    /* Once more behind the refusal: were the stranger let in, its message would be here by now. */
    sender_t sender;
    wire_t good = credit(2);
    for (int i = 0; i < 100; i++) {
        assert_true(bus_send(world->peer, NULL, &good));
        assert_credit_comes(world->server, &sender, 2);
    }
    assert_null(bus_receive(world->server, &sender.peer, sender.role, sender.name));
    assert_int_equal(bus_unread(world->server), 0);
}

static void
a_peer_without_curve_gets_nothing_through(void **state)
{
    world_t *world = *state;
    own(zsock) raw = zsock_new(ZMQ_DEALER);
    own(zsock) events = watch_refusals(raw);
    zsock_set_linger(raw, 0);
    assert_int_equal(zmq_connect(zsock_resolve(raw), bus_endpoint(world->server)), 0);
    wire_t bad = credit(666);
    size_t size = 0;
    uint8_t *bytes = wire_pack(&bad, &size);
    zmq_send(zsock_resolve(raw), bytes, size, ZMQ_DONTWAIT);
    free(bytes);
    wait_for_refusal(events);

    sender_t sender;
    wire_t good = credit(1);
    assert_true(bus_send(world->peer, NULL, &good));
    assert_credit_comes(world->server, &sender, 1);
    assert_null(bus_receive(world->server, &sender.peer, sender.role, sender.name));
}

static void
a_peer_with_the_wrong_server_key_gets_nothing_through(void **state)
{
    world_t *world = *state;
    err_t err;
    bus_keys_t other;
    assert_true(bus_keys_make(&other, &err));
    own(zsock) raw = zsock_new(ZMQ_DEALER);
    own(zsock) events = watch_refusals(raw);
    zsock_set_linger(raw, 0);
    zsock_set_curve_serverkey(raw, other.public_key);
    zsock_set_curve_publickey(raw, world->friend_keys.public_key);
    zsock_set_curve_secretkey(raw, world->friend_keys.secret_key);
    zsock_set_handshake_ivl(raw, 500); /* the server is silent: the client gives up by the clock */
    assert_int_equal(zmq_connect(zsock_resolve(raw), bus_endpoint(world->server)), 0);
    zmq_send(zsock_resolve(raw), "\x91\x08", 2, ZMQ_DONTWAIT);
    wait_for_refusal(events);

    sender_t sender;
    wire_t good = credit(1);
    assert_true(bus_send(world->peer, NULL, &good));
    assert_credit_comes(world->server, &sender, 1);
    assert_null(bus_receive(world->server, &sender.peer, sender.role, sender.name));
}

static void
a_peer_that_nobody_can_judge_now_gets_in_later_by_itself(void **state)
{
    world_t *world = *state;
    bus_destroy(&world->peer);
    atomic_store(&world->list.later, 1);
    err_t err;
    world->peer = bus_connect(bus_endpoint(world->server), world->server_keys.public_key,
                              &world->friend_keys, &err);
    wire_t message = credit(9);
    assert_true(bus_send(world->peer, NULL, &message));
    sender_t sender;
    assert_credit_comes(world->server, &sender, 9);
    assert_int_equal(atomic_load(&world->list.later), 0);
}

static void
bytes_that_are_no_message_are_dropped_and_counted(void **state)
{
    world_t *world = *state;
    own(zsock) raw = a_raw_peer(world, true);
    zmq_send(zsock_resolve(raw), "garbage", 7, 0);
    zmq_send(zsock_resolve(raw), "", 0, 0);
    wire_t good = credit(5);
    size_t size = 0;
    uint8_t *bytes = wire_pack(&good, &size);
    zmq_send(zsock_resolve(raw), bytes, size, 0);
    free(bytes);
    sender_t sender;
    assert_credit_comes(world->server, &sender, 5);
    assert_int_equal(bus_unread(world->server), 2);
}

static void
a_message_of_several_frames_is_dropped_and_counted(void **state)
{
    world_t *world = *state;
    own(zsock) raw = a_raw_peer(world, true);
    wire_t good = credit(5);
    size_t size = 0;
    uint8_t *bytes = wire_pack(&good, &size);
    zmq_send(zsock_resolve(raw), "", 0, ZMQ_SNDMORE);
    zmq_send(zsock_resolve(raw), bytes, size, 0);
    zmq_send(zsock_resolve(raw), bytes, size, 0);
    free(bytes);
    sender_t sender;
    assert_credit_comes(world->server, &sender, 5);
    assert_int_equal(bus_unread(world->server), 1);
    assert_null(bus_receive(world->server, &sender.peer, sender.role, sender.name));
}

static void
a_peer_that_chose_its_own_routing_id_is_not_heard(void **state)
{
    world_t *world = *state;
    own(zsock) raw = zsock_new(ZMQ_DEALER);
    zsock_set_linger(raw, 0);
    zsock_set_identity(raw, "me");
    zsock_set_curve_serverkey(raw, world->server_keys.public_key);
    zsock_set_curve_publickey(raw, world->friend_keys.public_key);
    zsock_set_curve_secretkey(raw, world->friend_keys.secret_key);
    assert_int_equal(zmq_connect(zsock_resolve(raw), bus_endpoint(world->server)), 0);
    zmq_send(zsock_resolve(raw), "\x91\x08", 2, 0);
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    while (bus_unread(world->server) == 0 && clock_mono_ms() < until_ms) {
        struct pollfd item = { .fd = bus_fd(world->server), .events = POLLIN };
        assert_null(bus_receive(world->server, &(peer_t){ 0 }, (char[64]){ 0 }, (char[64]){ 0 }));
        if (bus_unread(world->server) == 0)
            poll(&item, 1, 1000);
    }
    assert_int_equal(bus_unread(world->server), 1);
}

static void
a_giant_frame_costs_its_sender_the_connection(void **state)
{
    world_t *world = *state;
    own(zsock) raw = a_raw_peer(world, true);
    own(zsock) events = watch_refusals(raw);
    own(mem) giant = mem_new(WIRE_SIZE_MOST + 1);
    zmq_send(zsock_resolve(raw), giant, WIRE_SIZE_MOST + 1, 0);
    wait_for_refusal(events);

    sender_t sender;
    wire_t good = credit(1);
    assert_true(bus_send(world->peer, NULL, &good));
    assert_credit_comes(world->server, &sender, 1);
    assert_int_equal(bus_unread(world->server), 0);
}

static void
a_message_over_the_limit_is_not_sent(void **state)
{
    world_t *world = *state;
    own(mem) name = mem_new(WIRE_SIZE_MOST + 1);
    memset(name, 'x', WIRE_SIZE_MOST);
    wire_t hello = { .tag = WIRE_hello, .hello = { .name = wire_text(name) } };
    assert_false(bus_send(world->peer, NULL, &hello));
    assert_int_equal(bus_unsent(world->peer), 1);
}

static void
sending_to_a_peer_that_is_gone_says_so(void **state)
{
    world_t *world = *state;
    peer_t nobody = { .size = 5, .id = { 0, 1, 2, 3, 4 } };
    wire_t message = credit(1);
    assert_false(bus_send(world->server, &nobody, &message));
    assert_int_equal(bus_unsent(world->server), 1);
}

static void
an_endpoint_that_is_none_is_refused(void **state)
{
    world_t *world = *state;
    err_t err;
    assert_null(bus_connect("nonsense", world->server_keys.public_key, &world->friend_keys, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(bus_connect("tcp://127.0.0.1:1", "short", &world->friend_keys, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void
signals_stay_ours(void **state)
{
    (void)state;
    struct sigaction action;
    assert_int_equal(sigaction(SIGTERM, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGINT, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int
main(void)
{
    err_t err;
    if (!bus_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        CLAIM(a_peer_on_the_list_talks_both_ways),
        CLAIM(role_and_name_are_the_lists_word),
        CLAIM(a_key_that_is_not_on_the_list_gets_nothing_through),
        CLAIM(a_peer_without_curve_gets_nothing_through),
        CLAIM(a_peer_with_the_wrong_server_key_gets_nothing_through),
        CLAIM(a_peer_that_nobody_can_judge_now_gets_in_later_by_itself),
        CLAIM(bytes_that_are_no_message_are_dropped_and_counted),
        CLAIM(a_message_of_several_frames_is_dropped_and_counted),
        CLAIM(a_peer_that_chose_its_own_routing_id_is_not_heard),
        CLAIM(a_giant_frame_costs_its_sender_the_connection),
        CLAIM(a_message_over_the_limit_is_not_sent),
        CLAIM(sending_to_a_peer_that_is_gone_says_so),
        CLAIM(an_endpoint_that_is_none_is_refused),
        CLAIM(signals_stay_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
