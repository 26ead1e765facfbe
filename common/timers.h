/* timers.h - the timers of one event loop: a heap, the earliest first.
 *
 * The loop brings the time in and sleeps until timers_due_ms(); everybody else sets timers through
 * loop.h. A timer that was cancelled or has run is still somebody's pointer for the rest of the
 * turn: it is kept, dead, until timers_sweep(). Belongs to the loop's thread.
 */
#ifndef COMMON_TIMERS_H
#define COMMON_TIMERS_H

#include <stdint.h>

#include "common/loop.h"

typedef struct timers timers_t;

/* Caller owns the result. */
timers_t *timers_new(void) MUST_USE;
void timers_destroy(timers_t **self_p);

/* Call `fn(arg)` at `due_ms`, and every `every_ms` from then on unless that is 0. Points into
 * self. */
loop_timer_t *timers_add(timers_t *self, int64_t due_ms, int64_t every_ms, loop_fn fn, void *arg);

/* NULL and a dead timer are fine; sets *timer_p to NULL. */
void timers_cancel(loop_timer_t **timer_p);

/* When the next one is due; INT64_MAX: never. */
int64_t timers_due_ms(const timers_t *self);

/* Run what is due at `now_ms`, in the order of the due times, then as they were set. What these
 * callbacks set waits for the next call, even when it is due at once. A repeated timer that comes
 * late does not make up for the beats that it has missed. */
void timers_run(timers_t *self, int64_t now_ms);

/* Free the dead. */
void timers_sweep(timers_t *self);

#endif
