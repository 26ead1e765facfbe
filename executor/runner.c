/* runner.c - dispatches in; credit, releases and changes out. */
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "executor/runner_inner.h"

enum {
    LAST_WORDS_MS = 5000, /* for what is on its way when the drain is over */
    MUTE_MS = 100,        /* after a message that could not be sent */
};

/* --- slots --- */

void
runner_put_free(runner_t *self, slot_t *slot)
{
    slot->next_free = self->free;
    self->free = slot;
    self->free_count++;
}

static void
release(runner_t *self, const jobid_t *job, release_verdict_t verdict, int64_t executing_ms,
        int64_t later_ms)
{
    const wire_release_t said = { .job = *job,
                                  .verdict = (uint32_t)verdict,
                                  .executing_ms = executing_ms,
                                  .later_ms = later_ms };
    credit_release(&self->credit, &said);
}

void
runner_on_freed(void *arg, slot_t *slot, const jobid_t *job, release_verdict_t verdict,
                int64_t executing_ms)
{
    runner_t *self = arg;
    runner_put_free(self, slot);
    if (job)
        release(self, job, verdict, executing_ms, 0);
}

void
runner_on_handed_back(void *arg, const jobid_t *job, int64_t later_ms)
{
    release(arg, job, RELEASE_LATER, 0, later_ms);
}

void
runner_on_login(void *arg)
{
    runner_t *self = arg;
    barriers_login_answered(self->kit.barriers);
    stopper_login_answered(self->kit.stopper);
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_login_answered(&self->slots[i]);
}

/* --- cancelled jobs --- */

/* Jobs that a slot has, and the store knows to be running here. */
uint32_t
runner_on_at_hand(void *arg, jobid_t *ids)
{
    runner_t *self = arg;
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->options.slots; i++) {
        const slot_t *slot = &self->slots[i];
        if (slot->stage > STAGE_CLAIM && slot->halt == HALT_NONE)
            ids[count++] = slot->record->job;
    }
    return count;
}

void
runner_on_cancelled(void *arg, const jobid_t *job)
{
    runner_t *self = arg;
    record_t *record = scribe_find(self->kit.scribe, job);
    if (record && record->user)
        slot_halt(record->user, HALT_CANCEL);
}

/* The leader says so: the store is asked, for jobs that are being claimed a little later. */
static void
hear_cancel(runner_t *self, const wire_cancel_t *cancel)
{
    bool now = false;
    for (uint32_t i = 0; i < cancel->jobs_count; i++) {
        record_t *record = scribe_find(self->kit.scribe, &cancel->jobs[i].job);
        slot_t *slot = record ? record->user : NULL;
        if (!slot)
            continue;
        slot->hinted = slot->stage <= STAGE_CLAIM;
        self->hinted = self->hinted || slot->hinted;
        now = now || !slot->hinted;
    }
    if (now)
        cancels_hint(self->cancels);
}

static void
hear_again(runner_t *self)
{
    bool now = false;
    self->hinted = false;
    for (uint32_t i = 0; i < self->options.slots; i++) {
        slot_t *slot = &self->slots[i];
        bool claimed = slot->stage > STAGE_CLAIM;
        now = now || (slot->hinted && claimed);
        slot->hinted = slot->hinted && !claimed && slot->stage != STAGE_FREE;
        self->hinted = self->hinted || slot->hinted;
    }
    if (now)
        cancels_hint(self->cancels);
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
    if (scribe_find(self->kit.scribe, &offer->job))
        return; /* we have it: its own release will come */
    if (room(self, clock_mono_ms()) == 0 || !copy_name(tenant, offer->tenant)
        || !copy_name(source, offer->source)) {
        release(self, &offer->job, RELEASE_LATER, 0, 0);
        return;
    }
    slot_t *slot = self->free;
    self->free = slot->next_free;
    self->free_count--;
    slot_start(slot, scribe_open(self->kit.scribe, &offer->job, slot), tenant, source,
               offer->queue_key.size > 0);
}

/* --- the leader --- */

void
runner_on_message(void *arg, const wire_t *message)
{
    runner_t *self = arg;
    if (message->tag == WIRE_cancel)
        hear_cancel(self, &message->cancel);
    if (message->tag != WIRE_dispatch || message->dispatch.epoch < link_epoch(self->link))
        return;
    for (uint32_t i = 0; i < message->dispatch.jobs_count; i++)
        take_offer(self, &message->dispatch.jobs[i]);
}

void
runner_on_leader(void *arg, uint64_t epoch)
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
    if (scribe_changes(self->kit.scribe, &message) && epoch > 0) {
        (void)link_send(self->link, &message);
        FAILPOINT(change_told);
    }
    if (epoch == 0 || now_ms < self->mute_until_ms)
        return;
    if (!credit_message(&self->credit, room(self, now_ms), epoch, now_ms, &message))
        return;
    if (link_send(self->link, &message))
        credit_sent(&self->credit, &message);
    else
        self->mute_until_ms = now_ms + MUTE_MS;
}

uint32_t
runner_on_held(void *arg, const jobid_t **ids)
{
    runner_t *self = arg;
    return scribe_held(self->kit.scribe, ids);
}

bool
runner_on_lease(void *arg, int64_t margin_ms)
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
        runner_put_free(self, &self->slots[i]);
    }
    barriers_close(self->kit.barriers);
    stopper_close(self->kit.stopper);
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

bool
runner_on_turn_end(void *arg)
{
    runner_t *self = arg;
    if (self->deposed) {
        log_warn("executor.deposed", "jobs=%u", scribe_used(self->kit.scribe));
        drop_all(self);
        self->quiet_until_ms = clock_mono_ms() + self->options.lease_ms;
    }
    bool more = pool_turn(self->kit.pool);
    if (self->hinted)
        hear_again(self);
    say(self);
    if (drained(self))
        loop_stop(self->options.loop);
    return more;
}

/* The last hook: what came in after the first one must not wait for the next event. */
bool
runner_on_turn_over(void *arg)
{
    runner_t *self = arg;
    int64_t now_ms = clock_mono_ms();
    wire_t message;
    if (self->deposed || pool_more(self->kit.pool))
        return true;
    return link_epoch(self->link) > 0 && now_ms >= self->mute_until_ms
           && credit_message(&self->credit, room(self, now_ms), 1, now_ms, &message);
}

void
runner_on_tick(void *arg)
{
    runner_t *self = arg;
    int64_t now_ms = clock_mono_ms();
    scribe_tick(self->kit.scribe);
    cancels_tick(self->cancels, now_ms);
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_tick(&self->slots[i], now_ms);
}

/* Called from inside a lane: only noted. */
void
runner_on_lane_deposed(void *arg)
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
