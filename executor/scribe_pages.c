/* scribe_pages.c - pages of a record: to the presser, from there to the store, and its answers. */
#include <assert.h>
#include <stdlib.h>

#include "common/failpoint.h"
#include "common/log.h"
#include "executor/scribe_inner.h"

enum {
    RAW_MOST = 1 << 20, /* of one record, at the presser: four usual pages, or one large row */
};

bool
record_crowded(const record_t *self)
{
    return self->pages_busy >= RECORD_PAGES_MOST || self->raw_busy > RAW_MOST;
}

static page_write_t *
free_place(record_t *self)
{
    assert(self->pages_busy < RECORD_PAGES_MOST);
    page_write_t *place = &self->pages[0];
    while (place->page || place->pressing)
        place++;
    self->pages_busy++;
    return place;
}

/* --- answers --- */

/* The slot is gone: the record's own way on. */
static void
page_answered(record_t *self, write_verdict_t verdict)
{
    switch (verdict) {
    case WRITE_FENCED: record_drop(self); return;
    case WRITE_FAILED: self->ending.state = JOB_FAILED; break;
    case WRITE_DONE: break;
    }
    if (self->pages_busy == 0 && self->end == RECORD_FINISHING)
        scribe_put_end(self);
}

/* This page is under way no more. */
static void
settle(record_t *self, page_write_t *place, write_verdict_t verdict)
{
    page_destroy(&place->page);
    page_destroy(&place->draft);
    self->pages_busy--;
    if (self->user)
        self->scribe->options.paged(self->user, verdict);
    else
        page_answered(self, verdict);
}

static void
refuse(record_t *self, page_write_t *place, const err_t *err)
{
    log_warn("page.refused", "sqlstate=%s reason=\"%s\"", err->sqlstate, err->text);
    failure_say(&self->failure, err->kind == ERR_LIMIT ? "54000" : err->sqlstate,
                "a page of the result was not stored: %s", err->text);
    settle(self, place, WRITE_FAILED);
}

static void
on_page(write_t *write)
{
    record_t *self = write->owner;
    page_write_t *place = NULL;
    for (uint32_t i = 0; i < RECORD_PAGES_MOST; i++) {
        if (&self->pages[i].write == write)
            place = &self->pages[i];
    }
    if (!place)
        return;
    if (write->verdict == WRITE_FAILED) {
        refuse(self, place, &write->err);
        return;
    }
    if (write->verdict == WRITE_DONE)
        FAILPOINT(page_stored);
    settle(self, place, write->verdict);
}

/* --- to the store --- */

static page_t *
draft_of(const result_t *result)
{
    size_t size = 0;
    uint8_t *data = manifest_pack_draft(result, &size);
    return page_draft(&data, size);
}

static void
send(record_t *self, page_write_t *place, result_t *result)
{
    result_add(result, place->page);
    place->draft = place->page->first_row == 0 ? draft_of(result) : NULL;
    place->write = (write_t){ .kind = WRITE_PAGE,
                              .job = self->job,
                              .attempt = self->attempt,
                              .done = on_page,
                              .owner = self,
                              .in.page = { .step = result->step,
                                           .result = result->ordinal,
                                           .page = place->page,
                                           .draft = place->draft } };
    lane_write(self->scribe->options.pages, &place->write);
    FAILPOINT(page_closed);
}

void
record_page(record_t *self, result_t *result, page_t **page_p)
{
    page_write_t *place = free_place(self);
    place->page = take(*page_p);
    send(self, place, result);
}

/* --- to the presser --- */

static void
on_pressed(void *user, page_t *page, const err_t *err)
{
    page_write_t *place = user;
    record_t *self = place->record;
    bool crowded = record_crowded(self);
    place->pressing = NULL;
    self->raw_busy -= place->raw_bytes;
    if (!page) {
        refuse(self, place, err);
        return;
    }
    place->page = page;
    send(self, place, &self->manifest->results[place->result]);
    if (crowded && !record_crowded(self) && self->user)
        self->scribe->options.paged(self->user, WRITE_DONE);
}

void
record_rows(record_t *self, uint32_t result, const page_raw_t *raw)
{
    page_write_t *place = free_place(self);
    place->record = self;
    place->result = result;
    place->raw_bytes = raw->size;
    self->raw_busy += raw->size;
    uint32_t chain = (uint32_t)(self - self->scribe->records);
    place->pressing = presser_put(self->scribe->options.presser, chain, raw, on_pressed, place);
}

void
record_forget_pages(record_t *self)
{
    if (self->pages_busy > 0)
        lane_forget(self->scribe->options.pages, self);
    for (uint32_t i = 0; i < RECORD_PAGES_MOST; i++) {
        page_write_t *place = &self->pages[i];
        presser_forget(self->scribe->options.presser, &place->pressing);
        page_destroy(&place->page);
        page_destroy(&place->draft);
    }
    self->pages_busy = 0;
    self->raw_busy = 0;
}
