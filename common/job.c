/* job.c - the words of the states, of autocommit and of limits, and the table of moves. */
#include "common/job.h"

#include <stdlib.h>
#include <string.h>

static const char *const words[JOB_STATES] = {
    [JOB_PENDING] = "pending", [JOB_RUNNING] = "running",     [JOB_DONE] = "done",
    [JOB_FAILED] = "failed",   [JOB_CANCELLED] = "cancelled", [JOB_TIMED_OUT] = "timed_out",
    [JOB_UNKNOWN] = "unknown", [JOB_SKIPPED] = "skipped",
};

static const char *const autocommits[] = {
    [AUTOCOMMIT_NEVER] = "never",
    [AUTOCOMMIT_NEEDED] = "needed",
    [AUTOCOMMIT_ALWAYS] = "always",
};

enum { AUTOCOMMITS = sizeof autocommits / sizeof autocommits[0] };

static const char *const owners[] = {
    [LIMIT_OF_JOB] = "job",
    [LIMIT_OF_TENANT] = "tenant",
    [LIMIT_OF_SOURCE] = "source",
};

enum { OWNERS = sizeof owners / sizeof owners[0] };

/* Where each state may go. A final state has no row, and so goes nowhere. */
static const bool moves[JOB_STATES][JOB_STATES] = {
    [JOB_PENDING] = {
        [JOB_RUNNING] = true,
        [JOB_FAILED] = true,
        [JOB_CANCELLED] = true,
        [JOB_TIMED_OUT] = true,
        [JOB_SKIPPED] = true,
    },
    [JOB_RUNNING] = {
        [JOB_PENDING] = true,
        [JOB_RUNNING] = true,
        [JOB_DONE] = true,
        [JOB_FAILED] = true,
        [JOB_CANCELLED] = true,
        [JOB_TIMED_OUT] = true,
        [JOB_UNKNOWN] = true,
    },
};

/* States come from the store and the bus as numbers too. */
static bool
known(job_state_t state)
{
    return (unsigned)state < JOB_STATES;
}

job_t *
job_new(void)
{
    job_t *self = mem_new(sizeof *self);
    self->tenant = mem_text("");
    self->source = mem_text("");
    self->dialect = mem_text("");
    return self;
}

void
job_destroy(job_t **self_p)
{
    job_t *self = *self_p;
    if (!self)
        return;
    free(self->tenant);
    free(self->source);
    free(self->dialect);
    free(self->error);
    free(self->error_detail);
    free(self->error_hint);
    free(self->sql);
    free(self->note);
    manifest_destroy(&self->manifest);
    for (uint32_t i = 0; self->step && i < self->steps; i++)
        job_step_clear(&self->step[i]);
    free(self->step);
    free(self);
    *self_p = NULL;
}

jobs_t *
jobs_new(uint32_t count)
{
    jobs_t *self = mem_new(sizeof *self);
    self->count = count;
    self->list = mem_array(count, sizeof *self->list);
    return self;
}

void
jobs_destroy(jobs_t **self_p)
{
    jobs_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        job_destroy(&self->list[i]);
    free(self->list);
    free(self);
    *self_p = NULL;
}

void
job_step_clear(job_step_t *self)
{
    free(self->sql);
    free(self->condition);
    free(self->error);
    free(self->error_detail);
    free(self->error_hint);
    free(self->leaves);
    manifest_destroy(&self->manifest);
    *self = (job_step_t){ 0 };
}

const char *
autocommit_word(autocommit_t autocommit)
{
    return (unsigned)autocommit < AUTOCOMMITS ? autocommits[autocommit] : "invalid";
}

/* Where a word stands in a list; NULL stands for the first; `count`: nowhere. */
static unsigned
find_word(const char *const *list, unsigned count, const char *word)
{
    unsigned i = 0;
    while (word && i < count && strcmp(word, list[i]) != 0)
        i++;
    return i;
}

bool
autocommit_parse(const char *word, autocommit_t *autocommit)
{
    unsigned found = find_word(autocommits, AUTOCOMMITS, word);
    if (found == AUTOCOMMITS)
        return false;
    *autocommit = (autocommit_t)found;
    return true;
}

const char *
limit_owner_word(limit_owner_t owner)
{
    return (unsigned)owner < OWNERS ? owners[owner] : "invalid";
}

bool
limit_owner_parse(const char *word, limit_owner_t *owner)
{
    unsigned found = find_word(owners, OWNERS, word);
    if (found == OWNERS)
        return false;
    *owner = (limit_owner_t)found;
    return true;
}

const char *
job_state_word(job_state_t state)
{
    return known(state) ? words[state] : "invalid";
}

bool
job_state_parse(const char *word, job_state_t *state)
{
    for (unsigned i = 0; i < JOB_STATES; i++) {
        if (strcmp(word, words[i]) == 0) {
            *state = (job_state_t)i;
            return true;
        }
    }
    return false;
}

bool
job_state_final(job_state_t state)
{
    return known(state) && state != JOB_PENDING && state != JOB_RUNNING;
}

bool
job_may_move(job_state_t from, job_state_t to)
{
    return known(from) && known(to) && moves[from][to];
}
