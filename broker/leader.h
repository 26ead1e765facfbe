/* leader.h - the leader row: beat, take over, step down.
 *
 * A thread with a store connection of its own beats once every beat_ms, by the store's clock. Who
 * finds the row's last beat older than takeover_ms takes over under a higher epoch. A leader that
 * could not beat for takeover_ms by its own clock must take it that somebody else leads, whatever
 * it last heard: leader_epoch() says 0 from then on, until a beat succeeds.
 */
#ifndef BROKER_LEADER_H
#define BROKER_LEADER_H

#include "common/loop.h"

typedef struct leader leader_t;

typedef struct {
    loop_t *loop;
    const char *store;    /* DSN */
    const char *owner;    /* "name/incarnation", as the node row has them */
    const char *endpoint; /* of the bus */
    int64_t beat_ms;
    int64_t takeover_ms;
    void (*changed)(void *arg); /* on the loop: leader_epoch() is another now */
    void *arg;
} leader_options_t;

/* Beats at once. Copies texts, keeps loop and arg. Caller owns the result. */
leader_t *leader_new(const leader_options_t *options) MUST_USE;

/* Step down, so that another may lead at once. When the loop has stopped turning. */
void leader_destroy(leader_t **self_p);

/* The epoch under which we lead now; 0: we do not. Any thread. */
uint64_t leader_epoch(const leader_t *self);

#endif
