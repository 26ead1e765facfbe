#include "api/mint.h"

#include <pthread.h>
#include <stdlib.h>

enum { FAR_MS = 3600 * 1000 };

struct mint {
    uint16_t cell;
    pthread_mutex_t lock;
    /* guarded by lock */
    int64_t store_ms; /* what was measured last, and when */
    int64_t mono_ms;
    jobid_t last; /* the newest id; all zero: none yet */
};

mint_t *
mint_new(uint16_t cell)
{
    mint_t *self = mem_new(sizeof *self);
    self->cell = cell;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
mint_destroy(mint_t **self_p)
{
    mint_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void
mint_measured(mint_t *self, int64_t store_ms, int64_t mono_ms)
{
    pthread_mutex_lock(&self->lock);
    self->store_ms = store_ms;
    self->mono_ms = mono_ms;
    pthread_mutex_unlock(&self->lock);
}

static int64_t
clamp(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

int64_t
mint_now_ms(mint_t *self, int64_t mono_ms)
{
    pthread_mutex_lock(&self->lock);
    int64_t now_ms = self->store_ms + (mono_ms - self->mono_ms);
    pthread_mutex_unlock(&self->lock);
    return now_ms;
}

jobid_t
mint_id(mint_t *self, int64_t mono_ms)
{
    pthread_mutex_lock(&self->lock);
    int64_t ms = self->store_ms + (mono_ms - self->mono_ms);
    int64_t last_ms = jobid_ms(&self->last);
    ms = clamp(ms > last_ms ? ms : last_ms, self->store_ms - FAR_MS, self->store_ms + FAR_MS);
    jobid_t id;
    if (ms != last_ms || !jobid_after(&self->last, &id))
        id = jobid_make(ms == last_ms ? ms + 1 : ms, self->cell);
    self->last = id;
    pthread_mutex_unlock(&self->lock);
    return id;
}
