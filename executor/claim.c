/* claim.c - from a dispatch to a claimed job: the session, and the claim. */
#include <stdlib.h>

#include "common/failpoint.h"
#include "common/log.h"
#include "executor/crowd.h"
#include "executor/slot.h"

static void login(slot_t *self);

/* --- claiming --- */

/* A job whose parameters cannot be read must not run without them. */
static void
read_params(slot_t *self)
{
    err_t err;
    own(mem) packed = take(self->claimed.params);
    self->params = packed ? params_unpack(packed, &err) : NULL;
    if (!packed || self->params || self->doomed)
        return;
    self->doomed = true;
    failure_say(&self->record->failure, "", "%s", err.text);
}

static void
on_claim(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    switch (write->verdict) {
    case WRITE_FENCED: slot_drop(self, self->in_line ? RELEASE_LINE : RELEASE_LOST, true); return;
    case WRITE_FAILED: slot_drop(self, RELEASE_LATER, true); return;
    case WRITE_DONE: break;
    }
    FAILPOINT(claimed);
    self->claimed = write->claimed;
    write->claimed = (claimed_t){ 0 };
    record->attempt = self->attempt = self->claimed.attempt;
    bool tried_before = self->claimed.attempt > 1;
    bool several = self->claimed.steps > 1;
    if (!several)
        steps_one(&self->steps, &self->claimed.sql);
    read_params(self);
    self->ghosts_gone = !tried_before;
    self->looked = !tried_before && !several;
    self->decided = !tried_before;
    halt_claimed(self);
    recover_go(self);
}

/* The session's backend goes on record with the claim, so that whoever recovers can end it. */
static void
claim(slot_t *self)
{
    self->stage = STAGE_CLAIM;
    record_t *record = self->record;
    if (self->session) {
        FAILPOINT(opened);
        const backend_t *backend = self->session->driver->backend(self->session->channel);
        record->control.in.session.backend_pid = backend->pid;
        record->control.in.session.backend_start_us = backend->start_us;
    }
    record_send(record, WRITE_CLAIM, on_claim);
    FAILPOINT(claim_queued);
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
    self->session =
        pool_take(self->kit->pool, self->tenant, self->source, access, &self->holder, &err);
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

/* --- turns --- */

/* A source that cannot be reached is told of, and its job not claimed: nothing is spent on it. One
 * that has no room for this tenant is not away: others may be well there. */
static void
open_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (turn == TURN_OPEN) {
        claim(self);
    } else if (turn == TURN_BARRED) {
        logins_drop(self->kit->logins, self->tenant, self->source);
        doom(self, failure);
    } else if (turn == TURN_LOST || turn == TURN_BROKEN) {
        log_warn(crowd_says(failure) ? "source.full" : "source.away",
                 "tenant=%s source=%s reason=\"%s\"", self->tenant, self->source,
                 failure->message ? failure->message : "");
        slot_drop(self, crowd_says(failure) ? RELEASE_LATER : RELEASE_AWAY, false);
    }
}

void
claim_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (self->stage == STAGE_OPEN)
        open_turned(self, turn, failure);
    else if (turn == TURN_LOST || turn == TURN_BROKEN || turn == TURN_BARRED)
        session_close(&self->session); /* recover_go() will notice */
}
