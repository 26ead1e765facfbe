/* sink.c - doubling, so that writing n bytes costs n. */
#include "common/sink.h"

#include <string.h>

enum { ROOM_FIRST = 256 };

int
sink_write(void *sink, const char *bytes, size_t size)
{
    sink_t *self = sink;
    if (size == 0)
        return 0;
    if (size > self->room - self->size) {
        size_t room = self->room ? self->room * 2 : ROOM_FIRST;
        if (room < self->size + size)
            room = self->size + size;
        self->data = mem_grow(self->data, room);
        self->room = room;
    }
    memcpy(self->data + self->size, bytes, size);
    self->size += size;
    return 0;
}
