/* commit.c - a slot from the end of a step's statements to the source's word on COMMIT: pages
 * stored, marker or barrier, outcome record, a lease that is good, COMMIT. In this order, or
 * nothing is sent.
 */
#include "tests/model/world.h"

static slot_row_t *
slot_at(world_t *w, int exec, int slot)
{
    return &w->exec[exec].slot[slot];
}

static void
give_up(world_t *w, int exec, int slot, job_state_t state)
{
    slot_close(w, slot_at(w, exec, slot));
    slot_end_step(w, exec, slot, state);
}

bool
slot_store(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    bool stored = self->pages_put == self->result.pages || w->broken == BREAK_pages;
    if (slot_lost(w, self)) {
        slot_retry(w, exec, slot);
        return true;
    }
    if (!stored)
        return false;
    const session_row_t *session = &w->session[self->session];
    const source_row_t *source = &w->source[session->source];
    self->record = (record_row_t){ .step = self->step,
                                   .attempt = self->attempt,
                                   .timeline = session->timeline,
                                   .xid = self->xid,
                                   .result = self->result };
    self->record.proof = source->ledger ? PROVEN_BY_LEDGER : PROVEN_BY_BARRIER;
    if (source->ledger || w->broken == BREAK_barrier) {
        slot_stage(w, exec, slot, STAGE_LEASE);
        return true;
    }
    const barrier_row_t *barrier = &w->exec[exec].barrier[session->source];
    bool joins = barrier->flying && w->broken == BREAK_barrier_joined;
    self->barrier = (int16_t)(barrier->sent + (joins ? 0 : 1));
    self->barrier_ok = 0;
    slot_stage(w, exec, slot, STAGE_BARRIER);
    return true;
}

bool
slot_barrier(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (slot_lost(w, self) || self->barrier_ok == -1) {
        slot_retry(w, exec, slot);
        return true;
    }
    if (self->barrier_ok == 0)
        return false;
    if (self->barrier_ok == -2)
        self->record.proof = PROVEN_NOT;
    slot_stage(w, exec, slot, STAGE_LEASE);
    return true;
}

bool
slot_lease(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (slot_lost(w, self)) {
        if (self->recorded && self->record.proof == PROVEN_NOT)
            give_up(w, exec, slot, JOB_FAILED);
        else
            slot_retry(w, exec, slot);
    } else if (w->exec[exec].lease_until - LEASE_MARGIN < w->now) {
        if (++self->patience > 8)
            give_up(w, exec, slot, JOB_FAILED);
    } else if (self->recorded) {
        slot_stage(w, exec, slot, STAGE_NEXT);
    } else {
        ask_t *ask = slot_ask_on(w, exec, slot, 0, ASK_OUTCOME);
        ask->record = self->record;
        slot_stage(w, exec, slot, STAGE_RECORD);
    }
    return true;
}

void
slot_record(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (!self->ask[0].granted) {
        slot_drop(w, exec, slot);
        return;
    }
    self->recorded = true;
    if (w->broken == BREAK_record_late && self->xid)
        slot_end_step(w, exec, slot, JOB_DONE);
    else
        slot_stage(w, exec, slot, STAGE_LEASE);
}

bool
slot_commit_next(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    bool alone = slot_does(w, self) == DOES_WRITE_ALONE;
    job_state_t stop;
    if (slot_stopping(w, self, &stop)) {
        give_up(w, exec, slot, stop);
        return true;
    }
    session_row_t *session = &w->session[self->session];
    session->job = self->job;
    session->step = self->step;
    session->attempt = self->attempt;
    session_ask(w, self->session, alone ? REQ_ALONE : REQ_COMMIT);
    slot_stage(w, exec, slot, alone ? STAGE_ALONE : STAGE_COMMIT);
    return true;
}

bool
slot_commit(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    bool alone = self->stage == STAGE_ALONE;
    if (w->broken == BREAK_cancel_late && self->cancelled) {
        give_up(w, exec, slot, JOB_CANCELLED);
        return true;
    }
    bool lost = slot_lost(w, self);
    answer_t answer = slot_answer(w, self);
    if (answer == ANSWER_NONE && !lost)
        return false;
    if (answer == ANSWER_OK && w->broken == BREAK_record_late && self->xid)
        slot_stage(w, exec, slot, STAGE_STORE);
    else if (answer != ANSWER_NONE)
        slot_end_step(w, exec, slot, answer == ANSWER_OK ? JOB_DONE : JOB_FAILED);
    else if (alone)
        give_up(w, exec, slot, JOB_UNKNOWN);
    else if (self->xid && w->broken != BREAK_lost_again)
        slot_hand_back(w, exec, slot, true, true);
    else
        slot_retry(w, exec, slot);
    return true;
}
