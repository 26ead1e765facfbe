/* keeper.h - keeps this node's row in the store: who it is, that it lives, and who the brokers are.
 *
 * A thread with a store connection of its own, so that neither a slow store nor a slow loop hides
 * the other: it enters the node (which puts its bus key on the allow-list), renews its lease at 0.3
 * of its length as long as the node's loop turns, and reads the list of brokers with it. A node
 * whose row is gone was declared dead: an executor is told, and enters again as a new incarnation;
 * others simply enter again.
 */
#ifndef COMMON_KEEPER_H
#define COMMON_KEEPER_H

#include "common/bus.h"
#include "common/loop.h"
#include "common/store.h"

typedef struct keeper keeper_t;

typedef struct {
    loop_t *loop;      /* callbacks run on it; the lease stops when it stops turning */
    const char *store; /* DSN */
    const char *role;  /* "api", "broker", "executor" */
    const char *name;
    const char *endpoint; /* brokers: the bus endpoint; else NULL */
    const char *url;      /* health URL or API URL */
    const char *public_key;
    int64_t lease_ms;
    /* Brokers as the store has them now; called when the list or an epoch changed. */
    void (*brokers)(void *arg, const broker_t *brokers, uint32_t count);
    /* The row was gone: everything this incarnation held is lost. The node is entered again as
     * `incarnation` after this returns. NULL: nothing to do. */
    void (*deposed)(void *arg, int64_t incarnation);
    void *arg;
} keeper_options_t;

/* Migrate or check the schema and enter the node; waits up to `patience_ms` for a store that is
 * away, or until a stop signal that the caller has blocked is pending. Then keep the row from a
 * thread of its own. Copies texts, keeps loop and arg. Fails with ERR_UNAVAILABLE, or ERR_CONFLICT
 * when the schema is not ours. Caller owns the result. */
keeper_t *keeper_new(const keeper_options_t *options, int64_t patience_ms, err_t *err) MUST_USE;

/* Stop, and take the node's row out of the store. When the loop has stopped turning, and before the
 * loop goes. */
void keeper_destroy(keeper_t **self_p);

/* This node's incarnation: microseconds of its entry by its own clock, made unique by the store. */
int64_t keeper_incarnation(const keeper_t *self);

/* Did the store answer the last time, and is the lease still good for `margin_ms`? Any thread. */
bool keeper_up(const keeper_t *self, int64_t margin_ms);

#endif
