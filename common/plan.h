/* plan.h - which step of a job comes next, and how the job ends: the one place that knows
 * conditions.
 *
 * Steps are looked at in their order, each once. A step without a condition runs if no such step
 * before it has failed; its failure fails the job. A step with a condition is a reaction: it runs
 * when its condition holds, and its failure fails nothing but itself. Conditions:
 *
 *     always      when its turn comes
 *     done        when the job is done: every step without a condition took effect
 *     failed      when the job failed: one of them failed, or ran out of time
 *     done:K      when step K took effect (K from 0, before this one)
 *     failed:K    when step K failed, or ran out of time
 *
 * A condition sees only what came before its step, so that a turn which has passed stays passed:
 * "done" with a step without a condition behind it never holds, nor does "failed" in front of the
 * step that fails. A step that was skipped neither took effect nor failed. Where there are only
 * reactions, the job is done.
 *
 * A step that was cancelled, or whose outcome is unknown, ends its job there: nothing runs after
 * it, and that is the job's state even if a step before it had failed. So does the job's own
 * deadline, of which whoever keeps the clock knows, not the steps: a step that ran out of its own
 * time is like one that failed, but for the job's state, which is timed_out. Pure; any thread.
 */
#ifndef COMMON_PLAN_H
#define COMMON_PLAN_H

#include "common/err.h"
#include "common/job.h"

/* Is this a condition for step number `step`? Fails with ERR_INVALID, naming it. */
bool plan_check(const char *condition, uint32_t step, err_t *err) MUST_USE;

typedef struct {
    bool over;     /* no step can run any more */
    uint32_t step; /* else: this one is next. It is pending, or running under an earlier attempt */
    job_state_t state; /* over: the job's final state */
    uint32_t cause;    /* over and not done: the step that decided it */
} plan_t;

/* What comes next, given each step's condition and state. */
plan_t plan_next(const job_step_t *steps, uint32_t count);

/* The failed step before `step` whose message a template there speaks of: the one that its
 * condition names (failed:K), or that failed the job (failed), else the last of all; count when
 * none. */
uint32_t plan_blame(const job_step_t *steps, uint32_t count, uint32_t step);

#endif
