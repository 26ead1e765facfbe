/* bucket.h - how often somebody may call: a bucket of tokens each.
 *
 * A bucket holds `burst` tokens at most and is refilled with `per_s` a second; a call takes one,
 * and is refused where there is none. Whoever has not called lately has a full bucket, so only a
 * bounded number of them is remembered: the one that was used longest ago gives its place to a new
 * one. No IO; monotonic time comes in. Any thread.
 */
#ifndef API_BUCKET_H
#define API_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct buckets buckets_t;

typedef struct {
    uint32_t per_s; /* at least 1 */
    uint32_t burst; /* at least 1 */
    uint32_t most;  /* buckets that are remembered; at least 1 */
} buckets_limits_t;

/* What became of a call, in the numbers that clients are told. */
typedef struct {
    bool allowed;
    uint32_t limit;     /* calls at once: the bucket's size */
    uint32_t remaining; /* calls that would be allowed right now */
    uint32_t reset_s;   /* until the bucket is full, rounded up */
    uint32_t retry_s;   /* until another call is allowed, rounded up; 0: it is */
} rate_t;

/* Caller owns the result. */
buckets_t *buckets_new(const buckets_limits_t *limits) MUST_USE;
void buckets_destroy(buckets_t **self_p);

/* One call of `who`, which is any text: a key's id, say. */
rate_t buckets_take(buckets_t *self, const char *who, int64_t now_ms) MUST_USE;

#endif
