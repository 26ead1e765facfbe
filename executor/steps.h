/* steps.h - the steps of a claimed job: which one is at work, its statements, and what all of them
 * come to. Pure.
 *
 * A job of one step has its text from the claim and no row of its own in the store; one of several
 * is read with WRITE_LOOK. Both are a list here, so that whoever runs steps need not know. The text
 * of a step is filled in and split when it is about to run; what it may not do is refused then,
 * before anything of it is sent.
 */
#ifndef EXECUTOR_STEPS_H
#define EXECUTOR_STEPS_H

#include "common/job.h"
#include "common/lane.h"
#include "common/plan.h"
#include "common/sqltext.h"
#include "executor/driver.h"

typedef struct {
    bool several;
    uint32_t count;
    job_step_t *list;         /* owned */
    uint32_t now;             /* the step that is at work, or was last */
    statements_t *statements; /* its text, split; NULL: not yet */
    binds_t *binds;           /* and the parameters that they take; NULL: the job has none */
    bool autocommit;          /* its one statement runs outside a transaction */
} steps_t;

/* Of a job of one step, whose text is taken. */
void steps_one(steps_t *self, char **sql_p);

/* Of a job of several; the list is taken. */
void steps_several(steps_t *self, job_step_t **list_p, uint32_t count);

/* Free what it holds, and make it a job without steps. */
void steps_clear(steps_t *self);

/* What comes next. */
plan_t steps_next(const steps_t *self);

/* The step that is at work. Points into self. */
job_step_t *steps_now(const steps_t *self);

/* Nothing of the job can come after it? */
bool steps_last(const steps_t *self);

/* What a step before it left in a session of an attempt before this one; NULL: nothing. Points into
 * self. */
const char *steps_lost(const steps_t *self, int32_t attempt);

/* How much the manifest of the step at work may weigh, after those that the job's steps left. */
size_t steps_room(const steps_t *self);

/* Have these left so much that what the source says beside its answers must not be kept, lest there
 * be no room for results? */
bool steps_crowded(const steps_t *self);

/* What the results of the step at work may come to, after what steps that are done have used up of
 * the limits. False: as much as there is. */
bool steps_allow(const steps_t *self, const job_limits_t *limits, allowance_t *allowance);

/* Make the step at work ready to run: its statements, what they take of the job's parameters (NULL:
 * it has none; they must outlive it), and whether it is to run outside a transaction. Where it must
 * not run at all: false, and `failure` says why. */
bool steps_prepare(steps_t *self, const jobid_t *job, const params_t *params,
                   autocommit_t autocommit, bool read_only, failure_t *failure) MUST_USE;

/* The step at work ended: note its state, what it was counted as, and why it failed (taken). */
void steps_ended(steps_t *self, job_state_t state, const ending_t *ending, failure_t *failure);

/* Rows, stored bytes and pages of all steps that are done, and whether something was left out. */
void steps_total(const steps_t *self, ending_t *ending);

/* Why this step failed; the texts are taken from it. */
failure_t steps_blame(steps_t *self, uint32_t step);

#endif
