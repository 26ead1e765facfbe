/* recover.c - what earlier attempts left behind: sessions, an outcome record, steps that are over;
 * and a session that is not ready yet. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "executor/slot.h"
#include "executor/verdict.h"

enum {
    ASK_AGAIN_MS = 50,
    PATIENCE_MS = 5000, /* for what is asked for again and again, */
    SILENCE_MS = 5000,  /* and beyond that, for any answer at all */
};

/* --- sessions --- */

static void
ask_ghosts(slot_t *self)
{
    session_t *session = self->session;
    session->driver->stop_backends(session->channel, self->claimed.ghosts,
                                   self->claimed.ghost_count, true);
    session_sent(session);
    FAILPOINT(ghosts_asked);
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
    if (self->claimed.ghost_count == 0) {
        self->ghosts_gone = true;
        recover_go(self);
        return;
    }
    self->stage = STAGE_GHOSTS;
    self->until_ms = clock_mono_ms() + PATIENCE_MS;
    ask_ghosts(self);
}

/* They cannot be ended, or the source cannot be asked, now: the job must not run beside them. */
static void
haunted(slot_t *self, const char *reason)
{
    char id[JOBID_TEXT_SIZE];
    log_warn("job.haunted", "job=%s attempt=%d sessions=%u reason=\"%s\"",
             jobid_text(&self->record->job, id), self->record->attempt, self->claimed.ghost_count,
             reason);
    slot_later(self);
}

static void
ghosts_answered(slot_t *self)
{
    if (self->session->driver->left(self->session->channel) == 0) {
        self->ghosts_gone = true;
        recover_go(self);
    } else if (clock_mono_ms() < self->until_ms) {
        self->timer = loop_after(self->kit->loop, ASK_AGAIN_MS, on_ghost_timer, self);
    } else {
        haunted(self, "sessions of earlier attempts do not end");
    }
}

/* --- what the store knows --- */

/* Is this record the one of the step that comes next? */
static bool
is_in_doubt(const slot_t *self)
{
    const steps_t *steps = &self->steps;
    uint32_t step = self->earlier.outcome.step;
    if (!self->earlier.found)
        return false;
    return !steps->several || (step < steps->count && steps->list[step].state == JOB_RUNNING);
}

static void
on_look(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict != WRITE_DONE) {
        slot_later(self);
        return;
    }
    FAILPOINT(looked);
    self->looked = true;
    self->earlier = write->look;
    write->look = (look_t){ 0 };
    if (self->claimed.steps > 1)
        steps_several(&self->steps, &self->earlier.steps, self->earlier.step_count);
    self->earlier.steps = NULL;
    self->decided = !is_in_doubt(self);
    recover_go(self);
}

static void
look(slot_t *self)
{
    self->stage = STAGE_LOOK;
    self->record->control.in.steps = self->claimed.steps;
    record_send(self->record, WRITE_LOOK, on_look);
}

/* --- what the source knows --- */

static void
ask(slot_t *self)
{
    const outcome_t *outcome = &self->earlier.outcome;
    session_t *session = self->session;
    if (verdict_question(true, outcome->proof) == QUESTION_MARKER)
        session->driver->ask_marker(session->channel, &self->record->job, outcome->step);
    else
        session->driver->ask_fate(session->channel, outcome->system_id, outcome->timeline,
                                  outcome->xid);
    session_sent(session);
    FAILPOINT(fate_asked);
}

static void
on_ask_timer(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    ask(self);
}

/* It took effect under its attempt: its stored manifest stands. */
static void
found_done(slot_t *self)
{
    record_t *record = self->record;
    err_t err;
    record->manifest =
        manifest_unpack(self->earlier.outcome.manifest, self->earlier.outcome.manifest_size, &err);
    if (!record->manifest) {
        outcome_unknown(self, "", "it took effect, but its result is damaged");
        return;
    }
    record->packed = take(self->earlier.manifest);
    record->packed_size = self->earlier.outcome.manifest_size;
    self->attempt = self->earlier.outcome.attempt;
    self->leaves = mem_text(steps_now(&self->steps)->leaves); /* as it was put on record before */
    slot_finish(self, JOB_DONE, true);
}

static void
decide(slot_t *self, fate_t fate)
{
    const outcome_t *outcome = &self->earlier.outcome;
    verdict_t verdict = verdict_of(true, outcome->proof, fate);
    char id[JOBID_TEXT_SIZE];
    if (verdict == VERDICT_ASK && clock_mono_ms() < self->until_ms) {
        self->timer = loop_after(self->kit->loop, ASK_AGAIN_MS, on_ask_timer, self);
        return;
    }
    if (verdict == VERDICT_ASK) {
        haunted(self, "the transaction of an earlier attempt does not end");
        return;
    }
    self->decided = true;
    FAILPOINT(decided);
    log_info("job.decided", "job=%s attempt=%d step=%u proof=%s verdict=%s",
             jobid_text(&self->record->job, id), self->record->attempt, outcome->step,
             proof_word(outcome->proof), verdict_word(verdict));
    self->steps.now = outcome->step;
    if (verdict == VERDICT_DONE)
        found_done(self);
    else if (verdict == VERDICT_UNKNOWN)
        outcome_unknown(self, "", outcome->xid == 0 ? alone_text : unknown_text);
    else
        recover_go(self);
}

/* Where there is no way in to ask, somebody may yet put that right. */
static void
judge(slot_t *self)
{
    if (verdict_question(true, self->earlier.outcome.proof) == QUESTION_NONE) {
        decide(self, FATE_UNTOLD);
        return;
    }
    if (!self->session) {
        const char *reason = self->record->failure.message;
        haunted(self, reason ? reason : "there is no way into the source");
        return;
    }
    self->stage = STAGE_ASK;
    self->until_ms = clock_mono_ms() + PATIENCE_MS;
    ask(self);
}

/* --- in this order --- */

static void
wait_clean(slot_t *self)
{
    self->stage = STAGE_CLEAN;
    self->until_ms = clock_mono_ms() + PATIENCE_MS;
}

/* What is still to be done before anything of the claimed job may run. A job that is not to run
 * needs no session: an earlier attempt cannot put an outcome on record any more, and without one it
 * sends no COMMIT. */
void
recover_go(slot_t *self)
{
    const session_t *session = self->session;
    bool settled = self->ghosts_gone && self->looked && self->decided;
    if (session && !session->clean && !self->kept)
        wait_clean(self);
    else if (!session && !self->doomed && !settled)
        slot_later(self);
    else if (session && !self->ghosts_gone)
        end_ghosts(self);
    else if (!self->looked)
        look(self);
    else if (!self->decided)
        judge(self);
    else
        course_go(self);
}

/* --- turns --- */

void
recover_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    bool over = turn == TURN_LOST || turn == TURN_BROKEN || turn == TURN_BARRED;
    if (over) {
        const char *reason = failure->message ? failure->message : "";
        bool asking = self->stage == STAGE_GHOSTS || self->stage == STAGE_ASK;
        session_close(&self->session);
        if (asking)
            haunted(self, reason);
        else if (self->stage == STAGE_CLEAN)
            recover_go(self);
        return; /* the others will notice when the store has spoken */
    }
    if (self->stage == STAGE_CLEAN && self->session->clean)
        recover_go(self);
    else if (self->stage == STAGE_GHOSTS && turn == TURN_ANSWERED)
        ghosts_answered(self);
    else if (self->stage == STAGE_ASK && turn == TURN_ANSWERED)
        decide(self, self->session->driver->fate(self->session->channel));
}

/* A source that says nothing at all would keep the slot for ever. */
void
recover_tick(slot_t *self, int64_t now_ms)
{
    bool asking =
        self->stage == STAGE_CLEAN || self->stage == STAGE_GHOSTS || self->stage == STAGE_ASK;
    if (!asking || now_ms < self->until_ms + SILENCE_MS)
        return;
    failure_t silent = { .message = (char[]){ "the source does not answer" } };
    recover_turned(self, TURN_LOST, &silent);
}
