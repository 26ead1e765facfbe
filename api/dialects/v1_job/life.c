/* life.c - POST /api/v1/job/{id}/cancel, POST /api/v1/job/{id}/renew, DELETE /api/v1/job/{id}. */
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"
#include "api/option.h"

enum { CANCEL_WAIT_MS = 6000 };

/* A body that may be missing. *doc is NULL then; caller owns it. */
static bool
read_body(const call_t *call, const char *const *known, json_doc_t **doc, err_t *err)
{
    size_t size = 0;
    const char *body = request_body(call->request, &size);
    *doc = NULL;
    if (size == 0)
        return true;
    own(json_doc) read = json_parse(body, size, err);
    if (!read)
        return false;
    const char *unknown = json_doc_unknown(read, known);
    if (unknown)
        return err_set(err, ERR_INVALID, "unknown member '%s'", unknown);
    *doc = take(read);
    return true;
}

/* --- cancel --- */

static const char *
outcome(const job_t *job, bool never_started)
{
    if (!job_state_final(job->state))
        return "deciding";
    if (never_started)
        return "never_started";
    return job->state == JOB_CANCELLED ? "cancelled" : "too_late";
}

bool
v1_cancel(call_t *call, err_t *err)
{
    static const char *const nothing[] = { NULL };
    jobid_t id;
    int64_t wait_ms = CANCEL_WAIT_MS;
    own(json_doc) doc = NULL;
    if (!v1_read_id(call, &id, err) || !param_seconds(call->request, "wait", &wait_ms, err)
        || !read_body(call, nothing, &doc, err))
        return false;
    patience_t patience = { .gone = v1_client_served, .arg = call->request };
    bool never_started = false;
    own(job) job =
        engine_cancel(call->engine, &call->caller, &id, wait_ms, &patience, &never_started, err);
    if (!job)
        return false;
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, &job->id);
    json_member_text(&json, "jobState", v1_word(job));
    json_member_text(&json, "state", job_state_word(job->state));
    json_member_text(&json, "outcome", outcome(job, never_started));
    v1_member_error(&json, job);
    json_end(&json);
    return true;
}

/* --- renew, remove --- */

static bool
read_retention(const json_doc_t *doc, int32_t *retention_s, err_t *err)
{
    *retention_s = 0;
    if (!doc || json_doc_kind(doc, "retention_s") == JSON_KIND_MISSING)
        return true;
    if (json_doc_kind(doc, "retention_s") != JSON_KIND_INTEGER)
        return option_refuse("retention_s", err);
    int64_t asked = json_doc_int(doc, "retention_s");
    if (!option_check("retention_s", asked, err))
        return false;
    *retention_s = (int32_t)asked;
    return true;
}

bool
v1_renew(call_t *call, err_t *err)
{
    static const char *const known[] = { "retention_s", NULL };
    jobid_t id;
    int32_t retention_s;
    int64_t expires_ms;
    own(json_doc) doc = NULL;
    if (!v1_read_id(call, &id, err) || !read_body(call, known, &doc, err)
        || !read_retention(doc, &retention_s, err)
        || !engine_renew(call->engine, &call->caller, &id, retention_s, &expires_ms, err))
        return false;
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, &id);
    v1_member_time(&json, "expiresAt", expires_ms);
    json_end(&json);
    return true;
}

bool
v1_remove(call_t *call, err_t *err)
{
    jobid_t id;
    return v1_read_id(call, &id, err) && engine_remove(call->engine, &call->caller, &id, err)
           && v1_answer_id(call, 200, &id);
}
