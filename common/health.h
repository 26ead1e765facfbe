/* health.h - GET /healthz and GET /readyz for nodes without civetweb, answered from their loop.
 *
 * /healthz: 200 as long as the loop turns. /readyz: 200 when `ready` says so, else 503 and the
 * reason. Bodies are small JSON objects. Anything else: 404; another method: 405. A request is at
 * most 4 KiB, a connection lives at most 2 s and serves one request.
 */
#ifndef COMMON_HEALTH_H
#define COMMON_HEALTH_H

#include "common/loop.h"

typedef struct health health_t;

/* True when the node can do its work; otherwise a reason is in `err`. Runs on the loop. */
typedef bool (*health_ready_fn)(void *arg, err_t *err);

/* Listen on host:port (0: the kernel chooses) and serve from `loop`. Keeps loop and arg; both must
 * outlive it. Caller owns the result. */
health_t *health_new(loop_t *loop, const char *host, int port, health_ready_fn ready, void *arg,
                     err_t *err) MUST_USE;
void health_destroy(health_t **self_p);

/* "http://127.0.0.1:12345". Points into self. */
const char *health_url(const health_t *self);

/* Tell whoever started this process that it is ready: write {"name","role","pid","url"} into `path`
 * by rename. An empty path does nothing. */
bool health_announce(const char *path, const char *name, const char *role, const char *url,
                     err_t *err) MUST_USE;

#endif
