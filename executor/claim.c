/* claim.c - from a dispatch to a claimed job that may run: the session, the claim, and what earlier
 * attempts left behind. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "executor/slot.h"

enum { GHOST_ASK_MS = 50, GHOST_PATIENCE_MS = 5000 };

static void login(slot_t *self);
static void ready(slot_t *self);

/* --- claiming --- */

/* A job that was tried before may have an outcome record, and sessions that still run it. */
static bool
tried_before(const slot_t *self)
{
    return self->claimed.attempt > 1;
}

static void
on_claim(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    switch (write->verdict) {
    case WRITE_FENCED: slot_drop(self, RELEASE_LOST, true); return;
    case WRITE_FAILED: slot_drop(self, RELEASE_LATER, true); return;
    case WRITE_DONE: break;
    }
    self->claimed = write->claimed;
    write->claimed = (claimed_t){ 0 };
    record->attempt = self->claimed.attempt;
    self->ghosts_gone = !tried_before(self);
    self->looked = !tried_before(self);
    ready(self);
}

/* The session's backend goes on record with the claim, so that whoever recovers can end it. */
static void
claim(slot_t *self)
{
    self->stage = STAGE_CLAIM;
    record_t *record = self->record;
    if (self->session) {
        const backend_t *backend = self->session->driver->backend(self->session->channel);
        record->control.in.session.backend_pid = backend->pid;
        record->control.in.session.backend_start_us = backend->start_us;
    }
    record_send(record, WRITE_CLAIM, on_claim);
}

/* There is no way into the source: claim the job all the same, to say so. */
static void
doom(slot_t *self, failure_t *failure)
{
    self->doomed = true;
    failure_clear(&self->record->failure);
    self->record->failure = *failure;
    *failure = (failure_t){ 0 };
    session_close(&self->session);
    claim(self);
}

/* --- the session --- */

static void
doom_text(slot_t *self, const char *text)
{
    failure_t failure = { 0 };
    failure_say(&failure, "", "%s", text);
    doom(self, &failure);
}

static void
open_session(slot_t *self, const access_t *access)
{
    err_t err;
    self->session = pool_take(self->kit->pool, self->tenant, self->source, access, self, &err);
    if (!self->session && err.kind == ERR_INVALID)
        doom_text(self, err.text);
    else if (!self->session)
        slot_drop(self, RELEASE_LATER, false);
    else if (self->session->open)
        claim(self);
    else
        self->stage = STAGE_OPEN;
}

static void
login(slot_t *self)
{
    err_t err;
    access_t access;
    self->stage = STAGE_LOGIN;
    switch (logins_ask(self->kit->logins, self->tenant, self->source, &access, &err)) {
    case LOGIN_ASKED: return;
    case LOGIN_KNOWN: open_session(self, &access); return;
    case LOGIN_NONE: doom_text(self, err.text); return;
    case LOGIN_FAILED: slot_drop(self, RELEASE_LATER, false); return;
    }
}

void
claim_start(slot_t *self)
{
    login(self);
}

void
slot_login_answered(slot_t *self)
{
    if (self->stage == STAGE_LOGIN)
        login(self);
}

/* --- what earlier attempts left behind --- */

static void
ask_ghosts(slot_t *self)
{
    session_t *session = self->session;
    session->driver->end_backends(session->channel, self->claimed.ghosts,
                                  self->claimed.ghost_count);
    session_sent(session);
}

static void
on_ghost_timer(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    ask_ghosts(self);
}

static void
end_ghosts(slot_t *self)
{
    self->stage = STAGE_GHOSTS;
    self->until_ms = clock_mono_ms() + GHOST_PATIENCE_MS;
    ask_ghosts(self);
}

/* They cannot be ended now: the job must not run beside them. */
static void
haunted(slot_t *self, const failure_t *failure)
{
    char id[JOBID_TEXT_SIZE];
    log_warn("job.haunted", "job=%s attempt=%d sessions=%u reason=\"%s\"",
             jobid_text(&self->record->job, id), self->record->attempt, self->claimed.ghost_count,
             failure && failure->message ? failure->message : "they do not end");
    slot_hand_back(self, false);
}

static void
ghosts_answered(slot_t *self)
{
    if (self->session->driver->left(self->session->channel) == 0) {
        self->ghosts_gone = true;
        ready(self);
        return;
    }
    if (clock_mono_ms() < self->until_ms) {
        self->timer = loop_after(self->kit->loop, GHOST_ASK_MS, on_ghost_timer, self);
        return;
    }
    haunted(self, NULL);
}

static void
on_look(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict != WRITE_DONE) {
        slot_hand_back(self, false);
        return;
    }
    if (write->outcome_found) {
        failure_say(&record->failure, "", "%s", unknown_text);
        slot_finish(self, JOB_UNKNOWN, true);
        return;
    }
    self->looked = true;
    ready(self);
}

static void
look(slot_t *self)
{
    self->stage = STAGE_LOOK;
    record_send(self->record, WRITE_LOOK, on_look);
}

/* What is still to be done before the claimed job may run, in this order. A job that is not to run
 * needs no session: an earlier attempt cannot put an outcome on record any more, and without one it
 * sends no COMMIT. */
static void
ready(slot_t *self)
{
    session_t *session = self->session;
    if (!session && !self->doomed)
        slot_hand_back(self, false);
    else if (session && !session->clean)
        self->stage = STAGE_CLEAN;
    else if (session && !self->ghosts_gone)
        end_ghosts(self);
    else if (!self->looked)
        look(self);
    else if (self->doomed)
        slot_finish(self, JOB_FAILED, false);
    else if (self->leaving)
        slot_hand_back(self, false);
    else
        slot_run(self);
}

/* --- turns --- */

void
claim_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    bool over = turn == TURN_LOST || turn == TURN_BROKEN || turn == TURN_BARRED;
    switch (self->stage) {
    case STAGE_OPEN:
        if (turn == TURN_OPEN) {
            claim(self);
        } else if (turn == TURN_BARRED) {
            logins_drop(self->kit->logins, self->tenant, self->source);
            doom(self, failure);
        } else if (over) {
            log_warn("source.away", "tenant=%s source=%s reason=\"%s\"", self->tenant, self->source,
                     failure->message ? failure->message : "");
            slot_drop(self, RELEASE_LATER, false);
        }
        return;
    case STAGE_CLEAN:
        if (turn == TURN_CLEAN)
            ready(self);
        else if (over)
            slot_hand_back(self, false);
        return;
    case STAGE_GHOSTS:
        if (turn == TURN_ENDED)
            ghosts_answered(self);
        else if (over)
            haunted(self, failure);
        return;
    case STAGE_CLAIM:
    case STAGE_LOOK:
        if (over)
            session_close(&self->session); /* ready() will notice */
        return;
    case STAGE_FREE:
    case STAGE_LOGIN:
    case STAGE_RUN:
    case STAGE_STORE:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_COMMIT: return;
    }
}
