#include "api/bucket.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/jobid.h"

enum { MILLI = 1000, NONE = -1 };

typedef struct {
    jobid_t who;
    int64_t level;  /* thousandths of tokens, as of */
    int64_t at_ms;  /* this moment */
    int32_t next;   /* of its chain */
    int32_t before; /* used more lately */
    int32_t behind; /* used longer ago */
} bucket_t;

struct buckets {
    buckets_limits_t limits;
    int64_t full; /* thousandths */
    int32_t *chains;
    pthread_mutex_t lock;
    /* guarded by lock */
    bucket_t *buckets;
    int32_t count;
    int32_t newest;
    int32_t oldest;
};

buckets_t *
buckets_new(const buckets_limits_t *limits)
{
    assert(limits->per_s > 0 && limits->burst > 0 && limits->most > 0);
    buckets_t *self = mem_new(sizeof *self);
    self->limits = *limits;
    self->full = (int64_t)limits->burst * MILLI;
    self->buckets = mem_array(limits->most, sizeof *self->buckets);
    self->chains = mem_array(limits->most, sizeof *self->chains);
    for (uint32_t i = 0; i < limits->most; i++)
        self->chains[i] = NONE;
    self->newest = self->oldest = NONE;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
buckets_destroy(buckets_t **self_p)
{
    buckets_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_destroy(&self->lock);
    free(self->chains);
    free(self->buckets);
    free(self);
}

/* --- the table --- */

static int32_t *
chain_of(buckets_t *self, const jobid_t *who)
{
    uint32_t hash = 0;
    for (int i = 0; i < 4; i++)
        hash = hash << 8 | who->bytes[i];
    return &self->chains[hash % self->limits.most];
}

static void
line_leave(buckets_t *self, int32_t i)
{
    const bucket_t *bucket = &self->buckets[i];
    *(bucket->before == NONE ? &self->newest : &self->buckets[bucket->before].behind) =
        bucket->behind;
    *(bucket->behind == NONE ? &self->oldest : &self->buckets[bucket->behind].before) =
        bucket->before;
}

static void
line_enter(buckets_t *self, int32_t i)
{
    bucket_t *bucket = &self->buckets[i];
    bucket->before = NONE;
    bucket->behind = self->newest;
    *(self->newest == NONE ? &self->oldest : &self->buckets[self->newest].before) = i;
    self->newest = i;
}

/* The place of who called longest ago. */
static int32_t
give_up_oldest(buckets_t *self)
{
    int32_t i = self->oldest;
    line_leave(self, i);
    int32_t *at = chain_of(self, &self->buckets[i].who);
    while (*at != i)
        at = &self->buckets[*at].next;
    *at = self->buckets[i].next;
    return i;
}

/* A full one for who was not known. */
static int32_t
bucket_make(buckets_t *self, const jobid_t *who, int64_t now_ms)
{
    bool room = self->count < (int32_t)self->limits.most;
    int32_t i = room ? self->count++ : give_up_oldest(self);
    int32_t *chain = chain_of(self, who);
    self->buckets[i] =
        (bucket_t){ .who = *who, .level = self->full, .at_ms = now_ms, .next = *chain };
    *chain = i;
    line_enter(self, i);
    return i;
}

static bucket_t *
bucket_of(buckets_t *self, const jobid_t *who, int64_t now_ms)
{
    int32_t i = *chain_of(self, who);
    while (i != NONE && !jobid_equal(&self->buckets[i].who, who))
        i = self->buckets[i].next;
    if (i == NONE)
        return &self->buckets[bucket_make(self, who, now_ms)];
    line_leave(self, i);
    line_enter(self, i);
    return &self->buckets[i];
}

/* --- tokens --- */

/* A token a second is a thousandth each millisecond. */
static void
refill(const buckets_t *self, bucket_t *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->at_ms;
    if (passed_ms <= 0)
        return;
    bucket->at_ms = now_ms;
    bool full = passed_ms > (self->full - bucket->level) / self->limits.per_s;
    bucket->level = full ? self->full : bucket->level + passed_ms * self->limits.per_s;
}

/* Seconds until so many thousandths are refilled, rounded up. */
static uint32_t
seconds(const buckets_t *self, int64_t missing)
{
    int64_t each = (int64_t)self->limits.per_s * MILLI;
    return (uint32_t)((missing + each - 1) / each);
}

rate_t
buckets_take(buckets_t *self, const char *who, int64_t now_ms)
{
    jobid_t name = jobid_named(who);
    rate_t rate = { .limit = self->limits.burst };
    pthread_mutex_lock(&self->lock);
    bucket_t *bucket = bucket_of(self, &name, now_ms);
    refill(self, bucket, now_ms);
    rate.allowed = bucket->level >= MILLI;
    if (rate.allowed)
        bucket->level -= MILLI;
    int64_t level = bucket->level;
    pthread_mutex_unlock(&self->lock);
    rate.remaining = (uint32_t)(level / MILLI);
    rate.reset_s = seconds(self, self->full - level);
    rate.retry_s = level >= MILLI ? 0 : seconds(self, MILLI - level);
    return rate;
}
