#include "api/http_body.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 1024,         /* one read: small, so that the pace of a body can be told */
    ROOM_LEAST = 4 << 10, /* the first buffer */
    ROOM_KEPT = 64 << 10, /* a larger one is not kept for the next request */
};

static bool
too_large(refusal_t *refusal)
{
    return frame_refuse(refusal, 413, "limit", "the body is larger than this server takes");
}

/* Room for `size` bytes and a NUL. Grows as bytes arrive, not as they are announced. */
static bool
make_room(body_t *self, size_t size, refusal_t *refusal)
{
    size_t need = size + 1;
    if (need <= self->room)
        return true;
    size_t room = self->room ? self->room : ROOM_LEAST;
    while (room < need)
        room *= 2;
    char *data = mem_try(room);
    if (!data)
        return frame_refuse(refusal, 503, "unavailable", "there is no memory for the body now");
    if (self->size > 0)
        memcpy(data, self->data, self->size);
    free(self->data);
    self->data = data;
    self->room = room;
    return true;
}

static bool
cut_short(refusal_t *refusal)
{
    return frame_refuse(refusal, 400, "invalid", "the body is malformed or ends too early");
}

static bool
read_length(body_t *self, const stream_t *stream, size_t length, refusal_t *refusal)
{
    while (self->size < length) {
        size_t piece = length - self->size < PIECE ? length - self->size : PIECE;
        if (!make_room(self, self->size + piece, refusal))
            return false;
        if (!pace_piece(&self->pace, (int64_t)piece))
            return cut_short(refusal);
        int got = stream->read(stream->arg, self->data + self->size, piece);
        if (got <= 0)
            return cut_short(refusal);
        self->size += (size_t)got;
    }
    return true;
}

static bool
read_chunks(body_t *self, const stream_t *stream, refusal_t *refusal)
{
    for (;;) {
        if (!make_room(self, self->size + PIECE, refusal))
            return false;
        if (!pace_piece(&self->pace, PIECE))
            return cut_short(refusal);
        int got = stream->read(stream->arg, self->data + self->size, PIECE);
        if (got < 0)
            return cut_short(refusal);
        self->size += (size_t)got;
        if (self->size > self->most)
            return too_large(refusal);
        if (got < PIECE)
            return true; /* only the last chunk ends a read early */
    }
}

static bool
say_continue(const stream_t *stream, refusal_t *refusal)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    return stream->write(stream->arg, line, sizeof line - 1) || cut_short(refusal);
}

bool
http_body_read(body_t *self, const stream_t *stream, const frame_t *frame, refusal_t *refusal)
{
    self->size = 0;
    if (!frame->chunked && frame->length == 0)
        return true;
    if (frame->length > (int64_t)self->most)
        return too_large(refusal);
    if (frame->expects && !say_continue(stream, refusal))
        return false;

    pace_start(&self->pace);
    bool whole = frame->chunked ? read_chunks(self, stream, refusal)
                                : read_length(self, stream, (size_t)frame->length, refusal);
    bool timely = pace_stop(&self->pace);
    if (!timely) /* though it seem whole: civetweb's last chunk may be a silence */
        return frame_refuse(refusal, 408, "timeout", "the body came too slowly");
    if (whole)
        self->data[self->size] = '\0';
    return whole;
}

void
http_body_trim(body_t *self)
{
    if (self->room <= ROOM_KEPT)
        return;
    free(self->data);
    self->data = NULL;
    self->room = 0;
    self->size = 0;
}
