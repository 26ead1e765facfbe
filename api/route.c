#include "api/route.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/gate.h"
#include "common/log.h"

enum { SEGMENTS_MOST = 8 };

#define ENTRY(dialect) extern const dialect_t dialect;
#include "dialects.inc"
#undef ENTRY

const dialect_t *const route_dialects[] = {
#define ENTRY(dialect) &dialect,
#include "dialects.inc"
#undef ENTRY
    NULL,
};

/* A route, its path split. */
typedef struct {
    const dialect_t *dialect;
    const route_t *route;
    char *path; /* what the segments point into */
    uint32_t count;
    const char *segments[SEGMENTS_MOST]; /* NULL: a {part} */
} entry_t;

struct router {
    entry_t *entries;
    uint32_t count;
    _Atomic(engine_t *) engine;
};

/* --- the table --- */

static void
split(entry_t *entry)
{
    entry->path = mem_text(entry->route->path);
    char *rest = entry->path;
    assert(rest[0] == '/');
    uint32_t parts = 0;
    while (*rest) {
        *rest++ = '\0';
        assert(entry->count < SEGMENTS_MOST);
        entry->segments[entry->count++] = rest[0] == '{' ? NULL : rest;
        parts += rest[0] == '{';
        rest += strcspn(rest, "/");
    }
    assert(parts <= DIALECT_PARAMS_MOST);
}

static bool
overlap(const entry_t *a, const entry_t *b)
{
    if (a->count != b->count || strcmp(a->route->method, b->route->method) != 0)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const char *left = a->segments[i];
        const char *right = b->segments[i];
        if (left && right && strcmp(left, right) != 0)
            return false;
    }
    return true;
}

static bool
add(router_t *self, const dialect_t *dialect, const route_t *route, err_t *err)
{
    self->entries = mem_grow(self->entries, (self->count + 1) * sizeof *self->entries);
    entry_t *entry = &self->entries[self->count++];
    *entry = (entry_t){ .dialect = dialect, .route = route };
    split(entry);
    for (uint32_t i = 0; i + 1 < self->count; i++) {
        const entry_t *other = &self->entries[i];
        if (overlap(other, entry))
            return err_set(err, ERR_CONFLICT, "%s %s of %s and %s of %s overlap", route->method,
                           route->path, dialect->name, other->route->path, other->dialect->name);
    }
    return true;
}

router_t *
router_new(const dialect_t *const *dialects, err_t *err)
{
    own(router) self = mem_new(sizeof *self);
    for (; *dialects; dialects++) {
        for (const route_t *route = (*dialects)->routes; route->method; route++) {
            if (!add(self, *dialects, route, err))
                return NULL;
        }
    }
    return take(self);
}

void
router_destroy(router_t **self_p)
{
    router_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        free(self->entries[i].path);
    free(self->entries);
    free(self);
}

void
router_engine(router_t *self, engine_t *engine)
{
    atomic_store(&self->engine, engine);
}

/* --- finding --- */

static bool
path_matches(const entry_t *entry, const char *const *segments, uint32_t count)
{
    if (entry->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *wanted = entry->segments[i];
        if (wanted ? strcmp(wanted, segments[i]) != 0 : segments[i][0] == '\0')
            return false;
    }
    return true;
}

static bool
method_matches(const char *wanted, const char *method)
{
    return strcmp(wanted, method) == 0
           || (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void
allow_add(char allow[64], const char *method)
{
    size_t used = strlen(allow);
    snprintf(allow + used, 64 - used, "%s%s%s", used ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static void
fill_match(const entry_t *entry, const char *const *segments, route_match_t *match)
{
    match->dialect = entry->dialect;
    match->route = entry->route;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        if (!entry->segments[i])
            match->params[parts++] = segments[i];
    }
}

route_verdict_t
router_find(const router_t *self, const char *method, const char *const *segments, uint32_t count,
            route_match_t *match)
{
    *match = (route_match_t){ .allow = "" };
    for (uint32_t i = 0; i < self->count; i++) {
        const entry_t *entry = &self->entries[i];
        if (!path_matches(entry, segments, count))
            continue;
        if (method_matches(entry->route->method, method)) {
            fill_match(entry, segments, match);
            return ROUTE_FOUND;
        }
        allow_add(match->allow, entry->route->method);
    }
    return match->allow[0] ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

/* --- answering --- */

static int
status_of(err_kind_t kind)
{
    switch (kind) {
    case ERR_INVALID: return 400;
    case ERR_DENIED: return 403;
    case ERR_NO_KEY: return 401;
    case ERR_NOT_FOUND: return 404;
    case ERR_GONE: return 410;
    case ERR_CONFLICT: return 409;
    case ERR_LIMIT: return 413;
    case ERR_TIMEOUT: return 504;
    case ERR_SQL: return 400;
    case ERR_UNAVAILABLE: return 503;
    case ERR_NONE:
    case ERR_INTERNAL: break;
    }
    return 500;
}

void
dialect_fail(call_t *call, int status, const err_t *err)
{
    reply_status(call->reply, status);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    json_name(&json, "error");
    json_begin(&json);
    json_member_text(&json, "code", err_word(err->kind));
    json_member_text(&json, "message", err->text);
    if (err->sqlstate[0])
        json_member_text(&json, "sqlstate", err->sqlstate);
    json_end(&json);
    json_member_text(&json, "detail", err->text);
    json_end(&json);
}

/* The reply becomes this error, unless its first bytes are on their way: then it is cut there, and
 * the client sees that. */
static void
fail(call_t *call, const dialect_t *dialect, const err_t *err)
{
    if (err->kind == ERR_INTERNAL || err->kind == ERR_NONE)
        log_error("http.failed", "path=%s kind=%s text=\"%s\"", request_path(call->request),
                  err_word(err->kind), err->text);
    if (!reply_restart(call->reply))
        return;
    int status = status_of(err->kind);
    if (status == 401)
        reply_header(call->reply, "WWW-Authenticate", "Bearer realm=\"millrace\"");
    if (status == 503)
        reply_header(call->reply, "Retry-After", "1");
    if (dialect)
        dialect->fail(call, status, err);
    else
        dialect_fail(call, status, err);
}

static void
no_method(call_t *call, const char *allow)
{
    err_t err;
    err_set(&err, ERR_INVALID, "%s is not allowed here: %s", request_method(call->request), allow);
    reply_header(call->reply, "Allow", allow);
    dialect_fail(call, 405, &err);
}

/* Only /healthz and /readyz. */
static bool
serve_health(router_t *self, call_t *call)
{
    if (request_segment_count(call->request) != 1)
        return false;
    const char *name = request_segment(call->request, 0);
    bool ready_asked = strcmp(name, "readyz") == 0;
    if (!ready_asked && strcmp(name, "healthz") != 0)
        return false;
    if (!method_matches("GET", request_method(call->request))) {
        no_method(call, "GET, HEAD");
        return true;
    }
    err_t err = { .kind = ERR_NONE };
    engine_t *engine = atomic_load(&self->engine);
    bool well = !ready_asked;
    if (ready_asked)
        well = engine ? engine_ready(engine, &err)
                      : err_set(&err, ERR_UNAVAILABLE, "the node is starting");
    reply_status(call->reply, well ? 200 : 503);
    json_t json;
    json_init(&json, call->reply);
    json_begin(&json);
    json_member_text(&json, "status", well ? "ok" : "not ready");
    if (!well)
        json_member_text(&json, "reason", err.text);
    json_end(&json);
    return true;
}

static bool
defined(const route_t *route, const char *name)
{
    if (strcmp(name, "api_key") == 0)
        return true;
    for (const char *const *known = route->query; known && *known; known++) {
        if (strcmp(*known, name) == 0)
            return true;
    }
    return false;
}

static bool
check_query(const request_t *request, const route_t *route, err_t *err)
{
    uint32_t count = request_query_count(request);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = request_query_name(request, i);
        if (!defined(route, name))
            return err_set(err, ERR_INVALID, "unknown query parameter '%s'", name);
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(request_query_name(request, k), name) == 0)
                return err_set(err, ERR_INVALID, "query parameter '%s' comes twice", name);
        }
    }
    return true;
}

static bool
serve_route(router_t *self, call_t *call, const route_t *route, err_t *err)
{
    call->engine = atomic_load(&self->engine);
    if (!call->engine)
        return err_set(err, ERR_UNAVAILABLE, "the node is starting");
    return gate_caller(call->engine, call->request, &call->caller, err)
           && check_query(call->request, route, err) && route->handle(call, err);
}

void
router_handle(void *router, request_t *request, reply_t *reply)
{
    router_t *self = router;
    call_t call = { .request = request, .reply = reply };
    if (serve_health(self, &call))
        return;

    const char *segments[SEGMENTS_MOST];
    uint32_t count = request_segment_count(request);
    uint32_t known = count <= SEGMENTS_MOST ? count : 0;
    for (uint32_t i = 0; i < known; i++)
        segments[i] = request_segment(request, i);

    err_t err = { .kind = ERR_NONE };
    route_match_t match;
    route_verdict_t verdict = router_find(self, request_method(request), segments, known, &match);
    if (count > SEGMENTS_MOST || verdict == ROUTE_NO_PATH) {
        err_set(&err, ERR_NOT_FOUND, "there is nothing at %s", request_path(request));
        fail(&call, NULL, &err);
        return;
    }
    if (verdict == ROUTE_NO_METHOD) {
        no_method(&call, match.allow);
        return;
    }
    memcpy(call.params, match.params, sizeof call.params);
    if (!serve_route(self, &call, match.route, &err))
        fail(&call, match.dialect, &err);
}
