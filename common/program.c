#include "common/program.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/log.h"

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

static bool
set_log_level(const conf_t *conf, err_t *err)
{
    log_level_t level;
    if (!log_level_parse(conf_text(conf, "log_level"), &level))
        return err_set(err, ERR_INVALID, "log_level is debug, info, warn or error");
    log_level(level);
    return true;
}

int
program_run(const char *program, const setting_t *settings, program_fn serve, int argc, char **argv)
{
    const setting_t *const tables[] = { conf_node_settings, settings, NULL };
    err_t err = { 0 };
    int signals = block_signals();
    own(conf) conf = conf_load(program, tables, argc, argv, &err);
    if (!conf) {
        log_error("node.settings", "program=%s why=\"%s\"", program, err.text);
        return EXIT_FAILURE;
    }
    bool served =
        signals >= 0 && set_log_level(conf, &err) && bus_init(&err) && serve(conf, signals, &err);
    if (served)
        log_info("node.stopped", "name=%s", conf_text(conf, "name"));
    else
        log_error("node.failed", "name=%s why=\"%s\"", conf_text(conf, "name"), err.text);
    close(signals);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
program_signalled(int signals)
{
    int count = 0;
    struct signalfd_siginfo caught;
    while (read(signals, &caught, sizeof caught) == sizeof caught)
        count++;
    return count;
}
