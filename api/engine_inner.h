/* engine_inner.h - what engine.c and vigil.c share: the engine's rooms.
 *
 * Two gatherers with a store connection each (submits, finds), the key cache with one of its own,
 * a few readers of pages, the maker of ids, and the courier, which is the node on the bus.
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
#include "common/store.h"

struct engine {
    int64_t wait_cap_ms;
    int64_t reread_ms;
    int32_t retention_s;
    int32_t waits_most; /* calls that may wait at one time */
    atomic_int waits;
    mint_t *mint;
    courier_t *courier;
    gather_t *submits; /* of submit_t */
    gather_t *finds;   /* of find_t */
    keys_t *keys;
    readers_t *readers;
    store_t *submit_store; /* each of its gathering thread alone */
    store_t *find_store;
    store_t *key_store;
};

/* Check an order and make the job to be submitted, with a fresh id. Texts are borrowed. Fails as
 * engine_submit(). */
bool engine_order(engine_t *self, const caller_t *caller, const order_t *order, submit_t *job,
                  err_t *err) MUST_USE;

/* The job that was found, or why not. Takes it out of `found`; caller owns the result. */
job_t *engine_found(find_t *found, err_t *err) MUST_USE;

#endif
