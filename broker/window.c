/* window.c - lists, heaps and the ring, kept consistent. */
#include "broker/window.h"

#include <assert.h>
#include <string.h>

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

/* --- a tenant's heap: the best job on top --- */

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

static void
entry_stands(void *owner, uint32_t i, uint32_t place)
{
    queue_t *self = owner;
    self->entries[i].place = place;
}

static const heap_order_t by_merit = { .before = entry_before, .stands = entry_stands };

void
entry_wait(queue_t *self, uint32_t i)
{
    self->entries[i].state = ENTRY_WAITING;
    self->waiting++;
    heap_add(&self->tenants[self->entries[i].tenant].heap, &by_merit, self, i);
}

uint32_t
tenant_last(const tenant_t *tenant)
{
    return tenant->heap.numbers[tenant->heap.count - 1];
}

/* --- tenants --- */

uint32_t
tenant_waiting(const tenant_t *tenant)
{
    return tenant->heap.count + tenant->held;
}

uint32_t
tenant_find(const queue_t *self, const char *name)
{
    jobid_t key = jobid_named(name);
    return idmap_find(self->by_tenant, &key);
}

uint32_t
tenant_get(queue_t *self, const char *name)
{
    jobid_t key = jobid_named(name);
    uint32_t t = idmap_find(self->by_tenant, &key);
    if (t != IDMAP_NONE)
        return t;
    t = self->tenants_free;
    assert(t != NONE);
    if (t >= self->tenants_high)
        self->tenants_high = t + 1;
    tenant_t *tenant = &self->tenants[t];
    self->tenants_free = tenant->next;
    *tenant = (tenant_t){ .key = key, .known = true };
    memcpy(tenant->name, name, strnlen(name, sizeof tenant->name - 1));
    idmap_add(self->by_tenant, &key, t);
    return t;
}

static void
ring_add(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    tenant->ringed = true;
    if (self->turn == NONE) {
        self->turn = tenant->next = tenant->previous = t;
        return;
    }
    tenant->next = self->turn; /* the end of the line */
    tenant->previous = self->tenants[self->turn].previous;
    self->tenants[tenant->previous].next = t;
    self->tenants[tenant->next].previous = t;
}

static void
ring_remove(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    tenant->ringed = false;
    self->tenants[tenant->previous].next = tenant->next;
    self->tenants[tenant->next].previous = tenant->previous;
    if (self->turn == t)
        self->turn = tenant->next != t ? tenant->next : NONE;
}

static void
tenant_free(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    idmap_remove(self->by_tenant, &tenant->key);
    heap_clear(&tenant->heap);
    *tenant = (tenant_t){ .next = self->tenants_free };
    self->tenants_free = t;
}

void
tenant_settle(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    if (!tenant->known)
        return;
    uint32_t cap = self->limits.tenant_slots;
    bool runs = tenant->heap.count > 0 && (cap == 0 || tenant->out < cap);
    if (runs && !tenant->ringed)
        ring_add(self, t);
    if (!runs && tenant->ringed)
        ring_remove(self, t);
    /* In a window that is full anyway a refill would be refused again, and asked for again. */
    if (tenant->overflow && tenant_waiting(tenant) <= self->limits.tenant_window / 2
        && self->waiting <= self->limits.window - self->limits.window / 4) {
        tenant->overflow = false;
        tenant->refilled = true;
        self->hungry = true;
    }
    if (tenant_waiting(tenant) == 0 && tenant->out == 0)
        tenant_free(self, t);
}

/* --- entries --- */

void
entry_leave(queue_t *self, uint32_t i)
{
    entry_t *entry = &self->entries[i];
    tenant_t *tenant = entry->tenant != NONE ? &self->tenants[entry->tenant] : NULL;
    if (entry->state == ENTRY_WAITING)
        heap_remove(&tenant->heap, &by_merit, self, entry->place);
    else
        list_remove(self, i);
    if (entry->state == ENTRY_WAITING || entry->state == ENTRY_HELD)
        self->waiting--;
    if (entry->state == ENTRY_HELD)
        tenant->held--;
    if (entry->state == ENTRY_OUT)
        tenant->out--;
}

void
entry_drop(queue_t *self, uint32_t i)
{
    uint32_t t = self->entries[i].tenant;
    entry_leave(self, i);
    idmap_remove(self->by_id, &self->entries[i].job.id);
    list_append(self, i, ENTRY_FREE);
    if (t != NONE)
        tenant_settle(self, t);
}

void
tenants_clear(queue_t *self)
{
    self->tenants_free = NONE;
    for (uint32_t t = self->tenants_most; t > 0; t--) {
        heap_clear(&self->tenants[t - 1].heap);
        self->tenants[t - 1] = (tenant_t){ .next = self->tenants_free };
        self->tenants_free = t - 1;
    }
    idmap_clear(self->by_tenant);
    self->tenants_high = 0;
    self->look = 0;
    self->turn = NONE;
}
