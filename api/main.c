/* main.c - an API node: read settings, serve, wait for a signal, stop. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/engine.h"
#include "api/http.h"
#include "api/route.h"
#include "api/settings.h"
#include "common/bus.h"
#include "common/health.h"
#include "common/log.h"

static bool
set_log_level(const conf_t *conf, err_t *err)
{
    log_level_t level;
    if (!log_level_parse(conf_text(conf, "log_level"), &level))
        return err_set(err, ERR_INVALID, "log_level must be debug, info, warn or error");
    log_level(level);
    return true;
}

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
        .arg = router,
    };
    return http_new(&options, err);
}

/* Serve until one of `signals` arrives. The port is open before there is an engine, since the
 * engine tells the cluster where this node serves; until it stands calls get 503. */
static bool
run(const conf_t *conf, const sigset_t *signals, err_t *err)
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

    int caught = 0;
    sigwait(signals, &caught);
    log_info("node.stopping", "name=%s signal=%d", name, caught);
    return true;
}

int
main(int argc, char **argv)
{
    /* Blocked here, before there are threads, so that only sigwait() takes them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    err_t err = { .kind = ERR_NONE };
    static const setting_t *const tables[] = { conf_node_settings, api_settings, NULL };
    own(conf) conf = conf_load("millrace-api", tables, argc, argv, &err);
    if (!conf) {
        fprintf(stderr, "millrace-api: %s\n", err.text);
        return EXIT_FAILURE;
    }
    bool good = set_log_level(conf, &err) && bus_init(&err) && run(conf, &signals, &err);
    if (!good)
        log_error("node.failed", "name=%s why=\"%s\"", conf_text(conf, "name"), err.text);
    else
        log_info("node.stopped", "name=%s", conf_text(conf, "name"));
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
