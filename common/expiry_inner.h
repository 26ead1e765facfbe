/* expiry_inner.h - what the files of the expiry share: store_expiry.c (a call, days of jobs, kept
 * jobs) and store_buckets.c (pages).
 */
#ifndef COMMON_EXPIRY_INNER_H
#define COMMON_EXPIRY_INNER_H

#include "common/store_expiry.h"
#include "common/store_inner.h"

enum {
    PIECES_MOST = 256, /* of a part of the work in one call */
    JOBS_MOST = 500,   /* one look at a bucket, a day, or kept jobs */
    PAGES_MOST = 64,   /* one copy: 16 MiB raw */
};

/* One call. */
typedef struct {
    store_t *store;
    expiry_t *progress;
    int64_t end_ms; /* monotonic: no new piece of work is begun after that */
    bool more;
} expirer_t;

/* The store's parameters, emptied. */
pg_params_t *expirer_params(expirer_t *self);

/* Run a query with the store's parameters. `result` may be NULL. Caller owns *result. */
bool expirer_ask(expirer_t *self, sql_t query, pg_result_t **result, err_t *err) MUST_USE;

bool expirer_late(const expirer_t *self);

/* Drop a partition that holds nothing of worth any more, from wherever an earlier try left it. */
bool expirer_drop(expirer_t *self, const char *table, const char *partition, err_t *err) MUST_USE;

/* Empty and drop the bucket that is next, if any is over (store_buckets.c). */
bool expirer_pages(expirer_t *self, err_t *err) MUST_USE;

#endif
