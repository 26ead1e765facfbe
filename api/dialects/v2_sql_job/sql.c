/* sql.c - /api/{version}/sql: run a text, and answer with its rows. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"
#include "common/clock.h"
#include "common/sqltext.h"

enum {
    RETENTION_S = 3600,
    CANCEL_WAIT_MS = 5000,
    US_PER_MS = 1000,
    HEADER_SIZE = 400,
    CROWD_US = 500000 /* who was sent away at once has not waited so long */
};

#define TIMEOUT_TEXT                                                                               \
    "You are over platform's limits: SQL query timeout error. Refactor your query before "         \
    "running again or contact CARTO support for more details."

/* --- what became of it --- */

static bool
fail_timeout(v2_visit_t *visit)
{
    const v2_failure_t failure = {
        .status = 429, .text = TIMEOUT_TEXT, .context = "limit", .detail = "datasource"
    };
    return v2_fail(visit, &failure);
}

/* Whoever has stopped it: CARTO's servers told no difference. */
static bool
is_timeout(const job_t *job)
{
    return job->state == JOB_TIMED_OUT || job->state == JOB_CANCELLED
           || (job->error
               && (strstr(job->error, "statement timeout")
                   || strstr(job->error, "canceling statement due to user request")));
}

static bool
fail_job(v2_visit_t *visit, const job_t *job)
{
    if (is_timeout(job))
        return fail_timeout(visit);
    const v2_failure_t failure = {
        .text = job->error ? job->error : "what became of the query is not known",
        .detail = job->error_detail,
        .hint = job->error_hint,
    };
    return v2_fail(visit, &failure);
}

/* Nobody waits for it any more. */
static void
stop(v2_visit_t *visit, const job_t *job)
{
    err_t err;
    bool never_started = false;
    own(job) stopped = engine_cancel(visit->call->engine, &visit->call->caller, &job->id,
                                     CANCEL_WAIT_MS, NULL, &never_started, &err);
}

/* --- the answer --- */

/* The last statement with columns, or else the last. NULL: there is none. */
static const result_t *
result_of(const manifest_t *manifest)
{
    const result_t *found = NULL;
    for (uint32_t i = 0; manifest && i < manifest->count; i++) {
        if (manifest->results[i].has_columns || !found || !found->has_columns)
            found = &manifest->results[i];
    }
    return found;
}

/* How many rows were given; where none can be, how many the last statement with a number in its tag
 * has changed. */
static int64_t
total_rows(const manifest_t *manifest, const result_t *shown)
{
    if (shown->has_columns)
        return shown->rows;
    for (uint32_t i = manifest ? manifest->count : 0; i > 0; i--) {
        const char *tag = manifest->results[i - 1].tag;
        const char *number = tag ? strrchr(tag, ' ') : NULL;
        if (number && isdigit((unsigned char)number[1]))
            return strtoll(number, NULL, 10);
    }
    return 0;
}

/* Every name but those that were said before. */
static bool
is_new(const manifest_t *manifest, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(manifest->notices[k].severity, manifest->notices[i].severity) == 0)
            return false;
    }
    return true;
}

/* "notices", "warnings": a list of messages for each severity. */
static void
members_noticed(json_t *json, const manifest_t *manifest)
{
    for (uint32_t i = 0; manifest && i < manifest->notice_count; i++) {
        if (!is_new(manifest, i))
            continue;
        const char *severity = manifest->notices[i].severity;
        char name[NOTICE_SEVERITY_MOST + 2];
        size_t size = 0;
        for (; severity[size] && size < NOTICE_SEVERITY_MOST; size++)
            name[size] = (char)tolower((unsigned char)severity[size]);
        name[size] = 's';
        name[size + 1] = '\0';
        json_name(json, name);
        json_begin_list(json);
        for (uint32_t k = i; k < manifest->notice_count; k++) {
            if (strcmp(manifest->notices[k].severity, severity) == 0)
                json_text(json, manifest->notices[k].message);
        }
        json_end_list(json);
    }
}

static void
put_disposition(v2_visit_t *visit, const v2_select_t *select)
{
    char text[HEADER_SIZE];
    char date[CLOCK_TEXT_SIZE];
    snprintf(text, sizeof text, "%s; filename=%s.json; modification-date=\"%s\";",
             select->is_file ? "attachment" : "inline", select->filename,
             clock_http(clock_wall_ms(), date));
    reply_header(visit->call->reply, "Content-Disposition", text);
}

/* Which columns are not wanted. Caller owns the result. */
static mem_t *
hidden_of(const result_t *result, const v2_select_t *select)
{
    bool *hidden = mem_array(result->column_count + 1, sizeof *hidden);
    for (uint32_t i = 0; i < result->column_count; i++)
        hidden[i] = v2_select_skips(select, result->columns[i].name);
    return (mem_t *)hidden;
}

static bool
answer(v2_visit_t *visit, const v2_select_t *select, const job_t *job, int64_t began_us, err_t *err)
{
    static const result_t nothing = { .tag = NULL };
    const result_t *result = result_of(job->manifest);
    const result_t *shown = result ? result : &nothing;
    int64_t count = 0;
    own(rows) rows = NULL;
    if (shown->rows > 0) {
        rows = engine_rows(visit->call->engine, job, shown, 0, false, err);
        if (!rows)
            return false;
    }
    own(mem) hidden = hidden_of(shown, select);
    own(rowtext) text = rowtext_new(shown, ROWTEXT_OBJECTS, NUMBERS_EXACT);
    v2_shape(text, shown, (const bool *)hidden);
    json_t json;
    put_disposition(visit, select);
    reply_encode(visit->call->reply,
                 negotiate_encoding(request_header(visit->call->request, "Accept-Encoding")));
    v2_begin(visit, 200, &json);
    json_begin(&json);
    json_name(&json, "rows");
    json_begin_list(&json);
    if (!rowtext_write(text, visit->call->reply, rows, shown->rows, &count, err))
        return false;
    json_end_list(&json);
    json_member_seconds(&json, "time", (clock_mono_us() - began_us) / US_PER_MS * US_PER_MS);
    json_name(&json, "fields");
    v2_fields(&json, shown, (const bool *)hidden);
    json_member_int(&json, "total_rows", total_rows(job->manifest, shown));
    members_noticed(&json, job->manifest);
    json_end(&json);
    v2_end(visit);
    return true;
}

/* --- run --- */

/* A text of the caller's, a step for each transaction in it, in no line: what a job of the line has
 * made can be looked at, whatever comes behind it. Caller owns the result. */
static job_t *
run(v2_visit_t *visit, const v2_select_t *select, err_t *err)
{
    own(texts) texts = texts_cut(select->sql);
    own(mem) memory = mem_array(texts->count, sizeof(order_step_t));
    order_step_t *steps = (order_step_t *)(void *)memory;
    for (uint32_t i = 0; i < texts->count; i++)
        steps[i] = (order_step_t){ .sql = texts->list[i], .sql_size = strlen(texts->list[i]) };
    order_t order = order_of("v2_sql", steps);
    order.step_count = texts->count;
    order.autocommit = AUTOCOMMIT_NEEDED;
    order.retention_s = RETENTION_S;
    patience_t patience = v2_patience(visit);
    return engine_run(visit->call->engine, &visit->call->caller, &order, &patience, err);
}

static bool
serve(v2_visit_t *visit, const v2_select_t *select, err_t *err)
{
    int64_t began_us = clock_mono_us();
    own(job) job = run(visit, select, err);
    if (!job)
        return false;
    if (job->state == JOB_DONE)
        return answer(visit, select, job, began_us, err);
    if (job_state_final(job->state))
        return fail_job(visit, job);
    stop(visit, job);
    if (clock_mono_us() - began_us < CROWD_US && !v2_is_served(visit->call->request))
        return err_set(err, ERR_UNAVAILABLE, "too many queries are being waited for");
    return fail_timeout(visit);
}

static bool
sql(v2_visit_t *visit, err_t *err)
{
    v2_select_t select;
    if (!v2_select_read(&select, visit->asked, err))
        return false;
    bool served = serve(visit, &select, err);
    v2_select_clear(&select);
    return served;
}

bool
v2_sql(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = sql };
    return v2_serve(call, &rule, err);
}
