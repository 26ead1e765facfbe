/* edit.c - a job that waits is given other texts.
 *
 * The store replaces them if nobody has the job, in one statement. When it does not, the job is
 * looked at to say why, or has moved in between and the call is made again.
 */
#include <stdlib.h>

#include "api/engine_inner.h"
#include "common/clock.h"

enum { TRIES = 3 };

typedef struct {
    edit_t edit;
    bool edited;
} call_t;

static bool
call_edit(store_t *store, void *arg, err_t *err)
{
    call_t *call = arg;
    return store_edit(store, &call->edit, &call->edited, err);
}

/* The job, if it waits. Caller owns the result. */
static job_t *
waiting(engine_t *self, const caller_t *caller, const jobid_t *id, err_t *err)
{
    own(job) job = engine_find(self, caller, id, false, err);
    if (job && job->state != JOB_PENDING) {
        err_set(err, ERR_CONFLICT, "the job waits no more");
        return NULL;
    }
    return take(job);
}

/* How long a statement of it may take at most; 0: any time. Without a login on its source it will
 * not run in any case. */
static bool
find_cap(engine_t *self, const job_t *job, int64_t *cap_ms, err_t *err)
{
    terms_t terms = { .statement_timeout_ms = 0 };
    bool known = terms_of(self->terms, job->tenant, job->source, clock_mono_ms(), &terms, err);
    *cap_ms = terms.statement_timeout_ms;
    return known || err->kind == ERR_NOT_FOUND;
}

static bool
replace(engine_t *self, const caller_t *caller, call_t *call, err_t *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (!readers_call(self->hands, call_edit, call, err)) {
            engine_own_up(err, "edit");
            return false;
        }
        if (call->edited)
            return true;
        own(job) job = waiting(self, caller, &call->edit.id, err);
        if (!job)
            return false;
    }
    return err_set(err, ERR_CONFLICT, "the job has begun, and keeps its texts");
}

bool
engine_edit(engine_t *self, const caller_t *caller, const jobid_t *id, const order_t *order,
            err_t *err)
{
    order_t texts = order_of(order->dialect, order->steps);
    texts.step_count = order->step_count;
    texts.note = order->note;
    if (!engine_may_write(caller, err) || !order_check_texts(&texts, err))
        return false;
    int64_t cap_ms;
    own(job) job = waiting(self, caller, id, err);
    if (!job || !find_cap(self, job, &cap_ms, err))
        return false;
    submit_step_t *steps = order_steps(&texts, cap_ms);
    call_t call = { .edit = { .id = *id,
                              .tenant = caller->tenant,
                              .steps = steps,
                              .step_count = texts.step_count,
                              .note = texts.note,
                              .edited_ms = mint_now_ms(self->mint, clock_mono_ms()) } };
    bool good = replace(self, caller, &call, err);
    free(steps);
    return good;
}
