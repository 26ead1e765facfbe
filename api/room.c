#include "api/room.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "api/line.h"

typedef struct {
    place_t place;
    size_t bytes;
} guest_t;

struct room {
    size_t bytes;
    pthread_mutex_t lock;
    /* guarded by lock */
    size_t claimed;
    line_t line; /* of guests: the first one does not fit */
};

room_t *
room_new(size_t bytes)
{
    room_t *self = mem_new(sizeof *self);
    self->bytes = bytes;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
room_destroy(room_t **self_p)
{
    room_t *self = take(*self_p);
    if (!self)
        return;
    assert(self->claimed == 0 && !self->line.first);
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
    uint32_t waiting = self->line.length;
    pthread_mutex_unlock(&self->lock);
    return waiting;
}

/* --- with the lock held --- */

static bool
fits(const room_t *self, size_t bytes)
{
    return self->claimed == 0
           || (self->claimed < self->bytes && bytes <= self->bytes - self->claimed);
}

/* Let in who fits by now, in order. */
static void
let_in(room_t *self)
{
    while (self->line.first && fits(self, ((guest_t *)self->line.first)->bytes)) {
        const guest_t *guest = (guest_t *)line_call(&self->line);
        self->claimed += guest->bytes;
    }
}

/* True: the bytes are claimed. One that leaves may have kept others waiting. */
static bool
wait_in_line(room_t *self, size_t bytes)
{
    guest_t guest = { .bytes = bytes };
    bool served = line_wait(&self->line, &guest.place, &self->lock, ROOM_WAIT_MS);
    if (!served)
        let_in(self);
    return served;
}

static bool
enter(room_t *self, size_t bytes, bool begun)
{
    if (self->line.first || !fits(self, bytes))
        return (begun || self->line.length < ROOM_LINE_MOST) && wait_in_line(self, bytes);
    self->claimed += bytes;
    return true;
}

/* --- claims --- */

bool
room_claim(room_t *self, size_t bytes, bool begun, claim_t *claim, err_t *err)
{
    assert(claim->bytes == 0);
    pthread_mutex_lock(&self->lock);
    bool good = enter(self, bytes, begun);
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
    let_in(room);
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
