/* http_inner.h - what a request and a reply are made of: for http*.c, reply.c, request.c and tests.
 *
 * A worker thread has one of each for as long as it lives; they are on the heap, since civetweb
 * gives its threads 100 KiB of stack. Nothing here knows civetweb: a reply hands its bytes to
 * `send`.
 */
#ifndef API_HTTP_INNER_H
#define API_HTTP_INNER_H

#include <stdatomic.h>
#include <stddef.h>

#include "api/encoder.h"
#include "api/frame.h"
#include "api/http.h"
#include "api/peer.h"
#include "api/target.h"

enum {
    REPLY_SIZE = 256 << 10,     /* the send buffer */
    REPLY_HEAD_SIZE = 2 << 10,  /* of it, kept free in front of the body for the reply's head */
    REPLY_TAIL_SIZE = 1 << 10,  /* and behind it for the end of a chunk, the last one, trailers */
    REPLY_EXTRA_SIZE = 1 << 10, /* headers that the handler adds */
    REPLY_ROOM_MOST = REPLY_SIZE - REPLY_HEAD_SIZE - REPLY_TAIL_SIZE,
    REPLY_TRAILER_SIZE = REPLY_TAIL_SIZE - 16,
    REPLY_CODED_SIZE = 64 << 10, /* the buffer behind an encoder, with the same free parts */
    REPLY_DATE_SIZE = 48,
    SOCKET_UNKNOWN = PEER_UNSURE, /* not looked for yet */
};

struct request {
    const char *method;
    const char *path; /* as it was sent */
    target_t target;
    const header_t *headers;
    uint32_t header_count;
    const char *body;
    size_t body_size;
    const char *peer; /* numeric address */
    int peer_port;
    int local_port;
    int *socket; /* of the connection: found when it is first asked for */
    const atomic_bool *stopping;
};

/* Send all, or (`wait` false) what the client takes without being waited for; how many bytes that
 * were. Fewer than all of them, after waiting: it is gone. */
typedef size_t (*send_fn)(void *arg, const char *data, size_t size, bool wait);

struct reply {
    send_fn send;
    void *arg;
    void (*stall)(void *arg); /* NULL, or to be called before it waits */
    void *stall_arg;
    char *buffer; /* REPLY_SIZE bytes once something was written */
    size_t used;  /* bytes of the body that wait in it */
    int status;
    bool head_only;     /* a HEAD request: the body is dropped */
    bool unmeasured;    /* ... and how long GET's would be is not known */
    bool old;           /* HTTP/1.0: no chunks, the body ends with the connection */
    bool keep;          /* the connection stays open */
    bool started;       /* the head is out */
    bool bad;           /* the client is gone, or the reply was abandoned */
    bool typed;         /* the handler gave a Content-Type */
    bool cached;        /* ... a Cache-Control */
    bool stream;        /* it comes in chunks, however small it is */
    bool script;        /* what is written now is escaped */
    encoder_t *encoder; /* NULL: as it is */
    char *coded;        /* REPLY_CODED_SIZE bytes while there is an encoder */
    size_t trailer_used;
    char trailer[REPLY_TRAILER_SIZE];
    size_t extra_used;
    char extra[REPLY_EXTRA_SIZE];
    size_t head_used;
    char head[REPLY_HEAD_SIZE];
    int64_t date_s; /* what `date` says */
    char date[REPLY_DATE_SIZE];
};

/* Begin a reply: keeps send and arg until reply_end(). */
void reply_begin(reply_t *self, send_fn send, void *arg, const frame_t *frame, bool head_only);

/* Send what waits, and the end. Returns whether the connection may stay open. */
bool reply_end(reply_t *self);

/* Free what `self` holds, not `self`. */
void reply_clear(reply_t *self);

/* A whole small reply: {"error":{"code","message"},"detail"}, and no more of this connection. */
void reply_refuse(reply_t *self, const refusal_t *refusal);

#endif
