/* session.h - sessions on sources, kept warm for the tenant they belong to.
 *
 * A session is a driver's channel and its place in the event loop. It is opened for one tenant's
 * login on one source and never serves another; when the login changes (another password, role or
 * address), sessions that were opened with the old one are closed as they are met. Between jobs it
 * waits, watched, so that a source that hangs up is noticed. Each source has at most `slots` and a
 * few more of them; where one too many is needed, the one that was idle longest goes.
 *
 * Slots hold at most `slots` of them at a time, so that those few more are there for what goes on
 * beside a job: barriers, and stopping what runs (reserve.h).
 *
 * Whoever holds a session hears of its turns through one function. It may close the session, or put
 * it back, from inside that call. All on the loop's thread.
 */
#ifndef EXECUTOR_SESSION_H
#define EXECUTOR_SESSION_H

#include "common/loop.h"
#include "executor/driver.h"

typedef struct pool pool_t;

enum { NAME_SIZE = 64 }; /* tenants and sources */

/* How a tenant gets into a source (login.h). */
typedef struct {
    const char *driver;
    const char *dsn;
    const char *role;
    const char *password;
    uint64_t mark; /* changes when any of them does */
} access_t;

typedef struct session session_t;

/* Who holds a session. */
typedef struct {
    /* It had a turn. TURN_WAIT comes at the end of a run of turns. After TURN_LOST, TURN_BARRED and
     * TURN_BROKEN the holder must close it. `failure` is the pool's. */
    void (*turned)(void *user, session_t *session, turn_t turn, failure_t *failure);
    void *user;
} holder_t;

struct session {
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    const driver_t *driver;
    channel_t *channel;
    bool open;              /* logged in */
    bool clean;             /* ready for a statement */
    const holder_t *holder; /* NULL: idle */

    /* the pool's own */
    pool_t *pool;
    uint64_t mark;
    loop_watch_t *watch;
    int fd;
    loop_timer_t *patience; /* until it is open */
    bool paused;
    bool more; /* rows may be buffered: turn it again before the loop sleeps */
    bool dead;
    int64_t idle_since_ms;
};

typedef struct {
    loop_t *loop;
    const char *who; /* application name */
    uint32_t slots;
    uint32_t extra; /* sessions of a source beyond slots */
    int64_t connect_timeout_ms;
    uint32_t row_bytes;
    uint32_t memory_mib;
} pool_options_t;

/* Keeps the loop, copies the rest. Caller owns the result. */
pool_t *pool_new(const pool_options_t *options) MUST_USE;
void pool_destroy(pool_t **self_p);

/* A session for this tenant on this source, held by `holder` (kept): an idle one, clean or about to
 * be, or a new one that is not open yet. NULL when none can be made (err: ERR_INVALID will not
 * change, ERR_LIMIT may). */
session_t *pool_take(pool_t *self, const char *tenant, const char *source, const access_t *access,
                     const holder_t *holder, err_t *err) MUST_USE;

/* Back to the pool; it is clean, or cleans itself. */
void session_put(session_t *session);

/* Close it, whoever holds it; NULL is fine; sets *session_p to NULL. */
void session_close(session_t **session_p);

/* Something was sent: look again what the channel waits for. */
void session_sent(session_t *session);

/* Read nothing more until resumed: its rows wait in the source. */
void session_pause(session_t *session);
void session_resume(session_t *session);

/* At the end of a loop's turn: go on with sessions that have more, free those that were closed.
 * True: there is still more. */
bool pool_turn(pool_t *self) MUST_USE;

/* Is there anything for pool_turn() to go on with? */
bool pool_more(const pool_t *self) MUST_USE;

/* Close all sessions; nobody may hold one. */
void pool_close_all(pool_t *self);

/* Sessions there are, held or idle. */
uint32_t pool_count(const pool_t *self);

#endif
