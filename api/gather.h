/* gather.h - requests of many threads, run together: one thread, one call for all that wait.
 *
 * A worker hands in a request and sleeps; the gathering thread takes everything that has arrived,
 * up to GATHER_MOST, and runs it as one call. What arrives meanwhile is the next call: no timer, no
 * fixed size, and a single request never waits for company. A statement and its commit cost about
 * the same for one row as for twenty, so the batches grow by themselves as load does, and one
 * connection is faster than several.
 *
 * A request is a gather_ask_t in the asker's memory; the gathering thread never touches it after
 * raising its flag. When what is behind the calls is away (they fail with ERR_UNAVAILABLE),
 * everything that waits is answered with that, and so is what comes in the next `away_ms`, so that
 * nobody queues for a connection attempt of his own.
 */
#ifndef API_GATHER_H
#define API_GATHER_H

#include "api/latch.h"
#include "common/err.h"

enum { GATHER_MOST = 256 };

typedef struct gather gather_t;

typedef struct gather_ask {
    void *item;     /* what is asked: known to the asker and to run() */
    err_t err;      /* the answer; ERR_NONE is success */
    latch_t *latch; /* where to say that it is there */
    uint32_t flag;  /* by which flag */
    bool quiet;     /* do not wake the asker for a success, only for a failure */
    struct gather_ask *next;
} gather_ask_t;

typedef struct {
    const char *name; /* of the thread */
    /* Answer these requests: set what has failed in each one's err (clear on entry). False: none
     * was done, and `err` says why for all. */
    bool (*run)(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err);
    /* Called when the thread starts and about every `tick_ms` from then on, between calls of run();
     * after a failure again in a second. NULL: nothing. */
    bool (*tick)(void *arg, err_t *err);
    int64_t tick_ms;
    int64_t away_ms;
    void *arg; /* of both; used on the gathering thread alone */
} gather_options_t;

/* Caller owns the result. */
gather_t *gather_new(const gather_options_t *options, err_t *err) MUST_USE;

/* Nobody may ask any more; what was asked is still answered. */
void gather_destroy(gather_t **self_p);

/* Hand in a request: item, latch and flag are set, and stay with what they point to until the flag
 * is up. Any thread; does not wait. */
void gather_put(gather_t *self, gather_ask_t *ask);

/* Hand in `item` and wait for its answer. */
bool gather_call(gather_t *self, void *item, err_t *err) MUST_USE;

/* False while the last call or tick has failed with ERR_UNAVAILABLE. */
bool gather_up(const gather_t *self);

#endif
