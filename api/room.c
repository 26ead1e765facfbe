#include "api/room.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

/* One in the line, on its thread's stack. */
typedef struct place {
    struct place *next;
} place_t;

struct room {
    size_t bytes;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    size_t claimed;
    place_t *first;
    uint32_t waiting;
};

room_t *
room_new(size_t bytes)
{
    room_t *self = mem_new(sizeof *self);
    self->bytes = bytes;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return self;
}

void
room_destroy(room_t **self_p)
{
    room_t *self = take(*self_p);
    if (!self)
        return;
    assert(self->claimed == 0 && !self->first);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

size_t
room_claimed(room_t *self)
{
    pthread_mutex_lock(&self->lock);
    size_t claimed = self->claimed;
    pthread_mutex_unlock(&self->lock);
    return claimed;
}

uint32_t
room_waiting(room_t *self)
{
    pthread_mutex_lock(&self->lock);
    uint32_t waiting = self->waiting;
    pthread_mutex_unlock(&self->lock);
    return waiting;
}

/* --- the line; with the lock held --- */

static void
join(room_t *self, place_t *one)
{
    place_t **end = &self->first;
    while (*end)
        end = &(*end)->next;
    *end = one;
    self->waiting++;
}

static void
leave(room_t *self, const place_t *one)
{
    place_t **at = &self->first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    self->waiting--;
    pthread_cond_broadcast(&self->changed);
}

static bool
fits(const room_t *self, size_t bytes)
{
    return self->claimed == 0
           || (self->claimed < self->bytes && bytes <= self->bytes - self->claimed);
}

static bool
wait_in_line(room_t *self, size_t bytes)
{
    int64_t end_ms = clock_mono_ms() + ROOM_WAIT_MS;
    struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };
    place_t one = { NULL };
    join(self, &one);
    int waited = 0;
    while ((self->first != &one || !fits(self, bytes)) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&self->changed, &self->lock, &end);
    bool good = self->first == &one && fits(self, bytes);
    if (good)
        self->claimed += bytes;
    leave(self, &one);
    return good;
}

/* --- claims --- */

bool
room_claim(room_t *self, size_t bytes, bool begun, claim_t *claim, err_t *err)
{
    assert(claim->bytes == 0);
    pthread_mutex_lock(&self->lock);
    bool good = (begun || self->waiting < ROOM_LINE_MOST) && wait_in_line(self, bytes);
    pthread_mutex_unlock(&self->lock);
    if (!good)
        return err_set(err, ERR_UNAVAILABLE, "too many large pages are being read");
    *claim = (claim_t){ self, bytes };
    return true;
}

void
claim_cut(claim_t *claim, size_t bytes)
{
    if (claim->bytes <= bytes)
        return;
    room_t *room = claim->room;
    pthread_mutex_lock(&room->lock);
    room->claimed -= claim->bytes - bytes;
    pthread_cond_broadcast(&room->changed);
    pthread_mutex_unlock(&room->lock);
    claim->bytes = bytes;
}

claim_t
claim_take(claim_t *claim)
{
    claim_t taken = *claim;
    claim->bytes = 0;
    return taken;
}
