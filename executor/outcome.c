/* outcome.c - from the end of the statements to the source's last word on COMMIT. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "executor/slot.h"

enum { LEASE_MARGIN_MS = 1000, LEASE_ASK_MS = 100 };

const char unknown_text[] =
    "its executor was lost while COMMIT was under way; whether it took effect is not known, and it "
    "was not run again";

const char alone_text[] =
    "its executor or its session was lost while it ran outside a transaction; whether it took "
    "effect is not known, and it was not run again";

const char already_text[] =
    "an attempt before this one took effect, and its record was lost; this one had no effect";

static const char lost_text[] =
    "the connection to the source was lost before COMMIT; nothing was committed";

void
outcome_unknown(slot_t *self, const char *sqlstate, const char *text)
{
    failure_t failure = { 0 };
    failure_say(&failure, sqlstate, "%s", text ? text : unknown_text);
    failure_clear(&self->record->failure);
    self->record->failure = failure;
    slot_finish(self, JOB_UNKNOWN, self->session && self->session->clean);
}

static void
commit(slot_t *self)
{
    slot_stop_waiting(self);
    FAILPOINT(commit_next);
    self->stage = STAGE_COMMIT;
    self->session->driver->commit(self->session->channel);
    session_sent(self->session);
    FAILPOINT(commit_sent);
}

/* It wrote, but its COMMIT must not be sent any more: end it without effect. */
static void
give_up(slot_t *self, const char *sqlstate, const char *text)
{
    failure_t failure = { 0 };
    failure_say(&failure, sqlstate, "%s", text);
    slot_fail(self, &failure, false); /* closing the session rolls back */
}

/* The connection went before COMMIT, or the statement outside a transaction, was sent. Where the
 * source cannot be asked about the record, nobody else may find it. */
static void
lost(slot_t *self, const failure_t *failure)
{
    bool found_unknown = self->stage == STAGE_RECORD || self->recorded;
    if (found_unknown && self->proof == PROOF_NONE)
        give_up(self, "08006", lost_text);
    else
        slot_retry(self, failure);
}

/* --- the record --- */

static void record_outcome(slot_t *self);

/* Asked before the record, which others would have to wonder about, and again before what it is
 * about, since writing it takes time. */
static void
check_lease(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    if (self->kit->lease_good(self->kit->arg, LEASE_MARGIN_MS)) {
        if (!self->recorded)
            record_outcome(self);
        else if (self->steps.autocommit)
            run_send(self);
        else
            commit(self);
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

/* A write before COMMIT was answered. False: the step is over. */
static bool
recorded(slot_t *self, const write_t *write)
{
    const failure_t gone = { .sqlstate = "08006" };
    if (write->verdict == WRITE_FENCED)
        slot_drop(self, RELEASE_LOST, false);
    else if (write->verdict == WRITE_FAILED)
        give_up(self, write->err.sqlstate, write->err.text);
    else if (self->halt)
        halt_end(self);
    else if (!self->session) /* lost meanwhile */
        lost(self, &gone);
    else
        return true;
    return false;
}

static void
on_outcome(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict == WRITE_DONE)
        FAILPOINT(record_stored);
    if (!recorded(self, write))
        return;
    self->recorded = true;
    check_lease(self);
}

static void
record_outcome(slot_t *self)
{
    self->stage = STAGE_RECORD;
    record_t *record = self->record;
    const driver_t *driver = self->session->driver;
    const backend_t *backend = driver->backend(self->session->channel);
    bool alone = self->steps.autocommit;
    outcome_t outcome = { .step = self->steps.now,
                          .attempt = record->attempt,
                          .system_id = backend->system_id,
                          .timeline = backend->timeline,
                          .xid = alone ? 0 : driver->xid(self->session->channel),
                          .proof = self->proof };
    outcome.manifest = record_packed(record, &outcome.manifest_size);
    write_clear(&record->control);
    record->control.in.outcome = outcome;
    record_send(record, WRITE_OUTCOME, on_outcome);
    FAILPOINT(record_queued);
}

/* --- before the record --- */

static void
on_leaves(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (recorded(self, write))
        check_lease(self);
}

/* What the step leaves in its session is on record before COMMIT: whoever finds it done, but not
 * its end, has another session. */
static bool
tell_leaves(slot_t *self)
{
    const session_t *session = self->session;
    const char *leaves = self->script.last ? NULL : session->driver->leaves(session->channel);
    free(self->leaves);
    self->leaves = mem_text(leaves);
    if (!leaves || self->steps.autocommit || session->driver->xid(session->channel) == 0)
        return false;
    self->stage = STAGE_RECORD;
    const step_move_t move = { .step = self->steps.now,
                               .from = JOB_RUNNING,
                               .to = JOB_RUNNING,
                               .attempt = self->record->attempt,
                               .leaves = self->leaves };
    record_step(self->record, &move, on_leaves);
    return true;
}

/* What is still to come before the record. */
static void
get_ready(slot_t *self)
{
    if (self->record->pages_busy > 0) {
        self->stage = STAGE_STORE;
    } else if (self->barrier_due) {
        self->stage = STAGE_BARRIER;
    } else if (!tell_leaves(self)) {
        check_lease(self);
    }
}

static void
on_barrier(void *user, barrier_verdict_t verdict)
{
    slot_t *self = user;
    const failure_t away = { .sqlstate = "08001",
                             .message = (char[]){ "a second session on the source, which COMMIT "
                                                  "waits for, could not be had or did not "
                                                  "answer; nothing was committed" } };
    self->barrier_due = false;
    if (verdict == BARRIER_FULL) { /* nothing of the job's doing: no try is lost */
        slot_later(self);
        return;
    }
    if (verdict == BARRIER_AWAY) {
        slot_retry(self, &away);
        return;
    }
    self->proof = verdict == BARRIER_DURABLE ? PROOF_BARRIER : PROOF_NONE;
    get_ready(self);
}

/* The barrier and what is left of the pages go their ways at the same time. */
static void
decide(slot_t *self)
{
    const session_t *session = self->session;
    self->proof = session->driver->marked(session->channel) ? PROOF_LEDGER : PROOF_NONE;
    self->barrier_due = self->proof == PROOF_NONE;
    if (self->barrier_due) {
        const backend_t *backend = session->driver->backend(session->channel);
        self->barrier = (barrier_wait_t){
            .pid = backend->pid, .start_us = backend->start_us, .done = on_barrier, .user = self
        };
        barriers_ask(self->kit->barriers, self->tenant, self->source, &self->barrier);
    }
    self->waiting_us = clock_mono_us();
    get_ready(self);
}

void
outcome_start(slot_t *self)
{
    const session_t *session = self->session;
    self->statement_until_ms = INT64_MAX;
    if (session->driver->xid(session->channel) == 0) {
        (void)tell_leaves(self);
        commit(self);
    } else {
        decide(self);
    }
}

void
outcome_stored(slot_t *self)
{
    get_ready(self);
}

void
outcome_alone(slot_t *self)
{
    self->proof = PROOF_NONE;
    check_lease(self);
}

/* --- turns --- */

/* COMMIT was sent, and no answer came: the source knows what became of it, and whoever takes the
 * job up asks it. */
static void
commit_lost(slot_t *self, const failure_t *failure, int64_t later_ms)
{
    bool wrote = self->session->driver->xid(self->session->channel) != 0;
    self->decided = !wrote;
    if (wrote)
        slot_hand_back(self, true, later_ms);
    else if (self->halt)
        halt_end(self);
    else
        slot_retry(self, failure);
}

/* It cannot be taken back, and nothing is sent to stop it. Whoever asks should do so before the
 * sweep finds it overdue. */
void
outcome_overdue(slot_t *self)
{
    static const failure_t none = { 0 };
    if (!self->halt)
        self->halt = HALT_DEADLINE;
    commit_lost(self, &none, 1);
}

static void
commit_failed(slot_t *self, failure_t *failure)
{
    if (failure->already)
        outcome_unknown(self, failure->sqlstate, already_text);
    else
        slot_fail(self, failure, true);
}

static void
commit_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    switch (turn) {
    case TURN_COMMITTED:
        FAILPOINT(committed);
        self->kept = !self->script.last;
        slot_finish(self, JOB_DONE, true);
        return;
    case TURN_FAILED: commit_failed(self, failure); return;
    case TURN_BROKEN:
    case TURN_LOST:
    case TURN_BARRED: commit_lost(self, failure, slot_backoff(self->claimed.tries)); return;
    case TURN_WAIT:
    case TURN_OPEN:
    case TURN_FULL:
    case TURN_RESULT:
    case TURN_RAN:
    case TURN_OVER:
    case TURN_ENOUGH:
    case TURN_ANSWERED:
    case TURN_CLEAN: return;
    }
}

/* Between the statements' end and COMMIT only bad news can come. */
static void
waiting_turned(slot_t *self, turn_t turn, const failure_t *failure)
{
    if (turn != TURN_LOST && turn != TURN_BROKEN && turn != TURN_BARRED)
        return;
    if (self->stage == STAGE_RECORD)
        session_close(&self->session); /* recorded() will notice */
    else
        lost(self, failure);
}

void
outcome_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (self->stage == STAGE_COMMIT)
        commit_turned(self, turn, failure);
    else
        waiting_turned(self, turn, failure);
}
