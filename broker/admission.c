/* admission.c - which offers are let into the window, and who makes room for them. */
#include "broker/window.h"

enum {
    RICH_LOOKS = 64, /* tenants, or pairs of one, looked at for one that can give up a place */
};

bool
entry_echoes(const entry_t *entry, const waiting_t *job, int64_t now_ms)
{
    if (entry->state == ENTRY_WAITING || entry->state == ENTRY_HELD || entry->state == ENTRY_BEHIND)
        return true;
    return now_ms - entry->at_ms < QUEUE_REPEAT_MS && !(job->recovering && !entry->job.recovering);
}

/* --- room --- */

/* The store has this job, and we do not: it will be asked for more of its kind. A source that is
 * away is looked at when it is back. */
static void
owe(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    if (self->entries[i].line == NONE)
        pair->overflow = true;
    else if (self->sources[pair->source].breaker.state == BREAKER_CLOSED)
        self->tenants[pair->tenant].lines_more = true;
}

void
entry_let_go(queue_t *self, uint32_t i)
{
    uint32_t l = self->entries[i].line;
    owe(self, i);
    entry_drop(self, i);
    line_forget(self, l);
}

/* Of the next few pairs of a tenant the one that has most to give, above `floor`. */
static uint32_t
rich_pair(queue_t *self, uint32_t t, uint32_t floor)
{
    tenant_t *tenant = &self->tenants[t];
    uint32_t rich = NONE;
    for (uint32_t i = 0; i < RICH_LOOKS && i < tenant->heads.count; i++) {
        tenant->look = (tenant->look + 1) % tenant->heads.count;
        uint32_t p = tenant->heads.numbers[tenant->look];
        if (self->pairs[p].heap.count > floor) {
            rich = p;
            floor = self->pairs[p].heap.count;
        }
    }
    return rich;
}

/* Of the next few tenants in the table the one that has most to give, above `floor`. */
static uint32_t
rich_tenant(queue_t *self, uint32_t floor)
{
    uint32_t rich = NONE;
    for (uint32_t i = 0; i < RICH_LOOKS && i < self->tenants_high; i++) {
        self->look = (self->look + 1) % self->tenants_high;
        const tenant_t *tenant = &self->tenants[self->look];
        if (tenant->waiting > floor) {
            rich = self->look;
            floor = tenant->waiting;
        }
    }
    return rich;
}

/* Who is to give up a job for one more of pair `p`: another tenant, when it is the window that is
 * full, otherwise another pair of the same one. NONE: nobody has so much more. */
static uint32_t
donor(queue_t *self, uint32_t p)
{
    const pair_t *pair = &self->pairs[p];
    uint32_t own = self->tenants[pair->tenant].waiting;
    uint32_t rich = own < self->limits.tenant_window ? rich_tenant(self, own + 1) : NONE;
    return rich != NONE ? rich_pair(self, rich, 0)
                        : rich_pair(self, pair->tenant, pair->heap.count + 1);
}

/* A place for one more of pair `p`, which is better off with `job` than with what it has? */
static bool
make_room(queue_t *self, uint32_t p, const waiting_t *job)
{
    const pair_t *pair = &self->pairs[p];
    if (self->tenants[pair->tenant].waiting < self->limits.tenant_window
        && self->waiting < self->limits.window)
        return true;
    bool better = pair->heap.count > 1 && waiting_before(job, &self->entries[pair_last(pair)].job);
    uint32_t giver = better ? p : donor(self, p);
    if (giver != NONE)
        entry_let_go(self, pair_last(&self->pairs[giver])); /* near the bottom of its heap */
    return giver != NONE;
}

bool
entry_admit(queue_t *self, uint32_t i)
{
    uint32_t p = self->entries[i].pair;
    pair_t *pair = &self->pairs[p];
    pair->pinned = true;
    bool room =
        source_lets(self, &self->entries[i].job) && make_room(self, p, &self->entries[i].job);
    pair->pinned = false;
    if (room) {
        entry_wait(self, i);
        pair_settle(self, p);
        return true;
    }
    uint32_t l = self->entries[i].line;
    owe(self, i);
    entry_gone(self, i);
    line_forget(self, l);
    return false;
}

/* --- offers --- */

static queue_answer_t
let_in(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    uint32_t i = idmap_find(self->by_id, &job->id);
    if (i != IDMAP_NONE) {
        if (entry_echoes(&self->entries[i], job, now_ms))
            return QUEUE_KNOWN;
        entry_drop(self, i);
    }
    return entry_admit(self, entry_make(self, job, pair_get(self, job))) ? QUEUE_TAKEN
                                                                         : QUEUE_REFUSED;
}

queue_answer_t
queue_offer(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    self->now_ms = now_ms;
    if (job->queue_key[0])
        return line_head(self, job);
    uint32_t p = pair_find(self, job);
    if (p != NONE)
        self->pairs[p].refilled = false;
    return let_in(self, job, now_ms);
}

/* Has the store older jobs of this pair, which were refused, than this one? */
static bool
is_behind(const queue_t *self, const waiting_t *job)
{
    uint32_t p = pair_find(self, job);
    if (p == NONE)
        return false;
    const pair_t *pair = &self->pairs[p];
    if (!pair->overflow && !pair->refilled)
        return false;
    return pair->heap.count == 0 || !waiting_before(job, &self->entries[pair_last(pair)].job);
}

queue_answer_t
queue_offer_fresh(queue_t *self, const waiting_t *job, int64_t now_ms)
{
    self->now_ms = now_ms;
    if (job->queue_key[0])
        return line_offer(self, job);
    if (idmap_find(self->by_id, &job->id) == IDMAP_NONE && is_behind(self, job))
        return QUEUE_REFUSED;
    return let_in(self, job, now_ms);
}

void
queue_overflow(queue_t *self, const waiting_t *job)
{
    uint32_t p = pair_find(self, job);
    if (p == NONE)
        return;
    self->pairs[p].overflow = true;
    pair_settle(self, p);
}
