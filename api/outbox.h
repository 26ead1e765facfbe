/* outbox.h - what workers have for the broker, until the bus thread takes it along.
 *
 * Offers of jobs that were committed, ids to be watched, and ids of jobs to be stopped. All that
 * gathers between two turns of
 * the bus thread travels together, and only who puts the first thing into an empty box has to call
 * the thread. The box is bounded: what does not fit is dropped and counted, and the broker's sweep
 * finds those jobs in the store. Any thread puts; one thread takes.
 */
#ifndef API_OUTBOX_H
#define API_OUTBOX_H

#include "common/store.h"

typedef struct outbox outbox_t;

typedef struct {
    jobid_t id;
    char tenant[64];
    char source[64];
    char queue_key[QUEUE_KEY_MOST + 1]; /* "": none */
    uint32_t priority;
    int32_t retention_s;
    bool several; /* steps */
} outbox_offer_t;

/* What was in the box. */
typedef struct {
    outbox_offer_t *offers;
    uint32_t offer_count;
    uint32_t offer_room;
    jobid_t *watches;
    uint32_t watch_count;
    uint32_t watch_room;
    jobid_t *cancels;
    uint32_t cancel_count;
    uint32_t cancel_room;
} outbox_load_t;

/* A box for at most `most` offers, as many watches and as many cancels. Caller owns the result. */
outbox_t *outbox_new(uint32_t most) MUST_USE;
void outbox_destroy(outbox_t **self_p);

/* Put in offers of jobs, a watch, or a cancel. Copies. True: the box was empty, call the thread. */
bool outbox_offer(outbox_t *self, const submit_t *const *jobs, uint32_t count) MUST_USE;
bool outbox_watch(outbox_t *self, const jobid_t *id) MUST_USE;
bool outbox_cancel(outbox_t *self, const jobid_t *id) MUST_USE;

/* Take everything out. Points into self until the next call; the taking thread only. */
const outbox_load_t *outbox_take(outbox_t *self);

/* What was dropped so far. */
uint64_t outbox_dropped(outbox_t *self);

#endif
