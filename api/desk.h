/* desk.h - what a request is served at: its head, its body, its reply, and the room they stand in.
 *
 * A worker sits down at one for a connection: there are as many desks as connections were open at a
 * time, and not as many as workers; the one that was left last is taken first. Any thread.
 */
#ifndef API_DESK_H
#define API_DESK_H

#include "api/http_body.h"
#include "api/http_inner.h"

enum {
    DESK_HEAD_MOST = 16384, /* bytes of a request's head */
    DESK_HEADERS_MOST = 64,
};

typedef struct desk {
    struct desk *next; /* the room's own */
    struct request request;
    struct reply reply;
    body_t body;
    header_t headers[DESK_HEADERS_MOST];
    char target_room[2 * DESK_HEAD_MOST + 64];
} desk_t;

typedef struct desks desks_t;

/* Keeps pace. Caller owns the result. */
desks_t *desks_new(pace_t *pace) MUST_USE;
void desks_destroy(desks_t **self_p); /* nobody may sit at one */

/* Sit down at a desk; leave it: *desk_p is NULL then. */
desk_t *desk_take(desks_t *self) MUST_USE;
void desk_leave(desks_t *self, desk_t **desk_p);

#endif
