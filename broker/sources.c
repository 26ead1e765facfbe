/* sources.c - the table of sources, and what their breakers mean for the queue. */
#include <assert.h>
#include <string.h>

#include "broker/window.h"

/* --- the barred: by when their breaker moves on --- */

static bool
source_sooner(const void *owner, uint32_t a, uint32_t b)
{
    const queue_t *self = owner;
    return self->sources[a].breaker.until_ms < self->sources[b].breaker.until_ms;
}

static void
source_stands(void *owner, uint32_t s, uint32_t place)
{
    queue_t *self = owner;
    self->sources[s].place = place;
}

static const heap_order_t by_until = { .before = source_sooner, .stands = source_stands };

/* After any change of its breaker. */
static void
source_sort(queue_t *self, uint32_t s)
{
    source_t *source = &self->sources[s];
    if (source->place != NONE)
        heap_remove(&self->barred, &by_until, self, source->place);
    source->place = NONE;
    if (source->breaker.state != BREAKER_CLOSED)
        heap_add(&self->barred, &by_until, self, s);
}

/* --- the table --- */

uint32_t
source_find(const queue_t *self, const char *name)
{
    jobid_t key = jobid_named(name);
    return idmap_find(self->by_source, &key);
}

uint32_t
source_get(queue_t *self, const char *name)
{
    jobid_t key = jobid_named(name);
    uint32_t s = idmap_find(self->by_source, &key);
    if (s != IDMAP_NONE)
        return s;
    s = self->sources_free;
    assert(s != NONE);
    source_t *source = &self->sources[s];
    self->sources_free = source->next;
    *source = (source_t){ .key = key, .place = NONE, .probe = NONE, .pairs = NONE };
    memcpy(source->name, name, strnlen(name, sizeof source->name - 1));
    idmap_add(self->by_source, &key, s);
    return s;
}

void
source_settle(queue_t *self, uint32_t s)
{
    source_t *source = &self->sources[s];
    if (source->pairs != NONE || source->breaker.state != BREAKER_CLOSED)
        return;
    idmap_remove(self->by_source, &source->key);
    *source = (source_t){ .next = self->sources_free };
    self->sources_free = s;
}

void
sources_clear(queue_t *self)
{
    heap_clear(&self->barred);
    self->sources_free = NONE;
    for (uint32_t s = self->places + QUEUE_BARRED_MOST; s > 0; s--) {
        self->sources[s - 1] = (source_t){ .next = self->sources_free };
        self->sources_free = s - 1;
    }
    idmap_clear(self->by_source);
}

/* --- breakers --- */

bool
source_lets(const queue_t *self, const waiting_t *job)
{
    uint32_t s = source_find(self, job->source);
    if (s == NONE || self->sources[s].breaker.state == BREAKER_CLOSED)
        return true;
    uint32_t p = pair_find(self, job);
    return self->sources[s].breaker.state == BREAKER_RIPE
           && (p == NONE || self->pairs[p].heap.count == 0);
}

/* What waits for this source is the store's from now on. */
static void
source_empty(queue_t *self, uint32_t s)
{
    uint32_t next = NONE;
    for (uint32_t p = self->sources[s].pairs; p != NONE; p = next) {
        next = self->pairs[p].next;
        for (uint32_t left = self->pairs[p].heap.count; left > 0; left--)
            entry_let_go(self, pair_last(&self->pairs[p]));
    }
}

static void
source_tell(const queue_t *self, const source_t *source)
{
    const breaker_t *breaker = &source->breaker;
    bool open = breaker->state == BREAKER_OPEN;
    if (self->listen)
        self->listen(self->listen_arg, source->name, open ? breaker->until_ms - self->now_ms : 0);
}

static void
source_opened(queue_t *self, uint32_t s)
{
    self->sources[s].probe = NONE;
    source_sort(self, s);
    source_tell(self, &self->sources[s]);
}

static void
source_closed(queue_t *self, uint32_t s)
{
    self->sources[s].probe = NONE;
    self->hungry = true;
    source_sort(self, s);
    source_tell(self, &self->sources[s]);
    source_settle(self, s);
}

static uint32_t
random_of(const jobid_t *id)
{
    uint32_t random = 0;
    memcpy(&random, id->bytes + JOBID_SIZE - sizeof random, sizeof random);
    return random;
}

static uint32_t
source_of(const queue_t *self, uint32_t i)
{
    return self->pairs[self->entries[i].pair].source;
}

void
source_taken(queue_t *self, uint32_t i)
{
    uint32_t s = source_of(self, i);
    source_t *source = &self->sources[s];
    if (source->breaker.state != BREAKER_RIPE)
        return;
    breaker_probe(&source->breaker, self->now_ms);
    source->probe = i;
    source_sort(self, s);
    source_empty(self, s);
}

void
source_lost(queue_t *self, uint32_t i)
{
    uint32_t s = source_of(self, i);
    source_t *source = &self->sources[s];
    if (source->probe != i)
        return;
    breaker_lost(&source->breaker, self->now_ms, random_of(&self->entries[i].job.id));
    source_opened(self, s);
}

bool
source_away(queue_t *self, uint32_t i)
{
    uint32_t s = source_of(self, i);
    source_t *source = &self->sources[s];
    const entry_t *entry = &self->entries[i];
    if (source->breaker.state != BREAKER_CLOSED) {
        source_lost(self, i);
        return true;
    }
    if (self->barred.count >= QUEUE_BARRED_MOST
        || !breaker_fail(&source->breaker, entry->at_ms, self->now_ms, random_of(&entry->job.id)))
        return false;
    source_opened(self, s);
    source_empty(self, s);
    return true;
}

void
source_good(queue_t *self, uint32_t i)
{
    uint32_t s = source_of(self, i);
    source_t *source = &self->sources[s];
    if (source->probe != i)
        return;
    breaker_good(&source->breaker, self->now_ms);
    source_closed(self, s);
}

void
sources_turn(queue_t *self)
{
    while (self->barred.count > 0) {
        uint32_t s = self->barred.numbers[0];
        source_t *source = &self->sources[s];
        if (!breaker_turn(&source->breaker, self->now_ms))
            return;
        if (source->breaker.state == BREAKER_CLOSED) {
            source_closed(self, s);
            continue;
        }
        self->hungry = true;
        source_sort(self, s);
    }
}
