/* answer.c - how an answer is said: its headers, as JSON or as a script, and what is wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { NUMBER_SIZE = 24, NAME_SIZE = 64 };

/* --- headers --- */

static void
header_number(reply_t *reply, const char *name, int64_t number)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRId64, number);
    reply_header(reply, name, text);
}

/* Pages of other hosts may read it; what is said to one key is not for another's cache. */
static void
put_audience(reply_t *reply)
{
    reply_header(reply, "Access-Control-Allow-Origin", "*");
    reply_header(reply, "Access-Control-Allow-Headers",
                 "X-Requested-With, X-Prototype-Version, X-CSRF-Token, Authorization, "
                 "Carto-Source-Lib, Carto-Source-Context, Carto-Source-Context-Id, Content-Type");
    reply_header(reply, "Access-Control-Expose-Headers",
                 "Carto-Rate-Limit-Limit, Carto-Rate-Limit-Remaining, Carto-Rate-Limit-Reset, "
                 "Retry-After");
    reply_header(reply, "Vary", "Authorization");
}

/* A client that finds all four of them takes the answer for one about its rate. */
static void
put_rate(reply_t *reply, const rate_t *rate)
{
    header_number(reply, "Carto-Rate-Limit-Limit", rate->limit);
    header_number(reply, "Carto-Rate-Limit-Remaining", rate->remaining);
    header_number(reply, "Carto-Rate-Limit-Reset", rate->reset_s);
    if (rate->retry_s > 0)
        header_number(reply, "Retry-After", rate->retry_s);
}

/* A name from a path or a host may hold anything, and be of any length. */
static bool
is_header_text(const char *text)
{
    size_t size = 0;
    while (text[size] >= ' ' && text[size] <= '~' && size < NAME_SIZE)
        size++;
    return text[size] == '\0';
}

static void
put_headers(const v2_visit_t *visit)
{
    reply_t *reply = visit->call->reply;
    put_audience(reply);
    if (visit->user && is_header_text(visit->user)) {
        reply_header(reply, "Carto-User", visit->user);
        reply_header(reply, "Carto-User-Id", visit->user);
    }
    if (visit->counted)
        put_rate(reply, &visit->rate);
}

void
v2_begin(v2_visit_t *visit, int status, json_t *json)
{
    put_headers(visit);
    reply_status(visit->call->reply, status);
    if (visit->callback)
        jsonp_begin(visit->call->reply, visit->callback);
    json_init(json, visit->call->reply);
}

void
v2_end(v2_visit_t *visit)
{
    if (visit->callback)
        jsonp_end(visit->call->reply);
}

bool
v2_options(call_t *call, err_t *err)
{
    (void)err;
    put_audience(call->reply);
    return true;
}

/* --- errors --- */

static void
member_given(json_t *json, const char *name, const char *text)
{
    if (text)
        json_member_text(json, name, text);
}

/* A script that is not fetched with 200 is not run. */
bool
v2_fail(v2_visit_t *visit, const v2_failure_t *failure)
{
    int status = failure->status ? failure->status : 400;
    if (strstr(failure->text, "permission denied") && status == 400)
        status = 403;
    json_t json;
    reply_header(visit->call->reply, "Content-Disposition", "inline");
    v2_begin(visit, visit->callback ? 200 : status, &json);
    json_begin(&json);
    json_name(&json, failure->name ? failure->name : "error");
    json_begin_list(&json);
    json_text(&json, failure->text);
    json_end_list(&json);
    member_given(&json, "context", failure->context);
    member_given(&json, "detail", failure->detail);
    member_given(&json, "hint", failure->hint);
    json_end(&json);
    v2_end(visit);
    return true;
}

bool
v2_fail_text(v2_visit_t *visit, int status, const char *text)
{
    const v2_failure_t failure = { .status = status, .text = text };
    return v2_fail(visit, &failure);
}

bool
v2_fail_too_large(v2_visit_t *visit, const char *size)
{
    own(mem) text = mem_format(
        "Your payload is too large: %s bytes. Max size allowed is %d bytes (%dkb). Are you trying "
        "to import data?. Please, check out import api "
        "http://docs.cartodb.com/cartodb-platform/import-api/",
        size, V2_PAYLOAD_MOST, V2_PAYLOAD_MOST / 1024);
    return v2_fail_text(visit, 400, text);
}

bool
v2_fail_err(v2_visit_t *visit, const err_t *err)
{
    if (err->kind == ERR_INTERNAL || err->kind == ERR_NONE || !reply_restart(visit->call->reply))
        return false;
    int status = err->kind == ERR_UNAVAILABLE ? 503
                 : err->kind == ERR_TIMEOUT   ? 504
                 : err->kind == ERR_DENIED    ? 403
                                              : 400;
    if (status == 503 && visit->rate.retry_s == 0)
        reply_header(visit->call->reply, "Retry-After", "1");
    return v2_fail_text(visit, status, err->text);
}

const char *
v2_callback(const request_t *request)
{
    const char *name = request_query(request, "callback");
    return name && jsonp_is_name(name) ? name : NULL;
}

/* Only what makes a job has that limit. */
static bool
creates(const request_t *request)
{
    uint32_t count = request_segment_count(request);
    return count > 0 && strcmp(request_segment(request, count - 1), "job") == 0
           && strcmp(request_method(request), "POST") == 0;
}

void
v2_refuse(call_t *call, int status, const err_t *err)
{
    v2_visit_t visit = { .call = call, .callback = v2_callback(call->request) };
    const char *size = request_header(call->request, "Content-Length");
    if (status == 413 && creates(call->request))
        v2_fail_too_large(&visit, size && is_header_text(size) ? size : "many");
    else
        v2_fail_text(&visit, status, err->text);
}
