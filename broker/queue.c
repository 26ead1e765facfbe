/* queue.c - what is let into the window, what goes out, and what is remembered of it. */
#include "broker/window.h"

#include <assert.h>
#include <stdlib.h>

enum {
    RICH_LOOKS = 64, /* tenants looked at for one that can give up a place */
};

/* What was handed out or has ended is remembered, but never more than a window of it. */
static void
make_room_for_mark(queue_t *self)
{
    if (self->lists[ENTRY_OUT].count + self->lists[ENTRY_DONE].count < self->limits.window)
        return;
    uint32_t oldest = self->lists[ENTRY_DONE].first;
    entry_drop(self, oldest != NONE ? oldest : self->lists[ENTRY_OUT].first);
}

static void
entry_done(queue_t *self, uint32_t i, int64_t now_ms)
{
    uint32_t t = self->entries[i].tenant;
    bool was_out = self->entries[i].state == ENTRY_OUT;
    entry_leave(self, i);
    if (!was_out)
        make_room_for_mark(self);
    self->entries[i].tenant = NONE;
    self->entries[i].at_ms = now_ms;
    list_append(self, i, ENTRY_DONE);
    tenant_settle(self, t);
}

static void
entry_hold(queue_t *self, uint32_t i, int64_t now_ms)
{
    uint32_t t = self->entries[i].tenant;
    tenant_t *tenant = &self->tenants[t];
    if (self->waiting >= self->limits.window) {
        tenant->overflow = true;
        entry_drop(self, i);
        return;
    }
    entry_leave(self, i);
    list_append(self, i, ENTRY_HELD);
    self->entries[i].at_ms = now_ms;
    self->waiting++;
    tenant->held++;
    tenant_settle(self, t);
}

static void
wake_held(queue_t *self, int64_t now_ms)
{
    uint32_t i = self->lists[ENTRY_HELD].first;
    while (i != NONE && now_ms - self->entries[i].at_ms >= QUEUE_LATER_MS) {
        entry_leave(self, i);
        entry_wait(self, i);
        tenant_settle(self, self->entries[i].tenant);
        i = self->lists[ENTRY_HELD].first;
    }
}

/* --- offers --- */

/* Is an offer of this remembered job an echo? Not after a while, and not when the sweep found its
 * executor dead. */
static bool
is_echo(const entry_t *entry, const waiting_t *job, int64_t now_ms)
{
    if (entry->state == ENTRY_WAITING || entry->state == ENTRY_HELD)
        return true;
    return now_ms - entry->at_ms < QUEUE_REPEAT_MS && !(job->recovering && !entry->job.recovering);
}

/* Give up a job near the bottom of a tenant's heap; the store still has it. */
static void
displace(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    tenant->overflow = true;
    entry_drop(self, tenant_last(tenant));
}

/* Of the next few tenants in the table the one that has most to give, above `floor`. */
static uint32_t
rich_tenant(queue_t *self, uint32_t floor)
{
    uint32_t rich = NONE;
    for (uint32_t i = 0; i < RICH_LOOKS && i < self->tenants_high; i++) {
        self->look = (self->look + 1) % self->tenants_high;
        const tenant_t *tenant = &self->tenants[self->look];
        if (tenant->heap.count > floor) {
            rich = self->look;
            floor = tenant->heap.count;
        }
    }
    return rich;
}

/* A place for one more of tenant `t`, which is better off with `job` than with what it has? */
static bool
make_room(queue_t *self, uint32_t t, const waiting_t *job)
{
    tenant_t *tenant = &self->tenants[t];
    uint32_t waiting = tenant_waiting(tenant);
    bool full = self->waiting >= self->limits.window;
    if (waiting < self->limits.tenant_window && !full)
        return true;
    if (tenant->heap.count > 1 && waiting_before(job, &self->entries[tenant_last(tenant)].job)) {
        displace(self, t);
        return true;
    }
    uint32_t rich = waiting < self->limits.tenant_window ? rich_tenant(self, waiting + 1) : NONE;
    if (rich != NONE)
        displace(self, rich);
    return rich != NONE;
}

static queue_answer_t
let_in(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    uint32_t i = idmap_find(self->by_id, &job->id);
    if (i != IDMAP_NONE) {
        if (is_echo(&self->entries[i], job, now_ms))
            return QUEUE_KNOWN;
        entry_drop(self, i);
    }
    uint32_t t = tenant_get(self, job->tenant);
    if (!make_room(self, t, job)) {
        self->tenants[t].overflow = true;
        tenant_settle(self, t);
        return QUEUE_REFUSED;
    }
    i = self->lists[ENTRY_FREE].first;
    entry_leave(self, i);
    self->entries[i] = (entry_t){ .job = *job, .tenant = t, .at_ms = now_ms };
    idmap_add(self->by_id, &job->id, i);
    entry_wait(self, i);
    tenant_settle(self, t);
    return QUEUE_TAKEN;
}

queue_answer_t
queue_offer(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    uint32_t t = tenant_find(self, job->tenant);
    if (t != NONE)
        self->tenants[t].refilled = false;
    return let_in(self, job, now_ms);
}

/* Has the store older jobs of this tenant, which were refused, than this one? */
static bool
is_behind(const queue_t *self, const waiting_t *job)
{
    uint32_t t = tenant_find(self, job->tenant);
    if (t == NONE)
        return false;
    const tenant_t *tenant = &self->tenants[t];
    if (!tenant->overflow && !tenant->refilled)
        return false;
    return tenant->heap.count == 0 || !waiting_before(job, &self->entries[tenant_last(tenant)].job);
}

queue_answer_t
queue_offer_fresh(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    if (idmap_find(self->by_id, &job->id) == IDMAP_NONE && is_behind(self, job))
        return QUEUE_REFUSED;
    return let_in(self, job, now_ms);
}

void
queue_overflow(queue_t *self, const char *tenant)
{
    uint32_t t = tenant_get(self, tenant);
    self->tenants[t].overflow = true;
    tenant_settle(self, t);
}

/* --- out and back --- */

const waiting_t *
queue_head(queue_t *self, int64_t now_ms)
{
    wake_held(self, now_ms);
    if (self->turn == NONE)
        return NULL;
    return &self->entries[self->tenants[self->turn].heap.numbers[0]].job;
}

void
queue_take(queue_t *self, uint32_t runner, int64_t now_ms)
{
    assert(self->turn != NONE);
    make_room_for_mark(self);
    uint32_t t = self->turn;
    tenant_t *tenant = &self->tenants[t];
    uint32_t i = tenant->heap.numbers[0];
    entry_leave(self, i);
    list_append(self, i, ENTRY_OUT);
    tenant->out++;
    self->entries[i].runner = runner;
    self->entries[i].at_ms = now_ms;
    self->turn = tenant->next;
    tenant_settle(self, t);
}

void
queue_release(queue_t *self, const jobid_t *id, release_verdict_t verdict, int64_t now_ms)
{
    uint32_t i = idmap_find(self->by_id, id);
    if (i == IDMAP_NONE || self->entries[i].state == ENTRY_DONE)
        return;
    switch (verdict) {
    case RELEASE_FINISHED: entry_done(self, i, now_ms); return;
    case RELEASE_LOST: entry_drop(self, i); return;
    case RELEASE_LATER:
        if (self->entries[i].state == ENTRY_OUT)
            entry_hold(self, i, now_ms);
        return;
    }
}

void
queue_runner_gone(queue_t *self, uint32_t runner)
{
    uint32_t next = NONE;
    for (uint32_t i = self->lists[ENTRY_OUT].first; i != NONE; i = next) {
        next = self->entries[i].next;
        if (self->entries[i].runner == runner)
            entry_drop(self, i);
    }
}

/* --- what the sweep wants to know --- */

bool
queue_wants_refill(queue_t *self)
{
    bool hungry = self->hungry;
    self->hungry = false;
    return hungry;
}

uint32_t
queue_ample(const queue_t *self, const char **names, uint32_t most)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < self->tenants_high && count < most; t++) {
        const tenant_t *tenant = &self->tenants[t];
        if (tenant->known && !tenant->refilled
            && 2 * tenant_waiting(tenant) >= self->limits.tenant_window)
            names[count++] = tenant->name;
    }
    return count;
}

uint32_t
queue_waiting(const queue_t *self)
{
    return self->waiting;
}

uint32_t
queue_handed_out(const queue_t *self)
{
    return self->lists[ENTRY_OUT].count;
}

/* --- life --- */

void
queue_clear(queue_t *self)
{
    for (unsigned state = 0; state < ENTRY_LISTS; state++)
        self->lists[state] = (list_t){ .first = NONE, .last = NONE };
    for (uint32_t i = 0; i < 2 * self->limits.window; i++)
        list_append(self, i, ENTRY_FREE);
    idmap_clear(self->by_id);
    tenants_clear(self);
    self->waiting = 0;
    self->hungry = false;
}

queue_t *
queue_new(const queue_limits_t *limits)
{
    assert(limits->window > 0 && limits->tenant_window > 0);
    queue_t *self = mem_new(sizeof *self);
    self->limits = *limits;
    self->entries = mem_array(2 * (size_t)limits->window, sizeof *self->entries);
    self->by_id = idmap_new(2 * limits->window);
    self->tenants_most = 2 * limits->window + 1; /* one for each entry, and one that asks */
    self->tenants = mem_array(self->tenants_most, sizeof *self->tenants);
    self->by_tenant = idmap_new(self->tenants_most);
    queue_clear(self);
    return self;
}

void
queue_destroy(queue_t **self_p)
{
    queue_t *self = *self_p;
    if (!self)
        return;
    tenants_clear(self);
    idmap_destroy(&self->by_tenant);
    idmap_destroy(&self->by_id);
    free(self->tenants);
    free(self->entries);
    free(self);
    *self_p = NULL;
}
