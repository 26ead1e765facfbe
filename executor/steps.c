/* steps.c - a list of steps, and the text of the one at work. */
#include "executor/steps.h"

#include <stdlib.h>
#include <string.h>

#include "common/fill.h"

void
steps_one(steps_t *self, char **sql_p)
{
    steps_clear(self);
    self->count = 1;
    self->list = mem_array(1, sizeof *self->list);
    self->list[0].sql = take(*sql_p);
}

void
steps_several(steps_t *self, job_step_t **list_p, uint32_t count)
{
    steps_clear(self);
    self->several = true;
    self->count = count;
    self->list = take(*list_p);
}

void
steps_clear(steps_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        job_step_clear(&self->list[i]);
    free(self->list);
    binds_destroy(&self->binds);
    statements_destroy(&self->statements);
    *self = (steps_t){ 0 };
}

plan_t
steps_next(const steps_t *self)
{
    if (self->several)
        return plan_next(self->list, self->count);
    return (plan_t){ .state = JOB_DONE };
}

job_step_t *
steps_now(const steps_t *self)
{
    return &self->list[self->now];
}

bool
steps_last(const steps_t *self)
{
    return self->now + 1 == self->count;
}

const char *
steps_lost(const steps_t *self, int32_t attempt)
{
    for (uint32_t i = 0; i < self->now; i++) {
        const job_step_t *step = &self->list[i];
        if (step->state == JOB_DONE && step->leaves && step->attempt != attempt)
            return step->leaves;
    }
    return NULL;
}

/* Of all that a job may leave. */
static size_t
room_left(const steps_t *self)
{
    size_t left = MANIFESTS_MOST;
    for (uint32_t i = 0; i < self->count; i++) {
        size_t size = i == self->now ? 0 : self->list[i].manifest_size;
        left -= size < left ? size : left;
    }
    return left;
}

size_t
steps_room(const steps_t *self)
{
    size_t left = room_left(self);
    return left < MANIFEST_MOST ? left : MANIFEST_MOST;
}

bool
steps_crowded(const steps_t *self)
{
    return room_left(self) < MANIFESTS_MOST / 2;
}

static int64_t
left_of(const limit_t *limit, int64_t used)
{
    if (limit->most == 0)
        return INT64_MAX;
    return used < limit->most ? limit->most - used : 0;
}

bool
steps_allow(const steps_t *self, const job_limits_t *limits, allowance_t *allowance)
{
    if (limits->rows.most == 0 && limits->bytes.most == 0)
        return false;
    int64_t rows = 0;
    int64_t bytes = 0;
    *allowance = (allowance_t){ .cut = limits->truncate || self->autocommit };
    for (uint32_t i = 0; i < self->count; i++) {
        const job_step_t *step = &self->list[i];
        if (step->state != JOB_DONE)
            continue;
        rows += step->rows;
        bytes += step->raw_bytes;
        allowance->spent = allowance->spent || step->truncated;
    }
    allowance->rows = left_of(&limits->rows, rows);
    allowance->bytes = left_of(&limits->bytes, bytes);
    return true;
}

/* --- getting ready --- */

static char *
filled_in(const steps_t *self, const jobid_t *job)
{
    const job_step_t *step = steps_now(self);
    char id[JOBID_TEXT_SIZE];
    uint32_t blamed = plan_blame(self->list, self->count, self->now);
    const char *error = blamed < self->count ? self->list[blamed].error : NULL;
    const fill_values_t values = { .job_id = jobid_text(job, id),
                                   .error_message = error ? error : "" };
    return fill_template(step->sql, &values);
}

/* May its statements run the way they have to? */
static bool
check_alone(steps_t *self, autocommit_t autocommit, bool read_only, failure_t *failure)
{
    const statements_t *statements = self->statements;
    const statement_t *alone = NULL;
    for (uint32_t i = 0; i < statements->count && !alone; i++) {
        if (statements->list[i].kind == STATEMENT_ALONE)
            alone = &statements->list[i];
    }
    if (alone && autocommit == AUTOCOMMIT_NEVER)
        failure_say(failure, "25001",
                    "%s cannot run inside a transaction, which each step of a job is; the option "
                    "`autocommit` lets it run outside one, at most once",
                    alone->word);
    else if (alone && statements->count > 1)
        failure_say(failure, "25001",
                    "%s cannot run inside a transaction, and so not beside other statements; it "
                    "must be the only one of its text",
                    alone->word);
    else if (autocommit == AUTOCOMMIT_ALWAYS && statements->count > 1)
        failure_say(failure, "25001", "with `autocommit` a text is one statement; this one has %u",
                    statements->count);
    else if ((alone || autocommit == AUTOCOMMIT_ALWAYS) && read_only)
        failure_say(failure, "25006",
                    "%s would run outside a transaction, which a `read_only` job does not do",
                    statements->list[0].word);
    else
        return true;
    return false;
}

/* What was filled in stands in quotes by now, where nothing is a placeholder. */
static bool
bind(steps_t *self, const params_t *params, failure_t *failure)
{
    err_t err;
    int32_t position = 0;
    if (!params)
        return true;
    self->binds = binds_make(self->statements, params, &position, &err);
    if (self->binds)
        return true;
    failure_say(failure, err.sqlstate, "%s", err.text);
    failure->position = position;
    return false;
}

bool
steps_prepare(steps_t *self, const jobid_t *job, const params_t *params, autocommit_t autocommit,
              bool read_only, failure_t *failure)
{
    err_t err;
    const job_step_t *step = steps_now(self);
    own(mem) filled = step->is_template ? filled_in(self, job) : NULL;
    binds_destroy(&self->binds);
    statements_destroy(&self->statements);
    self->statements = statements_split(filled ? filled : step->sql, &err);
    if (!self->statements) {
        failure_say(failure, err.sqlstate[0] ? err.sqlstate : "42601", "%s", err.text);
        return false;
    }
    if (!check_alone(self, autocommit, read_only, failure) || !bind(self, params, failure))
        return false;
    self->autocommit =
        autocommit == AUTOCOMMIT_ALWAYS || self->statements->list[0].kind == STATEMENT_ALONE;
    return true;
}

/* --- ends --- */

void
steps_ended(steps_t *self, job_state_t state, const ending_t *ending, failure_t *failure)
{
    job_step_t *step = steps_now(self);
    step->state = state;
    step->rows = ending->rows;
    step->bytes = ending->bytes;
    step->raw_bytes = ending->raw_bytes;
    step->truncated = ending->truncated;
    step->pages = ending->pages;
    step->manifest_size = (uint32_t)ending->manifest_size;
    free(step->error);
    free(step->error_detail);
    free(step->error_hint);
    step->error = take(failure->message);
    step->error_detail = take(failure->detail);
    step->error_hint = take(failure->hint);
    step->error_position = failure->position;
    memcpy(step->sqlstate, failure->sqlstate, sizeof step->sqlstate);
    *failure = (failure_t){ 0 };
}

void
steps_total(const steps_t *self, ending_t *ending)
{
    ending->rows = ending->bytes = ending->pages = 0;
    ending->truncated = false;
    for (uint32_t i = 0; i < self->count; i++) {
        const job_step_t *step = &self->list[i];
        if (step->state != JOB_DONE)
            continue;
        ending->truncated = ending->truncated || step->truncated;
        ending->rows += step->rows;
        ending->bytes += step->bytes;
        ending->pages += step->pages;
    }
}

failure_t
steps_blame(steps_t *self, uint32_t step)
{
    job_step_t *blamed = &self->list[step];
    failure_t failure = { .message = take(blamed->error),
                          .detail = take(blamed->error_detail),
                          .hint = take(blamed->error_hint),
                          .position = blamed->error_position };
    memcpy(failure.sqlstate, blamed->sqlstate, sizeof failure.sqlstate);
    return failure;
}
