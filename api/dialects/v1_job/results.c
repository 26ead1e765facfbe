/* results.c - GET /api/v1/job/{id}/results, and the rows of a synchronous call. */
#include "api/dialects/v1_job/v1_job.h"

const result_t *
v1_usual_result(const manifest_t *manifest)
{
    const result_t *found = NULL;
    for (uint32_t i = 0; manifest && i < manifest->count; i++) {
        if (manifest->results[i].has_columns || !found || !found->has_columns)
            found = &manifest->results[i];
    }
    return found;
}

bool
v1_answer_rows(call_t *call, const job_t *job, err_t *err)
{
    const v1_reading_t reading = { .limit = V1_ROWS_MOST, .statement = -1 };
    return v1_answer(call, job, v1_usual_result(job->manifest), &reading, err);
}

/* A job that ended otherwise keeps what its done steps gave, for who asks for it by number. */
static bool
is_of_done_step(const job_t *job, int64_t statement)
{
    return job_state_final(job->state) && job->manifest && statement >= 0
           && statement < job->manifest->count;
}

/* What can be read of it: all, what its done steps gave, or what it has stored so far. */
static bool
is_readable(const call_t *call, job_t *job, const v1_reading_t *reading, err_t *err)
{
    err_clear(err);
    if (job->state == JOB_DONE || is_of_done_step(job, reading->statement))
        return true;
    return reading->partial && !job_state_final(job->state)
           && engine_stored(call->engine, job, err);
}

job_t *
v1_result_of(call_t *call, const v1_reading_t *reading, const result_t **result, err_t *err)
{
    jobid_t id;
    if (!v1_read_id(call, &id, err))
        return NULL;
    own(job) job = engine_find(call->engine, &call->caller, &id, true, err);
    if (!job)
        return NULL;
    if (!is_readable(call, job, reading, err)) {
        if (err->kind == ERR_NONE)
            v1_answer_failed(call, job, 409);
        return NULL;
    }
    *result = v1_usual_result(job->manifest);
    if (reading->statement < 0)
        return take(job);
    if (!job->manifest || reading->statement >= job->manifest->count) {
        err_set(err, ERR_NOT_FOUND, "the job has no statement of this number");
        return NULL;
    }
    *result = &job->manifest->results[reading->statement];
    return take(job);
}

static bool
answer_unacceptable(call_t *call)
{
    err_t err;
    err_set(&err, ERR_INVALID,
            "results come as application/json, application/vnd.millrace.arrays+json, "
            "application/x-ndjson, text/csv, application/vnd.msgpack or text/event-stream");
    dialect_fail(call, 406, &err);
    return true;
}

bool
v1_results(call_t *call, err_t *err)
{
    v1_reading_t reading;
    const result_t *result = NULL;
    if (!v1_reading(call, &reading, err))
        return false;
    if (reading.format == V1_FORMATS)
        return answer_unacceptable(call);
    if (reading.format == V1_EVENTS)
        return v1_follow(call, &reading, err);
    own(job) job = v1_result_of(call, &reading, &result, err);
    if (!job)
        return err->kind == ERR_NONE;
    return v1_answer(call, job, result, &reading, err);
}
