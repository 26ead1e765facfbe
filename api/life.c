/* life.c - what a caller does to a job that is there: stop it, keep it longer, remove it.
 *
 * The store moves a job only from the state that the call is about; when it finds none, the job is
 * looked at to say why, or has moved in between and the call is made again.
 */
#include <stdlib.h>
#include <string.h>

#include "api/engine_inner.h"
#include "api/option.h"

enum { TRIES = 3 };

/* What is asked of the store, and what it says. */
typedef struct {
    const char *what; /* for the log */
    const jobid_t *id;
    const char *tenant;
    bool unexpired; /* only results that are still there will do */
    bool slow;      /* it may take as long as its results are large */
    int32_t retention_s;
    int64_t expires_ms;
    cancel_verdict_t verdict;
} call_t;

bool
engine_may_write(const caller_t *caller, err_t *err)
{
    return strcmp(caller->role, "read") != 0
           || err_set(err, ERR_DENIED, "this API key may only read");
}

static bool
ask(readers_t *hands, readers_fn fn, call_t *call, err_t *err)
{
    if (readers_call(hands, fn, call, err))
        return true;
    engine_own_up(err, call->what);
    return false;
}

/* --- cancel --- */

static bool
call_cancel(store_t *store, void *arg, err_t *err)
{
    call_t *call = arg;
    return store_cancel(store, call->id, call->tenant, &call->verdict, err);
}

/* The job when it is over, or as it is when the time is over or the client has gone. */
static job_t *
await_end(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms,
          const patience_t *patience, err_t *err)
{
    job_t *job = engine_wait(self, caller, id, wait_ms, false, patience, err);
    if (job || err->kind != ERR_TIMEOUT)
        return job;
    return engine_find(self, caller, id, false, err);
}

job_t *
engine_cancel(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms,
              const patience_t *patience, bool *never_started, err_t *err)
{
    call_t call = { .what = "cancel", .id = id, .tenant = caller->tenant };
    own(job) job = NULL;
    *never_started = false;
    if (!engine_may_write(caller, err))
        return NULL;
    for (int i = 0; i < TRIES && !(job && job_state_final(job->state)); i++) {
        if (!ask(self->hands, call_cancel, &call, err))
            return NULL;
        if (call.verdict == CANCEL_ASKED)
            courier_cancel(self->courier, id);
        if (call.verdict == CANCEL_OVER)
            courier_over(self->courier, id);
        job_destroy(&job);
        bool asked = call.verdict == CANCEL_ASKED;
        job = asked ? await_end(self, caller, id, wait_ms, patience, err)
                    : engine_find(self, caller, id, false, err);
        if (!job)
            return NULL;
        if (asked)
            break;
    }
    /* Told from the job, not from the verdict: a repeat of the call must say the same. */
    *never_started = job->state == JOB_CANCELLED && job->attempt == 0;
    return take(job);
}

/* --- renew and remove --- */

/* Why did the store not find it among those that are final? True: nothing speaks against asking
 * again. */
static bool
explain(engine_t *self, const caller_t *caller, const call_t *call, err_t *err)
{
    own(job) job = engine_find(self, caller, call->id, false, err);
    if (!job)
        return false;
    if (!job_state_final(job->state))
        return err_set(err, ERR_CONFLICT, "the job is not over yet");
    if (call->unexpired && job->expired)
        return err_set(err, ERR_GONE, "the results of this job have expired");
    return true;
}

static bool
settle(engine_t *self, const caller_t *caller, readers_fn fn, call_t *call, err_t *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (ask(call->slow ? self->removers : self->hands, fn, call, err)) {
            courier_over(self->courier, call->id);
            return true;
        }
        if (err->kind != ERR_NOT_FOUND || !explain(self, caller, call, err))
            return false;
    }
    return err_set(err, ERR_UNAVAILABLE, "the job is being moved");
}

static bool
call_renew(store_t *store, void *arg, err_t *err)
{
    call_t *call = arg;
    return store_renew(store, call->id, call->tenant, call->retention_s, &call->expires_ms, err);
}

bool
engine_renew(engine_t *self, const caller_t *caller, const jobid_t *id, int32_t retention_s,
             int64_t *expires_ms, err_t *err)
{
    call_t call = { .what = "renew",
                    .id = id,
                    .tenant = caller->tenant,
                    .unexpired = true,
                    .retention_s = retention_s };
    if (!engine_may_write(caller, err)
        || (retention_s != 0 && !option_check("retention_s", retention_s, err))
        || !settle(self, caller, call_renew, &call, err))
        return false;
    *expires_ms = call.expires_ms;
    return true;
}

static bool
call_remove(store_t *store, void *arg, err_t *err)
{
    const call_t *call = arg;
    return store_remove(store, call->id, call->tenant, err);
}

bool
engine_remove(engine_t *self, const caller_t *caller, const jobid_t *id, err_t *err)
{
    call_t call = { .what = "remove", .id = id, .tenant = caller->tenant, .slow = true };
    return engine_may_write(caller, err) && settle(self, caller, call_remove, &call, err);
}
