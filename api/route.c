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

/* A route, its path split; or a path of a dialect's realm. */
typedef struct {
    const dialect_t *dialect;
    const route_t *route; /* NULL in the realms */
    char *path;           /* what the segments point into */
    uint32_t count;
    const char *segments[SEGMENTS_MOST]; /* NULL: a {part} */
} entry_t;

struct router {
    entry_t *entries;
    uint32_t count;
    entry_t *realms;
    uint32_t realm_count;
    _Atomic(engine_t *) engine;
};

/* --- the table --- */

static void
split(entry_t *entry, const char *path)
{
    entry->path = mem_text(path);
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
    split(entry, route->path);
    for (uint32_t i = 0; i + 1 < self->count; i++) {
        const entry_t *other = &self->entries[i];
        if (overlap(other, entry))
            return err_set(err, ERR_CONFLICT, "%s %s of %s and %s of %s overlap", route->method,
                           route->path, dialect->name, other->route->path, other->dialect->name);
    }
    return true;
}

static void
add_realm(router_t *self, const dialect_t *dialect, const char *path)
{
    self->realms = mem_grow(self->realms, (self->realm_count + 1) * sizeof *self->realms);
    entry_t *entry = &self->realms[self->realm_count++];
    *entry = (entry_t){ .dialect = dialect };
    split(entry, path);
}

router_t *
router_new(const dialect_t *const *dialects, err_t *err)
{
    own(router) self = mem_new(sizeof *self);
    for (; *dialects; dialects++) {
        for (const char *const *path = (*dialects)->realm; path && *path; path++)
            add_realm(self, *dialects, *path);
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
    for (uint32_t i = 0; i < self->realm_count; i++)
        free(self->realms[i].path);
    free(self->entries);
    free(self->realms);
    free(self);
}

void
router_engine(router_t *self, engine_t *engine)
{
    atomic_store(&self->engine, engine);
}

/* --- finding --- */

/* Do the path's first segments, as many as the entry has, fit it? */
static bool
path_begins(const entry_t *entry, const char *const *segments, uint32_t count)
{
    if (entry->count > count)
        return false;
    for (uint32_t i = 0; i < entry->count; i++) {
        const char *wanted = entry->segments[i];
        if (wanted ? strcmp(wanted, segments[i]) != 0 : segments[i][0] == '\0')
            return false;
    }
    return true;
}

static bool
path_matches(const entry_t *entry, const char *const *segments, uint32_t count)
{
    return entry->count == count && path_begins(entry, segments, count);
}

static const dialect_t *
realm_of(const router_t *self, const char *const *segments, uint32_t count)
{
    for (uint32_t i = 0; i < self->realm_count; i++) {
        if (path_begins(&self->realms[i], segments, count))
            return self->realms[i].dialect;
    }
    return NULL;
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
        match->dialect = entry->dialect;
    }
    if (match->allow[0])
        return ROUTE_NO_METHOD;
    match->dialect = realm_of(self, segments, count);
    return ROUTE_NO_PATH;
}

/* The same for a request. A path of more segments than any route has leads nowhere, but may lie in
 * a realm. */
static route_verdict_t
find(const router_t *self, const request_t *request, route_match_t *match)
{
    const char *segments[SEGMENTS_MOST + 1];
    uint32_t count = request_segment_count(request);
    if (count > SEGMENTS_MOST + 1)
        count = SEGMENTS_MOST + 1;
    for (uint32_t i = 0; i < count; i++)
        segments[i] = request_segment(request, i);
    return router_find(self, request_method(request), segments, count, match);
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
    if (status == 401 && !(dialect && dialect->own_callers))
        reply_header(call->reply, "WWW-Authenticate", "Bearer realm=\"millrace\"");
    if (status == 503)
        reply_header(call->reply, "Retry-After", "1");
    if (dialect)
        dialect->fail(call, status, err);
    else
        dialect_fail(call, status, err);
}

static void
no_method(call_t *call, const dialect_t *dialect, const char *allow)
{
    err_t err;
    err_set(&err, ERR_INVALID, "%s is not allowed here: %s", request_method(call->request), allow);
    reply_header(call->reply, "Allow", allow);
    if (dialect)
        dialect->fail(call, 405, &err);
    else
        dialect_fail(call, 405, &err);
}

/* Only /healthz and /readyz. */
static bool
serve_health(call_t *call)
{
    if (request_segment_count(call->request) != 1)
        return false;
    const char *name = request_segment(call->request, 0);
    bool ready_asked = strcmp(name, "readyz") == 0;
    if (!ready_asked && strcmp(name, "healthz") != 0)
        return false;
    if (!method_matches("GET", request_method(call->request))) {
        no_method(call, NULL, "GET, HEAD");
        return true;
    }
    err_t err = { .kind = ERR_NONE };
    bool well = !ready_asked;
    if (ready_asked)
        well = call->engine ? engine_ready(call->engine, &err)
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
serve_route(call_t *call, const route_match_t *match, err_t *err)
{
    const dialect_t *dialect = match->dialect;
    if (!call->engine)
        return err_set(err, ERR_UNAVAILABLE, "the node is starting");
    return (dialect->own_callers || gate_caller(call->engine, call->request, &call->caller, err))
           && (dialect->own_query || check_query(call->request, match->route, err))
           && match->route->handle(call, err);
}

void
router_handle(void *router, request_t *request, reply_t *reply)
{
    router_t *self = router;
    call_t call = { .engine = atomic_load(&self->engine), .request = request, .reply = reply };
    if (serve_health(&call))
        return;

    err_t err = { .kind = ERR_NONE };
    route_match_t match;
    switch (find(self, request, &match)) {
    case ROUTE_NO_PATH:
        err_set(&err, ERR_NOT_FOUND, "there is nothing at %s", request_path(request));
        fail(&call, match.dialect, &err);
        return;
    case ROUTE_NO_METHOD: no_method(&call, match.dialect, match.allow); return;
    case ROUTE_FOUND: break;
    }
    memcpy(call.params, match.params, sizeof call.params);
    if (!serve_route(&call, &match, &err))
        fail(&call, match.dialect, &err);
}

int64_t
router_body_most(void *router, const request_t *request)
{
    route_match_t match;
    return find(router, request, &match) == ROUTE_FOUND ? match.route->body_bytes : 0;
}

void
router_too_large(void *router, request_t *request, reply_t *reply)
{
    route_match_t match;
    router_t *self = router;
    call_t call = { .engine = atomic_load(&self->engine), .request = request, .reply = reply };
    err_t err;
    (void)find(self, request, &match);
    memcpy(call.params, match.params, sizeof call.params);
    err_set(&err, ERR_LIMIT, "the body is larger than this server takes");
    fail(&call, match.dialect, &err);
}
