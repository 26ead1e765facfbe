/* run.c - a step's statements, and their rows into pages. */
#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "executor/slot.h"

enum {
    INLINED_MOST = 8
}; /* times inline_bytes: what a step's small results may come to together */

static void broken(slot_t *self, failure_t *failure);

/* What the step would leave in its manifest is more than readers are to be burdened with. */
static void
no_room(slot_t *self)
{
    failure_t failure = { 0 };
    if (steps_room(&self->steps) < MANIFEST_MOST)
        failure_say(&failure, "54000",
                    "the results of the job's steps have too many columns: what describes them may "
                    "come to %d MiB",
                    MANIFESTS_MOST >> 20);
    else
        failure_say(&failure, "54000",
                    "the results of this text have too many columns: what describes them may come "
                    "to %d MiB",
                    MANIFEST_MOST >> 20);
    slot_fail(self, &failure, false);
    failure_clear(&failure);
}

/* --- beginning --- */

void
run_begin(slot_t *self)
{
    failure_t failure = { 0 };
    record_t *record = self->record;
    if (!steps_prepare(&self->steps, &record->job, self->params, self->claimed.autocommit,
                       self->claimed.read_only, &failure)) {
        slot_fail(self, &failure, true);
        return;
    }
    record->manifest = manifest_new();
    self->weight = 0;
    if (self->steps.autocommit && steps_room(&self->steps) < RESULT_WEIGHT_MOST)
        no_room(self);
    else if (self->steps.autocommit)
        outcome_alone(self);
    else
        run_send(self);
}

void
run_send(slot_t *self)
{
    session_t *session = self->session;
    bool limited = steps_allow(&self->steps, &self->claimed.limits, &self->allowance);
    const script_t script = { .statements = self->steps.statements,
                              .binds = self->steps.binds,
                              .read_only = self->claimed.read_only,
                              .autocommit = self->steps.autocommit,
                              .last = steps_last(&self->steps),
                              .quiet = steps_crowded(&self->steps),
                              .job = self->record->job,
                              .step = self->steps.now,
                              .allowance = limited ? &self->allowance : NULL };
    page_writer_reset(self->writer);
    if (script.autocommit)
        record_repack(self->record); /* it was empty when it was put on record */
    self->script = script;
    self->stage = STAGE_RUN;
    self->kept = false;
    self->dirty = !script.last;
    session->driver->run(session->channel, &self->script, self->writer, self->record->manifest);
    self->step_us = clock_mono_us();
    if (self->sent_us == 0)
        self->sent_us = self->step_us;
    session_sent(session);
    halt_statement(self);
    if (script.autocommit)
        FAILPOINT(alone_sent);
    else
        FAILPOINT(run_sent);
}

/* --- pages --- */

/* The result that rows are coming in for, or came in last; NULL: none yet. */
static result_t *
result_of(const slot_t *self)
{
    manifest_t *manifest = self->record->manifest;
    return manifest->count > 0 ? &manifest->results[manifest->count - 1] : NULL;
}

static void
add_up(result_t *result, const page_t *page)
{
    result->rows += page->rows;
    result->bytes += page->size;
    result->raw_bytes += page->raw_bytes;
    memcpy(result->hash, page->hash, PAGE_HASH_SIZE);
}

static bool
fits_inline(const slot_t *self, const page_t *page)
{
    return page->size <= self->kit->inline_bytes
           && self->inlined + page->size <= INLINED_MOST * self->kit->inline_bytes;
}

static void
rows_here(slot_t *self)
{
    if (self->rows_seen || page_writer_rows(self->writer) == 0)
        return;
    self->rows_seen = true;
    FAILPOINT(first_row);
}

/* A statement that cannot go on, without any effect; outside a transaction nobody can tell. */
static void
broken(slot_t *self, failure_t *failure)
{
    if (self->steps.autocommit)
        outcome_unknown(self, failure->sqlstate, failure->message);
    else if (self->halt)
        halt_end(self);
    else
        slot_fail(self, failure, false);
}

/* There must be room for a page while rows can still come. */
static void
hold_back(slot_t *self)
{
    if (record_room(self->record))
        return;
    record_hurry(self->record);
    session_pause(self->session);
    self->waiting_us = clock_mono_us();
}

/* Close the page and send it, or keep it in the manifest. False: the step is over. */
static bool
close_page(slot_t *self, bool last)
{
    err_t err;
    own(page) page = page_writer_close(self->writer, &err);
    if (!page) {
        failure_t failure = { 0 };
        failure_say(&failure, "54000", "%s", err.text);
        broken(self, &failure);
        failure_clear(&failure);
        return false;
    }
    result_t *result = result_of(self);
    add_up(result, page);
    if (last && result->pages == 0 && fits_inline(self, page)) {
        self->inlined += page->size;
        result->inlined_size = page->size;
        result->inlined = take(page->data);
        return true;
    }
    result->pages++;
    record_page(self->record, result, &page);
    return true;
}

static void
page_full(slot_t *self)
{
    loop_cancel(&self->timer);
    rows_here(self);
    if (close_page(self, false))
        hold_back(self);
}

static void
on_page_due(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    if (self->stage == STAGE_RUN && page_writer_rows(self->writer) > 0)
        page_full(self);
}

/* Rows of a slow statement do not wait for ever for their page to fill, the first ones hardly at
 * all: as long as they are here nobody can read them. */
static void
rows_wait(slot_t *self)
{
    rows_here(self);
    if (self->timer || page_writer_rows(self->writer) == 0)
        return;
    const kit_t *kit = self->kit;
    int64_t ms = result_of(self)->pages == 0 ? kit->first_page_ms : kit->page_ms;
    self->timer = loop_after(kit->loop, ms, on_page_due, self);
}

/* A statement is over; others may follow. False: the step is over, too. */
static bool
result_over(slot_t *self)
{
    loop_cancel(&self->timer);
    rows_here(self);
    result_t *result = result_of(self);
    result->attempt = self->record->attempt;
    bool rows = page_writer_rows(self->writer) > 0 || result->pages == 0;
    if (result->has_columns && rows && !close_page(self, true))
        return false;
    record_hurry(self->record);
    page_writer_reset(self->writer);
    self->weight += result_weight(result);
    if (self->weight > steps_room(&self->steps) && !self->steps.autocommit) {
        no_room(self);
        return false;
    }
    if (self->record->manifest->count == self->steps.statements->count)
        return true;
    halt_statement(self);
    hold_back(self);
    return true;
}

/* --- turns --- */

static void
ran(slot_t *self)
{
    FAILPOINT(ran);
    loop_cancel(&self->timer);
    if (self->halt)
        halt_end(self);
    else
        outcome_start(self);
}

/* The results are larger than the job's limit: end it, without effect. */
static void
over(slot_t *self)
{
    bool rows = self->allowance.rows == 0;
    const job_limits_t *limits = &self->claimed.limits;
    const limit_t *limit = rows ? &limits->rows : &limits->bytes;
    const char *owner = limit_owner_word(limit->owner);
    bool cap = limit->owner != LIMIT_OF_JOB;
    failure_t failure = { 0 };
    failure_say(&failure, "54000", "the results have more than %lld %s%s%s)",
                (long long)limit->most, rows ? "rows (max_rows" : "bytes (max_bytes",
                cap ? ", the cap of the " : "", cap ? owner : "");
    broken(self, &failure);
    failure_clear(&failure);
}

/* The job only reads, and its limit leaves out what is still to come: done, with the session in the
 * midst of it. */
static void
enough(slot_t *self)
{
    if (self->halt)
        halt_end(self);
    else if (result_over(self))
        slot_finish(self, JOB_DONE, false);
}

/* The statement outside a transaction went well: its pages are to be stored, then it is done. One
 * that was being stopped was faster, but its session may still be hit. */
static void
alone_done(slot_t *self)
{
    FAILPOINT(alone_done);
    const session_t *session = self->session;
    bool spoilt = self->stopping;
    halt_rest(self);
    self->leaves = self->script.last ? NULL : mem_text(session->driver->leaves(session->channel));
    self->kept = !self->script.last && !spoilt;
    if (self->steps.several) {
        slot_finish(self, JOB_DONE, !spoilt);
        return;
    }
    if (spoilt)
        session_close(&self->session);
    self->ended = JOB_DONE;
    self->stage = STAGE_PAGES;
    if (self->record->pages_busy == 0)
        course_stored(self);
}

static void
failed(slot_t *self, failure_t *failure)
{
    if (self->steps.autocommit)
        FAILPOINT(alone_done);
    if (failure->already)
        outcome_unknown(self, failure->sqlstate, already_text);
    else if (self->halt)
        halt_end(self);
    else
        slot_fail(self, failure, true);
}

static void
lost(slot_t *self, const failure_t *failure)
{
    if (self->steps.autocommit)
        outcome_unknown(self, failure->sqlstate, alone_text);
    else if (self->halt)
        halt_end(self);
    else
        slot_retry(self, failure);
}

/* What is being stopped has no result any more, and its rows are nobody's. (Outside a transaction
 * it may still end well.) */
static bool
is_noise(const slot_t *self, turn_t turn)
{
    return self->stopping && !self->steps.autocommit
           && (turn == TURN_WAIT || turn == TURN_FULL || turn == TURN_RESULT);
}

void
run_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    if (is_noise(self, turn)) {
        page_writer_reset(self->writer);
        return;
    }
    switch (turn) {
    case TURN_FULL: page_full(self); return;
    case TURN_WAIT: rows_wait(self); return;
    case TURN_RESULT: (void)result_over(self); return;
    case TURN_RAN: ran(self); return;
    case TURN_COMMITTED: alone_done(self); return;
    case TURN_FAILED: failed(self, failure); return;
    case TURN_BROKEN: broken(self, failure); return;
    case TURN_OVER: over(self); return;
    case TURN_ENOUGH: enough(self); return;
    case TURN_LOST:
    case TURN_BARRED: lost(self, failure); return;
    case TURN_OPEN:
    case TURN_ANSWERED:
    case TURN_CLEAN: return;
    }
}
