/* halt.c - what stops a job: its owner, its clocks, this executor's own end. */
#include "common/clock.h"
#include "executor/clocks.h"
#include "executor/slot.h"

/* The tick sees to deadlines that are farther away than this. */
enum { NEAR_MS = 3000 };

/* --- clocks --- */

/* When the statement at work runs out of time; while its rows are not read that clock stands. */
static int64_t
statement_end(const slot_t *self)
{
    bool runs = self->stage == STAGE_RUN && !self->session->paused;
    return runs ? self->statement_until_ms : CLOCK_NEVER;
}

static void
on_clock(void *slot)
{
    slot_t *self = slot;
    int64_t now_ms = clock_mono_ms();
    self->clock = NULL;
    if (now_ms >= self->deadline_ms && self->stage == STAGE_COMMIT)
        outcome_overdue(self);
    else if (now_ms >= self->deadline_ms)
        slot_halt(self, HALT_DEADLINE);
    else if (now_ms >= statement_end(self))
        slot_halt(self, HALT_STATEMENT);
    else
        halt_watch(self, now_ms);
}

/* COMMIT is watched even if something came too late to stop it. */
void
halt_watch(slot_t *self, int64_t now_ms)
{
    if (self->stage <= STAGE_CLAIM || self->clock || (self->halt && self->stage != STAGE_COMMIT))
        return;
    int64_t end_ms = statement_end(self);
    int64_t until_ms = end_ms < self->deadline_ms ? end_ms : self->deadline_ms;
    if (until_ms - now_ms > NEAR_MS)
        return;
    int64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    self->clock = loop_after(self->kit->loop, left_ms, on_clock, self);
}

void
slot_tick(slot_t *self, int64_t now_ms)
{
    recover_tick(self, now_ms);
    halt_watch(self, now_ms);
}

void
halt_claimed(slot_t *self)
{
    const claimed_t *claimed = &self->claimed;
    int64_t now_ms = clock_mono_ms();
    self->statement_until_ms = CLOCK_NEVER;
    self->deadline_ms =
        clock_deadline(now_ms, claimed->age_ms, claimed->deadline_ms, self->kit->deadline_ms);
    if (claimed->cancelled)
        self->halt = HALT_CANCEL;
    else if (now_ms >= self->deadline_ms)
        self->halt = HALT_DEADLINE;
}

void
halt_statement(slot_t *self)
{
    int64_t now_ms = clock_mono_ms();
    self->statement_ms =
        clock_timeout(steps_now(&self->steps)->timeout_ms, self->claimed.statement_timeout_ms,
                      self->kit->statement_timeout_ms);
    self->statement_until_ms = clock_end(now_ms, self->statement_ms);
    loop_cancel(&self->clock);
    halt_watch(self, now_ms);
}

void
halt_resumed(slot_t *self)
{
    if (self->statement_until_ms != CLOCK_NEVER)
        self->statement_until_ms += (clock_mono_us() - self->waiting_us) / 1000;
    halt_watch(self, clock_mono_ms());
}

void
halt_rest(slot_t *self)
{
    loop_cancel(&self->clock);
    stopper_forget(self->kit->stopper, &self->stop);
    self->stopping = false;
}

/* --- stopping --- */

/* Neither its statement nor its session would end; what is behind a closed socket, the source ends.
 */
static void
on_spent(void *slot)
{
    slot_t *self = slot;
    if (self->steps.autocommit)
        outcome_unknown(self, "57014", alone_text);
    else
        halt_end(self);
}

static void
stop_statement(slot_t *self)
{
    if (self->stopping)
        return;
    const backend_t *backend = self->session->driver->backend(self->session->channel);
    if (backend->pid == 0) {
        on_spent(self);
        return;
    }
    self->stopping = true;
    self->stop = (stop_t){
        .pid = backend->pid,
        .start_us = backend->start_us,
        .spent = on_spent,
        .user = self,
        .patient = self->steps.autocommit,
    };
    stopper_ask(self->kit->stopper, self->tenant, self->source, &self->stop);
    if (self->session->paused && !self->steps.autocommit)
        session_resume(self->session); /* its last words are behind rows that nobody wants */
}

void
slot_halt(slot_t *self, halt_t why)
{
    if (self->stage == STAGE_FREE || self->halt)
        return;
    self->halt = why;
    switch (self->stage) {
    case STAGE_RUN: stop_statement(self); return;
    case STAGE_STORE:
    case STAGE_BARRIER:
    case STAGE_LEASE: halt_end(self); return;
    case STAGE_FREE:
    case STAGE_LOGIN:
    case STAGE_OPEN:
    case STAGE_CLAIM: /* the claim will tell */
    case STAGE_CLEAN:
    case STAGE_GHOSTS:
    case STAGE_LOOK:
    case STAGE_ASK: /* what was before is decided first */
    case STAGE_STEP:
    case STAGE_RECORD:
    case STAGE_PAGES:
    case STAGE_STEPPED: return; /* as soon as that is answered */
    case STAGE_COMMIT: return;  /* too late for this step */
    }
}

/* --- ends --- */

static void
say_why(slot_t *self)
{
    failure_t *failure = &self->record->failure;
    int64_t span_ms =
        self->claimed.deadline_ms > 0 ? self->claimed.deadline_ms : self->kit->deadline_ms;
    switch (self->halt) {
    case HALT_CANCEL: failure_say(failure, "57014", "the job was cancelled"); return;
    case HALT_STATEMENT:
        failure_say(failure, "57014",
                    "the statement ran longer than its timeout of %lld ms and was stopped",
                    (long long)self->statement_ms);
        return;
    case HALT_DEADLINE:
        failure_say(failure, "57014", "the job was not over within its deadline of %lld ms",
                    (long long)span_ms);
        return;
    case HALT_LEAVE:
        failure_say(failure, "57014",
                    "its executor was shut down; it ran outside a transaction, was stopped, and is "
                    "not run again");
        return;
    case HALT_NONE: return;
    }
}

void
halt_end(slot_t *self)
{
    halt_t why = self->halt;
    bool unused = self->session && (self->session->clean || self->kept);
    say_why(self);
    if (why == HALT_CANCEL) {
        course_break(self, JOB_CANCELLED, unused);
    } else if (why == HALT_DEADLINE) {
        course_break(self, JOB_TIMED_OUT, unused);
    } else if (why == HALT_LEAVE) {
        self->halt = HALT_NONE; /* what comes after it is handed back */
        slot_finish(self, JOB_FAILED, false);
    } else {
        self->halt = HALT_NONE; /* steps that react to this one have clocks of their own */
        slot_finish(self, JOB_TIMED_OUT, false);
    }
}
