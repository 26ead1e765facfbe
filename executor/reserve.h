/* reserve.h - a session beside those that run jobs, for what has to be asked of a source while they
 * do: barriers, and stopping what runs.
 *
 * It belongs to one tenant's login on one source at a time, is taken from the pool when it is
 * wanted and given back when not, so that a warm session serves both. One question at a time. A
 * session that is not ready, or does not answer, within RESERVE_PATIENCE_MS is lost. All on the
 * loop's thread.
 */
#ifndef EXECUTOR_RESERVE_H
#define EXECUTOR_RESERVE_H

#include "executor/login.h"
#include "executor/session.h"

enum { RESERVE_PATIENCE_MS = 10000 };

typedef enum {
    RESERVE_READY,    /* ask */
    RESERVE_ANSWERED, /* ask on, or give it back */
    RESERVE_GONE,     /* there is none now: it was lost, or none could be had */
} reserve_event_t;

typedef struct {
    loop_t *loop;
    pool_t *pool;
    logins_t *logins;
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    /* Comes from inside reserve_want(), too. */
    void (*event)(void *user, reserve_event_t event);
    void *user;
    session_t *session; /* asked through its driver, when READY or ANSWERED was said */

    /* the room's own */
    holder_t holder;
    loop_timer_t *patience;
    bool unwanted; /* no events */
    bool full;     /* GONE: the pool, or the source, had no room; there may be */
    enum { RESERVE_IDLE, RESERVE_LOGIN, RESERVE_COMING, RESERVE_HELD, RESERVE_ASKING } state;
} reserve_t;

/* Keeps what it is given. */
void reserve_init(reserve_t *self, loop_t *loop, pool_t *pool, logins_t *logins);

/* Close its session. No event. */
void reserve_clear(reserve_t *self);

/* Nothing is held, asked or on its way: it may be given another tenant and source. */
bool reserve_idle(const reserve_t *self);

/* Have a session ready. RESERVE_READY comes at once when there is one and it is not asking. */
void reserve_want(reserve_t *self);

/* A question was sent on its session. */
void reserve_asked(reserve_t *self);

/* It is not wanted any more: back to the pool, once what it asks is answered. No events until it is
 * wanted again. */
void reserve_give_back(reserve_t *self);

/* logins_t has an answer. */
void reserve_login_answered(reserve_t *self);

#endif
