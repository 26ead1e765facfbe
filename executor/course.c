/* course.c - the course of a job through its steps: which runs next, how each is put on record, and
 * how all of it ends. A job of one step has the shortest course: it runs. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "executor/slot.h"

enum { AGAIN_MS = 1000 };

/* --- the end of all --- */

/* Others may have the session, once nothing of this job is in it. */
static void
give_back(slot_t *self)
{
    session_t *session = self->session;
    if (session && self->dirty) {
        session->driver->clean(session->channel);
        session_sent(session);
    }
    self->dirty = self->kept = false;
    slot_over(self, self->ended, session != NULL);
}

/* No step can run any more. */
static void
over(slot_t *self, const plan_t *plan)
{
    record_t *record = self->record;
    failure_clear(&record->failure);
    if (plan->state != JOB_DONE)
        record->failure = steps_blame(&self->steps, plan->cause);
    steps_total(&self->steps, &record->ending);
    self->ended = plan->state;
    give_back(self);
}

/* The job ends here, whatever its plan says. */
static void
force_over(slot_t *self, job_state_t state)
{
    steps_total(&self->steps, &self->record->ending);
    self->ended = state;
    give_back(self);
}

void
course_break(slot_t *self, job_state_t state, bool keep)
{
    if (!self->steps.several) {
        slot_over(self, state, keep);
        return;
    }
    self->forced = true;
    if (self->steps.count > 0 && steps_now(&self->steps)->state == JOB_RUNNING) {
        course_ended(self, state, keep);
        return;
    }
    if (!keep)
        session_close(&self->session);
    force_over(self, state);
}

/* --- a step ends --- */

static void move_on(void *slot);

static void
on_stepped(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict == WRITE_FENCED) {
        slot_drop(self, RELEASE_LOST, false);
        return;
    }
    if (write->verdict == WRITE_FAILED) {
        char id[JOBID_TEXT_SIZE];
        log_error("step.unwritten", "job=%s step=%u sqlstate=%s reason=\"%s\"",
                  jobid_text(&record->job, id), self->steps.now, write->err.sqlstate,
                  write->err.text);
        self->timer = loop_after(self->kit->loop, AGAIN_MS, move_on, self);
        return;
    }
    FAILPOINT(step_moved);
    slot_stop_waiting(self);
    job_step_t *step = steps_now(&self->steps);
    step->attempt = self->attempt;
    free(step->leaves);
    step->leaves = take(self->leaves);
    if (self->forced) { /* the failure is the job's */
        step->state = self->ended;
        force_over(self, self->ended);
        return;
    }
    steps_ended(&self->steps, self->ended, &write->in.step.to, &record->failure);
    record_next(record);
    recover_go(self);
}

/* Put the step's end on record: again and again, for ever, where the store refuses it. */
static void
move_on(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    const step_move_t move = { .step = self->steps.now,
                               .from = steps_now(&self->steps)->state,
                               .to = self->ended,
                               .attempt = self->attempt,
                               .executing_us = self->took_us,
                               .leaves = self->leaves };
    self->stage = STAGE_STEPPED;
    record_step(self->record, &move, on_stepped);
}

void
course_stored(slot_t *self)
{
    if (!self->steps.several) {
        slot_over(self, self->ended, true);
        return;
    }
    move_on(self);
}

void
course_ended(slot_t *self, job_state_t state, bool keep)
{
    slot_stop_waiting(self);
    halt_rest(self);
    loop_cancel(&self->timer);
    barriers_forget(self->kit->barriers, &self->barrier);
    self->took_us = self->step_us > 0 ? clock_mono_us() - self->step_us : 0;
    self->executing_us += self->took_us;
    self->step_us = 0;
    if (!keep)
        session_close(&self->session);
    else if (self->session && steps_last(&self->steps) && !self->dirty)
        session_put(take(self->session)); /* it cleans itself */
    if (state == JOB_DONE && self->record->failure.message)
        state = JOB_FAILED; /* a page was refused while COMMIT was under way */
    if (state != JOB_DONE)
        record_forget_pages(self->record);
    self->ended = state;
    self->stage = STAGE_PAGES;
    self->waiting_us = clock_mono_us();
    if (self->record->pages_busy == 0)
        course_stored(self);
}

/* --- a step begins --- */

static void
on_begun(write_t *write)
{
    record_t *record = write->owner;
    slot_t *self = record->user;
    if (write->verdict == WRITE_FENCED) {
        slot_drop(self, RELEASE_LOST, false);
        return;
    }
    if (write->verdict == WRITE_FAILED) {
        slot_later(self);
        return;
    }
    FAILPOINT(step_begun);
    steps_now(&self->steps)->state = JOB_RUNNING;
    if (self->halt || self->leaving || !self->session)
        course_go(self);
    else
        run_begin(self);
}

static void
begin(slot_t *self)
{
    self->recorded = self->rows_seen = false;
    self->inlined = 0;
    self->step_us = 0;
    self->attempt = self->record->attempt;
    if (!self->steps.several) {
        run_begin(self);
        return;
    }
    self->stage = STAGE_STEP;
    const step_move_t move = { .step = self->steps.now,
                               .from = steps_now(&self->steps)->state,
                               .to = JOB_RUNNING,
                               .attempt = self->attempt };
    record_step(self->record, &move, on_begun);
}

/* --- what comes next --- */

/* It was started too often, or an earlier attempt's session had what it needs: false, it cannot. */
static bool
may_begin(slot_t *self)
{
    failure_t *failure = &self->record->failure;
    const char *lost = steps_lost(&self->steps, self->claimed.attempt);
    if (self->claimed.tries > slot_tries_most(self))
        failure_say(failure, "",
                    "this job's executor or its session was lost %d times while it ran; it is not "
                    "run again",
                    self->claimed.tries - 1);
    else if (lost)
        failure_say(failure, "",
                    "an earlier step left %s in its session, which was lost; this step may need it "
                    "and was not run",
                    lost);
    else
        return true;
    return false;
}

void
course_go(slot_t *self)
{
    plan_t plan = steps_next(&self->steps);
    if (plan.over) {
        over(self, &plan);
        return;
    }
    self->steps.now = plan.step;
    if (self->halt)
        halt_end(self);
    else if (self->doomed)
        course_break(self, JOB_FAILED, true);
    else if (!may_begin(self))
        course_break(self, JOB_FAILED, true);
    else if (self->leaving || !self->session)
        slot_hand_back(self, false, self->leaving ? 0 : 1);
    else
        begin(self);
}
