/* status.c - GET /api/v1/job/{id}. */
#include "api/dialects/v1_job/v1_job.h"

/* The moment from which the current status holds. */
static int64_t
status_ms(const job_t *job)
{
    if (job_state_final(job->state))
        return job->ended_ms;
    if (job->state == JOB_PENDING)
        return job->created_ms;
    return job->first_page_ms > 0 ? job->first_page_ms : job->started_ms;
}

/* With its steps, when it has several. Caller owns the result. */
static job_t *
find(const call_t *call, const jobid_t *id, int64_t wait_ms, err_t *err)
{
    patience_t patience = { .gone = v1_client_served, .arg = call->request };
    own(job) job = engine_wait(call->engine, &call->caller, id, wait_ms, false, &patience, err);
    if (!job && err->kind != ERR_TIMEOUT)
        return NULL;
    if (job && job->steps <= 1)
        return take(job);
    return engine_find(call->engine, &call->caller, id, true, err);
}

/* The tags of what it ran, in its order. */
static void
member_commands(json_t *json, const job_t *job, uint32_t step)
{
    json_name(json, "commands");
    json_begin_list(json);
    for (uint32_t i = 0; job->manifest && i < job->manifest->count; i++) {
        const result_t *result = &job->manifest->results[i];
        if (result->step == step)
            json_text(json, result->tag);
    }
    json_end_list(json);
}

static void
show_step(json_t *json, const job_t *job, const job_step_t *step)
{
    bool never = step->state == JOB_PENDING && job_state_final(job->state);
    job_state_t state = never ? JOB_SKIPPED : step->state;
    json_begin(json);
    json_member_int(json, "step", step->step);
    json_member_text(json, "state", job_state_word(state));
    v1_member_time(json, "startedAt", step->started_ms);
    v1_member_time(json, "endedAt", step->ended_ms);
    json_member_int(json, "rows", step->rows);
    member_commands(json, job, step->step);
    if (job_state_final(state) && state != JOB_DONE && state != JOB_SKIPPED) {
        v1_cause_t cause = v1_step_cause(step);
        v1_member_cause(json, "error", &cause);
    } else {
        json_member_nil(json, "error");
    }
    json_member_text(json, "when", step->condition);
    json_end(json);
}

static void
member_steps(json_t *json, const job_t *job)
{
    json_name(json, "steps");
    json_begin_list(json);
    for (uint32_t i = 0; i < job->steps; i++)
        show_step(json, job, &job->step[i]);
    json_end_list(json);
}

/* Of a job of one step that is done the manifest is not read for this: a status must stay cheap. */
static bool
says_something(const job_t *job)
{
    const manifest_t *manifest = job->manifest;
    return manifest && (v1_failed(job) || job->step)
           && (manifest->notice_count > 0 || manifest->notices_dropped > 0);
}

bool
v1_status(call_t *call, err_t *err)
{
    jobid_t id;
    int64_t wait_ms = 0;
    if (!v1_read_id(call, &id, err) || !param_seconds(call->request, "wait", &wait_ms, err))
        return false;
    own(job) job = find(call, &id, wait_ms, err);
    if (!job)
        return false;

    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, &job->id);
    json_member_text(&json, "jobState", v1_word(job));
    v1_member_time(&json, "startedAt", job->state == JOB_PENDING ? 0 : job->started_ms);
    v1_member_time(&json, "statusAt", status_ms(job));
    json_member_text(&json, "state", job_state_word(job->state));
    v1_member_time(&json, "createdAt", job->created_ms);
    v1_member_time(&json, "endedAt", job->ended_ms);
    v1_member_time(&json, "expiresAt", job->expires_ms);
    json_member_int(&json, "attempt", job->attempt);
    json_member_int(&json, "rows", job->rows);
    v1_member_error(&json, job);
    if (job->cancel_ms > 0 && !job_state_final(job->state))
        v1_member_time(&json, "cancelRequestedAt", job->cancel_ms);
    if (v1_truncated(job->manifest))
        json_member_bool(&json, "truncated", true);
    if (job->step)
        member_steps(&json, job);
    if (says_something(job))
        v1_member_notices(&json, job->manifest);
    json_end(&json);
    return true;
}
