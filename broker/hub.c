#include "broker/hub.h"

#include <stdlib.h>
#include <string.h>

#include "broker/exchange.h"
#include "broker/leader.h"
#include "broker/retire.h"
#include "broker/sweep.h"
#include "common/clock.h"
#include "common/health.h"
#include "common/keeper.h"
#include "common/log.h"

enum {
    PATIENCE_MS = 60000,      /* for a store that is away when we start */
    MESSAGES_PER_TURN = 1000, /* then timers and the health page have their turn */
    SWEEPS_A_FULL_ONE = 10,   /* that looks at ample pairs, too: a dispatch may have been lost */
};

const setting_t hub_settings[] = {
    { "beat_ms", CONF_INT, "500", 50, 60000, "ms", "How often a broker beats." },
    { "takeover_ms", CONF_INT, "2000", 200, 600000, "ms",
      "How old a leader's last beat is when another broker takes over." },
    { "sweep_ms", CONF_INT, "1000", 50, 600000, "ms",
      "How often the leader looks for jobs that nobody offered and for dead nodes." },
    { "window_jobs", CONF_INT, "10000", 1, 1000000, "jobs", "Most waiting jobs in memory." },
    { "window_tenant_jobs", CONF_INT, "1000", 1, 1000000, "jobs",
      "Most waiting jobs of one tenant in memory; its sources share it." },
    { "deadline_ms", CONF_INT, "86400000", 1000, 604800000, "ms",
      "How long after its submit a job that has no deadline of its own must be over." },
    { "tenant_slots", CONF_INT, "0", 0, 1000000, "jobs",
      "Most jobs of one tenant that run at a time; 0: no cap." },
    { "page_days", CONF_INT, "31", 1, 400, "days", "How far ahead partitions for pages are made." },
    { 0 },
};

struct hub {
    const conf_t *conf;
    loop_t *loop;
    const char *name;
    store_t *gate_store; /* the handshake thread's */
    bus_t *bus;
    loop_watch_t *watch;
    health_t *health;
    keeper_t *keeper;
    exchange_t *exchange;
    leader_t *leader;
    sweep_t *sweep;
    retire_t *retire;
    loop_timer_t *beat_timer;
    loop_timer_t *sweep_timer;
    loop_timer_t *soon; /* a sweep may be asked for again */
    uint32_t sweeps;
    bool leader_known; /* as far as the store's list of brokers goes */
    bool announced;
};

/* --- the bus --- */

/* Who is this key? On the handshake thread. */
static bus_answer_t
hub_allow(void *arg, const char *public_key, char *role, char *name)
{
    hub_t *self = arg;
    err_t err;
    if (store_node_by_key(self->gate_store, public_key, role, name, &err))
        return BUS_ALLOW;
    return err.kind == ERR_NOT_FOUND ? BUS_REFUSE : BUS_LATER;
}

static bool
hub_send(void *arg, const peer_t *peer, const wire_t *message)
{
    hub_t *self = arg;
    return bus_send(self->bus, peer, message);
}

/* The descriptor only wakes the loop: the end of every turn reads what there is. */
static void
hub_woken(void *arg, unsigned events)
{
    (void)arg;
    (void)events;
}

static void
hub_read(hub_t *self)
{
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        peer_t peer;
        char role[64];
        char name[64];
        own(wire) message = bus_receive(self->bus, &peer, role, name);
        if (!message)
            return;
        exchange_hear(self->exchange, &peer, role, name, message, clock_mono_ms());
    }
}

/* --- the loop's turn --- */

static void
hub_sweep(hub_t *self, sweep_work_t work, uint32_t ample_most)
{
    queue_pair_t ample[SWEEP_PAIRS_MOST];
    queue_barred_t barred[QUEUE_BARRED_MOST];
    queue_line_t lines[SWEEP_LINES_MOST];
    const char *tenants[SWEEP_LINES_MOST];
    const queue_t *queue = exchange_queue(self->exchange);
    sweep_spare_t spare = {
        .ample = ample,
        .ample_count = queue_ample(queue, ample, ample_most),
        .barred = barred,
        .barred_count = queue_barred(queue, barred, QUEUE_BARRED_MOST),
        .lines = lines,
        .lines_count = queue_lines_wanted(queue, lines, SWEEP_LINES_MOST),
        .tenants = tenants,
        .tenants_count = queue_lines_short(queue, tenants, SWEEP_LINES_MOST),
    };
    sweep_ask(self->sweep, &spare, work);
}

static bool
hub_ready(void *arg, err_t *err)
{
    const hub_t *self = arg;
    if (!self->keeper || !self->leader)
        return err_set(err, ERR_UNAVAILABLE, "starting");
    if (!keeper_up(self->keeper, 0))
        return err_set(err, ERR_UNAVAILABLE, "the store does not answer");
    if (leader_epoch(self->leader) == 0 && !self->leader_known)
        return err_set(err, ERR_UNAVAILABLE, "no broker leads");
    return true;
}

/* Once, when everything is there for the first time. */
static void
hub_announce(hub_t *self)
{
    err_t err;
    if (self->announced || !hub_ready(self, &err))
        return;
    self->announced = true;
    log_info("node.ready", "name=%s role=broker url=%s bus=%s", self->name,
             health_url(self->health), bus_endpoint(self->bus));
    if (!health_announce(conf_text(self->conf, "ready_file"), self->name, "broker",
                         health_url(self->health), &err))
        log_error("node.announce", "name=%s why=%s", self->name, err.text);
}

/* The end of this turn does the rest. */
static void
hub_soon(void *arg)
{
    hub_t *self = arg;
    self->soon = NULL;
}

static void
hub_ask(hub_t *self)
{
    if (exchange_wants_sweep(self->exchange, clock_mono_ms()))
        hub_sweep(self, SWEEP_JOBS, SWEEP_PAIRS_MOST);
    else if (exchange_wants_lines(self->exchange, clock_mono_ms()))
        hub_sweep(self, SWEEP_LINES, SWEEP_PAIRS_MOST);
    if (exchange_awaits_sweep(self->exchange) && !self->soon)
        self->soon = loop_after(self->loop, EXCHANGE_LINES_GAP_MS, hub_soon, self);
}

static bool
hub_turn(void *arg)
{
    hub_t *self = arg;
    exchange_lead(self->exchange, leader_epoch(self->leader));
    hub_read(self);
    exchange_turn(self->exchange, clock_mono_ms());
    hub_ask(self);
    hub_announce(self);
    return bus_waits(self->bus);
}

static void
hub_beat(void *arg)
{
    hub_t *self = arg;
    hub_read(self); /* after a stop of this process nobody is silent whose words wait */
    exchange_beat(self->exchange, clock_mono_ms());
}

static void
hub_sweep_time(void *arg)
{
    hub_t *self = arg;
    if (leader_epoch(self->leader) == 0)
        sweep_ask(self->sweep, &(sweep_spare_t){ 0 }, SWEEP_TOUCH);
    else if (++self->sweeps % SWEEPS_A_FULL_ONE == 0)
        hub_sweep(self, SWEEP_WHOLE, 0);
    else
        hub_sweep(self, SWEEP_WHOLE, SWEEP_PAIRS_MOST);
}

/* Won: look at once at what the store has. The turn's end does the rest. */
static void
hub_leader_changed(void *arg)
{
    hub_t *self = arg;
    retire_lead(self->retire, leader_epoch(self->leader) > 0);
    hub_sweep_time(self);
}

static void
hub_found(void *arg, const waiting_t *job, bool more)
{
    hub_t *self = arg;
    exchange_offer(self->exchange, job, more, clock_mono_ms());
}

static void
hub_line(void *arg, const line_report_t *report)
{
    hub_t *self = arg;
    exchange_line(self->exchange, report, clock_mono_ms());
}

static void
hub_lines_told(void *arg, const char *tenant, bool more)
{
    hub_t *self = arg;
    exchange_lines_told(self->exchange, tenant, more, clock_mono_ms());
}

static void
hub_brokers(void *arg, const broker_t *brokers, uint32_t count)
{
    hub_t *self = arg;
    self->leader_known = false;
    for (uint32_t i = 0; i < count; i++) {
        self->leader_known = self->leader_known || brokers[i].epoch > 0;
        exchange_heard_of(self->exchange, brokers[i].epoch);
    }
}

/* --- start --- */

static bool
hub_open_bus(hub_t *self, bus_keys_t *keys, err_t *err)
{
    self->gate_store = store_new(conf_text(self->conf, "store"), "millrace/broker/gate");
    if (!bus_keys_make(keys, err))
        return false;
    self->bus = bus_bind(conf_text(self->conf, "bus_host"), keys, hub_allow, self, err);
    return self->bus != NULL;
}

static bool
hub_enter(hub_t *self, const bus_keys_t *keys, err_t *err)
{
    keeper_options_t options = { .loop = self->loop,
                                 .store = conf_text(self->conf, "store"),
                                 .role = "broker",
                                 .name = self->name,
                                 .endpoint = bus_endpoint(self->bus),
                                 .url = health_url(self->health),
                                 .public_key = keys->public_key,
                                 .lease_ms = conf_int(self->conf, "lease_ms"),
                                 .brokers = hub_brokers,
                                 .arg = self };
    self->keeper = keeper_new(&options, PATIENCE_MS, err);
    return self->keeper != NULL;
}

/* Before anybody leads for the first time, so that no early job lacks its partition. A failure is
 * left to the sweep. */
static void
hub_make_partitions(const hub_t *self)
{
    err_t err;
    own(store) store = store_new(conf_text(self->conf, "store"), "millrace/broker/start");
    if (!store_sweep_partitions(store, (int32_t)conf_int(self->conf, "page_days"), &err))
        log_warn("broker.partitions", "why=%s", err.text);
}

static queue_limits_t
hub_limits(const hub_t *self)
{
    return (queue_limits_t){
        .window = (uint32_t)conf_int(self->conf, "window_jobs"),
        .tenant_window = (uint32_t)conf_int(self->conf, "window_tenant_jobs"),
        .tenant_slots = (uint32_t)conf_int(self->conf, "tenant_slots"),
    };
}

static void
hub_start_threads(hub_t *self)
{
    own(mem) owner = mem_format("%s/%lld", self->name, (long long)keeper_incarnation(self->keeper));
    leader_options_t leader = { .loop = self->loop,
                                .store = conf_text(self->conf, "store"),
                                .owner = owner,
                                .endpoint = bus_endpoint(self->bus),
                                .beat_ms = conf_int(self->conf, "beat_ms"),
                                .takeover_ms = conf_int(self->conf, "takeover_ms"),
                                .changed = hub_leader_changed,
                                .arg = self };
    queue_limits_t limits = hub_limits(self);
    sweep_options_t sweep = { .loop = self->loop,
                              .store = conf_text(self->conf, "store"),
                              .page_days = (int32_t)conf_int(self->conf, "page_days"),
                              .lease_ms = conf_int(self->conf, "lease_ms"),
                              .period_ms = conf_int(self->conf, "sweep_ms"),
                              .deadline_ms = conf_int(self->conf, "deadline_ms"),
                              .window = limits.window,
                              .tenant_window = limits.tenant_window,
                              .found = hub_found,
                              .arg = self,
                              .lines = { hub_line, hub_lines_told, self } };
    self->sweep = sweep_new(&sweep);
    self->retire = retire_new(conf_text(self->conf, "store"));
    self->leader = leader_new(&leader);
}

static bool
hub_start(hub_t *self, err_t *err)
{
    exchange_options_t exchange = {
        .name = self->name, .limits = hub_limits(self), .send = hub_send, .arg = self
    };
    bus_keys_t keys;
    self->exchange = exchange_new(&exchange);
    if (!hub_open_bus(self, &keys, err))
        return false;
    self->health = health_new(self->loop, conf_text(self->conf, "health_host"),
                              (int)conf_int(self->conf, "health_port"), hub_ready, self, err);
    if (!self->health || !hub_enter(self, &keys, err))
        return false;
    hub_make_partitions(self);
    hub_start_threads(self);
    self->watch = loop_watch(self->loop, bus_fd(self->bus), LOOP_READ, hub_woken, self);
    self->beat_timer = loop_every(self->loop, conf_int(self->conf, "beat_ms"), hub_beat, self);
    self->sweep_timer =
        loop_every(self->loop, conf_int(self->conf, "sweep_ms"), hub_sweep_time, self);
    loop_before_sleep(self->loop, hub_turn, self);
    return true;
}

hub_t *
hub_new(const conf_t *conf, loop_t *loop, err_t *err)
{
    own(hub) self = mem_new(sizeof *self);
    self->conf = conf;
    self->loop = loop;
    self->name = conf_text(conf, "name");
    size_t size = strlen(self->name);
    if (size == 0 || size > 63 || strchr(self->name, '/')) {
        err_set(err, ERR_INVALID, "setting name: 1 to 63 characters, no slash");
        return NULL;
    }
    if (conf_int(conf, "takeover_ms") < 2 * conf_int(conf, "beat_ms")) {
        err_set(err, ERR_INVALID, "setting takeover_ms: at least twice beat_ms");
        return NULL;
    }
    return hub_start(self, err) ? take(self) : NULL;
}

void
hub_destroy(hub_t **self_p)
{
    hub_t *self = *self_p;
    if (!self)
        return;
    loop_cancel(&self->beat_timer);
    loop_cancel(&self->sweep_timer);
    loop_cancel(&self->soon);
    leader_destroy(&self->leader);
    if (self->exchange && self->bus)
        exchange_lead(self->exchange, 0);
    if (self->bus)
        log_info("bus.closed", "name=%s unsent=%llu unread=%llu", self->name,
                 (unsigned long long)bus_unsent(self->bus),
                 (unsigned long long)bus_unread(self->bus));
    sweep_destroy(&self->sweep);
    retire_destroy(&self->retire);
    loop_unwatch(&self->watch);
    bus_destroy(&self->bus);
    keeper_destroy(&self->keeper);
    health_destroy(&self->health);
    store_destroy(&self->gate_store);
    exchange_destroy(&self->exchange);
    free(self);
    *self_p = NULL;
}
