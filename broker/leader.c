#include "broker/leader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "broker/worker.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/store.h"

struct leader {
    leader_options_t options;
    mem_t *owner;
    mem_t *endpoint;
    store_t *store; /* the thread's */
    bool away;      /* the thread's: it has said that the store is */
    worker_t *worker;
    atomic_uint_least64_t epoch;
    atomic_int_least64_t good_until_ms; /* monotonic */
};

static void
leader_tell(void *arg)
{
    leader_t *self = arg;
    self->options.changed(self->options.arg);
}

static void
leader_set(leader_t *self, uint64_t epoch)
{
    uint64_t before = atomic_exchange(&self->epoch, epoch);
    if (before == epoch)
        return;
    log_info(epoch > 0 ? "leader.won" : "leader.lost", "owner=%s epoch=%llu", self->owner,
             (unsigned long long)(epoch > 0 ? epoch : before));
    loop_post(self->options.loop, leader_tell, self);
}

static void
leader_beat(leader_t *self)
{
    err_t err;
    uint64_t epoch = 0;
    /* From before the question, so that our time is over before the store's is. */
    int64_t good_until_ms = clock_mono_ms() + self->options.takeover_ms;
    bool beaten = store_leader_beat(self->store, self->owner, self->endpoint,
                                    self->options.takeover_ms, &epoch, &err);
    if (!beaten && !self->away)
        log_warn("leader.no_beat", "owner=%s why=%s", self->owner, err.text);
    self->away = !beaten;
    if (beaten) {
        atomic_store(&self->good_until_ms, good_until_ms);
        leader_set(self, epoch);
    } else if (clock_mono_ms() >= atomic_load(&self->good_until_ms)) {
        leader_set(self, 0);
    }
}

static void
leader_run(void *arg, worker_t *worker)
{
    leader_t *self = arg;
    int64_t next_ms = 0;
    do {
        next_ms = clock_mono_ms() + self->options.beat_ms;
        leader_beat(self);
    } while (worker_sleep(worker, next_ms));
}

leader_t *
leader_new(const leader_options_t *options)
{
    leader_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->owner = mem_text(options->owner);
    self->endpoint = mem_text(options->endpoint);
    self->store = store_new(options->store, "millrace/broker/leader");
    self->worker = worker_new(leader_run, self);
    return self;
}

void
leader_destroy(leader_t **self_p)
{
    leader_t *self = *self_p;
    if (!self)
        return;
    worker_destroy(&self->worker);
    err_t err;
    if (atomic_load(&self->epoch) > 0 && !store_leader_leave(self->store, self->owner, &err))
        log_info("leader.leave", "owner=%s why=%s", self->owner, err.text);
    store_destroy(&self->store);
    mem_destroy(&self->owner);
    mem_destroy(&self->endpoint);
    free(self);
    *self_p = NULL;
}

uint64_t
leader_epoch(const leader_t *self)
{
    return clock_mono_ms() < atomic_load(&self->good_until_ms) ? atomic_load(&self->epoch) : 0;
}
