/* sweep.h - what the store says is waiting or lost.
 *
 * A thread with a store connection of its own sweeps when it is asked: nodes whose lease ran out
 * (the jobs of dead executors come back as recovering), jobs that wait, and, once an hour, the
 * partitions that the next days need. Nodes are judged only after the store has been in reach for a
 * whole lease without a break, during which they could renew: so a broker that does not lead keeps
 * in touch, too. What it finds is handed to the loop, at most about a window
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
    int64_t lease_ms;       /* of nodes */
    int64_t period_ms;      /* sweep_ask() comes about that often */
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

typedef enum {
    SWEEP_TOUCH, /* only keep in touch with the store */
    SWEEP_JOBS,  /* jobs that wait */
    SWEEP_WHOLE, /* nodes and partitions too */
} sweep_work_t;

/* Sweep soon, but for the pending jobs of the `count` tenants in `ample`. A request that has not
 * begun yet is replaced by what asks for more. From the loop. */
void sweep_ask(sweep_t *self, const char *const *ample, uint32_t count, sweep_work_t work);

#endif
