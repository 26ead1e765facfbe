/* barrier.h - durability barriers, shared.
 *
 * A source's answer about a transaction's id is worth something only if the id cannot be handed out
 * again after a crash: so before COMMIT of a step that wrote, without a ledger, something that
 * comes later in the source's log is made durable, on a session beside it (reserve.h). Steps of a
 * tenant on a source share them: one is under way at a time, and those that come meanwhile share
 * the next, as only what was there when a barrier was sent is behind it.
 *
 * Behind it the source is asked whether the sessions whose steps wait are still there. A source
 * that crashed before the barrier came has lost them, and with them the ids, one of which may by
 * now be the barrier's own; nobody need have heard of it yet. All on the loop's thread.
 */
#ifndef EXECUTOR_BARRIER_H
#define EXECUTOR_BARRIER_H

#include "executor/reserve.h"

typedef enum {
    BARRIER_DURABLE, /* everything before is */
    BARRIER_REFUSED, /* the source has none for this tenant, or cannot tell its sessions apart */
    BARRIER_AWAY,    /* it could not be asked, or one of those that shared it was not there */
    BARRIER_FULL,    /* the same, for want of room for a second session, here or on the source */
} barrier_verdict_t;

/* One that waits; its owner's memory. */
typedef struct barrier_wait {
    int64_t pid; /* of its session, which must outlive the barrier; 0: the source did not tell */
    int64_t start_us;
    void (*done)(void *user, barrier_verdict_t verdict);
    void *user;

    /* the room's own */
    struct barrier_wait *next;
    bool sent; /* the one under way is its */
    bool waits;
} barrier_wait_t;

typedef struct barriers barriers_t;

/* Keeps what it is given. At most `most` share a barrier. Caller owns the result. */
barriers_t *barriers_new(loop_t *loop, pool_t *pool, logins_t *logins, uint32_t most) MUST_USE;
void barriers_destroy(barriers_t **self_p);

/* A barrier for this tenant on this source; `done` comes once, never from inside this call. */
void barriers_ask(barriers_t *self, const char *tenant, const char *source, barrier_wait_t *wait);

/* Wait no more; one that does not wait is fine. */
void barriers_forget(barriers_t *self, barrier_wait_t *wait);

/* Close the sessions that it holds; nobody may wait. */
void barriers_close(barriers_t *self);

/* logins_t has an answer. */
void barriers_login_answered(barriers_t *self);

#endif
