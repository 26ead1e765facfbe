/* link.c - greetings out, beats in. A greeting goes to every broker each second: it is this node's
 * sign of life, and what a broker that forgot us learns us by. */
#include "common/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { GREET_MS = 1000 };

/* One broker, as we reach it. */
typedef struct {
    broker_t broker;
    bus_t *bus;
    loop_watch_t *watch;
    bool awake;       /* the socket may hold something: it is edge-triggered */
    int64_t heard_ms; /* its last beat, or our connect */
    uint64_t epoch;   /* what its last beat said; 0 when it does not lead */
} branch_t;

struct link {
    link_options_t options;
    char role[64];
    char name[64];
    branch_t *branches[BROKERS_MOST];
    uint32_t count;
    branch_t *leader;
    uint64_t epoch;  /* the leader's; 0: none */
    uint64_t newest; /* the highest ever heard */
    loop_timer_t *timer;
    loop_timer_t *again; /* a turn that a send made necessary */
};

/* --- one branch --- */

static void
branch_woken(void *arg, unsigned events)
{
    (void)events;
    branch_t *self = arg;
    self->awake = true;
}

static void
link_turn_again(void *arg)
{
    ((link_t *)arg)->again = NULL;
}

/* Sending may eat the descriptor's edge. The end of the turn reads what waits, but it may have come
 * and gone: hooks that flush run after ours. */
static bool
branch_send(branch_t *self, link_t *link, const wire_t *message)
{
    if (!self->bus)
        return false;
    bool sent = bus_send(self->bus, NULL, message);
    self->awake = self->awake || bus_waits(self->bus);
    if (self->awake && !link->again)
        link->again = loop_after(link->options.loop, 0, link_turn_again, link);
    return sent;
}

static void
branch_greet(branch_t *self, link_t *link)
{
    wire_t hello = { .tag = WIRE_hello,
                     .hello = { .version = WIRE_VERSION,
                                .role = wire_text(link->role),
                                .name = wire_text(link->name),
                                .incarnation = link->options.incarnation,
                                .epoch = link->newest } };
    branch_send(self, link, &hello);
}

static void
branch_close(branch_t *self)
{
    loop_unwatch(&self->watch);
    bus_destroy(&self->bus);
    self->epoch = 0;
}

static void
branch_open(branch_t *self, link_t *link)
{
    err_t err;
    self->heard_ms = clock_mono_ms();
    self->bus =
        bus_connect(self->broker.endpoint, self->broker.public_key, link->options.keys, &err);
    if (!self->bus) {
        log_warn("link.connect", "broker=%s why=%s", self->broker.name, err.text);
        return; /* the next look after silence tries again */
    }
    self->watch = loop_watch(link->options.loop, bus_fd(self->bus), LOOP_READ, branch_woken, self);
    branch_greet(self, link);
}

static void
branch_bye(branch_t *self, link_t *link)
{
    wire_t bye = { .tag = WIRE_bye };
    branch_send(self, link, &bye);
}

static void
branch_destroy(branch_t **self_p)
{
    if (!*self_p)
        return;
    branch_close(*self_p);
    free(*self_p);
    *self_p = NULL;
}

static branch_t *
branch_new(link_t *link, const broker_t *broker)
{
    branch_t *self = mem_new(sizeof *self);
    self->broker = *broker;
    branch_open(self, link);
    return self;
}

/* --- who leads --- */

/* Look at what all have said, and tell the owner when that means another leader or epoch. */
static void
link_judge(link_t *self)
{
    branch_t *leader = NULL;
    for (uint32_t i = 0; i < self->count; i++) {
        branch_t *branch = self->branches[i];
        if (branch->epoch > (leader ? leader->epoch : 0))
            leader = branch;
    }
    /* An epoch older than the newest is a deposed leader that does not know it yet. */
    if (leader && leader->epoch < self->newest)
        leader = NULL;
    uint64_t epoch = leader ? leader->epoch : 0;
    if (leader == self->leader && epoch == self->epoch)
        return;
    self->leader = leader;
    self->epoch = epoch;
    log_info("link.leader", "broker=%s epoch=%llu", leader ? leader->broker.name : "none",
             (unsigned long long)epoch);
    if (self->options.leader)
        self->options.leader(self->options.arg, epoch);
}

static void
link_beat(link_t *self, branch_t *branch, const wire_beat_t *beat)
{
    bool led = branch->epoch > 0;
    branch->heard_ms = clock_mono_ms();
    branch->epoch = beat->leading ? beat->epoch : 0;
    if (beat->epoch > self->newest)
        self->newest = beat->epoch;
    /* It may also say so because it has forgotten us: greet, and it will know better. */
    if (led && !beat->leading)
        branch_greet(branch, self);
    link_judge(self);
}

/* --- reading --- */

static void
link_hear(link_t *self, branch_t *branch, const wire_t *message)
{
    if (message->tag == WIRE_beat)
        link_beat(self, branch, &message->beat);
    else if (branch == self->leader && self->options.message)
        self->options.message(self->options.arg, message);
}

static bool
branch_drain(branch_t *self, link_t *link)
{
    bool heard = false;
    self->awake = false;
    while (self->bus) {
        own(wire) message = bus_receive(self->bus, NULL, NULL, NULL);
        if (!message)
            break;
        heard = true;
        link_hear(link, self, message);
    }
    return heard;
}

/* The end of a turn. What was heard may have made work, so the loop turns once more. */
static bool
link_drain(void *arg)
{
    link_t *self = arg;
    bool heard = false;
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->branches[i]->awake)
            heard = branch_drain(self->branches[i], self) || heard;
    }
    return heard;
}

/* --- the list --- */

static void
link_remove(link_t *self, uint32_t i)
{
    log_info("link.left", "broker=%s", self->branches[i]->broker.name);
    if (self->leader == self->branches[i])
        self->leader = NULL; /* its epoch stays, so that the judgement sees a change */
    branch_destroy(&self->branches[i]);
    self->branches[i] = self->branches[--self->count];
}

static bool
broker_same(const broker_t *a, const broker_t *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->endpoint, b->endpoint) == 0
           && strcmp(a->public_key, b->public_key) == 0;
}

static bool
list_has(const broker_t *brokers, uint32_t count, const broker_t *broker)
{
    bool has = false;
    for (uint32_t i = 0; i < count; i++)
        has = has || broker_same(&brokers[i], broker);
    return has;
}

static bool
link_has(const link_t *self, const broker_t *broker)
{
    bool has = false;
    for (uint32_t i = 0; i < self->count; i++)
        has = has || broker_same(&self->branches[i]->broker, broker);
    return has;
}

void
link_brokers(link_t *self, const broker_t *brokers, uint32_t count)
{
    for (uint32_t i = self->count; i > 0; i--) {
        if (!list_has(brokers, count, &self->branches[i - 1]->broker))
            link_remove(self, i - 1);
    }
    for (uint32_t i = 0; i < count && self->count < BROKERS_MOST; i++) {
        if (!link_has(self, &brokers[i]))
            self->branches[self->count++] = branch_new(self, &brokers[i]);
    }
    link_judge(self);
}

/* Greet everybody; those that have been silent for too long get a fresh socket first. */
static void
link_tick(void *arg)
{
    link_t *self = arg;
    link_drain(self); /* a process that was stopped has beats waiting */
    for (uint32_t i = 0; i < self->count; i++) {
        branch_t *branch = self->branches[i];
        if (clock_mono_ms() - branch->heard_ms < self->options.silence_ms) {
            branch_greet(branch, self);
            continue;
        }
        log_info("link.silent", "broker=%s", branch->broker.name);
        branch_close(branch);
        branch_open(branch, self);
    }
    link_judge(self);
}

/* --- the public rest --- */

link_t *
link_new(const link_options_t *options)
{
    link_t *self = mem_new(sizeof *self);
    self->options = *options;
    assert(strlen(options->role) < sizeof self->role && strlen(options->name) < sizeof self->name);
    memcpy(self->role, options->role, strlen(options->role));
    memcpy(self->name, options->name, strlen(options->name));
    self->timer = loop_every(options->loop, GREET_MS, link_tick, self);
    loop_before_sleep(options->loop, link_drain, self);
    return self;
}

void
link_destroy(link_t **self_p)
{
    link_t *self = *self_p;
    if (!self)
        return;
    loop_cancel(&self->timer);
    for (uint32_t i = 0; i < self->count; i++) {
        branch_bye(self->branches[i], self);
        branch_destroy(&self->branches[i]);
    }
    loop_cancel(&self->again);
    free(self);
    *self_p = NULL;
}

void
link_incarnation(link_t *self, uint64_t incarnation)
{
    self->options.incarnation = incarnation;
    for (uint32_t i = 0; i < self->count; i++)
        branch_greet(self->branches[i], self);
}

bool
link_send(link_t *self, const wire_t *message)
{
    return self->leader && branch_send(self->leader, self, message);
}

uint64_t
link_epoch(const link_t *self)
{
    return self->epoch;
}
