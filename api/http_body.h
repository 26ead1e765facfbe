/* http_body.h - a request's body, whole or not at all.
 *
 * The server's read answers 0 for the end of a body and for a client that has fallen silent alike;
 * a body counts as read only when every announced byte, or the last chunk, was there in time.
 */
#ifndef API_HTTP_BODY_H
#define API_HTTP_BODY_H

#include "api/http_inner.h"
#include "api/pace.h"

/* The connection that a body comes on. */
typedef struct {
    /* Bytes that were read; 0 at the end, or when the client has fallen silent; below 0: broken. */
    int (*read)(void *arg, void *data, size_t size);
    bool (*write)(void *arg, const char *data, size_t size);
    void *arg;
} stream_t;

/* Where a worker keeps the body it reads. */
typedef struct {
    char *data; /* NULL or room bytes */
    size_t room;
    size_t size;
    size_t most; /* bytes that are taken */
    pace_entry_t pace;
} body_t;

/* Read the body that `frame` announces, a NUL behind it. False: `refusal` says why; there may be
 * unread bytes, and the connection must be closed. */
bool http_body_read(body_t *self, const stream_t *stream, const frame_t *frame, refusal_t *refusal)
    MUST_USE;

/* Give memory back that only a large body needed. */
void http_body_trim(body_t *self);

#endif
