/* main.c - millrace-broker: settings, signals, the loop. */
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "broker/hub.h"
#include "common/bus.h"
#include "common/log.h"

/* Stop signals are read on the loop; blocked before the first thread starts, so that none has them.
 */
static int
block_signals(void)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
stop(void *arg, unsigned events)
{
    (void)events;
    loop_stop(arg);
}

static bool
serve(const conf_t *conf, int signals, err_t *err)
{
    own(loop) loop = loop_new(err);
    if (!loop)
        return false;
    loop_watch_t *watch = loop_watch(loop, signals, LOOP_READ, stop, loop);
    own(hub) hub = hub_new(conf, loop, err);
    bool served = hub && loop_run(loop, err);
    loop_unwatch(&watch);
    return served;
}

int
main(int argc, char **argv)
{
    static const setting_t *const tables[] = { conf_node_settings, hub_settings, NULL };
    err_t err = { 0 };
    int signals = block_signals();
    own(conf) conf = conf_load("millrace-broker", tables, argc, argv, &err);
    log_level_t level = LOG_INFO;
    if (!conf) {
        log_error("node.settings", "why=%s", err.text);
        return EXIT_FAILURE;
    }
    if (!log_level_parse(conf_text(conf, "log_level"), &level)) {
        log_error("node.settings", "why=log_level is debug, info, warn or error");
        return EXIT_FAILURE;
    }
    log_level(level);
    bool served = signals >= 0 && bus_init(&err) && serve(conf, signals, &err);
    if (!served)
        log_error("node.failed", "name=%s why=%s", conf_text(conf, "name"), err.text);
    else
        log_info("node.stopped", "name=%s", conf_text(conf, "name"));
    close(signals);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
