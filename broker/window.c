/* window.c - entries in lists and heaps, kept consistent. */
#include "broker/window.h"

/* --- lists --- */

static void
list_remove(queue_t *self, uint32_t i)
{
    entry_t *entry = &self->entries[i];
    list_t *list = &self->lists[entry->state];
    *(entry->previous == NONE ? &list->first : &self->entries[entry->previous].next) = entry->next;
    *(entry->next == NONE ? &list->last : &self->entries[entry->next].previous) = entry->previous;
    list->count--;
}

void
list_append(queue_t *self, uint32_t i, entry_state_t state)
{
    entry_t *entry = &self->entries[i];
    list_t *list = &self->lists[state];
    entry->state = state;
    entry->previous = list->last;
    entry->next = NONE;
    *(list->last == NONE ? &list->first : &self->entries[list->last].next) = i;
    list->last = i;
    list->count++;
}

/* --- heaps --- */

bool
waiting_before(const waiting_t *a, const waiting_t *b)
{
    if (a->recovering != b->recovering)
        return a->recovering;
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return jobid_compare(&a->id, &b->id) < 0;
}

static bool
entry_before(const void *owner, uint32_t a, uint32_t b)
{
    const queue_t *self = owner;
    return waiting_before(&self->entries[a].job, &self->entries[b].job);
}

static bool
entry_sooner(const void *owner, uint32_t a, uint32_t b)
{
    const queue_t *self = owner;
    return self->entries[a].at_ms < self->entries[b].at_ms;
}

static bool
entry_older(const void *owner, uint32_t a, uint32_t b)
{
    const queue_t *self = owner;
    return jobid_compare(&self->entries[a].job.id, &self->entries[b].job.id) < 0;
}

static void
entry_stands(void *owner, uint32_t i, uint32_t place)
{
    queue_t *self = owner;
    self->entries[i].place = place;
}

static const heap_order_t by_merit = { .before = entry_before, .stands = entry_stands };
static const heap_order_t by_time = { .before = entry_sooner, .stands = entry_stands };
static const heap_order_t by_age = { .before = entry_older, .stands = entry_stands };

void
entry_wait(queue_t *self, uint32_t i)
{
    entry_t *entry = &self->entries[i];
    pair_t *pair = &self->pairs[entry->pair];
    entry->state = ENTRY_WAITING;
    self->waiting++;
    self->tenants[pair->tenant].waiting++;
    heap_add(&pair->heap, &by_merit, self, i);
}

void
entry_hold(queue_t *self, uint32_t i, int64_t until_ms)
{
    entry_t *entry = &self->entries[i];
    pair_t *pair = &self->pairs[entry->pair];
    entry->state = ENTRY_HELD;
    entry->at_ms = until_ms;
    pair->held++;
    self->tenants[pair->tenant].held++;
    heap_add(&self->held, &by_time, self, i);
}

void
entry_behind(queue_t *self, uint32_t i)
{
    entry_t *entry = &self->entries[i];
    pair_t *pair = &self->pairs[entry->pair];
    entry->state = ENTRY_BEHIND;
    pair->behind++;
    self->tenants[pair->tenant].behind++;
    self->behind++;
    heap_add(&self->lines[entry->line].heap, &by_age, self, i);
}

/* --- entries --- */

static void
leave_out(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    list_remove(self, i);
    pair->out--;
    pair->moved = self->tenants[pair->tenant].moved = true;
    self->tenants[pair->tenant].out--;
    source_lost(self, i);
}

static void
leave_waiting(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    heap_remove(&pair->heap, &by_merit, self, self->entries[i].place);
    pair->moved = self->tenants[pair->tenant].moved = true;
    self->tenants[pair->tenant].waiting--;
    self->waiting--;
}

static void
leave_held(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    heap_remove(&self->held, &by_time, self, self->entries[i].place);
    pair->held--;
    self->tenants[pair->tenant].held--;
}

static void
leave_behind(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    heap_remove(&self->lines[self->entries[i].line].heap, &by_age, self, self->entries[i].place);
    pair->behind--;
    self->tenants[pair->tenant].behind--;
    self->behind--;
}

void
entry_leave(queue_t *self, uint32_t i)
{
    switch (self->entries[i].state) {
    case ENTRY_OUT: leave_out(self, i); return;
    case ENTRY_WAITING: leave_waiting(self, i); return;
    case ENTRY_HELD: leave_held(self, i); return;
    case ENTRY_BEHIND: leave_behind(self, i); return;
    case ENTRY_FREE:
    case ENTRY_DONE:
    case ENTRY_LISTS: list_remove(self, i); return;
    }
}

uint32_t
entry_make(queue_t *self, const waiting_t *job, uint32_t p)
{
    uint32_t i = self->lists[ENTRY_FREE].first;
    entry_leave(self, i);
    self->entries[i] = (entry_t){ .job = *job, .pair = p, .line = NONE, .at_ms = self->now_ms };
    idmap_add(self->by_id, &job->id, i);
    return i;
}

void
entry_gone(queue_t *self, uint32_t i)
{
    uint32_t p = self->entries[i].pair;
    line_lose(self, i);
    idmap_remove(self->by_id, &self->entries[i].job.id);
    list_append(self, i, ENTRY_FREE);
    self->entries[i].pair = NONE;
    if (p != NONE)
        pair_settle(self, p);
}

void
entry_drop(queue_t *self, uint32_t i)
{
    entry_leave(self, i);
    entry_gone(self, i);
}
