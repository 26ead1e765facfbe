/* runner.c - dispatches in; credit, releases and changes out. */
#include "executor/runner.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/link.h"
#include "common/log.h"
#include "executor/credit.h"
#include "executor/slot.h"

enum {
    RECORDS_A_SLOT = 3,   /* one runs, two may wait for the store */
    LAST_WORDS_MS = 5000, /* for what is on its way when the drain is over */
    TICK_MS = 1000,
    MUTE_MS = 100, /* after a message that could not be sent */
};

struct runner {
    runner_options_t options;
    kit_t kit;
    lane_t *control;
    lane_t *pages;
    link_t *link;
    credit_t credit;
    slot_t *slots;
    slot_t *free;
    uint32_t free_count;
    bool deposed;           /* a lane said so: drop all at the end of the turn */
    int64_t quiet_until_ms; /* grant nothing until then */
    int64_t mute_until_ms;
    bool draining;
    loop_timer_t *drain_timer;
    loop_timer_t *tick;
};

/* --- slots --- */

static void
put_free(runner_t *self, slot_t *slot)
{
    slot->next_free = self->free;
    self->free = slot;
    self->free_count++;
}

static void
on_freed(void *arg, slot_t *slot, const jobid_t *job, release_verdict_t verdict,
         int64_t executing_ms)
{
    runner_t *self = arg;
    put_free(self, slot);
    if (job)
        credit_release(&self->credit, job, verdict, executing_ms);
}

static void
on_handed_back(void *arg, const jobid_t *job)
{
    runner_t *self = arg;
    credit_release(&self->credit, job, RELEASE_LATER, 0);
}

static void
on_login(void *arg)
{
    runner_t *self = arg;
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_login_answered(&self->slots[i]);
}

/* How many jobs more can be taken now. */
static uint32_t
room(const runner_t *self, int64_t now_ms)
{
    if (self->draining || self->deposed || now_ms < self->quiet_until_ms)
        return 0;
    uint32_t records = scribe_free(self->kit.scribe);
    return records < self->free_count ? records : self->free_count;
}

static bool
copy_name(char name[NAME_SIZE], view_t view)
{
    if (view.size >= NAME_SIZE)
        return false;
    memcpy(name, view.data, view.size);
    name[view.size] = '\0';
    return true;
}

static void
take_offer(runner_t *self, const wire_offer_t *offer)
{
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    credit_use(&self->credit);
    if (scribe_has(self->kit.scribe, &offer->job))
        return; /* we have it: its own release will come */
    if (room(self, clock_mono_ms()) == 0 || !copy_name(tenant, offer->tenant)
        || !copy_name(source, offer->source)) {
        credit_release(&self->credit, &offer->job, RELEASE_LATER, 0);
        return;
    }
    slot_t *slot = self->free;
    self->free = slot->next_free;
    self->free_count--;
    slot_start(slot, scribe_open(self->kit.scribe, &offer->job, slot), tenant, source);
}

/* --- the leader --- */

static void
on_message(void *arg, const wire_t *message)
{
    runner_t *self = arg;
    if (message->tag != WIRE_dispatch || message->dispatch.epoch < link_epoch(self->link))
        return;
    for (uint32_t i = 0; i < message->dispatch.jobs_count; i++)
        take_offer(self, &message->dispatch.jobs[i]);
}

static void
on_leader(void *arg, uint64_t epoch)
{
    runner_t *self = arg;
    log_info("executor.leader", "epoch=%llu", (unsigned long long)epoch);
    credit_renew(&self->credit);
    self->mute_until_ms = 0;
}

static void
say(runner_t *self)
{
    int64_t now_ms = clock_mono_ms();
    uint64_t epoch = link_epoch(self->link);
    wire_t message;
    if (scribe_changes(self->kit.scribe, &message) && epoch > 0)
        (void)link_send(self->link, &message);
    if (epoch == 0 || now_ms < self->mute_until_ms)
        return;
    if (!credit_message(&self->credit, room(self, now_ms), epoch, now_ms, &message))
        return;
    if (link_send(self->link, &message))
        credit_sent(&self->credit, &message);
    else
        self->mute_until_ms = now_ms + MUTE_MS;
}

static uint32_t
on_held(void *arg, const jobid_t **ids)
{
    runner_t *self = arg;
    return scribe_held(self->kit.scribe, ids);
}

static bool
on_lease(void *arg, int64_t margin_ms)
{
    runner_t *self = arg;
    return !self->deposed && self->options.lease_good(self->options.arg, margin_ms);
}

/* --- turns of the loop --- */

static void
drop_all(runner_t *self)
{
    for (uint32_t i = 0; i < self->options.slots; i++) {
        if (self->slots[i].stage == STAGE_FREE)
            continue;
        slot_depose(&self->slots[i]);
        put_free(self, &self->slots[i]);
    }
    pool_close_all(self->kit.pool); /* sessions that ran a job of ours will be ended as ghosts */
    scribe_clear(self->kit.scribe);
    credit_forget(&self->credit);
    self->deposed = false;
}

static bool
drained(const runner_t *self)
{
    return self->draining && self->free_count == self->options.slots
           && scribe_used(self->kit.scribe) == 0;
}

static bool
on_turn_end(void *arg)
{
    runner_t *self = arg;
    if (self->deposed) {
        log_warn("executor.deposed", "jobs=%u", scribe_used(self->kit.scribe));
        drop_all(self);
        self->quiet_until_ms = clock_mono_ms() + self->options.lease_ms;
    }
    bool more = pool_turn(self->kit.pool);
    say(self);
    if (drained(self))
        loop_stop(self->options.loop);
    return more;
}

/* The last hook: what came in after the first one must not wait for the next event. */
static bool
on_turn_over(void *arg)
{
    runner_t *self = arg;
    int64_t now_ms = clock_mono_ms();
    wire_t message;
    if (self->deposed || pool_more(self->kit.pool))
        return true;
    return link_epoch(self->link) > 0 && now_ms >= self->mute_until_ms
           && credit_message(&self->credit, room(self, now_ms), 1, now_ms, &message);
}

static void
on_tick(void *arg)
{
    runner_t *self = arg;
    scribe_tick(self->kit.scribe);
}

/* Called from inside a lane: only noted. */
static void
on_lane_deposed(void *arg)
{
    runner_t *self = arg;
    self->deposed = true;
}

void
runner_deposed(runner_t *self, int64_t incarnation)
{
    log_warn("executor.reborn", "jobs=%u incarnation=%lld", scribe_used(self->kit.scribe),
             (long long)incarnation);
    drop_all(self);
    self->quiet_until_ms = 0;
    lane_incarnation(self->control, incarnation);
    lane_incarnation(self->pages, incarnation);
    link_incarnation(self->link, (uint64_t)incarnation);
}

void
runner_brokers(runner_t *self, const broker_t *brokers, uint32_t count)
{
    link_brokers(self->link, brokers, count);
}

/* --- draining --- */

static void
on_last_words(void *arg)
{
    runner_t *self = arg;
    self->drain_timer = NULL;
    log_warn("executor.undrained", "jobs=%u", scribe_used(self->kit.scribe));
    loop_stop(self->options.loop);
}

static void
on_drain_over(void *arg)
{
    runner_t *self = arg;
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_leave(&self->slots[i]);
    self->drain_timer = loop_after(self->options.loop, LAST_WORDS_MS, on_last_words, self);
}

void
runner_drain(runner_t *self)
{
    if (self->draining)
        return;
    log_info("executor.drain", "jobs=%u", scribe_used(self->kit.scribe));
    self->draining = true;
    self->drain_timer = loop_after(self->options.loop, self->options.drain_ms, on_drain_over, self);
}

bool
runner_ready(const runner_t *self, err_t *err)
{
    if (self->draining)
        return err_set(err, ERR_UNAVAILABLE, "shutting down");
    if (!lane_up(self->control))
        return err_set(err, ERR_UNAVAILABLE, "the job store does not answer");
    if (link_epoch(self->link) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no broker leads");
    return true;
}

/* --- making --- */

static lane_t *
make_lane(runner_t *self, const char *what, bool control)
{
    own(mem) who = mem_format("millrace/%s/%s", self->options.name, what);
    const lane_options_t options = { .loop = self->options.loop,
                                     .dsn = self->options.store,
                                     .who = who,
                                     .node = self->options.name,
                                     .incarnation = self->options.incarnation,
                                     .batch_most = self->options.batch_most,
                                     .held = control ? on_held : NULL,
                                     .deposed = on_lane_deposed,
                                     .arg = self };
    return lane_new(&options);
}

static link_t *
make_link(runner_t *self)
{
    const link_options_t options = { .loop = self->options.loop,
                                     .role = "executor",
                                     .name = self->options.name,
                                     .incarnation = (uint64_t)self->options.incarnation,
                                     .keys = self->options.keys,
                                     .silence_ms = self->options.silence_ms,
                                     .message = on_message,
                                     .leader = on_leader,
                                     .arg = self };
    return link_new(&options);
}

static pool_t *
make_pool(const runner_t *self)
{
    own(mem) who = mem_format("millrace/%s", self->options.name);
    const pool_options_t options = { .loop = self->options.loop,
                                     .who = who,
                                     .slots = self->options.slots,
                                     .extra = self->options.sessions_extra,
                                     .connect_timeout_ms = self->options.connect_timeout_ms,
                                     .row_bytes = self->options.row_bytes,
                                     .memory_mib = self->options.memory_mib,
                                     .turned = slot_turned };
    return pool_new(&options);
}

static void
make_slots(runner_t *self)
{
    self->slots = mem_array(self->options.slots, sizeof(slot_t));
    for (uint32_t i = 0; i < self->options.slots; i++) {
        slot_init(&self->slots[i], &self->kit);
        put_free(self, &self->slots[i]);
    }
}

runner_t *
runner_new(const runner_options_t *options)
{
    runner_t *self = mem_new(sizeof *self);
    self->options = *options;
    uint32_t records = options->slots * RECORDS_A_SLOT;
    credit_init(&self->credit, records * 2);
    self->kit = (kit_t){ .loop = options->loop,
                         .first_page_ms = options->first_page_ms,
                         .inline_bytes = options->inline_bytes,
                         .page_bytes = options->page_bytes,
                         .page_rows = options->page_rows,
                         .row_bytes = options->row_bytes,
                         .max_attempts = options->max_attempts,
                         .lease_ms = options->lease_ms,
                         .lease_good = on_lease,
                         .freed = on_freed,
                         .arg = self };
    loop_before_sleep(options->loop, on_turn_end, self);
    self->link = make_link(self);
    const scribe_options_t scribe = {
        .records = records, .paged = slot_paged, .handed_back = on_handed_back, .arg = self
    };
    self->kit.scribe = scribe_new(&scribe);
    self->control = make_lane(self, "control", true);
    self->pages = make_lane(self, "pages", false);
    scribe_lanes(self->kit.scribe, self->control, self->pages);
    self->kit.pool = make_pool(self);
    self->kit.logins = logins_new(self->control, options->seal, on_login, self);
    make_slots(self);
    self->tick = loop_every(options->loop, TICK_MS, on_tick, self);
    loop_before_sleep(options->loop, on_turn_over, self);
    return self;
}

void
runner_destroy(runner_t **self_p)
{
    runner_t *self = *self_p;
    if (!self)
        return;
    loop_cancel(&self->drain_timer);
    loop_cancel(&self->tick);
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_clear(&self->slots[i]);
    free(self->slots);
    scribe_destroy(&self->kit.scribe);
    logins_destroy(&self->kit.logins);
    pool_destroy(&self->kit.pool);
    lane_destroy(&self->control);
    lane_destroy(&self->pages);
    link_destroy(&self->link);
    credit_clear(&self->credit);
    free(self);
    *self_p = NULL;
}
