/* audience.c - jobs in the order in which they were first heard of, in one array of fixed size. */
#include "broker/audience.h"

#include <stdlib.h>
#include <string.h>

#include "broker/idmap.h"

#define NONE IDMAP_NONE

typedef struct {
    jobid_t id;
    int64_t born_ms;
    uint32_t listeners[AUDIENCE_EACH];
    uint32_t count;
    uint32_t previous;
    uint32_t next; /* in order of birth, or among the free */
} seat_t;

struct audience {
    seat_t *seats;
    uint32_t most;
    uint32_t oldest;
    uint32_t newest;
    uint32_t free;
    idmap_t *by_id;
};

audience_t *
audience_new(uint32_t most)
{
    audience_t *self = mem_new(sizeof *self);
    self->most = most;
    self->seats = mem_array(most, sizeof *self->seats);
    self->by_id = idmap_new(most);
    audience_clear(self);
    return self;
}

void
audience_destroy(audience_t **self_p)
{
    if (!*self_p)
        return;
    idmap_destroy(&(*self_p)->by_id);
    free((*self_p)->seats);
    free(*self_p);
    *self_p = NULL;
}

void
audience_clear(audience_t *self)
{
    idmap_clear(self->by_id);
    self->oldest = self->newest = self->free = NONE;
    for (uint32_t i = self->most; i > 0; i--) {
        self->seats[i - 1].next = self->free;
        self->free = i - 1;
    }
}

static void
seat_free(audience_t *self, uint32_t i)
{
    seat_t *seat = &self->seats[i];
    idmap_remove(self->by_id, &seat->id);
    *(seat->previous == NONE ? &self->oldest : &self->seats[seat->previous].next) = seat->next;
    *(seat->next == NONE ? &self->newest : &self->seats[seat->next].previous) = seat->previous;
    seat->next = self->free;
    self->free = i;
}

static uint32_t
seat_take(audience_t *self, const jobid_t *id, int64_t now_ms)
{
    /* Two for each that comes: what is too old goes faster than it can gather. */
    for (int i = 0; i < 2 && self->oldest != NONE; i++) {
        if (now_ms - self->seats[self->oldest].born_ms >= AUDIENCE_KEEP_MS)
            seat_free(self, self->oldest);
    }
    if (self->free == NONE)
        seat_free(self, self->oldest);
    uint32_t i = self->free;
    self->free = self->seats[i].next;
    self->seats[i] =
        (seat_t){ .id = *id, .born_ms = now_ms, .previous = self->newest, .next = NONE };
    *(self->newest == NONE ? &self->oldest : &self->seats[self->newest].next) = i;
    self->newest = i;
    idmap_add(self->by_id, id, i);
    return i;
}

void
audience_add(audience_t *self, const jobid_t *id, uint32_t listener, int64_t now_ms)
{
    uint32_t i = idmap_find(self->by_id, id);
    seat_t *seat = &self->seats[i != IDMAP_NONE ? i : seat_take(self, id, now_ms)];
    for (uint32_t k = 0; k < seat->count; k++) {
        if (seat->listeners[k] == listener)
            return;
    }
    if (seat->count == AUDIENCE_EACH)
        memmove(seat->listeners, seat->listeners + 1, --seat->count * sizeof *seat->listeners);
    seat->listeners[seat->count++] = listener;
}

uint32_t
audience_find(const audience_t *self, const jobid_t *id, uint32_t listeners[AUDIENCE_EACH])
{
    uint32_t i = idmap_find(self->by_id, id);
    if (i == IDMAP_NONE)
        return 0;
    const seat_t *seat = &self->seats[i];
    memcpy(listeners, seat->listeners, seat->count * sizeof *listeners);
    return seat->count;
}

void
audience_remove(audience_t *self, const jobid_t *id)
{
    uint32_t i = idmap_find(self->by_id, id);
    if (i != IDMAP_NONE)
        seat_free(self, i);
}
