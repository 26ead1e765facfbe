/* v1_job.c - the dialect under /api/v1/job and /api/v1/query, our native face.
 *
 * Its words for a state: PENDING, RUNNING, PARTIAL (running, and a page is stored), COMPLETED,
 * FAILED. It has none for cancelled, timed out or unknown: they read FAILED, and the member `state`
 * says which. Contract: schemas/http/README.md.
 */
#include <stdio.h>
#include <string.h>

#include "api/dialect.h"
#include "common/clock.h"

enum { ROWS_MOST = 1000, US_PER_MS = 1000 };

/* --- words --- */

static const char *
word(const job_t *job)
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

static const char *
failure_text(const job_t *job)
{
    if (job->error)
        return job->error;
    switch (job->state) {
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

static bool
has_failed(const job_t *job)
{
    return job_state_final(job->state) && job->state != JOB_DONE;
}

static void
member_id(json_t *json, const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    json_member_text(json, "id", jobid_text(id, text));
}

static void
member_time(json_t *json, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    json_member_text(json, name, ms > 0 ? clock_iso(ms, text) : NULL);
}

/* Why a job failed. */
static void
member_cause(json_t *json, const char *name, const job_t *job)
{
    json_name(json, name);
    json_begin(json);
    json_member_text(json, "code", job_state_word(job->state));
    json_member_text(json, "sqlstate", job->sqlstate[0] ? job->sqlstate : NULL);
    json_member_text(json, "message", failure_text(job));
    json_member_text(json, "detail", job->error_detail);
    json_member_text(json, "hint", job->error_hint);
    if (job->error_position > 0)
        json_member_int(json, "position", job->error_position);
    else
        json_member_nil(json, "position");
    json_end(json);
}

static bool
answer_id(call_t *call, int status, const jobid_t *id)
{
    reply_status(call->reply, status);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    member_id(&json, id);
    json_end(&json);
    return true;
}

/* --- what is asked --- */

/* The body {"sql": String}. The order points into the result. Caller owns the result. */
static json_doc_t *
read_order(const call_t *call, order_t *order, err_t *err)
{
    static const char *const known[] = { "sql", NULL };
    size_t size = 0;
    const char *body = request_body(call->request, &size);
    own(json_doc) doc = json_parse(body, size, err);
    if (!doc)
        return NULL;
    const char *unknown = json_doc_unknown(doc, known);
    json_kind_t kind = json_doc_kind(doc, "sql");
    *order = (order_t){ .dialect = "v1_job" };
    order->sql = json_doc_text(doc, "sql", &order->sql_size);
    if (unknown)
        err_set(err, ERR_INVALID, "unknown member '%s'", unknown);
    else if (kind == JSON_KIND_MISSING)
        err_set(err, ERR_INVALID, "member 'sql' is missing");
    else if (kind != JSON_KIND_TEXT)
        err_set(err, ERR_INVALID, "member 'sql' must be a text");
    else if (order->sql_size == 0)
        err_set(err, ERR_INVALID, "member 'sql' is empty");
    else
        return take(doc);
    return NULL;
}

static bool
read_id(const call_t *call, jobid_t *id, err_t *err)
{
    return jobid_parse(call->params[0], id) || err_set(err, ERR_NOT_FOUND, "no such job");
}

/* --- results --- */

/* Which rows of which result. */
typedef struct {
    const result_t *result; /* NULL: the job has none */
    int64_t offset;
    int64_t limit;
} range_t;

/* The last result with columns, or else the last one. */
static const result_t *
usual_result(const manifest_t *manifest)
{
    const result_t *found = NULL;
    for (uint32_t i = 0; manifest && i < manifest->count; i++) {
        if (manifest->results[i].has_columns || !found || !found->has_columns)
            found = &manifest->results[i];
    }
    return found;
}

static int64_t
between(int64_t from_ms, int64_t to_ms)
{
    return from_ms > 0 && to_ms > from_ms ? to_ms - from_ms : 0;
}

static void
member_stats(json_t *json, const job_t *job)
{
    int64_t raw_bytes = 0;
    for (uint32_t i = 0; job->manifest && i < job->manifest->count; i++)
        raw_bytes += job->manifest->results[i].raw_bytes;
    json_name(json, "stats");
    json_begin(json);
    json_member_int(json, "rows_read", job->rows);
    json_member_int(json, "bytes_processed_data", raw_bytes);
    json_member_seconds(json, "time_planning", job->planning_us);
    json_member_seconds(json, "time_total", between(job->created_ms, job->ended_ms) * US_PER_MS);
    json_member_int(json, "queued_ms", between(job->created_ms, job->started_ms));
    json_member_int(json, "executing_ms", job->executing_us / US_PER_MS);
    json_member_int(json, "storing_ms", job->storing_us / US_PER_MS);
    json_member_int(json, "rows", job->rows);
    json_member_int(json, "bytes", job->bytes);
    json_member_int(json, "pages", job->pages);
    json_end(json);
}

static int64_t
rows_left(const range_t *range)
{
    int64_t total = range->result ? range->result->rows : 0;
    return range->offset < total ? total - range->offset : 0;
}

static bool
answer_rows(call_t *call, const job_t *job, const range_t *range, err_t *err)
{
    static const result_t none = { .tag = NULL };
    const result_t *result = range->result ? range->result : &none;
    if (job->expired)
        return err_set(err, ERR_GONE, "the results of this job have expired");
    int64_t left = rows_left(range);
    own(rows) rows = NULL;
    if (left > 0 && range->limit > 0) {
        rows = engine_rows(call->engine, job, result, range->offset, err);
        if (!rows)
            return false;
    }
    own(table) table = table_new(result);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    member_id(&json, &job->id);
    json_member_text(&json, "state", job_state_word(job->state));
    member_stats(&json, job);
    json_name(&json, "schema");
    table_schema(table, &json);
    json_name(&json, "rows");
    if (!table_rows(table, &json, rows, range->limit, err))
        return false;
    json_member_int(&json, "total_rows", result->rows);
    json_member_bool(&json, "complete", range->limit >= left);
    json_member_int(&json, "offset", range->offset);
    json_member_text(&json, "command", result->tag);
    json_end(&json);
    return true;
}

/* An error about a job that exists: its id and state beside the error. */
static void
answer_failed(call_t *call, const job_t *job, int status)
{
    reply_status(call->reply, status);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    member_id(&json, &job->id);
    json_member_text(&json, "jobState", word(job));
    json_member_text(&json, "state", job_state_word(job->state));
    char text[200];
    if (status == 409) {
        snprintf(text, sizeof text, "the job is %s: only a COMPLETED job has results", word(job));
        json_name(&json, "error");
        json_begin(&json);
        json_member_text(&json, "code", err_word(ERR_CONFLICT));
        json_member_text(&json, "message", text);
        json_end(&json);
        if (has_failed(job))
            member_cause(&json, "cause", job);
    } else {
        member_cause(&json, "error", job);
    }
    json_member_text(&json, "detail", status == 409 ? text : failure_text(job));
    json_end(&json);
}

/* --- the document's requests, in its order --- */

/* POST /api/v1/job */
static bool
submit(call_t *call, err_t *err)
{
    order_t order;
    own(json_doc) doc = read_order(call, &order, err);
    jobid_t id;
    if (!doc || !engine_submit(call->engine, &call->caller, &order, &id, err))
        return false;
    return answer_id(call, 200, &id);
}

static bool
client_gone(void *request)
{
    return request_gone(request);
}

/* POST /api/v1/query. From the commit on no answer may read "not done, try again": what cannot be
 * told now is told by the id. */
static bool
run(call_t *call, err_t *err)
{
    order_t order;
    own(json_doc) doc = read_order(call, &order, err);
    if (!doc)
        return false;
    patience_t patience = { .gone = client_gone, .arg = call->request };
    own(job) job = engine_run(call->engine, &call->caller, &order, &patience, err);
    if (!job)
        return false;
    if (!job_state_final(job->state))
        return answer_id(call, 202, &job->id);
    if (has_failed(job)) {
        answer_failed(call, job, 400);
        return true;
    }
    range_t range = { .result = usual_result(job->manifest), .limit = ROWS_MOST };
    if (answer_rows(call, job, &range, err))
        return true;
    if (err->kind != ERR_UNAVAILABLE || !reply_restart(call->reply))
        return false;
    return answer_id(call, 202, &job->id);
}

/* Whoever waits for a job stops waiting when the node stops, or when nothing more comes from the
 * client: it has gone, or has closed its half and can be answered at once. */
static bool
client_served(void *request)
{
    return request_hurried(request) || request_gone(request);
}

/* Caller owns the result. */
static job_t *
find(const call_t *call, const jobid_t *id, int64_t wait_ms, err_t *err)
{
    patience_t patience = { .gone = client_served, .arg = call->request };
    job_t *job = engine_wait(call->engine, &call->caller, id, wait_ms, false, &patience, err);
    if (job || err->kind != ERR_TIMEOUT)
        return job;
    return engine_find(call->engine, &call->caller, id, false, err);
}

/* GET /api/v1/job/{id} */
static bool
status(call_t *call, err_t *err)
{
    jobid_t id;
    int64_t wait_ms = 0;
    if (!read_id(call, &id, err) || !param_seconds(call->request, "wait", &wait_ms, err))
        return false;
    own(job) job = find(call, &id, wait_ms, err);
    if (!job)
        return false;

    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    member_id(&json, &job->id);
    json_member_text(&json, "jobState", word(job));
    member_time(&json, "startedAt", job->state == JOB_PENDING ? 0 : job->started_ms);
    member_time(&json, "statusAt", status_ms(job));
    json_member_text(&json, "state", job_state_word(job->state));
    member_time(&json, "createdAt", job->created_ms);
    member_time(&json, "endedAt", job->ended_ms);
    json_member_int(&json, "attempt", job->attempt);
    json_member_int(&json, "rows", job->rows);
    if (has_failed(job))
        member_cause(&json, "error", job);
    else
        json_member_nil(&json, "error");
    json_end(&json);
    return true;
}

/* partial=true is a promise of a later version: better refused than silently unkept. */
static bool
read_partial(const call_t *call, err_t *err)
{
    const char *text = request_query(call->request, "partial");
    if (!text || strcmp(text, "false") == 0)
        return true;
    if (strcmp(text, "true") == 0)
        return err_set(err, ERR_INVALID, "partial=true is not served yet");
    return err_set(err, ERR_INVALID, "partial must be true or false");
}

static bool
read_range(const call_t *call, range_t *range, int64_t *statement, err_t *err)
{
    *range = (range_t){ .limit = ROWS_MOST };
    *statement = -1;
    if (!param_number(call->request, "offset", &range->offset, err)
        || !param_number(call->request, "limit", &range->limit, err)
        || !param_number(call->request, "statement", statement, err) || !read_partial(call, err))
        return false;
    if (range->limit > ROWS_MOST)
        return err_set(err, ERR_INVALID, "limit must be at most %d", ROWS_MOST);
    return true;
}

/* GET /api/v1/job/{id}/results */
static bool
results(call_t *call, err_t *err)
{
    jobid_t id;
    range_t range;
    int64_t statement = 0;
    if (!read_id(call, &id, err) || !read_range(call, &range, &statement, err))
        return false;
    own(job) job = engine_find(call->engine, &call->caller, &id, true, err);
    if (!job)
        return false;
    if (job->state != JOB_DONE) {
        answer_failed(call, job, 409);
        return true;
    }
    if (statement < 0)
        range.result = usual_result(job->manifest);
    else if (job->manifest && statement < job->manifest->count)
        range.result = &job->manifest->results[statement];
    else
        return err_set(err, ERR_NOT_FOUND, "the job has no statement of this number");
    return answer_rows(call, job, &range, err);
}

static const char *const status_query[] = { "wait", NULL };
static const char *const results_query[] = { "offset", "limit", "statement", "partial", NULL };

static const route_t routes[] = {
    { "POST", "/api/v1/job", submit, NULL },
    { "POST", "/api/v1/query", run, NULL },
    { "GET", "/api/v1/job/{id}", status, status_query },
    { "GET", "/api/v1/job/{id}/results", results, results_query },
    { 0 },
};

extern const dialect_t dialect_v1_job;

const dialect_t dialect_v1_job = { .name = "v1_job", .routes = routes, .fail = dialect_fail };
