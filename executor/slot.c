/* slot.c - beginnings, ends, and which room has a turn. */
#include "executor/slot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "executor/clocks.h"

/* --- beginnings and ends --- */

static void on_turned(void *user, session_t *session, turn_t turn, failure_t *failure);

void
slot_init(slot_t *self, kit_t *kit)
{
    self->kit = kit;
    self->holder = (holder_t){ .turned = on_turned, .user = self };
    self->writer = page_writer_new(kit->page_bytes, kit->page_rows, kit->row_bytes);
}

void
slot_start(slot_t *self, record_t *record, const char *tenant, const char *source, bool in_line)
{
    assert(self->stage == STAGE_FREE);
    self->in_line = in_line;
    self->record = record;
    self->doomed = self->ghosts_gone = self->looked = self->leaving = false;
    self->decided = true;
    self->kept = self->dirty = self->recorded = self->forced = false;
    self->halt = HALT_NONE;
    self->hinted = false;
    self->dispatched_us = clock_mono_us();
    self->sent_us = self->step_us = self->executing_us = self->waiting_us = 0;
    snprintf(self->tenant, NAME_SIZE, "%s", tenant);
    snprintf(self->source, NAME_SIZE, "%s", source);
    claim_start(self);
}

/* Let go of everything but the record, which is somebody else's by now. */
static void
free_up(slot_t *self, bool keep)
{
    loop_cancel(&self->timer);
    halt_rest(self);
    barriers_forget(self->kit->barriers, &self->barrier);
    if (self->session && keep)
        session_put(take(self->session));
    session_close(&self->session);
    free(self->claimed.sql);
    free(self->claimed.ghosts);
    free(self->claimed.params);
    self->claimed = (claimed_t){ 0 };
    free(self->earlier.manifest);
    self->earlier = (look_t){ 0 };
    free(self->leaves);
    self->leaves = NULL;
    steps_clear(&self->steps);
    params_destroy(&self->params);
    self->record = NULL;
    self->stage = STAGE_FREE;
}

static void
let_go(slot_t *self, const jobid_t *job, release_verdict_t verdict, bool keep)
{
    int64_t executing_us = self->sent_us > 0 ? clock_mono_us() - self->sent_us : 0;
    free_up(self, keep);
    self->kit->freed(self->kit->arg, self, job, verdict, executing_us / 1000);
}

void
slot_stop_waiting(slot_t *self)
{
    if (self->waiting_us > 0)
        self->record->ending.storing_us += clock_mono_us() - self->waiting_us;
    self->waiting_us = 0;
}

void
slot_over(slot_t *self, job_state_t state, bool keep)
{
    slot_stop_waiting(self);
    record_t *record = self->record;
    jobid_t job = record->job;
    int64_t now_us = clock_mono_us();
    record->several = self->steps.several;
    record->ending.planning_us = (self->sent_us > 0 ? self->sent_us : now_us) - self->dispatched_us;
    record->ending.executing_us =
        self->executing_us + (self->step_us > 0 ? now_us - self->step_us : 0);
    record_finish(record, state);
    let_go(self, &job, RELEASE_FINISHED, keep);
}

void
slot_finish(slot_t *self, job_state_t state, bool keep)
{
    if (self->steps.several)
        course_ended(self, state, keep);
    else
        slot_over(self, state, keep);
}

void
slot_hand_back(slot_t *self, bool tried, int64_t later_ms)
{
    const hand_back_t how = { .tried = tried,
                              .undecided = !self->decided,
                              .ghosts_gone = self->ghosts_gone,
                              .later_ms = later_ms };
    record_hand_back(self->record, &how);
    let_go(self, NULL, RELEASE_LATER, false); /* said once it is pending again */
}

void
slot_drop(slot_t *self, release_verdict_t verdict, bool keep)
{
    jobid_t job = self->record->job;
    record_drop(self->record);
    let_go(self, &job, verdict, keep);
}

void
slot_depose(slot_t *self)
{
    if (self->stage == STAGE_FREE)
        return;
    record_drop(self->record);
    free_up(self, false);
}

void
slot_clear(slot_t *self)
{
    slot_depose(self);
    page_writer_destroy(&self->writer);
}

/* --- failures --- */

void
slot_fail(slot_t *self, failure_t *failure, bool keep)
{
    failure_clear(&self->record->failure);
    self->record->failure = *failure;
    *failure = (failure_t){ 0 };
    slot_finish(self, JOB_FAILED, keep);
}

int32_t
slot_tries_most(const slot_t *self)
{
    return self->claimed.max_attempts > 0 ? self->claimed.max_attempts : self->kit->max_attempts;
}

int64_t
slot_backoff(int32_t times)
{
    uint64_t mixed = (uint64_t)clock_mono_us() * UINT64_C(0x9e3779b97f4a7c15);
    return clock_backoff(times, (uint32_t)(mixed >> 32));
}

/* Attempts are counted even where tries are not, so that a job does not come back at the same pace
 * for ever. */
void
slot_later(slot_t *self)
{
    slot_hand_back(self, false, slot_backoff(self->claimed.attempt));
}

void
slot_retry(slot_t *self, const failure_t *failure)
{
    if (self->claimed.tries < slot_tries_most(self)) {
        slot_hand_back(self, true, slot_backoff(self->claimed.tries));
        return;
    }
    failure_say(&self->record->failure, failure->sqlstate, "%s",
                failure->message ? failure->message : "the connection to the source was lost");
    slot_finish(self, JOB_FAILED, false);
}

/* --- what others have to say --- */

void
slot_paged(void *slot, write_verdict_t verdict)
{
    slot_t *self = slot;
    bool failed = verdict == WRITE_FAILED;
    if (verdict == WRITE_FENCED) {
        slot_drop(self, RELEASE_LOST, false);
        return;
    }
    if (failed && self->steps.autocommit
        && (self->stage == STAGE_RUN || self->stage == STAGE_PAGES)) {
        outcome_unknown(self, "",
                        "it ran outside a transaction, and its result could not be stored");
        return;
    }
    switch (self->stage) {
    case STAGE_RUN:
        if (failed) {
            slot_finish(self, JOB_FAILED, false);
        } else if (self->session->paused && record_room(self->record)) {
            session_resume(self->session);
            halt_resumed(self);
            slot_stop_waiting(self);
        }
        return;
    case STAGE_STORE:
        if (failed)
            slot_finish(self, JOB_FAILED, false);
        else if (self->record->pages_busy == 0)
            outcome_stored(self);
        return;
    case STAGE_PAGES:
        if (failed) {
            self->ended = JOB_FAILED;
            record_forget_pages(self->record);
        }
        if (self->record->pages_busy == 0)
            course_stored(self);
        return;
    case STAGE_COMMIT: /* it wrote nothing; it will end as its pages do */
    case STAGE_FREE:
    case STAGE_LOGIN:
    case STAGE_OPEN:
    case STAGE_CLAIM:
    case STAGE_CLEAN:
    case STAGE_GHOSTS:
    case STAGE_LOOK:
    case STAGE_ASK:
    case STAGE_STEP:
    case STAGE_BARRIER:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_STEPPED: return;
    }
}

static void
on_turned(void *user, session_t *session, turn_t turn, failure_t *failure)
{
    slot_t *self = user;
    (void)session;
    switch (self->stage) {
    case STAGE_RUN: run_turned(self, turn, failure); return;
    case STAGE_STORE:
    case STAGE_BARRIER:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_COMMIT: outcome_turned(self, turn, failure); return;
    case STAGE_CLEAN:
    case STAGE_GHOSTS:
    case STAGE_LOOK:
    case STAGE_ASK:
    case STAGE_STEP:
    case STAGE_PAGES:
    case STAGE_STEPPED: recover_turned(self, turn, failure); return;
    case STAGE_FREE:
    case STAGE_LOGIN:
    case STAGE_OPEN:
    case STAGE_CLAIM: claim_turned(self, turn, failure); return;
    }
}

/* --- leaving --- */

void
slot_leave(slot_t *self)
{
    self->leaving = true;
    switch (self->stage) {
    case STAGE_LOGIN:
    case STAGE_OPEN: slot_drop(self, RELEASE_LATER, false); return;
    case STAGE_RUN:
        if (self->steps.autocommit)
            slot_halt(self, HALT_LEAVE);
        else if (!self->stopping)
            slot_hand_back(self, false, 0);
        return;
    case STAGE_CLEAN:
    case STAGE_GHOSTS:
    case STAGE_ASK:
    case STAGE_STORE:
    case STAGE_BARRIER: slot_hand_back(self, false, 0); return;
    case STAGE_CLAIM:
    case STAGE_LOOK:
    case STAGE_STEP:
    case STAGE_PAGES:
    case STAGE_STEPPED: return; /* as soon as the store has spoken */
    case STAGE_FREE:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_COMMIT: return; /* about to be decided */
    }
}
