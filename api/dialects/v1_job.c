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
    { .method = "POST", .path = "/api/v1/job", .handle = v1_submit },
    { .method = "POST", .path = "/api/v1/query", .handle = v1_run },
    { .method = "GET", .path = "/api/v1/job/{id}", .handle = v1_status, .query = wait_query },
    { .method = "DELETE", .path = "/api/v1/job/{id}", .handle = v1_remove },
    { .method = "GET",
      .path = "/api/v1/job/{id}/results",
      .handle = v1_results,
      .query = results_query },
    { .method = "GET",
      .path = "/api/v1/job/{id}/results/pages",
      .handle = v1_pages,
      .query = pages_query },
    { .method = "POST",
      .path = "/api/v1/job/{id}/cancel",
      .handle = v1_cancel,
      .query = wait_query },
    { .method = "POST", .path = "/api/v1/job/{id}/renew", .handle = v1_renew },
    { 0 },
};

extern const dialect_t dialect_v1_job;

const dialect_t dialect_v1_job = { .name = "v1_job", .routes = routes, .fail = dialect_fail };
