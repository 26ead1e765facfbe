/* mint.h - where job ids come from: the store's time, told by this node's monotonic clock.
 *
 * The store's day partitions are cut by the time in an id, so ids follow the store's clock and no
 * other: its distance to our monotonic clock is measured now and then. Each id stands behind the
 * one before it, also within a millisecond and when the store's clock is set back, so that jobs of
 * one queue key run in the order in which they came here; but none is ever more than an hour from
 * what the store said last, whatever either clock does. No IO; monotonic times come in as
 * arguments. Any thread.
 */
#ifndef API_MINT_H
#define API_MINT_H

#include "common/jobid.h"

typedef struct mint mint_t;

/* Makes ids of `cell` (below 4096). Caller owns the result. */
mint_t *mint_new(uint16_t cell) MUST_USE;
void mint_destroy(mint_t **self_p);

/* The store's clock stood at `store_ms` when ours stood at `mono_ms`. Must be called once before
 * anything else. */
void mint_measured(mint_t *self, int64_t store_ms, int64_t mono_ms);

/* The store's time now. */
int64_t mint_now_ms(mint_t *self, int64_t mono_ms);

/* A fresh job id. */
jobid_t mint_id(mint_t *self, int64_t mono_ms);

#endif
