/* queue.c - what goes out, what comes back, and what is remembered of it. */
#include <assert.h>
#include <stdlib.h>

#include "broker/window.h"

void
make_room_for_mark(queue_t *self)
{
    if (self->lists[ENTRY_OUT].count + self->lists[ENTRY_DONE].count < self->limits.window)
        return;
    uint32_t oldest = self->lists[ENTRY_DONE].first;
    entry_drop(self, oldest != NONE ? oldest : self->lists[ENTRY_OUT].first);
}

/* --- held --- */

uint32_t
half(uint32_t whole)
{
    return whole - whole / 2;
}

/* An entry that is out waits again, but not yet; forgotten where the held have no room for it. */
static void
hold(queue_t *self, uint32_t i, int64_t later_ms)
{
    uint32_t p = self->entries[i].pair;
    const tenant_t *tenant = &self->tenants[self->pairs[p].tenant];
    if (self->held.count >= half(self->limits.window)
        || tenant->held >= half(self->limits.tenant_window)) {
        entry_let_go(self, i);
        return;
    }
    if (later_ms <= 0)
        later_ms = QUEUE_LATER_MS;
    if (later_ms > QUEUE_LATER_MOST_MS)
        later_ms = QUEUE_LATER_MOST_MS;
    entry_leave(self, i);
    entry_hold(self, i, self->now_ms + later_ms);
    pair_settle(self, p);
}

static void
resume_held(queue_t *self)
{
    while (self->held.count > 0) {
        uint32_t i = self->held.numbers[0];
        if (self->entries[i].at_ms > self->now_ms)
            return;
        entry_leave(self, i);
        (void)entry_admit(self, i);
    }
}

/* --- out --- */

const waiting_t *
queue_head(queue_t *self, int64_t now_ms)
{
    self->now_ms = now_ms;
    sources_turn(self);
    resume_held(self);
    if (self->turn == NONE)
        return NULL;
    uint32_t p = self->tenants[self->turn].heads.numbers[0];
    return &self->entries[self->pairs[p].head].job;
}

void
queue_take(queue_t *self, uint32_t runner, int64_t now_ms)
{
    assert(self->turn != NONE);
    self->now_ms = now_ms;
    make_room_for_mark(self);
    tenant_t *tenant = &self->tenants[self->turn];
    uint32_t p = tenant->heads.numbers[0];
    uint32_t i = self->pairs[p].head;
    entry_leave(self, i);
    list_append(self, i, ENTRY_OUT);
    self->pairs[p].out++;
    tenant->out++;
    self->entries[i].runner = runner;
    self->entries[i].at_ms = now_ms;
    self->turn = tenant->next;
    pair_settle(self, p);
    source_taken(self, i);
}

/* --- and back --- */

static void
entry_done(queue_t *self, uint32_t i)
{
    uint32_t p = self->entries[i].pair;
    bool was_out = self->entries[i].state == ENTRY_OUT;
    entry_leave(self, i);
    if (!was_out)
        make_room_for_mark(self);
    self->entries[i].pair = NONE;
    self->entries[i].over = false;
    self->entries[i].at_ms = self->now_ms;
    list_append(self, i, ENTRY_DONE);
    pair_settle(self, p);
}

/* Not before its breaker lets it, or, where it has none that is open, not at once. */
static void
entry_away(queue_t *self, uint32_t i, int64_t later_ms)
{
    if (!source_away(self, i)) {
        hold(self, i, later_ms);
        return;
    }
    entry_let_go(self, i);
}

/* It was not its turn: whose is it, and is it there still? */
static void
entry_refused(queue_t *self, uint32_t i)
{
    line_ask(self, self->entries[i].line);
    entry_drop(self, i);
}

void
queue_release(queue_t *self, const queue_release_t *release, int64_t now_ms)
{
    self->now_ms = now_ms;
    uint32_t i = idmap_find(self->by_id, &release->job);
    if (i == IDMAP_NONE || self->entries[i].state == ENTRY_DONE)
        return;
    uint32_t l = NONE;
    bool out = self->entries[i].state == ENTRY_OUT;
    if (out && release->verdict != RELEASE_AWAY)
        source_good(self, i);
    switch (release->verdict) {
    case RELEASE_FINISHED: entry_done(self, i); return;
    case RELEASE_LOST:
        l = self->entries[i].line;
        entry_drop(self, i);
        line_hurry(self, l);
        return;
    case RELEASE_LATER:
        if (out)
            hold(self, i, release->later_ms);
        return;
    case RELEASE_AWAY:
        if (out)
            entry_away(self, i, release->later_ms);
        return;
    case RELEASE_LINE:
        if (out)
            entry_refused(self, i);
        return;
    }
}

void
queue_over(queue_t *self, const jobid_t *id, int64_t now_ms)
{
    queue_release_t release = { .job = *id, .verdict = RELEASE_FINISHED };
    queue_release(self, &release, now_ms);
    uint32_t i = idmap_find(self->by_id, id);
    if (i != IDMAP_NONE)
        line_over(self, i);
}

void
queue_runs(queue_t *self, const jobid_t *id, int64_t now_ms)
{
    self->now_ms = now_ms;
    uint32_t i = idmap_find(self->by_id, id);
    if (i != IDMAP_NONE && self->entries[i].state == ENTRY_OUT)
        source_good(self, i);
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

queue_place_t
queue_find(const queue_t *self, const jobid_t *id, uint32_t *runner)
{
    uint32_t i = idmap_find(self->by_id, id);
    if (i == IDMAP_NONE)
        return QUEUE_NOWHERE;
    const entry_t *entry = &self->entries[i];
    if (entry->state == ENTRY_DONE)
        return QUEUE_OVER;
    if (entry->state != ENTRY_OUT)
        return QUEUE_WAITS;
    *runner = entry->runner;
    return QUEUE_OUT;
}

/* --- what the sweep wants to know --- */

bool
queue_wants_refill(queue_t *self)
{
    bool hungry = self->hungry;
    self->hungry = false;
    return hungry;
}

bool
queue_wants_lines(queue_t *self)
{
    bool doubtful = self->doubtful;
    self->doubtful = false;
    return doubtful;
}

uint32_t
queue_ample(const queue_t *self, queue_pair_t *pairs, uint32_t most)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < self->pairs_high && count < most; p++) {
        const pair_t *pair = &self->pairs[p];
        if (pair->known && !pair->refilled && 2 * pair->heap.count >= pair_share(self, pair))
            pairs[count++] = (queue_pair_t){ .tenant = self->tenants[pair->tenant].name,
                                             .source = self->sources[pair->source].name };
    }
    return count;
}

uint32_t
queue_barred(const queue_t *self, queue_barred_t *sources, uint32_t most)
{
    uint32_t count = self->barred.count < most ? self->barred.count : most;
    for (uint32_t k = 0; k < count; k++) {
        const source_t *source = &self->sources[self->barred.numbers[k]];
        sources[k] = (queue_barred_t){ .source = source->name,
                                       .ripe = source->breaker.state == BREAKER_RIPE };
    }
    return count;
}

uint32_t
queue_waiting(const queue_t *self)
{
    return self->waiting + self->held.count + self->behind;
}

uint32_t
queue_handed_out(const queue_t *self)
{
    return self->lists[ENTRY_OUT].count;
}

/* --- life --- */

void
queue_listen(queue_t *self, queue_breaker_fn fn, void *arg)
{
    self->listen = fn;
    self->listen_arg = arg;
}

void
queue_clear(queue_t *self)
{
    for (unsigned state = 0; state < ENTRY_LISTS; state++)
        self->lists[state] = (list_t){ .first = NONE, .last = NONE };
    for (uint32_t i = 0; i < self->entries_most; i++)
        list_append(self, i, ENTRY_FREE);
    heap_clear(&self->held);
    idmap_clear(self->by_id);
    pairs_clear(self);
    sources_clear(self);
    lines_clear(self);
    self->waiting = self->behind = 0;
    self->hungry = self->doubtful = false;
}

queue_t *
queue_new(const queue_limits_t *limits)
{
    assert(limits->window > 0 && limits->tenant_window > 0);
    queue_t *self = mem_new(sizeof *self);
    self->limits = *limits;
    self->entries_most = 2 * limits->window + 2 * half(limits->window) + 1;
    self->entries = mem_array(self->entries_most, sizeof *self->entries);
    self->by_id = idmap_new(self->entries_most);
    self->places = self->entries_most + 1; /* one for each entry, and one that asks */
    self->pairs = mem_array(self->places, sizeof *self->pairs);
    self->by_pair = idmap_new(self->places);
    self->tenants = mem_array(self->places, sizeof *self->tenants);
    self->by_tenant = idmap_new(self->places);
    self->sources = mem_array(self->places + QUEUE_BARRED_MOST, sizeof *self->sources);
    self->by_source = idmap_new(self->places + QUEUE_BARRED_MOST);
    self->lines = mem_array(self->places + QUEUE_BARE_MOST, sizeof *self->lines);
    self->by_line = idmap_new(self->places + QUEUE_BARE_MOST);
    queue_clear(self);
    return self;
}

void
queue_destroy(queue_t **self_p)
{
    queue_t *self = *self_p;
    if (!self)
        return;
    pairs_clear(self);
    sources_clear(self);
    lines_clear(self);
    heap_clear(&self->held);
    idmap_destroy(&self->by_line);
    idmap_destroy(&self->by_source);
    idmap_destroy(&self->by_tenant);
    idmap_destroy(&self->by_pair);
    idmap_destroy(&self->by_id);
    free(self->lines);
    free(self->sources);
    free(self->tenants);
    free(self->pairs);
    free(self->entries);
    free(self);
    *self_p = NULL;
}
