#include "api/shelf.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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
    pthread_mutex_t lock;
    /* guarded by lock */
    sheet_t *first; /* all sheets that are found; few, since they are bounded by their bytes */
    size_t bytes;   /* what they cost */
    size_t idle;    /* and those of them that nobody holds */
    uint64_t clock;
    spare_t spares[SPARES_MOST];
    uint32_t spare_count;
};

shelf_t *
shelf_new(size_t most_bytes)
{
    shelf_t *self = mem_new(sizeof *self);
    self->most_bytes = most_bytes;
    pthread_mutex_init(&self->lock, NULL);
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
    return sheet->page.raw_bytes > COST_LEAST ? sheet->page.raw_bytes : COST_LEAST;
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

static bool
is_large(const sheet_t *sheet)
{
    return sheet->page.raw_bytes > SHELF_LARGE;
}

/* With the lock held: a sheet goes, its memory may stay. */
static void
scrap(shelf_t *self, sheet_t *sheet)
{
    bool spare = self->spare_count < SPARES_MOST && sheet->raw
                 && sheet->page.raw_bytes >= COST_LEAST && !is_large(sheet);
    if (spare)
        self->spares[self->spare_count++] = (spare_t){ sheet->raw, sheet->room };
    else
        free(sheet->raw);
    claim_cut(&sheet->claim, 0);
    free(sheet);
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
        bool holds = row >= sheet->page.first_row && row < sheet->page.first_row + sheet->page.rows;
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
    spare_t spare = find_spare(self, sheet->page.raw_bytes);
    pthread_mutex_unlock(&self->lock);
    sheet->raw = spare.data;
    sheet->room = spare.room;
    if (sheet->raw)
        return true;
    sheet->room = (sheet->page.raw_bytes / ROUND + 1) * ROUND;
    sheet->raw = mem_try(sheet->room);
    return sheet->raw
           || err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", sheet->page.raw_bytes);
}

static sheet_t *
new_sheet(shelf_t *self, const page_t *page, claim_t *claim)
{
    sheet_t *sheet = mem_new(sizeof *sheet);
    *sheet = (sheet_t){ .page = *page, .shelf = self, .holders = 1 };
    sheet->page.data = NULL;
    if (claim)
        sheet->claim = claim_take(claim);
    return sheet;
}

static bool
inflate(shelf_t *self, sheet_t *sheet, const page_t *page, err_t *err)
{
    if (page->raw_bytes > PAGE_RAW_MOST)
        return err_set(err, ERR_INTERNAL, "a stored page is damaged: it is too large");
    if (!page_has_checksum(page->data, page->size) && !page_sound(page))
        return err_set(err, ERR_INTERNAL, "a stored page is damaged: it has another hash");
    return find_memory(self, sheet, err)
           && page_inflate(page->data, page->size, sheet->raw, sheet->page.raw_bytes, err);
}

/* What its claim has beyond the sheet was for the page, which goes. */
sheet_t *
shelf_alone(shelf_t *self, page_t **page_p, claim_t *claim, err_t *err)
{
    own(page) page = take(*page_p);
    sheet_t *sheet = new_sheet(self, page, claim);
    if (!inflate(self, sheet, page, err)) {
        shelf_return(&sheet);
        return NULL;
    }
    page_destroy(&page);
    claim_cut(&sheet->claim, sheet->page.raw_bytes);
    return sheet;
}

sheet_t *
shelf_put(shelf_t *self, const page_key_t *key, page_t **page_p, claim_t *claim, err_t *err)
{
    sheet_t *sheet = shelf_alone(self, page_p, claim, err);
    pthread_mutex_lock(&self->lock);
    sheet_t *other = sheet ? hold(self, look(self, key, sheet->page.first_row)) : NULL;
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

void
shelf_return(sheet_t **sheet_p)
{
    sheet_t *sheet = take(*sheet_p);
    if (!sheet)
        return;
    shelf_t *self = sheet->shelf;
    pthread_mutex_lock(&self->lock);
    bool last = --sheet->holders == 0;
    if (last && sheet->listed && is_large(sheet))
        unlist(self, sheet);
    if (last && !sheet->listed) {
        scrap(self, sheet);
    } else if (last) {
        sheet->used = ++self->clock;
        self->idle += cost(sheet);
        trim(self);
    }
    pthread_mutex_unlock(&self->lock);
}
