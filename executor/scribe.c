/* scribe.c - the records, and their way out. */
#include "executor/scribe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"

struct scribe {
    scribe_options_t options;
    record_t *records;
    uint32_t used;
    jobid_t *held;
    wire_change_t *changes;
    uint32_t change_count;
    bool changes_read; /* by scribe_changes(): the next one begins a new list */
};

static void put_end(record_t *self);

scribe_t *
scribe_new(const scribe_options_t *options)
{
    scribe_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->records = mem_array(options->records, sizeof(record_t));
    self->held = mem_array(options->records, sizeof(jobid_t));
    self->changes = mem_array(options->records, sizeof(wire_change_t));
    for (uint32_t i = 0; i < options->records; i++)
        self->records[i].scribe = self;
    return self;
}

void
scribe_lanes(scribe_t *self, lane_t *control, lane_t *pages)
{
    self->options.control = control;
    self->options.pages = pages;
}

void
scribe_clear(scribe_t *self)
{
    for (uint32_t i = 0; i < self->options.records; i++) {
        if (self->records[i].used)
            record_drop(&self->records[i]);
    }
}

void
scribe_destroy(scribe_t **self_p)
{
    scribe_t *self = *self_p;
    if (!self)
        return;
    scribe_clear(self);
    free(self->changes);
    free(self->held);
    free(self->records);
    free(self);
    *self_p = NULL;
}

record_t *
scribe_find(scribe_t *self, const jobid_t *job)
{
    for (uint32_t i = 0; i < self->options.records; i++) {
        if (self->records[i].used && jobid_equal(&self->records[i].job, job))
            return &self->records[i];
    }
    return NULL;
}

uint32_t
scribe_used(const scribe_t *self)
{
    return self->used;
}

uint32_t
scribe_free(const scribe_t *self)
{
    return self->options.records - self->used;
}

record_t *
scribe_open(scribe_t *self, const jobid_t *job, void *user)
{
    for (uint32_t i = 0; i < self->options.records; i++) {
        record_t *record = &self->records[i];
        if (record->used)
            continue;
        self->used++;
        *record = (record_t){ .scribe = self, .job = *job, .user = user, .used = true };
        return record;
    }
    return NULL;
}

uint32_t
scribe_held(scribe_t *self, const jobid_t **ids)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->options.records; i++) {
        if (self->records[i].used && self->records[i].held)
            self->held[count++] = self->records[i].job;
    }
    *ids = self->held;
    return count;
}

/* --- the life of a record --- */

/* Take the page that *link points to out of those under way, and free it. */
static void
free_page(record_t *self, page_write_t **link)
{
    page_write_t *gone = *link;
    *link = gone->next;
    self->pages_busy--;
    self->pages_raw -= gone->page->raw_bytes;
    page_destroy(&gone->page);
    page_destroy(&gone->draft);
    free(gone);
}

void
record_forget_pages(record_t *self)
{
    if (self->pages_busy > 0)
        lane_forget(self->scribe->options.pages, self);
    while (self->pages)
        free_page(self, &self->pages);
}

/* No page is under way any more. */
static void
release(record_t *self)
{
    assert(!self->pages);
    write_clear(&self->control);
    manifest_destroy(&self->manifest);
    failure_clear(&self->failure);
    record_repack(self);
    self->used = false;
    self->user = NULL;
    self->scribe->used--;
}

void
record_drop(record_t *self)
{
    if (self->control.owner)
        lane_forget(self->scribe->options.control, self);
    record_forget_pages(self);
    release(self);
}

void
record_send(record_t *self, write_kind_t kind, write_fn done)
{
    if (kind == WRITE_CLAIM)
        self->held = true;
    self->control.kind = kind;
    self->control.job = self->job;
    self->control.attempt = self->attempt;
    self->control.done = done;
    self->control.owner = self;
    lane_write(self->scribe->options.control, &self->control);
}

const uint8_t *
record_packed(record_t *self, size_t *size)
{
    if (!self->packed && self->manifest)
        self->packed = manifest_pack(self->manifest, &self->packed_size);
    *size = self->packed ? self->packed_size : 0;
    return self->packed;
}

void
record_repack(record_t *self)
{
    free(self->packed);
    self->packed = NULL;
}

/* --- pages --- */

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
        put_end(self);
}

static void
on_page(write_t *write)
{
    record_t *self = write->owner;
    write_verdict_t verdict = write->verdict;
    page_write_t **link = &self->pages;
    while (&(*link)->write != write) {
        link = &(*link)->next;
        assert(*link);
    }
    if (verdict == WRITE_FAILED) {
        log_warn("page.refused", "sqlstate=%s reason=\"%s\"", write->err.sqlstate, write->err.text);
        failure_say(&self->failure, write->err.kind == ERR_LIMIT ? "54000" : write->err.sqlstate,
                    "a page of the result was not stored: %s", write->err.text);
    }
    if (verdict == WRITE_DONE)
        FAILPOINT(page_stored);
    free_page(self, link);
    if (self->user)
        self->scribe->options.paged(self->user, verdict);
    else
        page_answered(self, verdict);
}

static page_t *
draft_of(const result_t *result)
{
    size_t size = 0;
    uint8_t *data = manifest_pack_draft(result, &size);
    return page_draft(&data, size);
}

void
record_page(record_t *self, const result_t *result, page_t **page_p)
{
    assert(record_room(self));
    page_write_t *sent = mem_new(sizeof *sent);
    sent->page = take(*page_p);
    sent->draft = sent->page->first_row == 0 ? draft_of(result) : NULL;
    sent->write = (write_t){ .kind = WRITE_PAGE,
                             .job = self->job,
                             .attempt = self->attempt,
                             .done = on_page,
                             .owner = self,
                             .in.page = { .step = result->step,
                                          .result = result->ordinal,
                                          .page = sent->page,
                                          .draft = sent->draft } };
    sent->next = self->pages;
    self->pages = sent;
    self->pages_busy++;
    self->pages_raw += sent->page->raw_bytes;
    lane_write(self->scribe->options.pages, &sent->write);
    FAILPOINT(page_closed);
}

bool
record_room(const record_t *self)
{
    return self->pages_busy < RECORD_PAGES_ANY
           || (self->pages_busy < RECORD_PAGES_MOST && self->pages_raw < RECORD_RAW_MOST);
}

void
record_hurry(record_t *self)
{
    if (self->pages_busy > 0)
        lane_hurry(self->scribe->options.pages);
}

/* --- the end --- */

static void
add_change(record_t *self)
{
    scribe_t *scribe = self->scribe;
    if (scribe->changes_read)
        scribe->change_count = 0;
    scribe->changes_read = false;
    if (scribe->change_count == scribe->options.records)
        return; /* a hint that is lost */
    scribe->changes[scribe->change_count++] =
        (wire_change_t){ .job = self->job,
                         .attempt = (uint32_t)self->attempt,
                         .state = (uint32_t)self->ending.state,
                         .started_ms = self->control.started_ms,
                         .ended_ms = self->control.ended_ms,
                         .rows = self->ending.rows,
                         .more = self->ending.truncated };
}

bool
scribe_changes(scribe_t *self, wire_t *message)
{
    if (self->change_count == 0 || self->changes_read)
        return false;
    self->changes_read = true;
    *message = (wire_t){ .tag = WIRE_changes };
    message->changes.jobs = self->changes;
    message->changes.jobs_count = self->change_count;
    return true;
}

static void
on_end(write_t *write)
{
    record_t *self = write->owner;
    char id[JOBID_TEXT_SIZE];
    if (write->verdict == WRITE_FAILED) {
        log_error("job.unwritten", "job=%s attempt=%d sqlstate=%s reason=\"%s\"",
                  jobid_text(&self->job, id), self->attempt, write->err.sqlstate, write->err.text);
        self->again = true;
        return;
    }
    if (self->end == RECORD_FINISHING && write->verdict == WRITE_DONE) {
        FAILPOINT(finish_stored);
        add_change(self);
        log_debug("job.ended", "job=%s attempt=%d state=%s rows=%lld sqlstate=%s",
                  jobid_text(&self->job, id), self->attempt, job_state_word(self->ending.state),
                  (long long)self->ending.rows, self->failure.sqlstate);
    }
    if (self->end == RECORD_LEAVING) {
        FAILPOINT(handed_back);
        self->scribe->options.handed_back(self->scribe->options.arg, &self->job, self->later_ms);
    }
    release(self);
}

/* Totals of the results that stand. */
static void
fill_done(record_t *self, ending_t *ending)
{
    ending->rows = ending->bytes = ending->raw_bytes = ending->pages = 0;
    ending->truncated = false;
    ending->manifest = record_packed(self, &ending->manifest_size);
    for (uint32_t i = 0; self->manifest && i < self->manifest->count; i++) {
        const result_t *result = &self->manifest->results[i];
        ending->rows += result->rows;
        ending->bytes += result->bytes;
        ending->raw_bytes += result->raw_bytes;
        ending->truncated = ending->truncated || result->truncated;
        ending->pages += (int32_t)result->pages;
    }
}

/* What the statements had to say, without their results. */
static void
fill_said(record_t *self, ending_t *ending)
{
    manifest_t *manifest = self->manifest;
    ending->manifest = NULL;
    ending->manifest_size = 0;
    if (!manifest || (manifest->notice_count == 0 && manifest->notices_dropped == 0))
        return;
    manifest_forget_results(manifest);
    record_repack(self);
    ending->manifest = record_packed(self, &ending->manifest_size);
}

static void
fill_failed(const record_t *self, ending_t *ending)
{
    const failure_t *failure = &self->failure;
    ending->error = failure->message ? failure->message : "the job failed";
    ending->error_detail = failure->detail;
    ending->error_hint = failure->hint;
    ending->error_position = failure->position;
    ending->sqlstate = failure->sqlstate[0] ? failure->sqlstate : NULL;
}

static void
put_finish(record_t *self)
{
    if (self->ended_us > 0)
        self->ending.storing_us += clock_mono_us() - self->ended_us;
    self->ended_us = 0;
    bool done = self->ending.state == JOB_DONE;
    if (!done)
        fill_failed(self, &self->ending);
    if (!self->several && done)
        fill_done(self, &self->ending);
    else if (!self->several)
        fill_said(self, &self->ending);
    self->control.several = self->several;
    self->control.in.ending = self->ending;
    record_send(self, WRITE_FINISH, on_end);
    FAILPOINT(finish_queued);
}

static void
put_end(record_t *self)
{
    self->again = false;
    write_clear(&self->control);
    if (self->end == RECORD_FINISHING)
        put_finish(self);
    else
        record_send(self, WRITE_UNCLAIM, on_end);
}

void
record_finish(record_t *self, job_state_t state)
{
    if (state == JOB_DONE && self->failure.message)
        state = JOB_FAILED; /* a page was refused while COMMIT was under way */
    self->user = NULL;
    self->end = RECORD_FINISHING;
    self->ending.state = state;
    if (state != JOB_DONE)
        record_forget_pages(self);
    if (self->pages_busy > 0)
        self->ended_us = clock_mono_us();
    else
        put_end(self);
}

void
record_hand_back(record_t *self, const hand_back_t *how)
{
    self->user = NULL;
    self->control.tried = how->tried;
    self->control.undecided = how->undecided;
    self->control.ghosts_gone = how->ghosts_gone;
    self->later_ms = how->later_ms;
    self->end = RECORD_LEAVING;
    record_forget_pages(self);
    put_end(self);
}

/* --- steps --- */

void
record_step(record_t *self, const step_move_t *move, write_fn done)
{
    assert(self->pages_busy == 0);
    write_clear(&self->control);
    ending_t to = { .state = move->to, .executing_us = move->executing_us };
    if (move->to == JOB_DONE) {
        fill_done(self, &to);
    } else if (move->to != JOB_RUNNING) {
        fill_failed(self, &to);
        fill_said(self, &to);
    }
    self->control.in.step.step = move->step;
    self->control.in.step.from = move->from;
    self->control.in.step.to = to;
    self->control.in.step.attempt = move->attempt;
    self->control.in.step.leaves = move->leaves;
    record_send(self, WRITE_STEP, done);
}

void
record_next(record_t *self)
{
    manifest_destroy(&self->manifest);
    failure_clear(&self->failure);
    record_repack(self);
}

void
scribe_tick(scribe_t *self)
{
    for (uint32_t i = 0; i < self->options.records; i++) {
        if (self->records[i].used && self->records[i].again)
            put_end(&self->records[i]);
    }
}
