/* due.c - the queue of answers that are due. */
#include <assert.h>
#include <stdlib.h>

#include "executor/drivers/postgres/channel.h"

enum { ROOM_LEAST = 16 };

static void
grow(dues_t *self)
{
    uint32_t room = self->room > 0 ? 2 * self->room : ROOM_LEAST;
    uint8_t *ring = mem_new(room);
    for (uint32_t i = 0; i < self->count; i++)
        ring[i] = self->ring[(self->first + i) % self->room];
    free(self->ring);
    *self = (dues_t){ .ring = ring, .room = room, .count = self->count };
}

void
due_push(channel_t *self, due_t due)
{
    dues_t *dues = &self->dues;
    if (dues->count == dues->room)
        grow(dues);
    dues->ring[(dues->first + dues->count++) % dues->room] = (uint8_t)due;
}

void
due_pop(channel_t *self)
{
    dues_t *dues = &self->dues;
    assert(dues->count > 0);
    dues->first = (dues->first + 1) % dues->room;
    dues->count--;
}

due_t
due_first(const channel_t *self)
{
    assert(self->dues.count > 0);
    return (due_t)self->dues.ring[self->dues.first];
}

void
dues_clear(dues_t *self)
{
    free(self->ring);
    *self = (dues_t){ 0 };
}
