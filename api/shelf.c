#include "api/shelf.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

enum {
    COST_LEAST = 16 << 10, /* a sheet counts for so much at least: they are looked through */
    SPARES_MOST = 4,
    ROUND = 16 << 10, /* pages of a result differ by a row or two */
};

/* Memory that the next sheets are inflated into: asked for anew it would be cleared by the kernel
 * each time, which costs as much as to write it. */
typedef struct {
    uint8_t *data;
    uint32_t room;
} spare_t;

struct shelf {
    size_t most_bytes;
    size_t large_bytes;
    pthread_mutex_t lock;
    pthread_cond_t returned; /* a large page */
    /* guarded by lock */
    sheet_t *first; /* all sheets that are found; few, since they are bounded by their bytes */
    size_t bytes;   /* what they cost */
    size_t idle;    /* and those of them that nobody holds */
    size_t large;   /* of large pages in hand or in the making */
    uint32_t waiters;
    uint64_t clock;
    spare_t spares[SPARES_MOST];
    uint32_t spare_count;
};

shelf_t *
shelf_new(size_t most_bytes, size_t large_bytes)
{
    shelf_t *self = mem_new(sizeof *self);
    self->most_bytes = most_bytes;
    self->large_bytes = large_bytes;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    return self;
}

void
shelf_destroy(shelf_t **self_p)
{
    shelf_t *self = take(*self_p);
    if (!self)
        return;
    while (self->first) {
        sheet_t *sheet = self->first;
        assert(sheet->holders == 0);
        self->first = sheet->next;
        free(sheet->raw);
        free(sheet);
    }
    while (self->spare_count > 0)
        free(self->spares[--self->spare_count].data);
    pthread_cond_destroy(&self->returned);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

size_t
shelf_bytes(shelf_t *self)
{
    pthread_mutex_lock(&self->lock);
    size_t bytes = self->bytes;
    pthread_mutex_unlock(&self->lock);
    return bytes;
}

static size_t
cost(const sheet_t *sheet)
{
    return sheet->size > COST_LEAST ? sheet->size : COST_LEAST;
}

/* --- memory --- */

/* With the lock held: a spare that has room for so much, and not much more; else { 0 }. */
static spare_t
find_spare(shelf_t *self, uint32_t size)
{
    for (uint32_t i = 0; i < self->spare_count; i++) {
        spare_t spare = self->spares[i];
        if (spare.room < size || spare.room / 2 > size)
            continue;
        self->spares[i] = self->spares[--self->spare_count];
        return spare;
    }
    return (spare_t){ 0 };
}

/* With the lock held: a sheet goes, its memory may stay. */
static void
scrap(shelf_t *self, sheet_t *sheet)
{
    bool spare =
        self->spare_count < SPARES_MOST && sheet->size >= COST_LEAST && sheet->size <= SHELF_LARGE;
    if (spare)
        self->spares[self->spare_count++] = (spare_t){ sheet->raw, sheet->room };
    else
        free(sheet->raw);
    free(sheet);
}

/* --- large pages --- */

static bool
is_large(size_t size)
{
    return size > SHELF_LARGE;
}

/* With the lock held. Make room for a large page among those in hand; a single one always has it.
 */
static bool
wait_for_room(shelf_t *self, size_t size)
{
    int64_t end_ms = clock_mono_ms() + SHELF_WAIT_MS;
    struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };
    if (self->waiters == SHELF_WAITERS_MOST)
        return false;
    self->waiters++;
    int waited = 0;
    while (self->large > 0 && self->large + size > self->large_bytes && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&self->returned, &self->lock, &end);
    self->waiters--;
    return self->large == 0 || self->large + size <= self->large_bytes;
}

static bool
reserve(shelf_t *self, size_t size, err_t *err)
{
    if (!is_large(size))
        return true;
    pthread_mutex_lock(&self->lock);
    bool room = wait_for_room(self, size);
    if (room)
        self->large += size;
    pthread_mutex_unlock(&self->lock);
    return room || err_set(err, ERR_UNAVAILABLE, "too many large pages are being read");
}

/* With the lock held. */
static void
release(shelf_t *self, size_t size)
{
    if (!is_large(size))
        return;
    self->large -= size;
    pthread_cond_broadcast(&self->returned);
}

/* --- finding --- */

static bool
same_result(const page_key_t *a, const page_key_t *b)
{
    return a->step == b->step && a->result == b->result && a->attempt == b->attempt
           && jobid_equal(&a->job, &b->job);
}

/* With the lock held. */
static sheet_t *
look(const shelf_t *self, const page_key_t *key, int64_t row)
{
    for (sheet_t *sheet = self->first; sheet; sheet = sheet->next) {
        bool holds = row >= sheet->first_row && row < sheet->first_row + sheet->rows;
        if (holds && same_result(&sheet->key, key))
            return sheet;
    }
    return NULL;
}

/* With the lock held. */
static sheet_t *
hold(shelf_t *self, sheet_t *sheet)
{
    if (sheet && sheet->holders++ == 0)
        self->idle -= cost(sheet);
    return sheet;
}

sheet_t *
shelf_find(shelf_t *self, const page_key_t *key, int64_t row)
{
    pthread_mutex_lock(&self->lock);
    sheet_t *sheet = hold(self, look(self, key, row));
    pthread_mutex_unlock(&self->lock);
    return sheet;
}

/* --- putting and giving back --- */

/* With the lock held: drop what nobody holds and was used least, until the rest fits. */
static void
trim(shelf_t *self)
{
    while (self->idle > self->most_bytes) {
        sheet_t **oldest = NULL;
        for (sheet_t **at = &self->first; *at; at = &(*at)->next) {
            if ((*at)->holders == 0 && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
        }
        sheet_t *gone = *oldest;
        *oldest = gone->next;
        self->idle -= cost(gone);
        self->bytes -= cost(gone);
        scrap(self, gone);
    }
}

/* Memory for a sheet, new or a spare. */
static bool
find_memory(shelf_t *self, sheet_t *sheet, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    spare_t spare = find_spare(self, sheet->size);
    pthread_mutex_unlock(&self->lock);
    sheet->raw = spare.data;
    sheet->room = spare.room;
    if (sheet->raw)
        return true;
    sheet->room = (sheet->size / ROUND + 1) * ROUND;
    sheet->raw = mem_try(sheet->room);
    return sheet->raw || err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", sheet->size);
}

sheet_t *
shelf_alone(shelf_t *self, const page_t *page, err_t *err)
{
    if (page->raw_bytes > PAGE_RAW_MOST) {
        err_set(err, ERR_INTERNAL, "a stored page is damaged: it is too large");
        return NULL;
    }
    if (!reserve(self, page->raw_bytes, err))
        return NULL;
    sheet_t *sheet = mem_new(sizeof *sheet);
    *sheet = (sheet_t){ .first_row = page->first_row,
                        .rows = page->rows,
                        .size = page->raw_bytes,
                        .shelf = self,
                        .holders = 1 };
    memcpy(sheet->before, page->before, sizeof sheet->before);
    memcpy(sheet->hash, page->hash, sizeof sheet->hash);
    if (find_memory(self, sheet, err)
        && page_inflate(page->data, page->size, sheet->raw, sheet->size, err))
        return sheet;
    shelf_return(&sheet);
    return NULL;
}

sheet_t *
shelf_put(shelf_t *self, const page_key_t *key, const page_t *page, err_t *err)
{
    sheet_t *sheet = shelf_alone(self, page, err);
    pthread_mutex_lock(&self->lock);
    sheet_t *other = sheet ? hold(self, look(self, key, page->first_row)) : NULL;
    if (sheet && !other) {
        sheet->key = *key;
        sheet->listed = true;
        self->bytes += cost(sheet);
        sheet->next = self->first;
        self->first = sheet;
    }
    pthread_mutex_unlock(&self->lock);
    if (other)
        shelf_return(&sheet);
    return other ? other : sheet;
}

/* With the lock held. */
static void
unlist(shelf_t *self, sheet_t *sheet)
{
    sheet_t **at = &self->first;
    while (*at != sheet)
        at = &(*at)->next;
    *at = sheet->next;
    self->bytes -= cost(sheet);
    sheet->listed = false;
}

/* A large sheet would drive out all others: it goes with its last reader. */
void
shelf_return(sheet_t **sheet_p)
{
    sheet_t *sheet = take(*sheet_p);
    if (!sheet)
        return;
    shelf_t *self = sheet->shelf;
    pthread_mutex_lock(&self->lock);
    bool last = --sheet->holders == 0;
    if (last && sheet->listed && is_large(sheet->size))
        unlist(self, sheet);
    bool gone = last && !sheet->listed;
    if (gone) {
        release(self, sheet->size);
        scrap(self, sheet);
    } else if (last) {
        sheet->used = ++self->clock;
        self->idle += cost(sheet);
        trim(self);
    }
    pthread_mutex_unlock(&self->lock);
}
