#include "api/courier.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/keeper.h"
#include "common/link.h"
#include "common/log.h"

enum {
    OUTBOX_MOST = 10000,
    RECORDS_MOST = 1024, /* in one message: well below what a message may hold */
    SILENCE_MS = 2000,   /* a broker that says nothing for so long gets a fresh socket */
    LEADER_MS = 5000,    /* how long the first leader may take before we say that it is missing */
};

struct courier {
    loop_t *loop;
    bus_keys_t keys;
    keeper_t *keeper;
    link_t *link; /* the thread's */
    pthread_t thread;
    char *name;
    waiters_t *waiters;
    outbox_t *outbox;
    recent_t *recent;
    loop_timer_t *missing; /* no leader yet */

    wire_offer_t offers[RECORDS_MOST]; /* of the message being built; the thread's */
    wire_ref_t refs[RECORDS_MOST];
};

static void
send_offers(courier_t *self, const outbox_offer_t *offers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        self->offers[i] = (wire_offer_t){ .job = offers[i].id,
                                          .tenant = wire_text(offers[i].tenant),
                                          .source = wire_text(offers[i].source),
                                          .priority = offers[i].priority,
                                          .queue_key = wire_text(offers[i].queue_key) };
    wire_t message = { .tag = WIRE_offers };
    message.offers.jobs = self->offers;
    message.offers.jobs_count = count;
    if (link_send(self->link, &message))
        recent_offered(self->recent, offers, count);
    else
        log_debug("courier.unsent", "offers=%" PRIu32, count);
}

/* A watch or a cancel: ids alone. */
static void
send_ids(courier_t *self, wire_tag_t tag, const jobid_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        self->refs[i] = (wire_ref_t){ .job = ids[i] };
    wire_t message = { .tag = tag };
    if (tag == WIRE_watch) {
        message.watch.jobs = self->refs;
        message.watch.jobs_count = count;
    } else {
        message.cancel.jobs = self->refs;
        message.cancel.jobs_count = count;
    }
    if (!link_send(self->link, &message))
        log_debug("courier.unsent", "%s=%" PRIu32, wire_name(tag), count);
}

static uint32_t
part(uint32_t left)
{
    return left < RECORDS_MOST ? left : RECORDS_MOST;
}

static void
send_all(courier_t *self, wire_tag_t tag, const jobid_t *ids, uint32_t count)
{
    for (uint32_t at = 0; at < count; at += part(count - at))
        send_ids(self, tag, ids + at, part(count - at));
}

/* What workers have put into the box, on the thread. */
static void
carry(void *arg)
{
    courier_t *self = arg;
    const outbox_load_t *load = outbox_take(self->outbox);
    for (uint32_t at = 0; at < load->offer_count; at += part(load->offer_count - at))
        send_offers(self, load->offers + at, part(load->offer_count - at));
    send_all(self, WIRE_watch, load->watches, load->watch_count);
    send_all(self, WIRE_cancel, load->cancels, load->cancel_count);
}

static void
tell(courier_t *self, const wire_change_t *change)
{
    recent_tell(self->recent, change, clock_mono_ms()); /* first: a waiter looks there once */
    waiters_tell(self->waiters, change);
}

static void
message(void *arg, const wire_t *message)
{
    courier_t *self = arg;
    if (message->tag != WIRE_changes)
        return;
    for (uint32_t i = 0; i < message->changes.jobs_count; i++)
        tell(self, &message->changes.jobs[i]);
}

static void
say_missing(void *arg)
{
    courier_t *self = arg;
    self->missing = NULL;
    log_warn("courier.leaderless",
             "node=%s no broker leads: jobs are stored and start when one does", self->name);
}

/* Also when the leader is the same but reached anew: it may have forgotten who we are. */
static void
leader(void *arg, uint64_t epoch)
{
    courier_t *self = arg;
    recent_leader(self->recent);
    loop_cancel(&self->missing);
    if (epoch == 0) {
        say_missing(self);
        return;
    }
    uint32_t count;
    jobid_t *ids = waiters_ids(self->waiters, &count);
    send_all(self, WIRE_watch, ids, count);
    free(ids);
}

static void
brokers(void *arg, const broker_t *brokers, uint32_t count)
{
    courier_t *self = arg;
    link_brokers(self->link, brokers, count);
}

static void
deposed(void *arg, int64_t incarnation)
{
    courier_t *self = arg;
    link_incarnation(self->link, (uint64_t)incarnation);
}

static void *
courier_thread(void *arg)
{
    courier_t *self = arg;
    link_options_t options = {
        .loop = self->loop,
        .role = "api",
        .name = self->name,
        .incarnation = (uint64_t)keeper_incarnation(self->keeper),
        .keys = &self->keys,
        .silence_ms = SILENCE_MS,
        .message = message,
        .leader = leader,
        .arg = self,
    };
    self->link = link_new(&options);
    self->missing = loop_after(self->loop, LEADER_MS, say_missing, self);
    err_t err;
    if (!loop_run(self->loop, &err))
        log_error("courier.stopped", "node=%s %s", self->name, err.text);
    loop_cancel(&self->missing);
    link_destroy(&self->link); /* sockets end on the thread that made them */
    return NULL;
}

/* Everything but the thread, in any state of completeness. */
static void
dismantle(courier_t *self)
{
    keeper_destroy(&self->keeper);
    loop_destroy(&self->loop);
    waiters_destroy(&self->waiters);
    outbox_destroy(&self->outbox);
    recent_destroy(&self->recent);
    free(self->name);
    free(self);
}

static bool
assemble(courier_t *self, const courier_options_t *options, err_t *err)
{
    self->loop = loop_new(err);
    if (!self->loop || !bus_keys_make(&self->keys, err))
        return false;
    keeper_options_t keep = {
        .loop = self->loop,
        .store = options->store,
        .role = "api",
        .name = options->name,
        .url = options->url,
        .public_key = self->keys.public_key,
        .lease_ms = options->lease_ms,
        .brokers = brokers,
        .deposed = deposed,
        .arg = self,
    };
    self->keeper = keeper_new(&keep, options->patience_ms, err);
    if (!self->keeper)
        return false;
    int failed = pthread_create(&self->thread, NULL, courier_thread, self);
    if (failed)
        return err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(failed));
    pthread_setname_np(self->thread, "courier");
    return true;
}

courier_t *
courier_new(const courier_options_t *options, err_t *err)
{
    courier_t *self = mem_new(sizeof *self);
    self->name = mem_text(options->name);
    self->waiters = waiters_new();
    self->outbox = outbox_new(OUTBOX_MOST);
    self->recent = recent_new();
    if (!assemble(self, options, err)) {
        dismantle(self);
        return NULL;
    }
    return self;
}

void
courier_destroy(courier_t **self_p)
{
    courier_t *self = take(*self_p);
    if (!self)
        return;
    loop_stop(self->loop);
    pthread_join(self->thread, NULL);
    uint64_t dropped = outbox_dropped(self->outbox);
    if (dropped > 0)
        log_info("courier.dropped", "node=%s hints=%" PRIu64, self->name, dropped);
    dismantle(self);
}

void
courier_offer(courier_t *self, const submit_t *const *jobs, uint32_t count)
{
    if (outbox_offer(self->outbox, jobs, count))
        loop_post(self->loop, carry, self);
}

void
courier_await(courier_t *self, waiter_t *waiter, bool ours)
{
    recent_news_t news;
    waiters_add(self->waiters, waiter);
    if (!ours
        && recent_look(self->recent, &waiter->id, NULL, clock_mono_ms(), &news) == RECENT_UNKNOWN
        && outbox_watch(self->outbox, &waiter->id))
        loop_post(self->loop, carry, self);
}

recent_state_t
courier_recall(courier_t *self, const jobid_t *id, const char *tenant, recent_news_t *news)
{
    return recent_look(self->recent, id, tenant, clock_mono_ms(), news);
}

void
courier_leave(courier_t *self, waiter_t *waiter)
{
    waiters_remove(self->waiters, waiter);
}

void
courier_cancel(courier_t *self, const jobid_t *id)
{
    if (outbox_cancel(self->outbox, id))
        loop_post(self->loop, carry, self);
}

void
courier_over(courier_t *self, const jobid_t *id)
{
    /* of all ends but "done" nothing is believed: what it was is read */
    wire_change_t change = { .job = *id, .state = JOB_CANCELLED };
    tell(self, &change);
}

bool
courier_up(const courier_t *self)
{
    return keeper_up(self->keeper, 0);
}
