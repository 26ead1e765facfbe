/* queue.h - the order of waiting jobs: fair among tenants, by priority within one, and bounded.
 *
 * The store is the queue of record; this is a window on it. Jobs come in as offers (from API nodes,
 * from the sweep) and go out one at a time: tenants that have something to run take turns; within a
 * tenant recovering jobs come first, then the higher priority, then the older id. What was handed
 * out is remembered for a while, so that the sweep's repeats are not handed out twice; repeats that
 * slip through are harmless, since only a claim in the store makes a job somebody's.
 *
 * When the window is full, an offer is refused and its tenant remembered: once that tenant's part
 * has run half empty, queue_wants_refill() says so. A tenant with little in a full window displaces
 * the last of one with much, so that a flood shuts nobody out.
 *
 * Pure: no IO, and time comes in. Memory is fixed by the limits. One thread.
 */
#ifndef BROKER_QUEUE_H
#define BROKER_QUEUE_H

#include "common/store.h"
#include "common/wire.h"

typedef struct queue queue_t;

typedef struct {
    uint32_t window;        /* most waiting jobs; as many again are remembered as handed out */
    uint32_t tenant_window; /* most waiting jobs of one tenant */
    uint32_t tenant_slots;  /* most jobs of one tenant handed out at a time; 0: no cap */
} queue_limits_t;

enum {
    QUEUE_REPEAT_MS = 10000, /* from then on a job that was handed out may be offered again */
    QUEUE_LATER_MS = 1000,   /* how long a RELEASE_LATER job is held back */
};

typedef enum {
    QUEUE_TAKEN,   /* it waits now */
    QUEUE_KNOWN,   /* it waits already, or was handed out lately */
    QUEUE_REFUSED, /* the window is full */
} queue_answer_t;

/* Caller owns the result. */
queue_t *queue_new(const queue_limits_t *limits) MUST_USE;
void queue_destroy(queue_t **self_p);

/* A job waits. Copies it. */
queue_answer_t queue_offer(queue_t *self, const waiting_t *job, int64_t now_ms);

/* The same for a job that has only just come into being. While the store holds older ones of its
 * tenant that were refused here, it is refused, too, unless it runs before what waits: otherwise
 * those would never be let in as long as there are new ones. */
queue_answer_t queue_offer_fresh(queue_t *self, const waiting_t *job, int64_t now_ms);

/* The store holds more of this tenant than was offered. */
void queue_overflow(queue_t *self, const char *tenant);

/* The job whose turn it is; NULL when none may run now. Points into self, good until the next
 * call. */
const waiting_t *queue_head(queue_t *self, int64_t now_ms);

/* Hand queue_head()'s job out to `runner`, a number of the caller's for an executor. */
void queue_take(queue_t *self, uint32_t runner, int64_t now_ms);

/* What became of a job: RELEASE_FINISHED, it is over (wherever it stands here); RELEASE_LOST, it is
 * somebody else's; RELEASE_LATER, it waits again, held back for a moment. */
void queue_release(queue_t *self, const jobid_t *id, release_verdict_t verdict, int64_t now_ms);

/* A runner is gone: what was handed out to it may be offered again at once. */
void queue_runner_gone(queue_t *self, uint32_t runner);

/* Has a tenant that overflowed run half empty? Asking takes the answer: the next true is for
 * another overflow. */
bool queue_wants_refill(queue_t *self);

/* Names of tenants whose part is at least half full, and who wait for no refill, so that the sweep
 * need not look; at most `most`. Returns how many. They point into self. */
uint32_t queue_ample(const queue_t *self, const char **names, uint32_t most);

/* Forget everything. */
void queue_clear(queue_t *self);

/* Jobs that wait, and that are handed out. */
uint32_t queue_waiting(const queue_t *self);
uint32_t queue_handed_out(const queue_t *self);

#endif
