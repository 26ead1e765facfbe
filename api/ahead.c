#include "api/ahead.h"

static errand_t *
errand_at(ahead_t *self, uint32_t i)
{
    return &self->errands[(self->first + i) % AHEAD_PAGES];
}

static bool
is_under_way(ahead_t *self, int64_t row)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (errand_at(self, i)->row == row)
            return true;
    }
    return false;
}

/* A sheet that somebody has read, as if a scout had brought it. */
static bool
is_there(errand_t *errand, shelf_t *shelf)
{
    sheet_t *sheet = errand->stored ? NULL : shelf_find(shelf, &errand->key, errand->row);
    if (sheet && sheet->size > SHELF_LARGE)
        shelf_return(&sheet);
    if (!sheet)
        return false;
    latch_init(&errand->latch);
    errand->page = NULL;
    errand->sheet = sheet;
    latch_raise(&errand->latch, ERRAND_DONE);
    return true;
}

bool
ahead_send(ahead_t *self, const page_source_t *source, const page_key_t *key, int64_t row,
           bool stored)
{
    if (is_under_way(self, row))
        return true;
    if (self->count == AHEAD_PAGES || !source->send)
        return false;
    errand_t *errand = errand_at(self, self->count);
    errand->key = *key;
    errand->row = row;
    errand->stored = stored;
    if (!is_there(errand, source->shelf) && !source->send(source->arg, errand))
        return false;
    self->count++;
    return true;
}

void
ahead_take(ahead_t *self, int64_t row, page_t **page, sheet_t **sheet)
{
    for (bool found = false; self->count > 0 && !found; self->count--) {
        errand_t *errand = errand_at(self, 0);
        errand_await(errand);
        found = errand->row == row;
        if (found) {
            *page = take(errand->page);
            *sheet = take(errand->sheet);
        }
        page_destroy(&errand->page);
        shelf_return(&errand->sheet);
        self->first = (self->first + 1) % AHEAD_PAGES;
    }
}

void
ahead_drop(ahead_t *self)
{
    page_t *page = NULL;
    sheet_t *sheet = NULL;
    ahead_take(self, -1, &page, &sheet);
}
