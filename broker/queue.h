/* queue.h - the order of waiting jobs: fair among tenants, by priority within one, and bounded.
 *
 * The store is the queue of record; this is a window on it. Jobs come in as offers (from API nodes,
 * from the sweep) and go out one at a time: tenants that have something to run take turns; within a
 * tenant, over all its sources, recovering jobs come first, then the higher priority, then the
 * older id. What was handed out is remembered for a while, so that the sweep's repeats are not
 * handed out twice; repeats that slip through are harmless, since only a claim in the store makes a
 * job somebody's.
 *
 * The window is filled pair by pair, a pair being a tenant's jobs on one source. When it is full,
 * an offer is refused and its pair remembered: once that pair's part has run half empty,
 * queue_wants_refill() says so. A tenant with little in a full window displaces the last of one
 * with much, so that a flood shuts nobody out; in the same way the sources of a tenant share its
 * part of the window, so that one whose jobs do not move cannot hide the others.
 *
 * Each source has a breaker (breaker.h). While it is open none of its jobs goes out, and none stays
 * here: what waited is dropped, offers are refused, and the store is asked for them again when the
 * breaker is ripe or closed. So a source that is away takes neither slots nor room.
 *
 * A job that is to be offered later is held back until its time, in room of its own: half a window,
 * and half a tenant's. Where there is none left it is dropped, and comes back with the sweep.
 *
 * Jobs of a tenant with the same queue key stand in a line. Only its front goes out; those behind
 * it stand in room of their own (so much as the held), a few of each line, and when the front is
 * over in the store the next one is the front. The store decides whose turn it is: queue_line()
 * says what it holds, and where this queue does not know, or holds too few, it asks.
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
    uint32_t tenant_window; /* most waiting jobs of one tenant, shared by its sources */
    uint32_t tenant_slots;  /* most jobs of one tenant handed out at a time; 0: no cap */
} queue_limits_t;

enum {
    QUEUE_REPEAT_MS = 10000, /* from then on a job that was handed out may be offered again */
    QUEUE_LATER_MS = 1000,   /* how long a job is held back when its release does not say */
    QUEUE_LATER_MOST_MS = 60000,
    QUEUE_BARRED_MOST = 1024, /* open breakers; with more of them, jobs are only held back */
    QUEUE_LINE_MOST = 64,     /* jobs of a line behind its front */
    QUEUE_BARE_MOST = 1024,   /* lines of which nothing is here, but that are asked for */
};

typedef enum {
    QUEUE_TAKEN,   /* it waits now */
    QUEUE_KNOWN,   /* it waits already, or was handed out lately */
    QUEUE_REFUSED, /* the window is full, its source is away, or its line is too long */
} queue_answer_t;

/* Caller owns the result. */
queue_t *queue_new(const queue_limits_t *limits) MUST_USE;
void queue_destroy(queue_t **self_p);

/* Called when a source's breaker opens (`open_ms`: for how long) or closes (0). */
typedef void (*queue_breaker_fn)(void *arg, const char *source, int64_t open_ms);
void queue_listen(queue_t *self, queue_breaker_fn fn, void *arg);

/* A job waits; one that has a queue key is its line's front. Copies it. */
queue_answer_t queue_offer(queue_t *self, const waiting_t *job, int64_t now_ms);

/* The same for a job that has only just come into being. While the store holds older ones of its
 * pair that were refused here, it is refused, too, unless it runs before what waits: otherwise
 * those would never be let in as long as there are new ones. */
queue_answer_t queue_offer_fresh(queue_t *self, const waiting_t *job, int64_t now_ms);

/* The store holds more of this job's pair than was offered. */
void queue_overflow(queue_t *self, const waiting_t *job);

/* The job whose turn it is; NULL when none may run now. Points into self, good until the next
 * call. */
const waiting_t *queue_head(queue_t *self, int64_t now_ms);

/* Hand queue_head()'s job out to `runner`, a number of the caller's for an executor. */
void queue_take(queue_t *self, uint32_t runner, int64_t now_ms);

/* What became of a job. */
typedef struct {
    jobid_t job;
    release_verdict_t verdict; /* RELEASE_FINISHED: it is over, wherever it stands here;
                                  RELEASE_LOST: it is somebody else's; RELEASE_LATER: it waits
                                  again, held back; RELEASE_AWAY: its source could not be reached;
                                  RELEASE_LINE: it was not its turn */
    int64_t later_ms;          /* held back for so long; 0: QUEUE_LATER_MS */
} queue_release_t;
void queue_release(queue_t *self, const queue_release_t *release, int64_t now_ms);

/* A job's end is in the store: if it was the front of a line, the next one is. */
void queue_over(queue_t *self, const jobid_t *id, int64_t now_ms);

/* There is news of a job that was handed out: it runs. */
void queue_runs(queue_t *self, const jobid_t *id, int64_t now_ms);

/* A runner is gone: what was handed out to it may be offered again at once. */
void queue_runner_gone(queue_t *self, uint32_t runner);

typedef enum {
    QUEUE_NOWHERE, /* not that we knew */
    QUEUE_WAITS,   /* nobody has it yet */
    QUEUE_OUT,     /* handed out */
    QUEUE_OVER,    /* ended lately */
} queue_place_t;

/* Where is this job? QUEUE_OUT: *runner is who it was handed out to. */
queue_place_t queue_find(const queue_t *self, const jobid_t *id, uint32_t *runner);

/* --- lines (lines.c) --- */

/* What the store has of a line. */
void queue_line(queue_t *self, const line_report_t *report, int64_t now_ms);

/* All lines of a tenant that were wanted have been told; `more`: it has others. */
void queue_lines_told(queue_t *self, const char *tenant, bool more, int64_t now_ms);

/* --- what the sweep wants to know --- */

/* Has a pair that overflowed run half empty, or a source come back? Asking takes the answer: the
 * next true is for another one. */
bool queue_wants_refill(queue_t *self);

/* The same about lines: is one to be asked for? */
bool queue_wants_lines(queue_t *self);

/* Texts point into the queue. */
typedef struct {
    const char *tenant;
    const char *source;
} queue_pair_t;

/* Pairs whose part is at least half full, and which wait for no refill, so that the sweep need not
 * look; at most `most`. Returns how many. */
uint32_t queue_ample(const queue_t *self, queue_pair_t *pairs, uint32_t most);

typedef struct {
    const char *source;
    bool ripe; /* one job of each pair is welcome; otherwise none is */
} queue_barred_t;

/* Sources whose breaker is not closed, at most `most`. Returns how many. */
uint32_t queue_barred(const queue_t *self, queue_barred_t *sources, uint32_t most);

/* Texts point into the queue. */
typedef struct {
    const char *tenant;
    const char *queue_key;
} queue_line_t;

/* Lines that the store is to be asked for, at most `most`; they are wanted until it has told.
 * Returns how many. */
uint32_t queue_lines_wanted(const queue_t *self, queue_line_t *lines, uint32_t most);

/* Tenants of whose lines it holds more, and there is room. Returns how many; texts point into the
 * queue. */
uint32_t queue_lines_short(const queue_t *self, const char **tenants, uint32_t most);

/* Forget everything. */
void queue_clear(queue_t *self);

/* Jobs that wait (held ones, and those in lines, too), and that are handed out. */
uint32_t queue_waiting(const queue_t *self);
uint32_t queue_handed_out(const queue_t *self);

#endif
