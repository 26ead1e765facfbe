/* credit.h - what the leader is told: how many more jobs may come, and which ones are over. Pure.
 *
 * Credit is counted on both sides, and messages are hints that may be lost: so whoever was sure for
 * a whole second that credit was out which nobody used, states the whole count anew (`fresh`).
 * Should that cross a dispatch, the executor gets a job more than it has slots, and gives it back.
 * A message goes out at least once a second, as a sign of life.
 */
#ifndef EXECUTOR_CREDIT_H
#define EXECUTOR_CREDIT_H

#include "common/wire.h"

enum { CREDIT_BEAT_MS = 1000 };

typedef struct {
    uint32_t granted; /* what the leader may still use, as far as we know */
    uint32_t unused;  /* the least of it in this second */
    bool fresh;       /* the next message states the whole count */
    bool beaten;      /* a beat has passed since the last message */
    int64_t beat_ms;
    wire_release_t *done; /* what waits to be said */
    uint32_t done_count;
    uint32_t done_room;
} credit_t;

/* Room for `room` releases at a time; more are hints that are lost. */
void credit_init(credit_t *self, uint32_t room);
void credit_clear(credit_t *self);

/* Another leader, or the same one after a break: begin anew. */
void credit_renew(credit_t *self);

/* This executor is another incarnation: what is over belongs to the old one. */
void credit_forget(credit_t *self);

/* A job was dispatched. */
void credit_use(credit_t *self);

/* A job is over here. */
void credit_release(credit_t *self, const wire_release_t *release);

/* What is to be said when `room` jobs more can be taken: false when there is nothing. The list
 * points into self. */
bool credit_message(credit_t *self, uint32_t room, uint64_t epoch, int64_t now_ms, wire_t *message)
    MUST_USE;

/* That message was sent. */
void credit_sent(credit_t *self, const wire_t *message);

#endif
