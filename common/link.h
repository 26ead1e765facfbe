/* link.h - a node's connections to all brokers, and which of them leads.
 *
 * An API node or an executor holds one DEALER to each broker, greets, and hears beats. The leader
 * is the broker that says so with the highest epoch heard; messages go to it alone. A broker that
 * is silent for `silence_ms` (its handshake may have been refused before the store knew us, or it
 * died) gets a fresh socket. Every broker is greeted once a second: that is the node's sign of
 * life, too. All on the loop's thread; a link is destroyed when the loop has stopped turning, and
 * before the loop.
 */
#ifndef COMMON_LINK_H
#define COMMON_LINK_H

#include "common/bus.h"
#include "common/loop.h"
#include "common/store.h"

typedef struct link link_t;

typedef struct {
    loop_t *loop;
    const char *role;
    const char *name;
    uint64_t incarnation;
    const bus_keys_t *keys; /* kept; must outlive the link */
    int64_t silence_ms;
    /* A message from the leader (beats are not shown). The message is the link's. */
    void (*message)(void *arg, const wire_t *message);
    /* A leader was found, changed, came back or was lost (epoch 0): grant, offer and watch anew. */
    void (*leader)(void *arg, uint64_t epoch);
    void *arg;
} link_options_t;

/* Caller owns the result. */
link_t *link_new(const link_options_t *options) MUST_USE;
void link_destroy(link_t **self_p); /* says bye to all */

/* The brokers there are: connects to new ones, leaves those that are gone. */
void link_brokers(link_t *self, const broker_t *brokers, uint32_t count);

/* Greet again as this incarnation. */
void link_incarnation(link_t *self, uint64_t incarnation);

/* Send to the leader. False: there is none, or the message was dropped. */
bool link_send(link_t *self, const wire_t *message);

/* Epoch of the leader, 0 when there is none. */
uint64_t link_epoch(const link_t *self);

#endif
