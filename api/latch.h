/* latch.h - 31 one-way flags that a thread can sleep on.
 *
 * A request lives on the stack of the thread that waits for it, and several things may be under way
 * for one request: an insert, an event, a read. Each has a flag of its own. Raising a flag is the
 * last touch of the memory that it belongs to, in one atomic step, so that the sleeper may leave
 * (and its stack be used anew) the moment it sees the flag; the wake-up that follows names only an
 * address, and one too many is harmless.
 *
 * One thread waits; any number raise. What was written before a flag was raised is seen by whoever
 * saw the flag.
 */
#ifndef API_LATCH_H
#define API_LATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct {
    _Atomic uint32_t flags;
} latch_t;

/* No flag is up. */
void latch_init(latch_t *self);

/* Put flags up and wake the sleeper. */
void latch_raise(latch_t *self, uint32_t flags);

/* Put flags up without waking: seen by the next look, at the latest when the sleep's time is over.
 * Who sleeps without an end is woken all the same. */
void latch_mark(latch_t *self, uint32_t flags);

/* Those of `flags` that are up. */
uint32_t latch_look(const latch_t *self, uint32_t flags) MUST_USE;

/* Sleep until one of `flags` is up, or until `ms` have passed (negative: however long it takes).
 * Returns those that are up, 0 when the time is over. */
uint32_t latch_wait(latch_t *self, uint32_t flags, int64_t ms);

#endif
