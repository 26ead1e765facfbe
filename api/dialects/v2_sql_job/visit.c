/* visit.c - who calls, for whom, and what is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { WHO_SIZE = 512, NUMBER_SIZE = 24 };

/* What a request says of its key. */
typedef struct {
    basic_t basic;
    const char *user; /* that the key is said to be of; NULL: nothing is said */
    const char *key;  /* NULL: none */
} credentials_t;

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
    visit->callback = v2_callback(visit->call->request);
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
    v2_fail_text(visit, 400, text);
    return false;
}

static bool
fail_unknown_user(v2_visit_t *visit, bool of_2016)
{
    own(mem) text = mem_format(
        "Sorry, we can't find %s user '%s'. Please check that you have entered the correct domain.",
        of_2016 ? "CartoDB" : "CARTO", visit->user);
    visit->user = NULL;
    v2_fail_text(visit, 404, text);
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
    (void)v2_fail_err(visit, &err);
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
    char who[WHO_SIZE];
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
    v2_fail_text(visit, of_2016 ? 401 : status, of_2016 ? "permission denied" : text);
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
        (void)v2_fail_err(visit, &err);
        return false;
    }
    if (strcmp(caller->role, "read") != 0)
        return true;
    return deny(visit, rule, 403, rule->master ? "permission denied" : "forbidden");
}

/* --- waiting --- */

bool
v2_is_served(void *request)
{
    return request_gone(request) || request_hurried(request);
}

patience_t
v2_patience(const v2_visit_t *visit)
{
    return (patience_t){ .gone = v2_is_served, .arg = visit->call->request };
}

/* --- all of it --- */

static bool
fits(v2_visit_t *visit)
{
    size_t size = json_part_length(json_doc_root(visit->asked));
    if (size <= V2_PAYLOAD_MOST)
        return true;
    char number[NUMBER_SIZE];
    snprintf(number, sizeof number, "%zu", size);
    v2_fail_too_large(visit, number);
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
    bool served = serve(&visit, rule, err) || v2_fail_err(&visit, err);
    json_doc_destroy(&visit.asked);
    free(visit.host_user);
    return served;
}
