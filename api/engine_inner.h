/* engine_inner.h - what the engine's files share (engine.c, order.c, order_check.c, vigil.c,
 * life.c, stored.c): its rooms.
 *
 * Two gatherers with a store connection each (submits, finds), the caches of keys and of terms with
 * one of their own each, a few readers of pages, as many hands and removers for what is asked for
 * seldom, the maker of ids, and the courier, which is the node on the bus.
 */
#ifndef API_ENGINE_INNER_H
#define API_ENGINE_INNER_H

#include <stdatomic.h>

#include "api/courier.h"
#include "api/engine.h"
#include "api/gather.h"
#include "api/keys.h"
#include "api/mint.h"
#include "api/readers.h"
#include "api/room.h"
#include "api/rows.h"
#include "api/shelf.h"
#include "api/terms.h"
#include "common/store.h"

struct engine {
    const conf_t *conf;
    int64_t wait_cap_ms;
    int64_t reread_ms;
    int32_t retention_s;
    int64_t deadline_ms;
    int64_t deadline_most_ms;
    int32_t waits_most; /* calls that may wait at one time */
    atomic_int waits;
    mint_t *mint;
    courier_t *courier;
    gather_t *submits; /* of submit_t */
    gather_t *finds;   /* of find_t */
    keys_t *keys;
    terms_cache_t *terms;
    buckets_t *buckets;
    readers_t *readers; /* of pages and lists */
    shelf_t *shelf;     /* pages in hand, and in memory */
    inflaters_t *inflaters;
    room_t *room;          /* for large ones */
    readers_t *hands;      /* cancel, renew */
    readers_t *removers;   /* remove: a large result takes its time, and keeps no cancel waiting */
    store_t *submit_store; /* each of its gathering thread alone */
    store_t *find_store;
    store_t *key_store;
    store_t *terms_store;
};

/* A job on its way into the store, and the memory that its texts stand in. Must not move. */
typedef struct {
    submit_t job;
    terms_t terms;
    char *sql;     /* of several texts made one; else NULL */
    char *options; /* or NULL */
    submit_step_t *steps;
} placing_t;

/* Is an order well formed (order_check.c)? Whether its source is one of the tenant's is not looked
 * at. Fails as engine_submit(). */
bool order_check(const order_t *order, err_t *err) MUST_USE;

/* The same of its texts and its note alone. */
bool order_check_texts(const order_t *order, err_t *err) MUST_USE;

/* An order's steps as the store takes them, no timeout over the cap (0: none). Texts are borrowed.
 * Caller owns the result: free(). */
submit_step_t *order_steps(const order_t *order, int64_t cap_ms) MUST_USE;

/* Check an order and make the job to be submitted, with a fresh id (order.c). Texts are borrowed of
 * order and caller. Fails as engine_submit(), and leaves nothing to be cleared then. */
bool placing_make(placing_t *self, engine_t *engine, const caller_t *caller, const order_t *order,
                  err_t *err) MUST_USE;
void placing_clear(placing_t *self);

/* Jobs are made, stopped and removed with keys that may do more than read. */
bool engine_may_write(const caller_t *caller, err_t *err) MUST_USE;

/* Of an error of the store that no text of the caller's can have caused, what the caller is told;
 * the rest goes to the log. */
void engine_own_up(err_t *err, const char *call);

/* Is the time of a job's pages over by now? And where are they by now (page_source_t)? `engine` is
 * an engine_t. */
bool engine_expired(void *engine, const job_t *job);
bool engine_where(void *engine, const job_t *job, int64_t *bucket_us, err_t *err) MUST_USE;

/* The job that was found, or why not. Takes it out of `found`; caller owns the result. */
job_t *engine_found(find_t *found, err_t *err) MUST_USE;

#endif
