/* submit.c - POST /api/v1/job and POST /api/v1/query. */
#include "api/dialects/v1_job/v1_job.h"

bool
v1_submit(call_t *call, err_t *err)
{
    v1_wish_t wish;
    jobid_t id;
    if (!v1_wish_read(&wish, call, err))
        return false;
    bool good = engine_submit(call->engine, &call->caller, &wish.order, &id, err);
    v1_wish_clear(&wish);
    return good && v1_answer_id(call, 200, &id);
}

static bool
client_gone(void *request)
{
    return request_gone(request);
}

/* From the commit on no answer may read "not done, try again": what cannot be told now is told by
 * the id. */
bool
v1_run(call_t *call, err_t *err)
{
    v1_wish_t wish;
    if (!v1_wish_read(&wish, call, err))
        return false;
    patience_t patience = { .gone = client_gone, .arg = call->request };
    own(job) job = engine_run(call->engine, &call->caller, &wish.order, &patience, err);
    v1_wish_clear(&wish);
    if (!job)
        return false;
    if (!job_state_final(job->state))
        return v1_answer_id(call, 202, &job->id);
    if (v1_failed(job)) {
        v1_answer_failed(call, job, 400);
        return true;
    }
    if (v1_answer_rows(call, job, err))
        return true;
    if (err->kind != ERR_UNAVAILABLE || !reply_restart(call->reply))
        return false;
    return v1_answer_id(call, 202, &job->id);
}
