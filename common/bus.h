/* bus.h - CURVE sockets that carry wire messages.
 *
 * A broker binds one ROUTER; every other node connects one DEALER to each broker. Each node makes a
 * fresh CURVE key pair when it starts; the secret never leaves its memory, the public half stands
 * in the store's node table, which is the allow-list: a broker's ZAP handler asks the store about
 * each new connection, and a peer's role and name are what the store says, not what the peer says.
 * Strangers are refused before any byte of theirs is read as a message.
 *
 * The bus carries hints. Sending never blocks and may lose: a full or absent peer is a dropped
 * message, counted. High-water marks, linger, heartbeats and the frame size are set explicitly.
 * A socket belongs to the thread that made it.
 */
#ifndef COMMON_BUS_H
#define COMMON_BUS_H

#include "common/err.h"
#include "common/wire.h"

enum { BUS_KEY_SIZE = 41, BUS_PEER_SIZE = 8 };

/* A key pair in Z85 text. */
typedef struct {
    char public_key[BUS_KEY_SIZE];
    char secret_key[BUS_KEY_SIZE];
} bus_keys_t;

/* A fresh pair. */
bool bus_keys_make(bus_keys_t *keys, err_t *err) MUST_USE;

/* Whom a message came from, or goes to: a ROUTER's routing id. Only `size` bytes of it count. */
typedef struct {
    uint8_t id[BUS_PEER_SIZE];
    uint8_t size;
} peer_t;

typedef struct bus bus_t;

typedef enum { BUS_ALLOW, BUS_REFUSE, BUS_LATER } bus_answer_t;

/* May a public key connect? Runs on the handshake thread. Fills role and name (64 bytes each).
 * BUS_LATER when it cannot be told now: the peer tries again by itself. */
typedef bus_answer_t (*bus_allow_fn)(void *arg, const char *public_key, char *role, char *name);

/* Call first in main(): czmq's own signal handlers off, linger set. */
bool bus_init(err_t *err) MUST_USE;

/* Bind a broker's socket on tcp://host:* (port chosen by the kernel). Starts the handshake (ZAP)
 * thread before it binds; one bound bus per process. Caller owns the result. */
bus_t *bus_bind(const char *host, const bus_keys_t *keys, bus_allow_fn allow, void *arg, err_t *err)
    MUST_USE;

/* "tcp://127.0.0.1:12345". Points into self. */
const char *bus_endpoint(const bus_t *self);

/* Connect to a broker. Returns at once; messages wait for the handshake. Caller owns the result. */
bus_t *bus_connect(const char *endpoint, const char *server_key, const bus_keys_t *keys, err_t *err)
    MUST_USE;

void bus_destroy(bus_t **self_p);

/* The descriptor to watch for LOOP_READ. It is edge-triggered: whenever it fires, and after every
 * send, receive until bus_receive() says that nothing is there. */
int bus_fd(const bus_t *self);

/* Does a message wait? Asking arms the descriptor again: whoever sends outside of a turn's usual
 * end asks afterwards, and when something waits must not let the loop sleep. */
bool bus_waits(const bus_t *self);

/* Send to `peer` (NULL on a connected bus). False: dropped, the peer is gone or its queue is full.
 */
bool bus_send(bus_t *self, const peer_t *peer, const wire_t *message);

/* The next message, or NULL when none waits. Messages that cannot be read are dropped and counted.
 * On a bound bus `peer` is filled in, and `role` and `name` (64 bytes each) with what the store
 * said of the peer's key (libzmq 4.3.4 gives that on the payload frame only). Caller owns the
 * result. */
wire_t *bus_receive(bus_t *self, peer_t *peer, char *role, char *name) MUST_USE;

/* Messages dropped so far: could not be sent; could not be read. */
uint64_t bus_unsent(const bus_t *self);
uint64_t bus_unread(const bus_t *self);

#endif
