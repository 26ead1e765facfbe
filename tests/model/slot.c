/* slot.c - one slot of an executor: a job from its dispatch to the store's answer to its end, in
 * the order of the real one. What a job that was tried before needs on top is recovery.c; from the
 * end of a step's statements on it is commit.c's.
 */
#include <string.h>

#include "tests/model/world.h"

/* --- small things --- */

static slot_row_t *
slot_at(world_t *w, int exec, int slot)
{
    return &w->exec[exec].slot[slot];
}

does_t
slot_does(const world_t *w, const slot_row_t *self)
{
    return w->row[self->job].spec[self->step].does;
}

static bool
several(const world_t *w, const slot_row_t *self)
{
    return w->row[self->job].steps > 1;
}

bool
slot_lost(const world_t *w, const slot_row_t *self)
{
    return self->session < 0 || w->session[self->session].lost;
}

/* Take the session's answer, if there is one. */
answer_t
slot_answer(world_t *w, slot_row_t *self)
{
    if (self->session < 0)
        return ANSWER_NONE;
    answer_t answer = w->session[self->session].answer;
    w->session[self->session].answer = ANSWER_NONE;
    return answer;
}

void
slot_close(world_t *w, slot_row_t *self)
{
    session_close(w, self->session);
    self->session = -1;
}

/* Was it asked to stop, and as what does it end then? */
bool
slot_stopping(const world_t *w, const slot_row_t *self, job_state_t *state)
{
    bool late = self->deadline && w->now > self->deadline;
    *state = self->cancelled ? JOB_CANCELLED : JOB_TIMED_OUT;
    return self->cancelled || late;
}

void
slot_stage(world_t *w, int exec, int slot, stage_t stage)
{
    slot_row_t *self = slot_at(w, exec, slot);
    self->stage = stage;
    self->patience = 0;
    if (stage == w->trap && w->trap_left > 0 && !w->healing && w->trapped < 0 && chance(w, 60)) {
        w->trap_left--;
        w->trapped = (int8_t)exec;
    }
    say(w, "slot %d.%d: job %d.%d, attempt %d, stage %d", exec, slot, self->job, self->step,
        self->attempt, stage);
}

/* --- writes --- */

ask_t *
slot_ask_on(world_t *w, int exec, int slot, int lane, ask_kind_t kind)
{
    slot_row_t *self = slot_at(w, exec, slot);
    ask_t *ask = &self->ask[lane];
    memset(ask, 0, offsetof(ask_t, ghosts));
    ask->kind = kind;
    ask->slot = (int8_t)slot;
    ask->serial = self->serial;
    ask->job = self->job;
    ask->step = self->step;
    ask->attempt = self->attempt;
    ask->owner = exec_owner(w, exec);
    ask->backend = self->session;
    self->write[lane] = WRITE_QUEUED;
    return ask;
}

void
slot_ask(world_t *w, int exec, int slot, ask_kind_t kind)
{
    (void)slot_ask_on(w, exec, slot, 0, kind);
}

/* The answer to the control write; false: none yet. */
static bool
answered(slot_row_t *self)
{
    if (self->write[0] != WRITE_ANSWERED)
        return false;
    self->write[0] = WRITE_IDLE;
    return true;
}

static void
page_send(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (self->write[1] == WRITE_IDLE && self->pages_put < self->result.pages)
        slot_ask_on(w, exec, slot, 1, ASK_PAGE)->page = self->pages_put;
}

/* False: fenced. */
static bool
page_answered(slot_row_t *self)
{
    if (self->write[1] != WRITE_ANSWERED)
        return true;
    self->write[1] = WRITE_IDLE;
    self->pages_put++;
    return self->ask[1].granted;
}

/* --- beginnings and ends --- */

void
slot_start(world_t *w, int exec, int slot, int job)
{
    slot_row_t *self = slot_at(w, exec, slot);
    uint32_t serial = self->serial + 1;
    memset(self, 0, offsetof(slot_row_t, ask));
    self->serial = serial;
    self->job = (int8_t)job;
    self->session = -1;
    slot_stage(w, exec, slot, STAGE_OPEN);
}

void
slot_drop(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    slot_close(w, self);
    self->serial++;
    self->write[0] = self->write[1] = WRITE_IDLE;
    self->stage = STAGE_FREE;
}

void
slot_finish(world_t *w, int exec, int slot, job_state_t state)
{
    slot_row_t *self = slot_at(w, exec, slot);
    ask_t *ask = slot_ask_on(w, exec, slot, 0, ASK_FINISH);
    ask->to = state;
    ask->result = self->result;
    if (slot_lost(w, self) || self->stopped)
        slot_close(w, self);
    else
        exec_session_put(w, exec, self->session);
    self->session = -1;
    slot_stage(w, exec, slot, STAGE_FINISH);
}

void
slot_hand_back(world_t *w, int exec, int slot, bool tried, bool undecided)
{
    slot_row_t *self = slot_at(w, exec, slot);
    ask_t *ask = slot_ask_on(w, exec, slot, 0, ASK_UNCLAIM);
    ask->tried = tried;
    ask->undecided = undecided;
    ask->gone = self->ghosts_gone;
    slot_close(w, self);
    self->write[1] = WRITE_IDLE;
    slot_stage(w, exec, slot, STAGE_BACK);
}

/* Nothing can have taken effect: somebody may try again, but not for ever. */
void
slot_retry(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (self->tries < MAX_TRIES) {
        slot_hand_back(w, exec, slot, true, false);
        return;
    }
    slot_close(w, self);
    slot_end_step(w, exec, slot, JOB_FAILED);
}

static void
step_on_record(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    ask_t *ask = slot_ask_on(w, exec, slot, 0, ASK_STEP);
    ask->from = self->states[self->step];
    ask->to = self->ending;
    ask->result = self->result;
    if (self->ending != JOB_DONE)
        ask->result = (result_spec_t){ .attempt = self->attempt };
    slot_stage(w, exec, slot, STAGE_MOVE);
}

/* The step is decided. */
void
slot_end_step(world_t *w, int exec, int slot, job_state_t state)
{
    slot_row_t *self = slot_at(w, exec, slot);
    self->ending = state;
    if (state == JOB_DONE && self->pages_put < self->result.pages)
        slot_stage(w, exec, slot, STAGE_SETTLE);
    else if (several(w, self))
        step_on_record(w, exec, slot);
    else
        slot_finish(w, exec, slot, state);
}

/* --- running --- */

static void
run(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    self->recorded = false;
    self->pages_put = 0;
    self->xid = 0;
    self->result = (result_spec_t){ .attempt = self->attempt };
    if (self->write[1] != WRITE_IDLE)
        self->write[1] = WRITE_IDLE;
    if (slot_does(w, self) == DOES_WRITE_ALONE) {
        self->record =
            (record_row_t){ .attempt = self->attempt, .step = self->step, .result = self->result };
        slot_stage(w, exec, slot, STAGE_LEASE);
        return;
    }
    self->result.pages = w->row[self->job].spec[self->step].pages;
    session_row_t *session = &w->session[self->session];
    session->job = self->job;
    session->step = self->step;
    session->attempt = self->attempt;
    session->stop = false;
    session_ask(w, self->session, REQ_RUN);
    slot_stage(w, exec, slot, STAGE_RUN);
}

/* What comes next in the job. */
void
slot_next(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    const row_t *row = &w->row[self->job];
    job_state_t stop;
    const char *conditions[STEPS] = { 0 };
    next_t next = { 0 };
    for (int s = 0; s < row->steps; s++)
        conditions[s] = row->spec[s].condition;
    if (row->steps > 1)
        next = judge_next(conditions, self->states, row->steps);
    if (next.over) {
        slot_finish(w, exec, slot, next.state);
        return;
    }
    self->step = (uint8_t)next.step;
    bool running = row->steps > 1 && self->states[next.step] == JOB_RUNNING;
    bool stopped = slot_stopping(w, self, &stop);
    if (!stopped && (self->tries > MAX_TRIES || self->doomed)) {
        stop = JOB_FAILED;
        stopped = true;
    }
    self->result = (result_spec_t){ .attempt = self->attempt };
    self->pages_put = 0;
    if (stopped && (running || stop == JOB_FAILED)) {
        slot_end_step(w, exec, slot, stop);
    } else if (stopped) {
        slot_finish(w, exec, slot, stop);
    } else if (self->leaving || slot_lost(w, self)) {
        slot_hand_back(w, exec, slot, false, false);
    } else if (row->steps > 1) {
        self->ending = JOB_RUNNING;
        step_on_record(w, exec, slot);
        slot_stage(w, exec, slot, STAGE_BEGIN);
    } else {
        run(w, exec, slot);
    }
}

static void
move_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    bool begun = self->stage == STAGE_BEGIN;
    if (!self->ask[0].granted) {
        slot_drop(w, exec, slot);
        return;
    }
    self->states[self->step] = self->ending;
    if (!begun)
        slot_next(w, exec, slot);
    else if (slot_lost(w, self))
        slot_retry(w, exec, slot);
    else
        run(w, exec, slot);
}

static bool
run_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    session_row_t *session = &w->session[self->session];
    job_state_t stop;
    if (slot_stopping(w, self, &stop) && !self->stopped) {
        session->stop = self->stopped = true; /* over a session of its own */
        return true;
    }
    answer_t answer = slot_answer(w, self);
    if (answer == ANSWER_NONE && !session->lost)
        return false;
    if (self->stopped || answer == ANSWER_FAILED) {
        if (self->stopped)
            slot_close(w, self);
        slot_end_step(w, exec, slot, slot_stopping(w, self, &stop) ? stop : JOB_FAILED);
    } else if (answer == ANSWER_NONE) {
        slot_retry(w, exec, slot);
    } else {
        self->xid = session->xid;
        slot_stage(w, exec, slot, self->xid ? STAGE_STORE : STAGE_COMMIT);
        if (!self->xid || w->broken == BREAK_record_late) {
            session_ask(w, self->session, REQ_COMMIT);
            slot_stage(w, exec, slot, STAGE_COMMIT);
        }
    }
    return true;
}

/* --- turns --- */

static bool
settle_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (self->pages_put < self->result.pages)
        return false;
    slot_end_step(w, exec, slot, self->ending);
    return true;
}

static void
open_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    self->session = (int16_t)exec_session(w, exec, w->row[self->job].source, self->job);
    if (self->session < 0) {
        slot_drop(w, exec, slot);
        return;
    }
    if (!w->healing && chance(w, 1)) {
        hit(w, FAULT_login_refused);
        slot_close(w, self);
        self->doomed = true;
    }
    slot_stage(w, exec, slot, STAGE_CLAIM);
    slot_ask(w, exec, slot, ASK_CLAIM);
}

static void
claim_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    const ask_t *ask = &self->ask[0];
    if (!ask->granted) {
        if (!slot_lost(w, self))
            exec_session_put(w, exec, self->session);
        else
            slot_close(w, self);
        self->session = -1;
        slot_drop(w, exec, slot);
        return;
    }
    self->attempt = ask->attempt;
    self->tries = ask->tries;
    self->cancelled = ask->cancelled;
    self->deadline = ask->deadline;
    self->ghost_count = ask->ghost_count;
    memcpy(self->ghosts, ask->ghosts, sizeof self->ghosts);
    self->ghosts_gone = self->decided = self->attempt == 1;
    self->looked = self->attempt == 1 && !several(w, self);
    slot_ready(w, exec, slot);
}

/* Stages that wait for the store's answer. */
static bool
stored_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (!answered(self))
        return false;
    if (self->stage == STAGE_CLAIM)
        claim_turn(w, exec, slot);
    else if (self->stage == STAGE_LOOK)
        slot_look(w, exec, slot);
    else if (self->stage == STAGE_RECORD)
        slot_record(w, exec, slot);
    else if (self->stage == STAGE_BEGIN || self->stage == STAGE_MOVE)
        move_turn(w, exec, slot);
    else
        slot_drop(w, exec, slot); /* its end is in the store, or it was fenced out */
    return true;
}

bool
slot_turn(world_t *w, int exec, int slot)
{
    slot_row_t *self = slot_at(w, exec, slot);
    if (self->stage != STAGE_FREE && !page_answered(self)) {
        slot_drop(w, exec, slot);
        return true;
    }
    if (self->stage >= STAGE_RUN && self->stage <= STAGE_SETTLE)
        page_send(w, exec, slot);
    switch (self->stage) {
    case STAGE_FREE: return false;
    case STAGE_OPEN: open_turn(w, exec, slot); return true;
    case STAGE_GHOSTS: slot_ghosts(w, exec, slot); return true;
    case STAGE_FATE: slot_fate(w, exec, slot); return true;
    case STAGE_RUN: return run_turn(w, exec, slot);
    case STAGE_STORE: return slot_store(w, exec, slot);
    case STAGE_BARRIER: return slot_barrier(w, exec, slot);
    case STAGE_LEASE: return slot_lease(w, exec, slot);
    case STAGE_NEXT: return slot_commit_next(w, exec, slot);
    case STAGE_COMMIT:
    case STAGE_ALONE: return slot_commit(w, exec, slot);
    case STAGE_SETTLE: return settle_turn(w, exec, slot);
    case STAGE_CLAIM:
    case STAGE_LOOK:
    case STAGE_BEGIN:
    case STAGE_RECORD:
    case STAGE_MOVE:
    case STAGE_FINISH:
    case STAGE_BACK: return stored_turn(w, exec, slot);
    }
    return false;
}
