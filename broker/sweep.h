/* sweep.h - what the store says is waiting or lost.
 *
 * A thread with a store connection of its own sweeps when it is asked: nodes whose lease ran out
 * (the jobs of dead executors come back as recovering), jobs that wait, jobs whose clock ran out
 * while nobody had them, and, once an hour, the partitions that the next days need. Nodes are
 * judged only after the store has been in reach for a whole lease without a break, during which
 * they could renew: so a broker that does not lead keeps in touch, too.
 *
 * Jobs that wait are looked for pair by pair, a pair being a tenant and a source: each pair's head,
 * so that no source's jobs stand before another's. What it finds is handed to the loop, at most
 * about a window of jobs at a time; a sweep that had to stop there goes on with the next pair when
 * it is asked again. Jobs with queue keys are looked for line by line (walk.h), those that the
 * queue asks for first. Jobs out of time come last, when what was found is on its way, and only for
 * a moment.
 */
#ifndef BROKER_SWEEP_H
#define BROKER_SWEEP_H

#include "broker/queue.h"
#include "broker/walk.h"
#include "common/loop.h"
#include "common/store.h"

typedef struct sweep sweep_t;

typedef struct {
    loop_t *loop;
    const char *store; /* DSN */
    int32_t page_days;
    int64_t lease_ms;       /* of nodes */
    int64_t period_ms;      /* sweep_ask() comes about that often */
    int64_t deadline_ms;    /* of jobs that have none of their own */
    uint32_t window;        /* most jobs of one sweep, roughly */
    uint32_t tenant_window; /* most jobs of one tenant, roughly: its pairs share it */
    /* On the loop: a job that waits. `more`: there are others of its pair that were not read. */
    void (*found)(void *arg, const waiting_t *job, bool more);
    void *arg;
    haul_taker_t lines; /* on the loop: jobs with queue keys */
} sweep_options_t;

enum {
    SWEEP_PAIRS_MOST = 1024, /* that are to be left out */
    SWEEP_LINES_MOST = 512,  /* that are asked for, and tenants of whom lines are */
    SWEEP_PARTITIONS_MS = 3600000,
};

/* Keeps loop, store and arg. Caller owns the result. */
sweep_t *sweep_new(const sweep_options_t *options) MUST_USE;

/* When the loop has stopped turning. */
void sweep_destroy(sweep_t **self_p);

typedef enum {
    SWEEP_TOUCH, /* only keep in touch with the store */
    SWEEP_LINES, /* lines that are asked for */
    SWEEP_JOBS,  /* jobs that wait, too */
    SWEEP_WHOLE, /* all lines, nodes, partitions and clocks, too */
} sweep_work_t;

/* Where to look, and where not. Borrowed. */
typedef struct {
    const queue_line_t *lines; /* these lines are wanted, */
    uint32_t lines_count;
    const char *const *tenants; /* and other lines of these tenants */
    uint32_t tenants_count;
    const queue_pair_t *ample; /* these pairs have enough */
    uint32_t ample_count;
    const queue_barred_t *barred; /* these sources are away: nothing, or one job of each pair */
    uint32_t barred_count;
} sweep_spare_t;

/* Sweep soon. A request that has not begun yet is replaced by what asks for more. From the loop. */
void sweep_ask(sweep_t *self, const sweep_spare_t *spare, sweep_work_t work);

#endif
