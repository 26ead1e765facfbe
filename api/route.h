/* route.h - method and path to handler, over all dialects.
 *
 * A route's path is literal segments and {parts}, each of which matches one segment. Two routes of
 * one method that could match one path are refused when the router is made. What is wrong with a
 * request is said in this order: unknown path 404, known path with another method 405, no valid key
 * 401, a query parameter that the route does not define or that comes twice 400; then the handler
 * looks at the body. A dialect may take the last two upon itself, and says them in its own words in
 * any case. HEAD is taken wherever GET is. GET /healthz and /readyz are served here, and
 * need no key.
 *
 * A router is made once and then used by all worker threads.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/dialect.h"

typedef struct router router_t;

/* Every dialect of api/dialects, NULL-terminated. */
extern const dialect_t *const route_dialects[];

/* Keeps dialects. Fails with ERR_CONFLICT naming two routes that overlap. Caller owns the result.
 */
router_t *router_new(const dialect_t *const *dialects, err_t *err) MUST_USE;
void router_destroy(router_t **self_p);

/* From now on serve with `engine`; until then, and with NULL, calls are answered with 503. The
 * engine must outlive every request. Any thread. */
void router_engine(router_t *self, engine_t *engine);

/* An http_fn; `router` is a router_t. */
void router_handle(void *router, request_t *request, reply_t *reply);

/* An http_most_fn: the limit of the request's route; 0: it has none. */
int64_t router_body_most(void *router, const request_t *request);

/* An http_fn: its body was larger than that, and was not read. */
void router_too_large(void *router, request_t *request, reply_t *reply);

/* What a method and a path lead to; pure. */
typedef enum { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD } route_verdict_t;

typedef struct {
    const dialect_t *dialect; /* whose it is, also where there is no route; NULL: nobody's */
    const route_t *route;     /* ROUTE_FOUND */
    const char *params[DIALECT_PARAMS_MOST]; /* point into the segments */
    char allow[64];                          /* ROUTE_NO_METHOD: the methods there are */
} route_match_t;

route_verdict_t router_find(const router_t *self, const char *method, const char *const *segments,
                            uint32_t count, route_match_t *match);

#endif
