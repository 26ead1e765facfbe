/* visit.c - who calls, for whom, and what is asked; and what is said when that is wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { TEXT_SIZE = 512, NUMBER_SIZE = 24, NAME_SIZE = 64 };

/* What a request says of its key. */
typedef struct {
    basic_t basic;
    const char *user; /* that the key is said to be of; NULL: nothing is said */
    const char *key;  /* NULL: none */
} credentials_t;

/* --- headers --- */

static void
header_number(reply_t *reply, const char *name, int64_t number)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRId64, number);
    reply_header(reply, name, text);
}

static void
put_cross_origin(reply_t *reply)
{
    reply_header(reply, "Access-Control-Allow-Origin", "*");
    reply_header(reply, "Access-Control-Allow-Headers",
                 "X-Requested-With, X-Prototype-Version, X-CSRF-Token, Authorization, "
                 "Carto-Source-Lib, Carto-Source-Context, Carto-Source-Context-Id, Content-Type");
    reply_header(reply, "Access-Control-Expose-Headers",
                 "Carto-Rate-Limit-Limit, Carto-Rate-Limit-Remaining, Carto-Rate-Limit-Reset, "
                 "Retry-After");
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
    put_cross_origin(reply);
    reply_header(reply, "Vary", "Authorization");
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
    put_cross_origin(call->reply);
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

static bool
fail_with(v2_visit_t *visit, int status, const char *text)
{
    const v2_failure_t failure = { .status = status, .text = text };
    return v2_fail(visit, &failure);
}

static const char *
callback_of(const request_t *request)
{
    const char *name = request_query(request, "callback");
    return name && jsonp_is_name(name) ? name : NULL;
}

static void
too_large_text(char text[TEXT_SIZE], const char *size)
{
    snprintf(text, TEXT_SIZE,
             "Your payload is too large: %s bytes. Max size allowed is %d bytes (%dkb). Are you "
             "trying to import data?. Please, check out import api "
             "http://docs.cartodb.com/cartodb-platform/import-api/",
             size, V2_PAYLOAD_MOST, V2_PAYLOAD_MOST / 1024);
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
    char text[TEXT_SIZE];
    v2_visit_t visit = { .call = call, .callback = callback_of(call->request) };
    v2_failure_t failure = { .status = status, .text = err->text };
    if (status == 413 && creates(call->request)) {
        const char *size = request_header(call->request, "Content-Length");
        too_large_text(text, size && is_header_text(size) ? size : "many");
        failure = (v2_failure_t){ .text = text };
    }
    v2_fail(&visit, &failure);
}

/* An error of the engine; what is our own fault the router says, and logs. */
static bool
refuse(v2_visit_t *visit, const err_t *err)
{
    if (err->kind == ERR_INTERNAL || err->kind == ERR_NONE || !reply_restart(visit->call->reply))
        return false;
    int status = err->kind == ERR_UNAVAILABLE ? 503
                 : err->kind == ERR_TIMEOUT   ? 504
                 : err->kind == ERR_DENIED    ? 403
                                              : 400;
    if (status == 503)
        reply_header(visit->call->reply, "Retry-After", "1");
    return fail_with(visit, status, err->text);
}

/* --- what is asked --- */

static bool
brings_body(const request_t *request)
{
    const char *method = request_method(request);
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

static bool
read_body(v2_visit_t *visit, err_t *err)
{
    const request_t *request = visit->call->request;
    size_t size = 0;
    const char *body = request_body(request, &size);
    if (!brings_body(request))
        size = 0;
    visit->asked = body_read(request_header(request, "Content-Type"), BODY_OTHER, body, size, err);
    return visit->asked != NULL;
}

static bool
add_query(v2_visit_t *visit, err_t *err)
{
    own(json_doc) query = body_read_query(visit->call->request, err);
    if (!query)
        return false;
    return json_doc_merge(visit->asked, query)
           || err_set(err, ERR_UNAVAILABLE, "no memory for the request");
}

static bool
read_callback(v2_visit_t *visit, err_t *err)
{
    const char *name = request_query(visit->call->request, "callback");
    if (!name || !name[0])
        return true;
    visit->callback = callback_of(visit->call->request);
    return visit->callback || err_set(err, ERR_INVALID, "callback is no name of a function");
}

/* --- who is meant --- */

/* The path says it, or the host's first label. */
static void
find_user(v2_visit_t *visit)
{
    const call_t *call = visit->call;
    bool by_path = strcmp(request_segment(call->request, 0), "user") == 0;
    visit->job = call->params[by_path ? 2 : 1];
    visit->user = by_path ? call->params[0] : visit->host_user;
}

static bool
fail_no_user(v2_visit_t *visit)
{
    const char *host = request_header(visit->call->request, "Host");
    own(mem) text = mem_format("No username found in hostname '%s'", host ? host : "");
    fail_with(visit, 400, text);
    return false;
}

static bool
fail_unknown_user(v2_visit_t *visit, bool of_2016)
{
    own(mem) text = mem_format(
        "Sorry, we can't find %s user '%s'. Please check that you have entered the correct domain.",
        of_2016 ? "CartoDB" : "CARTO", visit->user);
    visit->user = NULL;
    fail_with(visit, 404, text);
    return false;
}

static bool
has_user(v2_visit_t *visit, bool of_2016)
{
    if (!visit->user)
        return fail_no_user(visit);
    err_t err;
    if (engine_tenant(visit->call->engine, visit->user, &err))
        return true;
    if (err.kind == ERR_NOT_FOUND)
        return fail_unknown_user(visit, of_2016);
    (void)refuse(visit, &err);
    return false;
}

/* --- whose key it is --- */

static const char *
given(const char *text)
{
    return text && text[0] ? text : NULL;
}

static const char *
key_in_body(const json_doc_t *body)
{
    const char *key = given(json_doc_text(body, "api_key", NULL));
    return key ? key : given(json_doc_text(body, "map_key", NULL));
}

/* `key` is the body's. */
static void
find_key(const request_t *request, const char *key, credentials_t *said)
{
    *said = (credentials_t){ .user = NULL };
    if (gate_basic(request, &said->basic) == BASIC_THERE) {
        said->user = said->basic.user;
        said->key = given(said->basic.password);
        return;
    }
    said->key = given(request_query(request, "api_key"));
    if (!said->key)
        said->key = given(request_query(request, "map_key"));
    if (!said->key)
        said->key = key;
}

static bool
within_rate(v2_visit_t *visit, const credentials_t *said)
{
    char who[TEXT_SIZE];
    snprintf(who, sizeof who, "%s/%s", visit->user, said->key ? said->key : "");
    visit->rate = engine_rate(visit->call->engine, who);
    visit->counted = true;
    if (visit->rate.allowed)
        return true;
    const v2_failure_t failure = {
        .status = 429,
        .text = "You are over platform's limits. Please contact us to know more details",
        .context = "limit",
        .detail = "rate-limit",
    };
    v2_fail(visit, &failure);
    return false;
}

/* In 2016 every caller who was not the owner was told the same. */
static bool
deny(v2_visit_t *visit, const v2_rule_t *rule, int status, const char *text)
{
    bool of_2016 = rule->of_2016 || engine_flag(visit->call->engine, "carto_auth_2016");
    fail_with(visit, of_2016 ? 401 : status, of_2016 ? "permission denied" : text);
    return false;
}

static bool
is_allowed(v2_visit_t *visit, const v2_rule_t *rule, const credentials_t *said)
{
    caller_t *caller = &visit->call->caller;
    err_t err;
    if ((said->user && strcmp(said->user, visit->user) != 0) || !said->key)
        return deny(visit, rule, 403, "permission denied");
    if (!engine_caller_of(visit->call->engine, visit->user, said->key, caller, &err)) {
        if (err.kind == ERR_NO_KEY)
            return deny(visit, rule, 401, "Unauthorized");
        (void)refuse(visit, &err);
        return false;
    }
    if (strcmp(caller->role, "read") != 0)
        return true;
    return deny(visit, rule, 403, rule->master ? "permission denied" : "forbidden");
}

/* --- all of it --- */

static bool
fits(v2_visit_t *visit)
{
    size_t size = json_part_length(json_doc_root(visit->asked));
    if (size <= V2_PAYLOAD_MOST)
        return true;
    char number[NUMBER_SIZE];
    char text[TEXT_SIZE];
    snprintf(number, sizeof number, "%zu", size);
    too_large_text(text, number);
    fail_with(visit, 400, text);
    return false;
}

/* Who may come in? False: the reply says why not. */
static bool
admit(v2_visit_t *visit, const v2_rule_t *rule, const char *key)
{
    credentials_t said;
    find_user(visit);
    find_key(visit->call->request, key, &said);
    return has_user(visit, rule->of_2016) && within_rate(visit, &said)
           && is_allowed(visit, rule, &said);
}

static bool
serve(v2_visit_t *visit, const v2_rule_t *rule, err_t *err)
{
    if (!read_callback(visit, err) || !read_body(visit, err))
        return false;
    if (rule->bounded && !fits(visit))
        return true;
    const char *key = key_in_body(visit->asked);
    if (!add_query(visit, err))
        return false;
    return !admit(visit, rule, key) || rule->handle(visit, err);
}

bool
v2_serve(call_t *call, const v2_rule_t *rule, err_t *err)
{
    v2_visit_t visit = {
        .call = call,
        .host_user = host_label(request_header(call->request, "Host")),
    };
    err_clear(err);
    bool served = serve(&visit, rule, err) || refuse(&visit, err);
    json_doc_destroy(&visit.asked);
    free(visit.host_user);
    return served;
}
