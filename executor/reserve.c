/* reserve.c - taking a session, asking, giving it back. */
#include "executor/reserve.h"

#include "common/log.h"
#include "executor/crowd.h"

static void on_turned(void *user, session_t *session, turn_t turn, failure_t *failure);

void
reserve_init(reserve_t *self, loop_t *loop, pool_t *pool, logins_t *logins)
{
    self->loop = loop;
    self->pool = pool;
    self->logins = logins;
    self->holder = (holder_t){ .turned = on_turned, .user = self };
}

void
reserve_clear(reserve_t *self)
{
    loop_cancel(&self->patience);
    session_close(&self->session);
    self->state = RESERVE_IDLE;
}

bool
reserve_idle(const reserve_t *self)
{
    return self->state == RESERVE_IDLE;
}

/* The event is the last thing that happens: whoever hears of it may do anything with self. */
static void
gone(reserve_t *self)
{
    reserve_clear(self);
    if (!self->unwanted)
        self->event(self->user, RESERVE_GONE);
}

static void
put(reserve_t *self)
{
    session_put(take(self->session));
    self->state = RESERVE_IDLE;
}

static void
held(reserve_t *self, reserve_event_t event)
{
    loop_cancel(&self->patience);
    self->state = RESERVE_HELD;
    if (self->unwanted) {
        put(self);
        return;
    }
    self->event(self->user, event);
}

static void
on_impatience(void *reserve)
{
    reserve_t *self = reserve;
    self->patience = NULL;
    log_warn("reserve.silent", "tenant=%s source=%s", self->tenant, self->source);
    gone(self);
}

static void
take_session(reserve_t *self, const access_t *access)
{
    err_t err;
    self->session = pool_take(self->pool, self->tenant, self->source, access, &self->holder, &err);
    self->full = !self->session && err.kind == ERR_LIMIT;
    if (self->full) {
        gone(self);
        return;
    }
    if (!self->session) {
        log_warn("reserve.none", "tenant=%s source=%s reason=\"%s\"", self->tenant, self->source,
                 err.text);
        gone(self);
        return;
    }
    self->state = RESERVE_COMING;
    if (self->session->clean)
        held(self, RESERVE_READY);
    else
        self->patience = loop_after(self->loop, RESERVE_PATIENCE_MS, on_impatience, self);
}

static void
login(reserve_t *self)
{
    err_t err;
    access_t access;
    self->state = RESERVE_LOGIN;
    self->full = false;
    switch (logins_recall(self->logins, self->tenant, self->source, &access, &err)) {
    case LOGIN_ASKED: return;
    case LOGIN_KNOWN: take_session(self, &access); return;
    case LOGIN_NONE:
    case LOGIN_FAILED: gone(self); return;
    }
}

void
reserve_want(reserve_t *self)
{
    self->unwanted = false;
    if (self->state == RESERVE_IDLE)
        login(self);
    else if (self->state == RESERVE_HELD)
        self->event(self->user, RESERVE_READY);
}

void
reserve_login_answered(reserve_t *self)
{
    if (self->state == RESERVE_LOGIN)
        login(self);
}

void
reserve_asked(reserve_t *self)
{
    self->state = RESERVE_ASKING;
    session_sent(self->session);
    self->patience = loop_after(self->loop, RESERVE_PATIENCE_MS, on_impatience, self);
}

void
reserve_give_back(reserve_t *self)
{
    self->unwanted = true;
    if (self->state == RESERVE_HELD)
        put(self);
    else if (self->state != RESERVE_ASKING)
        reserve_clear(self);
}

static void
on_turned(void *user, session_t *session, turn_t turn, failure_t *failure)
{
    reserve_t *self = user;
    (void)session;
    self->full = self->state == RESERVE_COMING && turn == TURN_LOST && crowd_says(failure);
    if (turn == TURN_LOST || turn == TURN_BARRED || turn == TURN_BROKEN) {
        log_warn("reserve.lost", "tenant=%s source=%s reason=\"%s\"", self->tenant, self->source,
                 failure->message ? failure->message : "");
        if (turn == TURN_BARRED)
            logins_drop(self->logins, self->tenant, self->source);
        gone(self);
        return;
    }
    if (self->state == RESERVE_COMING && (turn == TURN_OPEN || turn == TURN_CLEAN))
        held(self, RESERVE_READY);
    else if (self->state == RESERVE_ASKING && turn == TURN_ANSWERED)
        held(self, RESERVE_ANSWERED);
}
