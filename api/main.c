/* main.c - an API node: read settings, serve, wait for a signal, stop. */
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include "api/engine.h"
#include "api/http.h"
#include "api/route.h"
#include "api/settings.h"
#include "common/health.h"
#include "common/log.h"
#include "common/program.h"

/* Buffers of replies and pages of results are given back when they are free: glibc would learn to
 * keep such blocks, in each of its heaps. What pages need while they are read may stay. */
enum { HEAPS = 2, KEPT_BYTES = 192 << 10, TOP_BYTES = 768 << 10 };

static http_t *
serve(const conf_t *conf, router_t *router, err_t *err)
{
    http_options_t options = {
        .host = conf_text(conf, "http_host"),
        .port = (int)conf_int(conf, "http_port"),
        .threads = (int)conf_int(conf, "http_threads"),
        .body_bytes = conf_int(conf, "body_bytes"),
        .request_ms = conf_int(conf, "request_ms"),
        .handle = router_handle,
        .body_most = router_body_most,
        .too_large = router_too_large,
        .arg = router,
    };
    return http_new(&options, err);
}

/* Serve until a stop signal comes. The port is open before there is an engine, since the
 * engine tells the cluster where this node serves; until it stands calls get 503. */
static bool
run(const conf_t *conf, int signals, err_t *err)
{
    own(router) router = router_new(route_dialects, err);
    if (!router)
        return false;
    /* Destroyed in the opposite order: requests under way end before the engine does. */
    own(engine) engine = NULL;
    own(http) http = serve(conf, router, err);
    if (!http)
        return false;
    engine = engine_new(conf, http_url(http), err);
    if (!engine)
        return false;
    router_engine(router, engine);
    const char *name = conf_text(conf, "name");
    if (!health_announce(conf_text(conf, "ready_file"), name, "api", http_url(http), err))
        return false;
    log_info("node.ready", "name=%s role=api url=%s pid=%d", name, http_url(http), (int)getpid());

    struct pollfd stop = { .fd = signals, .events = POLLIN };
    while (program_signalled(signals) == 0)
        poll(&stop, 1, -1);
    log_info("node.stopping", "name=%s", name);
    return true;
}

int
main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, TOP_BYTES);
    return program_run("millrace-api", api_settings, run, argc, argv);
}
