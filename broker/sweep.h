/* sweep.h - what the store says is waiting or lost.
 *
 * A thread with a store connection of its own sweeps when it is asked: nodes whose lease ran out
 * (the jobs of dead executors come back as recovering), jobs that wait, and, once an hour, the
 * partitions that the next days need. What it finds is handed to the loop, at most about a window
 * of jobs at a time; a sweep that had to stop there goes on with the next tenant when it is asked
 * again.
 */
#ifndef BROKER_SWEEP_H
#define BROKER_SWEEP_H

#include "common/loop.h"
#include "common/store.h"

typedef struct sweep sweep_t;

typedef struct {
    loop_t *loop;
    const char *store; /* DSN */
    int32_t page_days;
    uint32_t window;        /* most jobs of one sweep, roughly */
    uint32_t tenant_window; /* most jobs of one tenant */
    /* On the loop: a job that waits. `more`: there are others of its tenant that were not read. */
    void (*found)(void *arg, const waiting_t *job, bool more);
    void *arg;
} sweep_options_t;

enum {
    SWEEP_NAMES_MOST = 1024, /* tenants to be left out */
    SWEEP_PARTITIONS_MS = 3600000,
};

/* Keeps loop, store and arg. Caller owns the result. */
sweep_t *sweep_new(const sweep_options_t *options) MUST_USE;

/* When the loop has stopped turning. */
void sweep_destroy(sweep_t **self_p);

/* Sweep soon, but for the pending jobs of the `count` tenants in `ample`. `whole`: nodes and
 * partitions too. A request that has not begun yet is replaced. From the loop. */
void sweep_ask(sweep_t *self, const char *const *ample, uint32_t count, bool whole);

#endif
