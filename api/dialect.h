/* dialect.h - what it takes to be a dialect: a table of routes and a way to say that a call failed.
 *
 * api/dialects/X.c defines `const dialect_t dialect_X`; the folder's listing is the registry. A
 * handler writes the reply of a success; when it returns false, `fail` writes the dialect's error
 * body from the err_t, on a reply that begins anew. Contract of each dialect:
 * schemas/http/README.md.
 */
#ifndef API_DIALECT_H
#define API_DIALECT_H

#include "api/body.h"
#include "api/conditional.h"
#include "api/engine.h"
#include "api/host.h"
#include "api/http.h"
#include "api/json.h"
#include "api/json_length.h"
#include "api/jsonp.h"
#include "api/negotiate.h"
#include "api/param.h"
#include "api/rowtext.h"
#include "api/table.h"

enum { DIALECT_PARAMS_MOST = 4 };

/* One call: valid while its handler runs. */
typedef struct {
    engine_t *engine;
    request_t *request;
    reply_t *reply;
    caller_t caller;
    const char *params[DIALECT_PARAMS_MOST]; /* the path's {parts}, decoded, in order */
} call_t;

typedef bool (*handler_fn)(call_t *call, err_t *err);

typedef struct {
    const char *method;
    const char *path; /* "/api/v1/job/{id}"; a trailing slash in a request is ignored */
    handler_fn handle;
    const char *const *query; /* NULL-terminated: parameters it defines (api_key is always one) */
} route_t;

typedef struct {
    const char *name;
    const route_t *routes; /* ended by a row without a method */
    /* Write an error reply. `status` is what the kind suggests; the dialect may choose another. */
    void (*fail)(call_t *call, int status, const err_t *err);
} dialect_t;

/* The house's own error body, for `fail` of dialects that have no other: {"error": {"code",
 * "message"}, "detail"}, with "sqlstate" in it where a database spoke. */
void dialect_fail(call_t *call, int status, const err_t *err);

#endif
