#include "api/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/ahead.h"
#include "common/log.h"

struct rows {
    page_source_t source;
    const job_t *job;
    const result_t *result;
    bool stored;       /* whole pages are given as they are */
    int64_t next;      /* row */
    int64_t bucket_us; /* where its pages are */
    page_t last;       /* the page that was opened last, without its bytes */

    /* The page in hand: inflated, or as it is stored. */
    sheet_t *sheet;
    page_reader_t walk; /* over the sheet, up to the run before this one */
    uint32_t walked;    /* rows of that run */
    page_t *page;
    claim_t claim; /* of a large one */

    ahead_t ahead; /* the pages behind it */
};

static bool
say_gone(err_t *err)
{
    return err_set(err, ERR_GONE, "the result has expired");
}

/* What the manifest promises is not there. */
static bool
say_broken(const rows_t *self, const char *how, err_t *err)
{
    char text[JOBID_TEXT_SIZE];
    log_error("rows.broken", "job=%s attempt=%" PRId32 " result=%" PRIu32 " row=%" PRId64 " %s",
              jobid_text(&self->job->id, text), self->job->attempt, self->result->ordinal,
              self->next, how);
    return err_set(err, ERR_INTERNAL, "the result is not whole");
}

rows_t *
rows_new(const page_source_t *source, const job_t *job, const result_t *result, int64_t offset,
         bool stored, err_t *err)
{
    if (job->expired || source->expired(source->arg, job)) {
        say_gone(err);
        return NULL;
    }
    if (offset < 0) {
        err_set(err, ERR_INVALID, "the offset is negative");
        return NULL;
    }
    rows_t *self = mem_new(sizeof *self);
    self->source = *source;
    self->job = job;
    self->result = result;
    self->stored = stored;
    self->next = offset;
    self->bucket_us = job->bucket_us;
    return self;
}

/* The first row behind the page that was opened last; 0 before the first one was. */
static int64_t
page_end(const rows_t *self)
{
    return self->last.first_row + self->last.rows;
}

/* Let go of the page in hand. */
static void
put_down(rows_t *self)
{
    shelf_return(&self->sheet);
    page_destroy(&self->page);
    claim_cut(&self->claim, 0);
}

void
rows_destroy(rows_t **self_p)
{
    rows_t *self = take(*self_p);
    if (!self)
        return;
    ahead_drop(&self->ahead);
    put_down(self);
    free(self);
}

/* --- pages --- */

page_key_t
page_key_of(const job_t *job, const result_t *result)
{
    return (page_key_t){
        .job = job->id,
        .bucket_us = job->bucket_us,
        .attempt = result->attempt > 0 ? result->attempt : job->attempt,
        .step = result->step,
        .result = result->ordinal,
    };
}

static page_key_t
key_of(const rows_t *self)
{
    page_key_t key = page_key_of(self->job, self->result);
    key.bucket_us = self->bucket_us;
    return key;
}

/* Where a small result's only page stands. */
static page_t *
inline_page(rows_t *self, err_t *err)
{
    const result_t *result = self->result;
    if (result->raw_bytes < 0 || result->raw_bytes > PAGE_RAW_MOST || result->rows > UINT32_MAX) {
        say_broken(self, "the inline page has no size", err);
        return NULL;
    }
    page_t *page = mem_new(sizeof *page);
    page->rows = (uint32_t)result->rows;
    page->raw_bytes = (uint32_t)result->raw_bytes;
    page->size = result->inlined_size;
    page->data = (uint8_t *)mem_copy((const char *)result->inlined, result->inlined_size);
    memcpy(page->hash, result->hash, sizeof page->hash);
    return page;
}

/* A page that is not there may have been moved since the job was looked up. */
static page_t *
page_anywhere(rows_t *self, uint32_t most, err_t *err)
{
    const page_source_t *source = &self->source;
    page_key_t key = key_of(self);
    page_t *page = source->page(source->arg, &key, self->next, most, err);
    if (page || err->kind != ERR_NOT_FOUND)
        return page;
    if (source->expired(source->arg, self->job)) {
        say_gone(err);
        return NULL;
    }
    if (!source->where(source->arg, self->job, &key.bucket_us, err))
        return NULL;
    self->bucket_us = key.bucket_us;
    page = source->page(source->arg, &key, self->next, most, err);
    if (!page && err->kind == ERR_NOT_FOUND)
        say_broken(self, "a page is missing", err);
    return page;
}

/* Who inflates a page sees by that whether it is damaged. */
static bool
check_bytes(const rows_t *self, const page_t *page, err_t *err)
{
    return !self->stored || !page->data || page_sound(page)
           || say_broken(self, "the page's bytes have another hash", err);
}

/* Who waits for a connection, or for room, must not keep the one that it has: others who do the
 * same would wait for it. */
static page_t *
fetch_page(rows_t *self, uint32_t most, err_t *err)
{
    ahead_settle(&self->ahead);
    own(page) page = page_anywhere(self, most, err);
    return page && check_bytes(self, page, err) ? take(page) : NULL;
}

/* The page that holds the next row, and of which the store has left the bytes where they are: there
 * must be room for them as they are read, as they are stored, and inflated. */
static bool
fetch_large(rows_t *self, err_t *err)
{
    size_t bytes = (size_t)self->page->raw_bytes + 2 * (size_t)self->page->size;
    page_key_t key = key_of(self);
    page_destroy(&self->page);
    bool begun = page_end(self) > 0;
    ahead_settle(&self->ahead);
    if (!room_claim(self->source.room, bytes, begun, &self->claim, err))
        return false;
    if (!self->stored)
        self->sheet = shelf_find(self->source.shelf, &key, self->next);
    if (self->sheet) {
        claim_cut(&self->claim, 0);
        return true;
    }
    self->page = fetch_page(self, PAGE_RAW_MOST, err);
    if (!self->page)
        return false;
    if (self->page->data)
        return true;
    return say_broken(self, "the page is too large", err);
}

/* Hold a page, of which the bytes do not matter, against the manifest and the pages before it. */
static bool
check_page(rows_t *self, const page_t *page, err_t *err)
{
    static const uint8_t zeros[PAGE_HASH_SIZE];
    int64_t end = page->first_row + (int64_t)page->rows;
    if (self->next < page->first_row || self->next >= end)
        return say_broken(self, "the page does not hold the row", err);
    bool follows = page_end(self) > 0;
    if ((follows && page->first_row != page_end(self)) || end > self->result->rows)
        return say_broken(self, "the page is not the next one", err);
    const uint8_t *due = page->first_row == 0 ? zeros : follows ? self->last.hash : page->before;
    if (memcmp(page->before, due, PAGE_HASH_SIZE) != 0)
        return say_broken(self, "the page has another hash", err);
    if (end == self->result->rows && memcmp(page->hash, self->result->hash, PAGE_HASH_SIZE) != 0)
        return say_broken(self, "the last page has another hash", err);
    self->last = *page;
    self->last.data = NULL;
    return true;
}

static bool
check_sheet(rows_t *self, err_t *err)
{
    const sheet_t *sheet = self->sheet;
    page_reader_init(&self->walk, sheet->raw, sheet->page.raw_bytes);
    self->walked = 0;
    return check_page(self, &sheet->page, err)
           && page_reader_skip(&self->walk, (uint32_t)(self->next - sheet->page.first_row), err);
}

/* --- opening the next one --- */

/* The page that holds the next row, or its sheet, from wherever it is. */
static bool
find_page(rows_t *self, err_t *err)
{
    page_key_t key = key_of(self);
    if (self->result->inlined) {
        self->page = inline_page(self, err);
        return self->page && check_bytes(self, self->page, err);
    }
    ahead_take(&self->ahead, self->next, &self->page, &self->sheet);
    if (!self->sheet && !self->stored)
        self->sheet = shelf_find(self->source.shelf, &key, self->next);
    if (self->sheet) {
        page_destroy(&self->page);
        return true;
    }
    if (self->page ? !check_bytes(self, self->page, err)
                   : !(self->page = fetch_page(self, SHELF_LARGE, err)))
        return false;
    return self->page->data || fetch_large(self, err);
}

/* Of the page in hand all is wanted, and as it is. */
static bool
wanted_whole(const rows_t *self, int64_t most)
{
    const page_t *page = self->page;
    return self->stored && self->next == page->first_row && (int64_t)page->rows <= most;
}

/* Make the page in hand a sheet. */
static bool
inflate(rows_t *self, err_t *err)
{
    shelf_t *shelf = self->source.shelf;
    page_key_t key = key_of(self);
    bool large = self->page->raw_bytes > SHELF_LARGE;
    if (self->result->inlined && large
        && !room_claim(self->source.room, self->page->raw_bytes, false, &self->claim, err))
        return false;
    self->sheet = self->result->inlined ? shelf_alone(shelf, &self->page, &self->claim, err)
                                        : shelf_put(shelf, &key, &self->page, &self->claim, err);
    if (!self->sheet && err->kind == ERR_INTERNAL) {
        err_t why = *err;
        return say_broken(self, why.text, err);
    }
    return self->sheet != NULL;
}

/* Keep the page in hand as it is stored. */
static bool
keep(rows_t *self, err_t *err)
{
    claim_cut(&self->claim, self->page->size);
    return check_page(self, self->page, err);
}

static bool
open_page(rows_t *self, int64_t most, err_t *err)
{
    if (!find_page(self, err))
        return false;
    if (self->page && wanted_whole(self, most))
        return keep(self, err);
    return (self->sheet || inflate(self, err)) && check_sheet(self, err);
}

/* While one page is used, the next ones come. */
static void
look_ahead(rows_t *self, int64_t end)
{
    page_key_t key = key_of(self);
    if (self->result->inlined)
        return;
    ahead_go(&self->ahead, &self->source, &key, &self->last,
             end < self->result->rows ? end : self->result->rows, !self->stored);
}

void
rows_settle(void *rows)
{
    rows_t *self = rows;
    ahead_settle(&self->ahead);
}

/* What is left of the sheet in hand, but no more than is wanted. */
static bool
run_of_sheet(rows_t *self, int64_t most, run_t *run, err_t *err)
{
    if (!page_reader_skip(&self->walk, self->walked, err))
        return false;
    int64_t left = page_end(self) - self->next;
    run->rows = (uint32_t)(left < most ? left : most);
    run->more = left > most;
    run->data = self->walk.in.at;
    run->size = (size_t)(self->walk.in.end - self->walk.in.at);
    self->walked = run->rows;
    return true;
}

bool
rows_run(rows_t *self, int64_t most, run_t *run, err_t *err)
{
    err_clear(err);
    if (self->next >= self->result->rows || most <= 0)
        return false;
    int64_t end = most < INT64_MAX - self->next ? self->next + most : INT64_MAX;
    if (self->page || self->next == page_end(self))
        put_down(self);
    if (!self->sheet && !open_page(self, most, err))
        return false;
    *run = (run_t){ .first_row = self->next, .stored = self->page };
    if (self->page)
        run->rows = self->page->rows;
    else if (!run_of_sheet(self, most, run, err))
        return false;
    self->next += run->rows;
    look_ahead(self, end);
    return true;
}

bool
run_trim(run_t *run, err_t *err)
{
    page_reader_t walk;
    page_reader_init(&walk, run->data, run->size);
    if (run->more && !page_reader_skip(&walk, run->rows, err))
        return false;
    if (run->more)
        run->size = (size_t)(walk.in.at - run->data);
    return true;
}
