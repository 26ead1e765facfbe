/* pages.c - GET /api/v1/job/{id}/results/pages: what a result is made of, so that a reader can
 * check that it has all of it, and fetch again what it has not. */
#include "api/dialects/v1_job/v1_job.h"

enum { PIECE = 256 }; /* pages that are asked for at a time */

static void
show_entry(json_t *json, const page_entry_t *entry)
{
    json_begin(json);
    json_member_int(json, "first_row", entry->first_row);
    json_member_int(json, "rows", entry->rows);
    json_member_int(json, "bytes", entry->size);
    json_member_int(json, "raw_bytes", entry->raw_bytes);
    v1_member_hash(json, entry->hash);
    json_end(json);
}

/* A piece of the list at a time, however long it is. */
static bool
show_list(const call_t *call, json_t *json, const job_t *job, const result_t *result,
          const v1_reading_t *reading, err_t *err)
{
    own(mem) room = mem_array(PIECE, sizeof(page_entry_t));
    page_entry_t *entries = (page_entry_t *)room;
    int64_t next = reading->offset;
    uint32_t count = PIECE;
    json_begin_list(json);
    for (int64_t left = reading->limit; left > 0 && count > 0 && next < result->rows;) {
        uint32_t most = left < PIECE ? (uint32_t)left : PIECE;
        if (!engine_pages(call->engine, job, result, next, most, entries, &count, err))
            return false;
        for (uint32_t i = 0; i < count; i++)
            show_entry(json, &entries[i]);
        if (count > 0)
            next = entries[count - 1].first_row + entries[count - 1].rows;
        if (!reply_good(call->reply))
            return err_set(err, ERR_TIMEOUT, "the client has gone");
        left -= count;
    }
    json_end_list(json);
    return true;
}

bool
v1_pages(call_t *call, err_t *err)
{
    static const result_t nothing = { .tag = NULL };
    v1_reading_t reading;
    const result_t *result = NULL;
    if (!v1_reading(call, &reading, err))
        return false;
    own(job) job = v1_result_of(call, &reading, &result, err);
    if (!job)
        return err->kind == ERR_NONE;
    if (job->expired)
        return err_set(err, ERR_GONE, "the results of this job have expired");
    if (!result)
        result = &nothing;
    own(table) table = table_new(result);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    v1_member_id(&json, &job->id);
    json_name(&json, "schema");
    table_schema(table, &json, false);
    json_member_int(&json, "total_rows", result->rows);
    json_member_int(&json, "bytes", result->bytes);
    json_member_int(&json, "raw_bytes", result->raw_bytes);
    json_member_bool(&json, "truncated", result->truncated);
    v1_member_hash(&json, result->hash);
    json_name(&json, "pages");
    if (!show_list(call, &json, job, result, &reading, err))
        return false;
    json_end(&json);
    return true;
}
