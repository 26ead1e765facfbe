/* v2_sql_job.c - CARTO's SQL Batch API: /api/v2/sql/job, and the synchronous /api/v2/sql beside it.
 *
 * The dialect of schemas/http/carto.md. A user is a tenant; jobs of a user run one after another.
 */
#include "api/dialects/v2_sql_job/v2_sql_job.h"

/* A path as it is asked for under the user's own host, and under anybody's. */
#define BOTH(of_method, of_path, handler)                                                          \
    { .method = (of_method), .path = "/api/{version}" of_path, .handle = (handler) },              \
    {                                                                                              \
        .method = (of_method), .path = "/user/{user}/api/{version}" of_path, .handle = (handler)   \
    }

static const route_t routes[] = {
    BOTH("POST", "/sql/job", v2_create),
    BOTH("GET", "/sql/job", v2_list),
    BOTH("OPTIONS", "/sql/job", v2_options),
    BOTH("GET", "/sql/job/{id}", v2_read),
    BOTH("PUT", "/sql/job/{id}", v2_update),
    BOTH("PATCH", "/sql/job/{id}", v2_update),
    BOTH("DELETE", "/sql/job/{id}", v2_cancel),
    BOTH("OPTIONS", "/sql/job/{id}", v2_options),
    BOTH("GET", "/sql", v2_sql),
    BOTH("POST", "/sql", v2_sql),
    BOTH("OPTIONS", "/sql", v2_options),
    BOTH("GET", "/jobs-wip", v2_wip),
    BOTH("OPTIONS", "/jobs-wip", v2_options),
    { 0 },
};

static const char *const realm[] = { "/api/{version}/sql", "/user/{user}", NULL };

const dialect_t dialect_v2_sql_job = {
    .name = V2_DIALECT,
    .routes = routes,
    .fail = v2_refuse,
    .realm = realm,
    .own_callers = true,
    .own_query = true,
};
