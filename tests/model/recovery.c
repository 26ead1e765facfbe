/* recovery.c - what a slot does about earlier attempts of its job: end their sessions, look for
 * what they left in the store, ask the source, decide. Only then it runs anything.
 */
#include <string.h>

#include "tests/model/world.h"

enum { ASKS_MOST = 8 };

static slot_row_t *
slot_at(world_t *w, int exec, int slot)
{
    return &w->exec[exec].slot[slot];
}

/* It is not to go on now. Somebody else must decide about the earlier attempts first. */
static void
leave(world_t *w, int exec, int slot)
{
    bool decided = slot_at(w, exec, slot)->decided || w->broken == BREAK_back_decided;
    slot_hand_back(w, exec, slot, false, !decided);
}

static void
ask_ghosts(world_t *w, slot_row_t *self)
{
    session_row_t *session = &w->session[self->session];
    session->count = 0;
    for (int i = 0; i < self->ghost_count; i++) {
        if (self->ghosts[i] != self->session)
            session->pairs[session->count++] = self->ghosts[i];
    }
    session_ask(w, self->session, REQ_GHOSTS);
}

/* What is still to be done before the claimed job may run, in this order. */
void
slot_ready(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if ((slot_lost(w, self) && !self->doomed) || self->leaving) {
        leave(w, exec, slot);
    } else if (!self->ghosts_gone && !self->doomed && w->broken != BREAK_ghosts) {
        slot_stage(w, exec, slot, STAGE_GHOSTS);
        ask_ghosts(w, self);
    } else if (!self->looked) {
        slot_stage(w, exec, slot, STAGE_LOOK);
        slot_ask(w, exec, slot, ASK_LOOK);
    } else {
        slot_next(w, exec, slot);
    }
}

void
slot_ghosts(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    answer_t answer = slot_answer(w, self);
    if (slot_lost(w, self)) {
        leave(w, exec, slot);
    } else if (answer == ANSWER_NONE) {
        return;
    } else if (w->session[self->session].told == 0) {
        self->ghosts_gone = true;
        slot_ready(w, exec, slot);
    } else if (++self->patience < ASKS_MOST) {
        ask_ghosts(w, self);
    } else {
        leave(w, exec, slot);
    }
}

/* Earlier attempts can do no more: from here on a COMMIT of theirs would be wrong. */
static void
decided(world_t *w, slot_row_t *self)
{
    self->decided = true;
    const row_t *row = &w->row[self->job];
    for (int s = 0; s < row->steps; s++) {
        if (row->steps == 1 || !job_state_final(self->states[s]))
            w->truth[self->job][s].decided = self->attempt;
    }
}

static void
judge(world_t *w, int exec, int slot, fate_kind_t fate)
{
    slot_row_t *self = slot_at(w, exec, slot);
    judged_t judged = judge_fate(self->record.proof, fate);
    w->figures->fates[fate]++;
    if (judged == JUDGED_UNKNOWN && w->broken == BREAK_unknown_again)
        judged = JUDGED_AGAIN;
    say(w, "slot %d.%d: the source says %s, judged %d", exec, slot, judge_fate_word(fate), judged);
    switch (judged) {
    case JUDGED_DONE:
        decided(w, self);
        self->step = self->record.step;
        self->result = self->record.result;
        self->pages_put = self->result.pages;
        slot_end_step(w, exec, slot, JOB_DONE);
        return;
    case JUDGED_AGAIN:
        decided(w, self);
        slot_next(w, exec, slot);
        return;
    case JUDGED_UNKNOWN:
        self->step = self->record.step;
        slot_end_step(w, exec, slot, JOB_UNKNOWN);
        return;
    case JUDGED_ASK: break;
    }
    if (++self->patience < ASKS_MOST)
        session_ask(w, self->session, REQ_FATE);
    else
        leave(w, exec, slot);
}

static void
ask_fate(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (self->record.proof == PROVEN_NOT || self->doomed) {
        self->record.proof = PROVEN_NOT;
        judge(w, exec, slot, FATE_IS_UNTOLD);
        return;
    }
    slot_stage(w, exec, slot, STAGE_FATE);
    if (slot_lost(w, self))
        return; /* seen at the next turn */
    session_row_t *session = &w->session[self->session];
    session->job = self->job;
    session->step = self->record.step;
    session->xid = self->record.xid;
    session->asked_timeline = self->record.timeline;
    session_ask(w, self->session, self->record.proof == PROVEN_BY_LEDGER ? REQ_MARKER : REQ_FATE);
}

void
slot_look(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    const ask_t *ask = &self->ask[0];
    const row_t *row = &w->row[self->job];
    self->looked = true;
    self->record = ask->record;
    memcpy(self->states, ask->states, sizeof self->states);
    bool open = row->steps == 1 || self->states[self->record.step] == JOB_RUNNING;
    if (self->decided) {
        slot_ready(w, exec, slot);
    } else if (self->record.found && open) {
        w->figures->in_doubt++;
        ask_fate(w, exec, slot);
    } else {
        decided(w, self);
        slot_ready(w, exec, slot);
    }
}

void
slot_fate(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    answer_t answer = slot_answer(w, self);
    if (slot_lost(w, self))
        leave(w, exec, slot);
    else if (answer != ANSWER_NONE)
        judge(w, exec, slot, w->session[self->session].fate);
}

/* The executor shuts down: hand the job back, unless its outcome is being decided. */
void
slot_leave(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    switch (self->stage) {
    case STAGE_OPEN: slot_drop(w, exec, slot); return;
    case STAGE_GHOSTS:
    case STAGE_FATE: leave(w, exec, slot); return;
    case STAGE_RUN:
    case STAGE_STORE:
    case STAGE_BARRIER: slot_hand_back(w, exec, slot, false, false); return;
    case STAGE_CLAIM:
    case STAGE_LOOK:
    case STAGE_BEGIN:
    case STAGE_MOVE: self->leaving = true; return;
    case STAGE_FREE:
    case STAGE_LEASE:
    case STAGE_RECORD:
    case STAGE_NEXT:
    case STAGE_COMMIT:
    case STAGE_ALONE:
    case STAGE_SETTLE:
    case STAGE_FINISH:
    case STAGE_BACK: return;
    }
}
