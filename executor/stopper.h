/* stopper.h - stopping what a session runs, from a session beside it (reserve.h).
 *
 * A statement is asked to stop, again and again, since a question that comes between two statements
 * is lost; after a grace time its session is ended; after another its owner is told that neither
 * helped, and closes the socket (a source that looks at its clients notices within a second). Where
 * no session beside it can be had to ask over, that comes after a quarter of the grace time, unless
 * the owner would rather wait. What runs for one
 * tenant's login on one source is stopped together. Only the owner of a session may have it
 * stopped, and never uses it again. All on the loop's thread.
 */
#ifndef EXECUTOR_STOPPER_H
#define EXECUTOR_STOPPER_H

#include "executor/reserve.h"

enum { STOP_AGAIN_MS = 150 };

/* One session that is being stopped; its owner's memory. */
typedef struct stop {
    int64_t pid;
    int64_t start_us;
    /* Neither helped; comes at most once, and the stop is forgotten. */
    void (*spent)(void *user);
    void *user;
    bool patient; /* closing its socket would lose what became of it */

    /* the room's own */
    struct stop *next;
    int64_t since_ms;
    bool put;   /* it was asked at least once */
    bool asked; /* to be asked, with the next question */
    bool known;
} stop_t;

typedef struct stopper stopper_t;

/* Keeps what it is given. At most `most` stops at a time. Caller owns the result. */
stopper_t *stopper_new(loop_t *loop, pool_t *pool, logins_t *logins, uint32_t most,
                       int64_t grace_ms) MUST_USE;
void stopper_destroy(stopper_t **self_p);

/* Stop this session, of this tenant on this source. */
void stopper_ask(stopper_t *self, const char *tenant, const char *source, stop_t *stop);

/* It has stopped, or is closed; one that is not being stopped is fine. */
void stopper_forget(stopper_t *self, stop_t *stop);

/* Close the sessions that it holds; nothing may be being stopped. */
void stopper_close(stopper_t *self);

/* logins_t has an answer. */
void stopper_login_answered(stopper_t *self);

#endif
