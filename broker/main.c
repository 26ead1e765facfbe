/* main.c - millrace-broker: settings, signals, the loop. */
#include "broker/hub.h"
#include "common/program.h"

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
    return program_run("millrace-broker", hub_settings, serve, argc, argv);
}
