/* words.c - a job in the words of the job API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"
#include "common/clock.h"

const char *
v1_word(const job_t *job)
{
    switch (job->state) {
    case JOB_PENDING: return "PENDING";
    case JOB_RUNNING: return job->first_page_ms > 0 ? "PARTIAL" : "RUNNING";
    case JOB_DONE: return "COMPLETED";
    case JOB_FAILED:
    case JOB_CANCELLED:
    case JOB_TIMED_OUT:
    case JOB_UNKNOWN:
    case JOB_SKIPPED: break;
    }
    return "FAILED";
}

bool
v1_failed(const job_t *job)
{
    return job_state_final(job->state) && job->state != JOB_DONE;
}

/* What is said where nobody said more. */
static const char *
usual_message(job_state_t state)
{
    switch (state) {
    case JOB_CANCELLED: return "the job was cancelled";
    case JOB_TIMED_OUT: return "the job ran out of time";
    case JOB_UNKNOWN: return "whether the job took effect cannot be known";
    case JOB_PENDING:
    case JOB_RUNNING:
    case JOB_DONE:
    case JOB_FAILED:
    case JOB_SKIPPED: break;
    }
    return "the job failed";
}

static const char *
usual_step_message(job_state_t state)
{
    switch (state) {
    case JOB_CANCELLED: return "the step was cancelled";
    case JOB_TIMED_OUT: return "the step ran out of time";
    case JOB_UNKNOWN: return "whether the step took effect cannot be known";
    case JOB_PENDING:
    case JOB_RUNNING:
    case JOB_DONE:
    case JOB_FAILED:
    case JOB_SKIPPED: break;
    }
    return "the step failed";
}

v1_cause_t
v1_cause(const job_t *job)
{
    return (v1_cause_t){
        .state = job->state,
        .sqlstate = job->sqlstate,
        .message = job->error ? job->error : usual_message(job->state),
        .detail = job->error_detail,
        .hint = job->error_hint,
        .position = job->error_position,
    };
}

v1_cause_t
v1_step_cause(const job_step_t *step)
{
    return (v1_cause_t){
        .state = step->state,
        .sqlstate = step->sqlstate,
        .message = step->error ? step->error : usual_step_message(step->state),
        .detail = step->error_detail,
        .hint = step->error_hint,
        .position = step->error_position,
    };
}

void
v1_member_id(json_t *json, const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    json_member_text(json, "id", jobid_text(id, text));
}

void
v1_member_time(json_t *json, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    json_member_text(json, name, ms > 0 ? clock_iso(ms, text) : NULL);
}

void
v1_member_cause(json_t *json, const char *name, const v1_cause_t *cause)
{
    json_name(json, name);
    json_begin(json);
    json_member_text(json, "code", job_state_word(cause->state));
    json_member_text(json, "sqlstate", cause->sqlstate[0] ? cause->sqlstate : NULL);
    json_member_text(json, "message", cause->message);
    json_member_text(json, "detail", cause->detail);
    json_member_text(json, "hint", cause->hint);
    if (cause->position > 0)
        json_member_int(json, "position", cause->position);
    else
        json_member_nil(json, "position");
    json_end(json);
}

void
v1_member_error(json_t *json, const job_t *job)
{
    if (!v1_failed(job)) {
        json_member_nil(json, "error");
        return;
    }
    v1_cause_t cause = v1_cause(job);
    v1_member_cause(json, "error", &cause);
}

void
v1_hash(const uint8_t hash[PAGE_HASH_SIZE], char text[V1_HASH_SIZE])
{
    for (size_t i = 0; i < PAGE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

void
v1_member_hash(json_t *json, const uint8_t hash[PAGE_HASH_SIZE])
{
    char text[V1_HASH_SIZE];
    v1_hash(hash, text);
    json_member_text(json, "hash", text);
}

void
v1_member_affected(json_t *json, const char *tag)
{
    static const char *const words[] = { "INSERT ", "UPDATE ", "DELETE ", "MERGE ", "COPY " };
    const char *count = NULL;
    for (size_t i = 0; tag && i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(tag, words[i], strlen(words[i])) == 0)
            count = strrchr(tag, ' ') + 1;
    }
    if (count && *count >= '0' && *count <= '9')
        json_member_int(json, "rows_affected", strtoll(count, NULL, 10));
    else
        json_member_nil(json, "rows_affected");
}

/* Both are in the order of steps and statements: `at` goes on where it stood. A statement whose
 * step failed left no result, and has no number. */
static void
member_statement(json_t *json, const manifest_t *manifest, const notice_t *notice, uint32_t *at)
{
    const result_t *result = manifest->results;
    while (*at < manifest->count
           && (result[*at].step < notice->step
               || (result[*at].step == notice->step && result[*at].ordinal < notice->ordinal)))
        ++*at;
    bool there = *at < manifest->count && result[*at].step == notice->step
                 && result[*at].ordinal == notice->ordinal;
    if (there)
        json_member_int(json, "statement", *at);
    else
        json_member_nil(json, "statement");
}

void
v1_member_notices(json_t *json, const manifest_t *manifest)
{
    uint32_t at = 0;
    json_name(json, "notices");
    json_begin_list(json);
    for (uint32_t i = 0; manifest && i < manifest->notice_count; i++) {
        const notice_t *notice = &manifest->notices[i];
        json_begin(json);
        json_member_text(json, "severity", notice->severity);
        json_member_text(json, "sqlstate", notice->sqlstate);
        json_member_text(json, "message", notice->message);
        json_member_text(json, "detail", notice->detail);
        json_member_text(json, "hint", notice->hint);
        member_statement(json, manifest, notice, &at);
        json_end(json);
    }
    json_end_list(json);
    if (manifest && manifest->notices_dropped > 0)
        json_member_int(json, "notices_dropped", manifest->notices_dropped);
}

void
v1_member_truncated(json_t *json, const result_t *result)
{
    json_member_bool(json, "truncated", result->truncated);
}

bool
v1_truncated(const manifest_t *manifest)
{
    for (uint32_t i = 0; manifest && i < manifest->count; i++) {
        if (manifest->results[i].truncated)
            return true;
    }
    return false;
}

bool
v1_answer_id(call_t *call, int status, const jobid_t *id)
{
    reply_status(call->reply, status);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, id);
    json_end(&json);
    return true;
}

void
v1_answer_failed(call_t *call, const job_t *job, int status)
{
    v1_cause_t cause = v1_cause(job);
    reply_status(call->reply, status);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, &job->id);
    json_member_text(&json, "jobState", v1_word(job));
    json_member_text(&json, "state", job_state_word(job->state));
    char text[200];
    if (status == 409) {
        snprintf(text, sizeof text, "the job is %s: only a COMPLETED job has results",
                 v1_word(job));
        json_name(&json, "error");
        json_begin(&json);
        json_member_text(&json, "code", err_word(ERR_CONFLICT));
        json_member_text(&json, "message", text);
        json_end(&json);
        if (v1_failed(job))
            v1_member_cause(&json, "cause", &cause);
    } else {
        v1_member_cause(&json, "error", &cause);
    }
    json_member_text(&json, "detail", status == 409 ? text : cause.message);
    json_end(&json);
}

bool
v1_read_id(const call_t *call, jobid_t *id, err_t *err)
{
    return jobid_parse(call->params[0], id) || err_set(err, ERR_NOT_FOUND, "no such job");
}

bool
v1_client_served(void *request)
{
    return request_hurried(request) || request_gone(request);
}
