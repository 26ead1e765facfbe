/* dialect.h - what it takes to be a dialect: a table of routes and a way to say that a call failed.
 *
 * api/dialects/X.c defines `const dialect_t dialect_X`; the folder's listing is the registry. A
 * handler writes the reply of a success; when it returns false, `fail` writes the dialect's error
 * body from the err_t, on a reply that begins anew. `fail` also says what the router refuses where
 * it can tell whose request it is: another method than the path has (405), a body that is too large
 * (413), no path of the dialect's realm (404). Contract of each dialect: schemas/http/README.md.
 */
#ifndef API_DIALECT_H
#define API_DIALECT_H

#include "api/body.h"
#include "api/conditional.h"
#include "api/engine.h"
#include "api/gate.h"
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
    engine_t *engine; /* NULL in `fail` while the node is starting */
    request_t *request;
    reply_t *reply;
    caller_t caller;                         /* empty where the dialect asks by itself */
    const char *params[DIALECT_PARAMS_MOST]; /* the path's {parts}, decoded, in order */
} call_t;

typedef bool (*handler_fn)(call_t *call, err_t *err);

typedef struct {
    const char *method;
    const char *path; /* "/api/v1/job/{id}"; a trailing slash in a request is ignored */
    handler_fn handle;
    const char *const *query; /* NULL-terminated: parameters it defines (api_key is always one) */
    int64_t body_bytes; /* the largest body it takes, where the setting of this name is larger;
                           0: the setting */
} route_t;

typedef struct {
    const char *name;
    const route_t *routes; /* ended by a row without a method */
    /* Write an error reply. `status` is what the kind suggests; the dialect may choose another. */
    void (*fail)(call_t *call, int status, const err_t *err);
    const char *const
        *realm;       /* NULL-terminated paths as routes have them, or NULL: what lies at one
                         of these or below it, and has no route, is this dialect's to say */
    bool own_callers; /* its handlers find out who asks (gate_basic(), engine_caller_of()): the
                         router asks for no key, and a 401 has the headers that `fail` gives it */
    bool own_query;   /* its handlers look at all parameters: the router refuses none */
} dialect_t;

/* The house's own error body, for `fail` of dialects that have no other: {"error": {"code",
 * "message"}, "detail"}, with "sqlstate" in it where a database spoke. */
void dialect_fail(call_t *call, int status, const err_t *err);

#endif
