/* main.c - millrace-executor: settings, limits, signals, the loop. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/health.h"
#include "common/keeper.h"
#include "common/log.h"
#include "common/program.h"
#include "executor/runner.h"

enum {
    PATIENCE_MS = 10000, /* for a store that is away at start */
    MIB = 1 << 20,
    HEAP_RESERVE_MIB = 16,
    SILENCE_BEATS_MS = 3000, /* a broker beats every half second */
};

static const setting_t executor_settings[] = {
    { "slots", CONF_INT, "16", 1, 256, "", "Jobs that run at a time." },
    { "page_bytes", CONF_INT, "131072", 4096, 16777216, "bytes",
      "Raw size at which a page of a result is closed." },
    { "page_rows", CONF_INT, "10000", 1, 1000000, "", "Rows at which a page is closed." },
    { "row_bytes", CONF_INT, "16777216", 4096, 67108864, "bytes", "Largest row of a result." },
    { "first_page_ms", CONF_INT, "50", 0, 60000, "ms",
      "How long the first rows of a slow result wait for their page to fill." },
    { "page_ms", CONF_INT, "1000", 10, 3600000, "ms", "The same for its later rows." },
    { "inline_bytes", CONF_INT, "2048", 0, 65536, "bytes",
      "Stored size up to which a whole result stands in the job's row." },
    { "memory_mib", CONF_INT, "512", 0, 1048576, "MiB",
      "Address space of this process, which a job's large rows meet first; 0: no limit." },
    { "max_attempts", CONF_INT, "3", 1, 100, "",
      "How often a job is started when its executor dies each time." },
    { "deadline_ms", CONF_INT, "86400000", 1000, 604800000, "ms",
      "How long after its submit a job that does not say must be over." },
    { "statement_timeout_ms", CONF_INT, "0", 0, 604800000, "ms",
      "How long a statement of a job that does not say may run; 0: until the deadline." },
    { "stop_grace_ms", CONF_INT, "2000", 100, 60000, "ms",
      "How long a statement that is to stop has until its session is ended, and that until its "
      "connection is closed." },
    { "seal_key_file", CONF_TEXT, "", 0, 0, "", "Key file that opens the passwords of logins." },
    { "batch_most", CONF_INT, "256", 1, 4096, "", "Writes to the store in one transaction." },
    { "sessions_extra", CONF_INT, "2", 1, 256, "",
      "Sessions on a source beyond slots: kept warm, and for what is asked beside running jobs." },
    { "connect_timeout_ms", CONF_INT, "5000", 100, 600000, "ms",
      "How long a login to a source may take; brokers take a source for reached after 20 s." },
    { "drain_ms", CONF_INT, "10000", 0, 3600000, "ms",
      "How long running jobs may go on when the executor is told to stop." },
    { 0 },
};

typedef struct {
    loop_t *loop;
    keeper_t *keeper;
    runner_t *runner;
    int signals;
    int stops;
} node_self_t;

/* --- the process --- */

/* One heap, which is grown before the limit stands and never given back: small things are then
 * there even while a large row takes all the rest. The limit is one of addresses: what is grown is
 * not touched, and so not resident, before it is used. */
static void
grow_heap(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MIB);
    mallopt(M_TRIM_THRESHOLD, 2 * HEAP_RESERVE_MIB * MIB);
    mallopt(M_TOP_PAD, MIB);
    void *blocks[2 * HEAP_RESERVE_MIB];
    for (int i = 0; i < 2 * HEAP_RESERVE_MIB; i++)
        blocks[i] = mem_grow(NULL, MIB / 2);
    for (int i = 0; i < 2 * HEAP_RESERVE_MIB; i++)
        free(blocks[i]);
}

static bool
limit_memory(const conf_t *conf, err_t *err)
{
#ifdef MILLRACE_SANITIZED
    (void)conf;
    (void)err;
    (void)grow_heap;
#else
    grow_heap();
    rlim_t bytes = (rlim_t)conf_int(conf, "memory_mib") * MIB;
    struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };
    if (bytes > 0 && setrlimit(RLIMIT_AS, &limit) != 0)
        return err_set(err, ERR_INVALID, "memory_mib cannot be set as this process's limit");
#endif
    return true;
}

/* --- callbacks --- */

/* The first signal drains, the second stops at once. */
static void
on_signal(void *arg, unsigned events)
{
    (void)events;
    node_self_t *self = arg;
    self->stops += program_signalled(self->signals);
    if (self->stops > 1)
        _exit(EXIT_FAILURE);
    runner_drain(self->runner);
}

static bool
on_ready(void *arg, err_t *err)
{
    node_self_t *self = arg;
    if (!self->runner)
        return err_set(err, ERR_UNAVAILABLE, "starting");
    if (!keeper_up(self->keeper, 0))
        return err_set(err, ERR_UNAVAILABLE, "the job store does not answer");
    return runner_ready(self->runner, err);
}

static void
on_brokers(void *arg, const broker_t *brokers, uint32_t count)
{
    node_self_t *self = arg;
    runner_brokers(self->runner, brokers, count);
}

static void
on_deposed(void *arg, int64_t incarnation)
{
    node_self_t *self = arg;
    runner_deposed(self->runner, incarnation);
}

static bool
lease_good(void *arg, int64_t margin_ms)
{
    node_self_t *self = arg;
    return keeper_up(self->keeper, margin_ms);
}

/* --- starting --- */

static keeper_t *
make_keeper(node_self_t *self, const conf_t *conf, const char *url, const bus_keys_t *keys,
            err_t *err)
{
    const keeper_options_t options = { .loop = self->loop,
                                       .store = conf_text(conf, "store"),
                                       .role = "executor",
                                       .name = conf_text(conf, "name"),
                                       .url = url,
                                       .public_key = keys->public_key,
                                       .lease_ms = conf_int(conf, "lease_ms"),
                                       .brokers = on_brokers,
                                       .deposed = on_deposed,
                                       .arg = self };
    return keeper_new(&options, PATIENCE_MS, err);
}

static runner_t *
make_runner(node_self_t *self, const conf_t *conf, const bus_keys_t *keys, const seal_key_t *seal)
{
    const runner_options_t options = {
        .loop = self->loop,
        .store = conf_text(conf, "store"),
        .name = conf_text(conf, "name"),
        .incarnation = keeper_incarnation(self->keeper),
        .keys = keys,
        .seal = seal,
        .slots = (uint32_t)conf_int(conf, "slots"),
        .sessions_extra = (uint32_t)conf_int(conf, "sessions_extra"),
        .page_bytes = (uint32_t)conf_int(conf, "page_bytes"),
        .page_rows = (uint32_t)conf_int(conf, "page_rows"),
        .row_bytes = (uint32_t)conf_int(conf, "row_bytes"),
        .first_page_ms = conf_int(conf, "first_page_ms"),
        .page_ms = conf_int(conf, "page_ms"),
        .inline_bytes = (uint32_t)conf_int(conf, "inline_bytes"),
        .memory_mib = (uint32_t)conf_int(conf, "memory_mib"),
        .max_attempts = (int32_t)conf_int(conf, "max_attempts"),
        .deadline_ms = conf_int(conf, "deadline_ms"),
        .statement_timeout_ms = conf_int(conf, "statement_timeout_ms"),
        .stop_grace_ms = conf_int(conf, "stop_grace_ms"),
        .batch_most = (uint32_t)conf_int(conf, "batch_most"),
        .connect_timeout_ms = conf_int(conf, "connect_timeout_ms"),
        .lease_ms = conf_int(conf, "lease_ms"),
        .drain_ms = conf_int(conf, "drain_ms"),
        .silence_ms = SILENCE_BEATS_MS,
        .lease_good = lease_good,
        .arg = self,
    };
    return runner_new(&options);
}

static bool
check_name(const conf_t *conf, err_t *err)
{
    const char *name = conf_text(conf, "name");
    size_t size = strlen(name);
    if (size == 0 || size > 63 || strchr(name, '/'))
        return err_set(err, ERR_INVALID, "setting name: 1 to 63 characters, no slash");
    return true;
}

/* Read the key file where one is named. */
static bool
read_seal(const conf_t *conf, seal_key_t *key, const seal_key_t **seal, err_t *err)
{
    const char *path = conf_text(conf, "seal_key_file");
    if (!*path)
        return true;
    *seal = key;
    return seal_key_read(path, key, err);
}

static bool
announce(const conf_t *conf, const char *url, err_t *err)
{
    const char *name = conf_text(conf, "name");
    if (!health_announce(conf_text(conf, "ready_file"), name, "executor", url, err))
        return false;
    log_info("node.ready", "name=%s role=executor url=%s pid=%d", name, url, (int)getpid());
    return true;
}

static bool
serve(const conf_t *conf, int signals, err_t *err)
{
    seal_key_t key;
    const seal_key_t *seal = NULL;
    bus_keys_t keys;
    node_self_t self = { .signals = signals };
    if (!limit_memory(conf, err) || !check_name(conf, err) || !read_seal(conf, &key, &seal, err)
        || !bus_keys_make(&keys, err))
        return false;
    /* Destroyed in the opposite order: the runner's bye before its node's row goes. */
    own(loop) loop = self.loop = loop_new(err);
    if (!loop)
        return false;
    own(health) health = health_new(loop, conf_text(conf, "health_host"),
                                    (int)conf_int(conf, "health_port"), on_ready, &self, err);
    if (!health)
        return false;
    own(keeper) keeper = self.keeper = make_keeper(&self, conf, health_url(health), &keys, err);
    if (!keeper)
        return false;
    own(runner) runner = make_runner(&self, conf, &keys, seal);
    self.runner = runner;
    loop_watch_t *watch = loop_watch(loop, signals, LOOP_READ, on_signal, &self);
    bool served = announce(conf, health_url(health), err) && loop_run(loop, err);
    loop_unwatch(&watch);
    return served;
}

int
main(int argc, char **argv)
{
    return program_run("millrace-executor", executor_settings, serve, argc, argv);
}
