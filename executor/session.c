/* session.c - the pool, and a channel's place in the loop. */
#include "executor/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "executor/crowd.h"

struct pool {
    pool_options_t options;
    char *who;
    session_t **sessions; /* room for `most` */
    uint32_t count;
    uint32_t most;
    session_t **dead; /* closed in this turn; a callback may still be on the stack */
    uint32_t dead_count;
    uint32_t dead_room;
    failure_t failure;
    crowds_t crowds;
};

static void serve(session_t *session, bool readable);
static void on_ready(void *session, unsigned events);

pool_t *
pool_new(const pool_options_t *options)
{
    pool_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->who = mem_text(options->who);
    /* Several sources share an executor; idle sessions of all of them together have a limit, too.
     */
    self->most = 4 * options->slots + options->extra;
    self->sessions = mem_array(self->most, sizeof(session_t *));
    return self;
}

static void
free_dead(pool_t *self)
{
    for (uint32_t i = 0; i < self->dead_count; i++)
        free(self->dead[i]);
    self->dead_count = 0;
}

void
pool_close_all(pool_t *self)
{
    while (self->count > 0) {
        session_t *session = self->sessions[0];
        session_close(&session);
    }
}

void
pool_destroy(pool_t **self_p)
{
    pool_t *self = *self_p;
    if (!self)
        return;
    pool_close_all(self);
    free_dead(self);
    failure_clear(&self->failure);
    free(self->dead);
    free(self->sessions);
    free(self->who);
    free(self);
    *self_p = NULL;
}

uint32_t
pool_count(const pool_t *self)
{
    return self->count;
}

/* --- watching --- */

static void
watch(session_t *session)
{
    int fd = session->driver->fd(session->channel);
    unsigned wants = session->paused ? 0 : session->driver->wants(session->channel);
    if (session->watch && fd == session->fd) {
        loop_rewatch(session->watch, wants);
        return;
    }
    loop_unwatch(&session->watch);
    session->fd = fd;
    if (fd >= 0)
        session->watch = loop_watch(session->pool->options.loop, fd, wants, on_ready, session);
}

void
session_sent(session_t *session)
{
    session->clean = false;
    watch(session);
}

void
session_pause(session_t *session)
{
    session->paused = true;
    session->more = false;
    watch(session);
}

void
session_resume(session_t *session)
{
    session->paused = false;
    session->more = true; /* the socket may stay silent: rows are in libpq's buffer */
    watch(session);
}

/* --- closing --- */

static void
bury(session_t *session)
{
    pool_t *self = session->pool;
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->sessions[i] == session)
            self->sessions[i] = self->sessions[--self->count];
    }
    if (self->dead_count == self->dead_room) {
        self->dead_room = self->dead_room > 0 ? 2 * self->dead_room : 16;
        self->dead = mem_grow(self->dead, self->dead_room * sizeof(session_t *));
    }
    self->dead[self->dead_count++] = session;
}

void
session_close(session_t **session_p)
{
    session_t *session = take(*session_p);
    if (!session || session->dead)
        return;
    session->dead = true;
    session->holder = NULL;
    session->more = false;
    loop_cancel(&session->patience);
    loop_unwatch(&session->watch);
    session->driver->close(&session->channel);
    bury(session);
}

void
session_put(session_t *session)
{
    session->holder = NULL;
    if (session->driver->worn(session->channel)) {
        session_close(&session);
        return;
    }
    session->idle_since_ms = clock_mono_ms();
}

/* --- turning --- */

/* What the pool itself has to know of a turn. */
static void
note(session_t *session, turn_t turn)
{
    if (turn == TURN_OPEN) {
        session->open = true;
        loop_cancel(&session->patience);
    }
    if (turn == TURN_OPEN || turn == TURN_CLEAN || turn == TURN_ANSWERED)
        session->clean = true;
}

static bool
is_end(turn_t turn)
{
    return turn == TURN_LOST || turn == TURN_BARRED || turn == TURN_BROKEN || turn == TURN_OVER
           || turn == TURN_ENOUGH;
}

/* Tell whoever holds the session; an idle one that ended is closed here. */
static void
tell(session_t *session, turn_t turn)
{
    pool_t *self = session->pool;
    if (is_end(turn))
        log_debug("session.ended", "tenant=%s source=%s sqlstate=%s reason=\"%s\"", session->tenant,
                  session->source, self->failure.sqlstate,
                  self->failure.message ? self->failure.message : "");
    if (turn == TURN_LOST && !session->open && crowd_says(&self->failure))
        crowd_note(&self->crowds, session->tenant, session->source, clock_mono_ms());
    if (session->holder) {
        session->holder->turned(session->holder->user, session, turn, &self->failure);
        assert(!is_end(turn) || session->dead);
    } else if (is_end(turn)) {
        session_t *closing = session;
        session_close(&closing);
    }
    failure_clear(&self->failure);
}

/* Turns until the channel waits, its page is full or somebody stops it. */
static void
serve(session_t *session, bool readable)
{
    if (!session->open)
        loop_unwatch(&session->watch); /* the library may change descriptors under us */
    session->more = false;
    turn_t turn = TURN_FAILED;
    while (turn != TURN_WAIT && turn != TURN_FULL && !session->dead && !session->paused) {
        turn = session->driver->turn(session->channel, readable, &session->pool->failure);
        readable = false;
        note(session, turn);
        tell(session, turn);
    }
    if (session->dead)
        return;
    session->more = turn == TURN_FULL && !session->paused;
    watch(session);
}

static void
on_ready(void *arg, unsigned events)
{
    session_t *session = arg;
    serve(session, (events & LOOP_READ) != 0);
}

static void
on_impatience(void *arg)
{
    session_t *session = arg;
    session->patience = NULL;
    failure_say(&session->pool->failure, "08001", "the source did not answer in time");
    tell(session, TURN_LOST);
}

bool
pool_turn(pool_t *self)
{
    bool more = false;
    for (uint32_t i = 0; i < self->count; i++) {
        session_t *session = self->sessions[i];
        if (session->more)
            serve(session, false);
        if (!session->dead && session->more)
            more = true;
    }
    free_dead(self);
    return more;
}

bool
pool_more(const pool_t *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->sessions[i]->more)
            return true;
    }
    return false;
}

/* --- taking --- */

static bool
serves(const session_t *session, const char *tenant, const char *source)
{
    return strcmp(session->tenant, tenant) == 0 && strcmp(session->source, source) == 0;
}

/* An idle session of this tenant, best one that is clean already. Those with another login go. */
static session_t *
find_idle(pool_t *self, const char *tenant, const char *source, uint64_t mark)
{
    session_t *found = NULL;
    for (uint32_t i = 0; i < self->count;) {
        session_t *session = self->sessions[i];
        if (!session->holder && session->mark != mark && serves(session, tenant, source)) {
            session_close(&session);
            continue; /* another one has moved here */
        }
        if (!session->holder && session->open && serves(session, tenant, source)
            && (!found || (session->clean && !found->clean)))
            found = session;
        i++;
    }
    return found;
}

/* Make room for one more of this source: close what was idle longest. */
static bool
make_room(pool_t *self, const char *source)
{
    uint32_t same = 0;
    session_t *oldest = NULL;
    session_t *oldest_same = NULL;
    for (uint32_t i = 0; i < self->count; i++) {
        session_t *session = self->sessions[i];
        bool is_same = strcmp(session->source, source) == 0;
        same += is_same ? 1 : 0;
        if (session->holder)
            continue;
        if (!oldest || session->idle_since_ms < oldest->idle_since_ms)
            oldest = session;
        if (is_same && (!oldest_same || session->idle_since_ms < oldest_same->idle_since_ms))
            oldest_same = session;
    }
    if (same >= self->options.slots + self->options.extra)
        oldest = oldest_same;
    else if (self->count < self->most)
        return true;
    if (!oldest)
        return false;
    session_close(&oldest);
    return true;
}

static session_t *
open_new(pool_t *self, const char *tenant, const char *source, const access_t *access, err_t *err)
{
    const driver_t *driver = driver_find(access->driver);
    if (!driver) {
        err_set(err, ERR_INVALID, "no driver is named \"%s\"", access->driver);
        return NULL;
    }
    const channel_login_t login = { .dsn = access->dsn,
                                    .role = access->role,
                                    .password = access->password,
                                    .who = self->who,
                                    .row_bytes = self->options.row_bytes,
                                    .memory_mib = self->options.memory_mib };
    channel_t *channel = driver->open(&login, err);
    if (!channel)
        return NULL;
    session_t *session = mem_new(sizeof *session);
    snprintf(session->tenant, NAME_SIZE, "%s", tenant);
    snprintf(session->source, NAME_SIZE, "%s", source);
    session->pool = self;
    session->driver = driver;
    session->channel = channel;
    session->mark = access->mark;
    session->fd = -1;
    session->patience =
        loop_after(self->options.loop, self->options.connect_timeout_ms, on_impatience, session);
    self->sessions[self->count++] = session;
    if (driver->fd(channel) >= 0)
        watch(session);
    else
        session->more = true; /* it failed already: the next turn says so */
    return session;
}

session_t *
pool_take(pool_t *self, const char *tenant, const char *source, const access_t *access,
          const holder_t *holder, err_t *err)
{
    session_t *session = find_idle(self, tenant, source, access->mark);
    if (!session && crowd_is(&self->crowds, tenant, source, clock_mono_ms())) {
        err_set(err, ERR_LIMIT, "the source has no room for another session");
        return NULL;
    }
    if (!session && !make_room(self, source)) {
        err_set(err, ERR_LIMIT, "no room for another session");
        return NULL;
    }
    if (!session)
        session = open_new(self, tenant, source, access, err);
    if (session)
        session->holder = holder;
    return session;
}
