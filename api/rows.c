#include "api/rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

struct rows {
    page_source_t source;
    const job_t *job;
    const result_t *result;
    int64_t next;                 /* row */
    int64_t bucket_us;            /* where its pages are */
    int64_t page_end;             /* the first row behind the page that was opened last */
    uint8_t hash[PAGE_HASH_SIZE]; /* of the chain up to there */
    page_reader_t *reader;        /* of the open page; NULL: none is open */
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
         err_t *err)
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
    self->next = offset;
    self->bucket_us = job->bucket_us;
    return self;
}

void
rows_destroy(rows_t **self_p)
{
    rows_t *self = take(*self_p);
    if (!self)
        return;
    page_reader_destroy(&self->reader);
    free(self);
}

/* Open a page that begins at `first`, and step to the next row. */
static bool
open_page(rows_t *self, const void *data, size_t size, uint32_t raw_bytes, int64_t first,
          int64_t rows, err_t *err)
{
    if (self->next < first || self->next >= first + rows)
        return say_broken(self, "the page does not hold the row", err);
    self->reader = page_reader_new(data, size, raw_bytes, err);
    if (!self->reader)
        return false;
    self->page_end = first + rows;
    return page_reader_skip(self->reader, (uint32_t)(self->next - first), err);
}

static bool
open_inline(rows_t *self, err_t *err)
{
    const result_t *result = self->result;
    if (result->raw_bytes < 0 || result->raw_bytes > PAGE_RAW_MOST)
        return say_broken(self, "the inline page has no size", err);
    return open_page(self, result->inlined, result->inlined_size, (uint32_t)result->raw_bytes, 0,
                     result->rows, err);
}

/* A page that is not there may have been moved since the job was looked up. */
static page_t *
fetch_page(rows_t *self, uint32_t *raw_bytes, err_t *err)
{
    const page_source_t *source = &self->source;
    page_key_t key = {
        .job = self->job->id,
        .bucket_us = self->bucket_us,
        .attempt = self->result->attempt > 0 ? self->result->attempt : self->job->attempt,
        .step = self->result->step,
        .result = self->result->ordinal,
    };
    page_t *page = source->page(source->arg, &key, self->next, raw_bytes, err);
    if (page || err->kind != ERR_NOT_FOUND)
        return page;
    if (source->expired(source->arg, self->job)) {
        say_gone(err);
        return NULL;
    }
    if (!source->where(source->arg, self->job, &key.bucket_us, err))
        return NULL;
    self->bucket_us = key.bucket_us;
    page = source->page(source->arg, &key, self->next, raw_bytes, err);
    if (!page && err->kind == ERR_NOT_FOUND)
        say_broken(self, "a page is missing", err);
    return page;
}

/* Hold a page against the manifest and the pages before it. */
static bool
check_page(rows_t *self, const page_t *page, err_t *err)
{
    bool follows = self->page_end > 0;
    int64_t end = page->first_row + (int64_t)page->rows;
    if ((follows && page->first_row != self->page_end) || end > self->result->rows)
        return say_broken(self, "the page is not the next one", err);
    if (follows || page->first_row == 0) /* where the chain begins, it is all zeros */
        page_chain(self->hash, page->data, page->size, self->hash);
    else
        memcpy(self->hash, page->hash, sizeof self->hash);
    if (memcmp(self->hash, page->hash, sizeof self->hash) != 0)
        return say_broken(self, "the page has another hash", err);
    if (end == self->result->rows && memcmp(page->hash, self->result->hash, sizeof page->hash) != 0)
        return say_broken(self, "the last page has another hash", err);
    return true;
}

static bool
open_stored(rows_t *self, err_t *err)
{
    uint32_t raw_bytes = 0;
    own(page) page = fetch_page(self, &raw_bytes, err);
    return page && check_page(self, page, err)
           && open_page(self, page->data, page->size, raw_bytes, page->first_row, page->rows, err);
}

bool
rows_next(rows_t *self, err_t *err)
{
    err_clear(err);
    if (self->next >= self->result->rows)
        return false;
    if (self->reader && self->next == self->page_end)
        page_reader_destroy(&self->reader);
    if (!self->reader && !(self->result->inlined ? open_inline(self, err) : open_stored(self, err)))
        return false;

    uint32_t cells = 0;
    if (!page_reader_row(self->reader, &cells, err))
        return err->kind == ERR_NONE ? say_broken(self, "a page ends early", err) : false;
    if (cells != self->result->column_count)
        return say_broken(self, "a row has another number of cells", err);
    self->next++;
    return true;
}

bool
rows_cell(rows_t *self, cell_t *cell, err_t *err)
{
    assert(self->reader); /* no row is open */
    return page_reader_cell(self->reader, cell, err);
}
