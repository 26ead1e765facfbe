/* outcome.c - from the end of the statement to the source's last word on COMMIT. */
#include "common/clock.h"
#include "executor/slot.h"

enum { LEASE_MARGIN_MS = 1000, LEASE_ASK_MS = 100 };

const char unknown_text[] =
    "its executor was lost while COMMIT was under way; whether it took effect is not known, and it "
    "was not run again";

static void
commit(slot_t *self)
{
    slot_stop_waiting(self);
    self->stage = STAGE_COMMIT;
    self->session->driver->commit(self->session->channel);
    session_sent(self->session);
}

static const char lost_text[] =
    "the connection to the source was lost before COMMIT; nothing was committed";

/* It wrote, but its COMMIT must not be sent any more: end it without effect. */
static void
give_up(slot_t *self, const char *sqlstate, const char *text)
{
    failure_t failure = { 0 };
    failure_say(&failure, sqlstate, "%s", text);
    slot_fail(self, &failure, false); /* closing the session rolls back */
}

static void record_outcome(slot_t *self);

/* Asked before the record, which would make a job that somebody else recovers `unknown`, and again
 * before COMMIT, since writing the record takes time. */
static void
check_lease(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    if (self->kit->lease_good(self->kit->arg, LEASE_MARGIN_MS)) {
        if (self->recorded)
            commit(self);
        else
            record_outcome(self);
        return;
    }
    if (self->stage != STAGE_LEASE)
        self->until_ms = clock_mono_ms() + 2 * self->kit->lease_ms;
    self->stage = STAGE_LEASE;
    if (clock_mono_ms() < self->until_ms)
        self->timer = loop_after(self->kit->loop, LEASE_ASK_MS, check_lease, self);
    else
        give_up(self, "", "the executor's lease could not be renewed; nothing was committed");
}

static void
on_outcome(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict == WRITE_FENCED) {
        slot_drop(self, RELEASE_LOST, false);
    } else if (write->verdict == WRITE_FAILED) {
        give_up(self, write->err.sqlstate, write->err.text);
    } else if (!self->session) { /* lost while the record was written: COMMIT was not sent */
        give_up(self, "08006", lost_text);
    } else {
        self->recorded = true;
        check_lease(self);
    }
}

static void
record_outcome(slot_t *self)
{
    self->stage = STAGE_RECORD;
    record_t *record = self->record;
    const driver_t *driver = self->session->driver;
    const backend_t *backend = driver->backend(self->session->channel);
    write_t *write = &record->control;
    write->in.outcome.step = 0;
    write->in.outcome.system_id = backend->system_id;
    write->in.outcome.timeline = backend->timeline;
    write->in.outcome.xid = driver->xid(self->session->channel);
    write->in.outcome.manifest = record_packed(record, &write->in.outcome.manifest_size);
    record_send(record, WRITE_OUTCOME, on_outcome);
}

/* COMMIT was sent, and no answer came. */
static void
commit_lost(slot_t *self, failure_t *failure)
{
    if (self->session->driver->xid(self->session->channel) == 0) {
        slot_retry(self, failure);
        return;
    }
    failure_say(&self->record->failure, failure->sqlstate, "%s", unknown_text);
    slot_finish(self, JOB_UNKNOWN, false);
}

void
outcome_start(slot_t *self)
{
    if (self->session->driver->xid(self->session->channel) == 0) {
        commit(self);
        return;
    }
    self->stage = STAGE_STORE;
    self->waiting_us = clock_mono_us();
    if (self->record->pages_busy == 0)
        check_lease(self);
}

void
outcome_stored(slot_t *self)
{
    check_lease(self);
}

/* --- turns --- */

static void
commit_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    switch (turn) {
    case TURN_COMMITTED: slot_finish(self, JOB_DONE, true); return;
    case TURN_FAILED: slot_fail(self, failure, true); return;
    case TURN_BROKEN:
    case TURN_LOST:
    case TURN_BARRED: commit_lost(self, failure); return;
    case TURN_WAIT:
    case TURN_OPEN:
    case TURN_FULL:
    case TURN_RAN:
    case TURN_ENDED:
    case TURN_CLEAN: return;
    }
}

/* Between the statement's end and COMMIT only bad news can come. */
static void
waiting_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (turn != TURN_LOST && turn != TURN_BROKEN && turn != TURN_BARRED)
        return;
    if (self->stage == STAGE_RECORD)
        session_close(&self->session); /* on_outcome() will notice */
    else if (self->recorded)
        give_up(self, failure->sqlstate, lost_text);
    else
        slot_retry(self, failure);
}

void
outcome_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (self->stage == STAGE_COMMIT)
        commit_turned(self, turn, failure);
    else
        waiting_turned(self, turn, failure);
}
