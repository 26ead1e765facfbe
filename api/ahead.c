#include "api/ahead.h"

#include <string.h>

/* Pages that are there when others are taken, and asked for: fewer, and who inflates or reads them
 * waits for the store; more, and they have left the processor's cache when they are read. */
enum { TAKE_AT = 2, ASK_AT = 5 };

/* What is asked for at once, in stored bytes: some less than a socket's buffer holds, so that the
 * store is done before anybody reads; but two pages. And what may be there, in raw bytes: eight
 * pages of the usual size, or a single one. */
enum { ASK_BYTES = 160 << 10, ASK_LEAST = 2, HELD_BYTES = 1152 << 10 };

static coming_t *
coming_at(ahead_t *self, uint32_t i)
{
    return &self->pages[(self->first + i) % AHEAD_PAGES];
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t
most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* --- asking --- */

/* How many pages like this one are worth asking for, where so many rows are wanted. */
static uint32_t
how_many(const ahead_t *self, const page_t *like, int64_t rows)
{
    uint64_t wanted = ((uint64_t)rows - 1) / like->rows + 1;
    uint64_t at_once = most(ASK_BYTES / most(like->size, 1), ASK_LEAST);
    uint64_t held = least(most(HELD_BYTES / most(like->raw_bytes, 1), 1), AHEAD_PAGES);
    uint64_t room = held > self->count ? held - self->count : 0;
    return (uint32_t)least(wanted, least(at_once, room));
}

static void
ask(ahead_t *self, const page_source_t *source, const page_key_t *key, const page_t *last,
    int64_t end)
{
    if (self->count > 0)
        last = &coming_at(self, self->count - 1)->known;
    int64_t row = last->first_row + last->rows;
    if (self->asked || self->count > ASK_AT || row >= end || last->rows == 0)
        return;
    self->source = source;
    self->wanted = how_many(self, last, end - row);
    memcpy(self->before, last->hash, sizeof self->before);
    if (self->wanted > 0)
        self->asked = source->ask(source->arg, key, row, SHELF_LARGE, self->wanted);
}

/* --- taking --- */

void
ahead_settle(ahead_t *self)
{
    page_t *pages[AHEAD_PAGES];
    if (!self->asked)
        return;
    uint32_t came =
        self->source->answer(self->source->arg, &self->asked, self->before, pages, self->wanted);
    for (uint32_t i = 0; i < came; i++) {
        coming_t *coming = coming_at(self, self->count++);
        *coming = (coming_t){ .known = *pages[i], .errand.page = pages[i] };
        coming->known.data = NULL;
    }
}

/* What nobody works on yet, together. */
static void
send_pages(ahead_t *self, const page_source_t *source, const page_key_t *key)
{
    errand_t *first = NULL;
    errand_t **end = &first;
    for (uint32_t i = 0; i < self->count; i++) {
        errand_t *errand = &coming_at(self, i)->errand;
        if (errand->sent || !errand->page->data)
            continue;
        errand->key = *key;
        errand->next = NULL;
        *end = errand;
        end = &errand->next;
    }
    if (first)
        (void)source->inflate(source->arg, first);
}

/* Nothing is on its way, and somebody else has read the next page just now. */
static bool
others_have(const ahead_t *self, const page_source_t *source, const page_key_t *key,
            const page_t *last)
{
    if (self->asked || self->count > 0)
        return false;
    sheet_t *sheet = shelf_find(source->shelf, key, last->first_row + last->rows);
    bool there = sheet != NULL;
    shelf_return(&sheet);
    return there;
}

void
ahead_go(ahead_t *self, const page_source_t *source, const page_key_t *key, const page_t *last,
         int64_t end, bool inflate)
{
    if (!source->ask || (inflate && others_have(self, source, key, last)))
        return;
    if (self->count <= TAKE_AT)
        ahead_settle(self);
    ask(self, source, key, last, end);
    if (inflate)
        send_pages(self, source, key);
}

/* The first one, in either form. */
static void
pop(ahead_t *self, page_t **page, sheet_t **sheet)
{
    errand_t *errand = &coming_at(self, 0)->errand;
    errand_await(errand);
    *page = take(errand->page);
    *sheet = take(errand->sheet);
    self->first = (self->first + 1) % AHEAD_PAGES;
    self->count--;
}

void
ahead_take(ahead_t *self, int64_t row, page_t **page, sheet_t **sheet)
{
    if (self->count == 0)
        ahead_settle(self);
    bool found = false;
    while (!found && self->count > 0 && coming_at(self, 0)->known.first_row <= row) {
        page_destroy(page);
        shelf_return(sheet);
        found = coming_at(self, 0)->known.first_row == row;
        pop(self, page, sheet);
    }
    if (found)
        return;
    page_destroy(page);
    shelf_return(sheet);
}

void
ahead_drop(ahead_t *self)
{
    page_t *page = NULL;
    sheet_t *sheet = NULL;
    ahead_settle(self);
    ahead_take(self, INT64_MAX, &page, &sheet);
}
