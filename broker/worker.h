/* worker.h - a thread that sleeps until a moment, until it is woken, or until it is to end. */
#ifndef BROKER_WORKER_H
#define BROKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct worker worker_t;

/* What the thread runs; it returns when worker_sleep() says so. */
typedef void (*worker_fn)(void *arg, worker_t *self);

/* Start it. Keeps arg. Caller owns the result. */
worker_t *worker_new(worker_fn run, void *arg) MUST_USE;

/* Tell it to end, and wait until it has. */
void worker_destroy(worker_t **self_p);

/* The thread's: sleep until `until_ms` (monotonic) or worker_wake(); a wake that came before
 * counts. False: end. */
bool worker_sleep(worker_t *self, int64_t until_ms);

/* From any thread. */
void worker_wake(worker_t *self);

#endif
