/* results.c - GET /api/v1/job/{id}/results, and the rows of a synchronous call. */
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"

enum { US_PER_MS = 1000 };

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
    v1_member_id(&json, &job->id);
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

bool
v1_answer_rows(call_t *call, const job_t *job, err_t *err)
{
    range_t range = { .result = usual_result(job->manifest), .limit = V1_ROWS_MOST };
    return answer_rows(call, job, &range, err);
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
    *range = (range_t){ .limit = V1_ROWS_MOST };
    *statement = -1;
    if (!param_number(call->request, "offset", &range->offset, err)
        || !param_number(call->request, "limit", &range->limit, err)
        || !param_number(call->request, "statement", statement, err) || !read_partial(call, err))
        return false;
    if (range->limit > V1_ROWS_MOST)
        return err_set(err, ERR_INVALID, "limit must be at most %d", V1_ROWS_MOST);
    return true;
}

/* A job that ended otherwise keeps what its done steps gave, for who asks for it by number. */
static bool
is_of_done_step(const job_t *job, int64_t statement)
{
    return job_state_final(job->state) && job->manifest && statement >= 0
           && statement < job->manifest->count;
}

bool
v1_results(call_t *call, err_t *err)
{
    jobid_t id;
    range_t range;
    int64_t statement = 0;
    if (!v1_read_id(call, &id, err) || !read_range(call, &range, &statement, err))
        return false;
    own(job) job = engine_find(call->engine, &call->caller, &id, true, err);
    if (!job)
        return false;
    if (job->state != JOB_DONE && !is_of_done_step(job, statement)) {
        v1_answer_failed(call, job, 409);
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
