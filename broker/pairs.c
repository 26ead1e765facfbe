/* pairs.c - pairs and the tenants they belong to: their tables, each tenant's heap of pairs, and
 * the ring of tenants. */
#include <assert.h>
#include <string.h>

#include "broker/window.h"

/* --- a tenant's pairs, by the first job of each --- */

static bool
pair_before(const void *owner, uint32_t a, uint32_t b)
{
    const queue_t *self = owner;
    return waiting_before(&self->entries[self->pairs[a].head].job,
                          &self->entries[self->pairs[b].head].job);
}

static void
pair_stands(void *owner, uint32_t p, uint32_t place)
{
    queue_t *self = owner;
    self->pairs[p].place = place;
}

static const heap_order_t by_head = { .before = pair_before, .stands = pair_stands };

/* To where its first job belongs. */
static void
pair_sort(queue_t *self, uint32_t p)
{
    pair_t *pair = &self->pairs[p];
    heap_t *heads = &self->tenants[pair->tenant].heads;
    uint32_t head = pair->heap.count > 0 ? pair->heap.numbers[0] : NONE;
    if (head == pair->head)
        return;
    if (pair->head != NONE)
        heap_remove(heads, &by_head, self, pair->place);
    pair->head = head;
    if (head != NONE)
        heap_add(heads, &by_head, self, p);
}

uint32_t
pair_last(const pair_t *pair)
{
    return pair->heap.numbers[pair->heap.count - 1];
}

uint32_t
pair_share(const queue_t *self, const pair_t *pair)
{
    uint32_t pairs = self->tenants[pair->tenant].pairs;
    return self->limits.tenant_window > pairs ? self->limits.tenant_window / pairs : 1;
}

/* --- the ring --- */

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
ring_settle(queue_t *self, uint32_t t)
{
    const tenant_t *tenant = &self->tenants[t];
    uint32_t cap = self->limits.tenant_slots;
    bool runs = tenant->heads.count > 0 && (cap == 0 || tenant->out < cap);
    if (runs && !tenant->ringed)
        ring_add(self, t);
    if (!runs && tenant->ringed)
        ring_remove(self, t);
}

/* --- the tables --- */

uint32_t
tenant_find(const queue_t *self, const char *name)
{
    jobid_t key = jobid_named(name);
    return idmap_find(self->by_tenant, &key);
}

static uint32_t
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
    *tenant = (tenant_t){ .key = key };
    memcpy(tenant->name, name, strnlen(name, sizeof tenant->name - 1));
    idmap_add(self->by_tenant, &key, t);
    return t;
}

static void
tenant_free(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    idmap_remove(self->by_tenant, &tenant->key);
    heap_clear(&tenant->heads);
    *tenant = (tenant_t){ .next = self->tenants_free };
    self->tenants_free = t;
}

/* Places are numbers, and stay what they are as long as the pair is known. */
static jobid_t
pair_key(uint32_t tenant, uint32_t source)
{
    jobid_t key = { { 0 } };
    memcpy(key.bytes, &tenant, sizeof tenant);
    memcpy(key.bytes + 8, &source, sizeof source);
    return key;
}

uint32_t
pair_find(const queue_t *self, const waiting_t *job)
{
    uint32_t t = tenant_find(self, job->tenant);
    uint32_t s = t != IDMAP_NONE ? source_find(self, job->source) : NONE;
    if (s == NONE)
        return NONE;
    jobid_t key = pair_key(t, s);
    return idmap_find(self->by_pair, &key);
}

static uint32_t
pair_make(queue_t *self, uint32_t t, uint32_t s)
{
    uint32_t p = self->pairs_free;
    assert(p != NONE);
    if (p >= self->pairs_high)
        self->pairs_high = p + 1;
    pair_t *pair = &self->pairs[p];
    source_t *source = &self->sources[s];
    self->pairs_free = pair->next;
    *pair = (pair_t){ .key = pair_key(t, s),
                      .tenant = t,
                      .source = s,
                      .head = NONE,
                      .known = true,
                      .previous = NONE,
                      .next = source->pairs };
    if (source->pairs != NONE)
        self->pairs[source->pairs].previous = p;
    source->pairs = p;
    self->tenants[t].pairs++;
    idmap_add(self->by_pair, &pair->key, p);
    return p;
}

uint32_t
pair_get(queue_t *self, const waiting_t *job)
{
    uint32_t t = tenant_get(self, job->tenant);
    uint32_t s = source_get(self, job->source);
    jobid_t key = pair_key(t, s);
    uint32_t p = idmap_find(self->by_pair, &key);
    return p != IDMAP_NONE ? p : pair_make(self, t, s);
}

static void
pair_free(queue_t *self, uint32_t p)
{
    pair_t *pair = &self->pairs[p];
    uint32_t t = pair->tenant;
    uint32_t s = pair->source;
    *(pair->previous == NONE ? &self->sources[s].pairs : &self->pairs[pair->previous].next) =
        pair->next;
    if (pair->next != NONE)
        self->pairs[pair->next].previous = pair->previous;
    idmap_remove(self->by_pair, &pair->key);
    heap_clear(&pair->heap);
    *pair = (pair_t){ .next = self->pairs_free };
    self->pairs_free = p;
    if (--self->tenants[t].pairs == 0)
        tenant_free(self, t);
    source_settle(self, s);
}

/* The store is asked when half of what may stand here has run. In a window that is full anyway a
 * refill would be refused again, and asked for again; so would one of a pair in which nothing went
 * on since the last. */
static bool
pair_hungers(const queue_t *self, const pair_t *pair)
{
    return pair->overflow && pair->moved && pair->heap.count <= pair_share(self, pair) / 2
           && self->waiting <= self->limits.window - self->limits.window / 4
           && self->sources[pair->source].breaker.state == BREAKER_CLOSED;
}

/* The same for the lines of a tenant, over all its pairs. */
static void
tenant_settle(queue_t *self, uint32_t t)
{
    tenant_t *tenant = &self->tenants[t];
    if (!tenant->lines_more || !tenant->moved || tenant->waiting > self->limits.tenant_window / 2
        || self->waiting > self->limits.window - self->limits.window / 4)
        return;
    tenant->lines_more = tenant->moved = false;
    tenant->lines_asked = true;
    self->doubtful = true;
}

void
pair_settle(queue_t *self, uint32_t p)
{
    pair_t *pair = &self->pairs[p];
    if (!pair->known)
        return;
    pair_sort(self, p);
    ring_settle(self, pair->tenant);
    if (pair_hungers(self, pair)) {
        pair->overflow = pair->moved = false;
        pair->refilled = true;
        self->hungry = true;
    }
    tenant_settle(self, pair->tenant);
    if (pair->heap.count == 0 && pair->held == 0 && pair->behind == 0 && pair->out == 0
        && !pair->pinned)
        pair_free(self, p);
}

void
pairs_clear(queue_t *self)
{
    self->pairs_free = self->tenants_free = NONE;
    for (uint32_t i = self->places; i > 0; i--) {
        heap_clear(&self->pairs[i - 1].heap);
        heap_clear(&self->tenants[i - 1].heads);
        self->pairs[i - 1] = (pair_t){ .next = self->pairs_free };
        self->tenants[i - 1] = (tenant_t){ .next = self->tenants_free };
        self->pairs_free = self->tenants_free = i - 1;
    }
    idmap_clear(self->by_pair);
    idmap_clear(self->by_tenant);
    self->pairs_high = self->tenants_high = 0;
    self->look = 0;
    self->turn = NONE;
}
