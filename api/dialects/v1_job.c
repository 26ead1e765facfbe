/* v1_job.c - the dialect under /api/v1/job and /api/v1/query, our native face.
 *
 * Its words for a state: PENDING, RUNNING, PARTIAL (running, and a page is stored), COMPLETED,
 * FAILED. It has none for cancelled, timed out or unknown: they read FAILED, and the member `state`
 * says which. Contract: schemas/http/README.md.
 */
#include "api/dialects/v1_job/v1_job.h"

static const char *const wait_query[] = { "wait", NULL };
static const char *const results_query[] = { "offset", "limit",   "statement", "partial",
                                             "format", "numbers", NULL };
static const char *const pages_query[] = { "offset", "limit", "statement", NULL };

static const route_t routes[] = {
    { "POST", "/api/v1/job", v1_submit, NULL },
    { "POST", "/api/v1/query", v1_run, NULL },
    { "GET", "/api/v1/job/{id}", v1_status, wait_query },
    { "DELETE", "/api/v1/job/{id}", v1_remove, NULL },
    { "GET", "/api/v1/job/{id}/results", v1_results, results_query },
    { "GET", "/api/v1/job/{id}/results/pages", v1_pages, pages_query },
    { "POST", "/api/v1/job/{id}/cancel", v1_cancel, wait_query },
    { "POST", "/api/v1/job/{id}/renew", v1_renew, NULL },
    { 0 },
};

extern const dialect_t dialect_v1_job;

const dialect_t dialect_v1_job = { .name = "v1_job", .routes = routes, .fail = dialect_fail };
