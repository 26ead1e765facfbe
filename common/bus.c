/* bus.c - zsock for a socket's life, libzmq for what is sent and read; ZAP in an actor of its own.
 */
#include "common/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <czmq.h>
#undef LOG_DEBUG /* syslog.h, which czmq.h brings, has words of the same name */
#undef LOG_INFO

#include "common/log.h"

enum {
    KEY_BYTES = 32,   /* a CURVE key, raw */
    WORD_SIZE = 64,   /* room for a role or a name */
    MADE_ID_SIZE = 5, /* a routing id that the ROUTER made: a zero byte and four of its own */
    ENDPOINT_SIZE = 256,
    LINGER_MS = 1000, /* what is still to be sent when a socket closes has this long */
};

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_DOMAIN "millrace"

/* The handshake thread: it answers libzmq's question about each new connection. */
typedef struct {
    zsock_t *questions;
    bus_allow_fn allow;
    void *arg;
} gate_t;

struct bus {
    zsock_t *socket;
    void *handle; /* the same socket, as libzmq knows it */
    gate_t *gate; /* bound ones only */
    zactor_t *gatekeeper;
    char endpoint[ENDPOINT_SIZE];
    uint64_t unsent;
    uint64_t unread;
};

bool
bus_init(err_t *err)
{
    if (!zsys_init())
        return err_set(err, ERR_INTERNAL, "no ZeroMQ context: %s", strerror(errno));
    zsys_handler_set(NULL);
    zsys_set_linger(LINGER_MS);
    if (!zsys_has_curve())
        return err_set(err, ERR_INTERNAL, "this libzmq has no CURVE");
    return true;
}

bool
bus_keys_make(bus_keys_t *keys, err_t *err)
{
    if (zmq_curve_keypair(keys->public_key, keys->secret_key) != 0)
        return err_set(err, ERR_INTERNAL, "no CURVE keys: %s", zmq_strerror(errno));
    return true;
}

/* --- the handshake (ZAP, RFC 27) --- */

typedef struct {
    const char *status;
    const char *text;
    char user[2 * WORD_SIZE];
} verdict_t;

static verdict_t
gate_ask(const gate_t *self, zframe_t *key)
{
    char text[BUS_KEY_SIZE];
    char role[WORD_SIZE] = "";
    char name[WORD_SIZE] = "";
    if (!zmq_z85_encode(text, zframe_data(key), KEY_BYTES))
        return (verdict_t){ .status = "500", .text = "bad key" };
    switch (self->allow(self->arg, text, role, name)) {
    case BUS_ALLOW: break;
    case BUS_REFUSE: return (verdict_t){ .status = "400", .text = "unknown key" };
    case BUS_LATER: return (verdict_t){ .status = "300", .text = "cannot tell now" };
    }
    verdict_t verdict = { .status = "200", .text = "welcome" };
    snprintf(verdict.user, sizeof verdict.user, "%s/%s", role, name);
    return verdict;
}

/* Frames: version, request id, domain, address, routing id, mechanism, key. */
static verdict_t
gate_judge(const gate_t *self, zmsg_t *question)
{
    static const verdict_t malformed = { .status = "500", .text = "malformed" };
    zframe_t *frames[7] = { zmsg_first(question) };
    for (size_t i = 1; i < 7; i++)
        frames[i] = zmsg_next(question);
    if (zmsg_size(question) != 7 || !zframe_streq(frames[0], "1.0")
        || !zframe_streq(frames[5], "CURVE") || zframe_size(frames[6]) != KEY_BYTES)
        return malformed;
    verdict_t verdict = gate_ask(self, frames[6]);
    if (verdict.status[0] != '2') {
        own(mem) address = mem_copy(zframe_data(frames[3]), zframe_size(frames[3]));
        log_info("bus.refused", "address=%s status=%s", address, verdict.status);
    }
    return verdict;
}

static void
gate_answer(const gate_t *self)
{
    own(zmsg) question = zmsg_recv(self->questions);
    if (!question)
        return;
    verdict_t verdict = gate_judge(self, question);
    zmsg_first(question);
    zframe_t *request = zmsg_next(question);
    own(zmsg) answer = zmsg_new();
    zmsg_addstr(answer, "1.0");
    zmsg_addmem(answer, request ? zframe_data(request) : NULL, request ? zframe_size(request) : 0);
    zmsg_addstr(answer, verdict.status);
    zmsg_addstr(answer, verdict.text);
    zmsg_addstr(answer, verdict.user);
    zmsg_addmem(answer, NULL, 0);
    zmsg_send(&answer, self->questions);
}

/* Runs until its pipe speaks: the only word that ever comes is that it should end. */
static void
gate_run(zsock_t *pipe, void *arg)
{
    const gate_t *self = arg;
    zmq_pollitem_t items[] = {
        { .socket = zsock_resolve(pipe), .events = ZMQ_POLLIN },
        { .socket = zsock_resolve(self->questions), .events = ZMQ_POLLIN },
    };
    zsock_signal(pipe, 0);
    while (!(items[0].revents & ZMQ_POLLIN)) {
        items[0].revents = items[1].revents = 0;
        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            return;
        if (items[1].revents & ZMQ_POLLIN)
            gate_answer(self);
    }
}

static void
gate_destroy(gate_t **self_p)
{
    if (!*self_p)
        return;
    /* The close works in the background; the endpoint must be free now, for the next bus. */
    zmq_unbind(zsock_resolve((*self_p)->questions), ZAP_ENDPOINT);
    zsock_destroy(&(*self_p)->questions);
    free(*self_p);
    *self_p = NULL;
}

static gate_t *
gate_new(bus_allow_fn allow, void *arg, err_t *err)
{
    own(gate) self = mem_new(sizeof *self);
    self->allow = allow;
    self->arg = arg;
    self->questions = zsock_new(ZMQ_REP);
    assert(self->questions);
    if (zmq_bind(zsock_resolve(self->questions), ZAP_ENDPOINT) != 0) {
        err_set(err, ERR_INTERNAL, "no handshake endpoint: %s", zmq_strerror(errno));
        return NULL;
    }
    return take(self);
}

/* --- sockets --- */

/* Nothing is left at its default that could be without end. */
static const struct {
    int option;
    int value;
} options[] = {
    { ZMQ_SNDHWM, 10000 },
    { ZMQ_RCVHWM, 10000 },
    { ZMQ_LINGER, LINGER_MS },
    { ZMQ_HANDSHAKE_IVL, 3000 },
    /* also how soon a peer asks again after BUS_LATER */ { ZMQ_HEARTBEAT_IVL, 2000 },
    { ZMQ_HEARTBEAT_TIMEOUT, 6000 },
    { ZMQ_HEARTBEAT_TTL, 6000 },
    { ZMQ_RECONNECT_IVL, 50 },
    { ZMQ_RECONNECT_IVL_MAX, 1000 },
    { ZMQ_CONNECT_TIMEOUT, 5000 },
    { ZMQ_TCP_KEEPALIVE, 1 },
    { ZMQ_TCP_KEEPALIVE_IDLE, 30 },
    { ZMQ_TCP_KEEPALIVE_INTVL, 10 },
    { ZMQ_TCP_KEEPALIVE_CNT, 3 },
};

static bus_t *
bus_new(int type, const bus_keys_t *keys)
{
    bus_t *self = mem_new(sizeof *self);
    self->socket = zsock_new(type);
    assert(self->socket); /* only without memory or sockets, and we use a handful */
    self->handle = zsock_resolve(self->socket);
    int failed = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        failed |= zmq_setsockopt(self->handle, options[i].option, &options[i].value,
                                 sizeof options[i].value);
    int64_t largest = WIRE_SIZE_MOST;
    failed |= zmq_setsockopt(self->handle, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    failed |= zmq_setsockopt(self->handle, ZMQ_CURVE_PUBLICKEY, keys->public_key, BUS_KEY_SIZE);
    failed |= zmq_setsockopt(self->handle, ZMQ_CURVE_SECRETKEY, keys->secret_key, BUS_KEY_SIZE);
    assert(failed == 0); /* constants, and keys that bus_keys_make() made */
    return self;
}

void
bus_destroy(bus_t **self_p)
{
    bus_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    zactor_destroy(&self->gatekeeper);
    gate_destroy(&self->gate);
    free(self);
    *self_p = NULL;
}

/* A ROUTER that says when a peer is gone. CURVE alone would let strangers in: it is the gate that
 * keeps them out, so it stands before the first bind and until after the close. */
static void
bus_make_server(bus_t *self)
{
    static const int yes = 1;
    int failed = zmq_setsockopt(self->handle, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    failed |= zmq_setsockopt(self->handle, ZMQ_CURVE_SERVER, &yes, sizeof yes);
    failed |= zmq_setsockopt(self->handle, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, sizeof ZAP_DOMAIN - 1);
    assert(failed == 0);
}

bus_t *
bus_bind(const char *host, const bus_keys_t *keys, bus_allow_fn allow, void *arg, err_t *err)
{
    own(bus) self = bus_new(ZMQ_ROUTER, keys);
    bus_make_server(self);
    self->gate = gate_new(allow, arg, err);
    if (!self->gate)
        return NULL;
    self->gatekeeper = zactor_new(gate_run, self->gate);
    if (!self->gatekeeper) {
        err_set(err, ERR_INTERNAL, "no handshake thread: %s", strerror(errno));
        return NULL;
    }
    snprintf(self->endpoint, sizeof self->endpoint, "tcp://%s:*", host);
    size_t size = sizeof self->endpoint;
    if (zmq_bind(self->handle, self->endpoint) != 0
        || zmq_getsockopt(self->handle, ZMQ_LAST_ENDPOINT, self->endpoint, &size) != 0) {
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %s: %s", host, zmq_strerror(errno));
        return NULL;
    }
    return take(self);
}

bus_t *
bus_connect(const char *endpoint, const char *server_key, const bus_keys_t *keys, err_t *err)
{
    own(bus) self = bus_new(ZMQ_DEALER, keys);
    if (strlen(server_key) != BUS_KEY_SIZE - 1
        || zmq_setsockopt(self->handle, ZMQ_CURVE_SERVERKEY, server_key, BUS_KEY_SIZE) != 0) {
        err_set(err, ERR_INVALID, "the broker's key is none");
        return NULL;
    }
    if (zmq_connect(self->handle, endpoint) != 0) {
        err_set(err, ERR_INVALID, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
        return NULL;
    }
    snprintf(self->endpoint, sizeof self->endpoint, "%s", endpoint);
    return take(self);
}

const char *
bus_endpoint(const bus_t *self)
{
    return self->endpoint;
}

int
bus_fd(const bus_t *self)
{
    int fd = -1;
    size_t size = sizeof fd;
    int failed = zmq_getsockopt(self->handle, ZMQ_FD, &fd, &size);
    assert(failed == 0);
    return fd;
}

bool
bus_waits(const bus_t *self)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(self->handle, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

uint64_t
bus_unsent(const bus_t *self)
{
    return self->unsent;
}

uint64_t
bus_unread(const bus_t *self)
{
    return self->unread;
}

/* --- sending --- */

static bool
send_frame(bus_t *self, const void *data, size_t size, int flags)
{
    int sent = -1;
    do
        sent = zmq_send(self->handle, data, size, flags | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool
bus_send(bus_t *self, const peer_t *peer, const wire_t *message)
{
    assert((peer != NULL) == (self->gate != NULL));
    size_t size = 0;
    uint8_t *bytes = wire_pack(message, &size);
    /* A frame over the limit would cost the connection, not only the message. */
    bool sent = size <= WIRE_SIZE_MOST
                && (!peer || send_frame(self, peer->id, peer->size, ZMQ_SNDMORE))
                && send_frame(self, bytes, size, 0);
    free(bytes);
    self->unsent += !sent;
    return sent;
}

/* --- receiving --- */

typedef enum { READ_NONE, READ_BAD, READ_GOOD } reading_t;

static bool
receive_frame(bus_t *self, zmq_msg_t *frame)
{
    int size = -1;
    do
        size = zmq_msg_recv(frame, self->handle, ZMQ_DONTWAIT);
    while (size < 0 && errno == EINTR);
    return size >= 0;
}

/* A peer that named itself could take another's place, so only ids that our ROUTER made count. */
static bool
read_peer(zmq_msg_t *frame, peer_t *peer)
{
    const uint8_t *id = zmq_msg_data(frame);
    if (zmq_msg_size(frame) != MADE_ID_SIZE || id[0] != 0)
        return false;
    *peer = (peer_t){ .size = MADE_ID_SIZE };
    memcpy(peer->id, id, MADE_ID_SIZE);
    return true;
}

/* One whole message off the socket, whatever its number of frames; the last one stays in `last`. */
static reading_t
read_frames(bus_t *self, peer_t *peer, zmq_msg_t *last)
{
    unsigned wanted = self->gate ? 2 : 1;
    unsigned count = 0;
    bool good = true;
    do {
        if (!receive_frame(self, last))
            return count == 0 ? READ_NONE : READ_BAD;
        count++;
        if (count < wanted)
            good = read_peer(last, peer);
    } while (zmq_msg_more(last));
    return good && count == wanted ? READ_GOOD : READ_BAD;
}

static bool
copy_word(char *word, const char *text, size_t size)
{
    if (size == 0 || size >= WORD_SIZE)
        return false;
    memcpy(word, text, size);
    word[size] = '\0';
    return true;
}

/* The gate's word about the peer travels with the payload frame. */
static bool
read_user(zmq_msg_t *payload, char *role, char *name)
{
    const char *user = zmq_msg_gets(payload, "User-Id");
    const char *slash = user ? strchr(user, '/') : NULL;
    return slash && copy_word(role, user, (size_t)(slash - user))
           && copy_word(name, slash + 1, strlen(slash + 1));
}

static wire_t *
read_payload(const bus_t *self, zmq_msg_t *payload, char *role, char *name)
{
    err_t err;
    if (self->gate && !read_user(payload, role, name))
        return NULL;
    return wire_unpack(zmq_msg_data(payload), zmq_msg_size(payload), &err);
}

wire_t *
bus_receive(bus_t *self, peer_t *peer, char *role, char *name)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    wire_t *message = NULL;
    reading_t reading = READ_BAD;
    while (!message && (reading = read_frames(self, peer, &frame)) != READ_NONE) {
        if (reading == READ_GOOD)
            message = read_payload(self, &frame, role, name);
        self->unread += !message;
    }
    zmq_msg_close(&frame);
    return message;
}
