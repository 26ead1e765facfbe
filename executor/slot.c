/* slot.c - the statement, its rows, its outcome. */
#include "executor/slot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

/* --- beginnings and ends --- */

void
slot_init(slot_t *self, kit_t *kit)
{
    self->kit = kit;
    self->writer = page_writer_new(kit->page_bytes, kit->page_rows, kit->row_bytes);
}

void
slot_start(slot_t *self, record_t *record, const char *tenant, const char *source)
{
    assert(self->stage == STAGE_FREE);
    self->record = record;
    self->doomed = false;
    self->leaving = false;
    self->recorded = false;
    self->dispatched_us = clock_mono_us();
    self->sent_us = 0;
    self->waiting_us = 0;
    snprintf(self->tenant, NAME_SIZE, "%s", tenant);
    snprintf(self->source, NAME_SIZE, "%s", source);
    claim_start(self);
}

/* Let go of everything but the record, which is somebody else's by now. */
static void
free_up(slot_t *self, bool keep)
{
    loop_cancel(&self->timer);
    if (self->session && keep)
        session_put(take(self->session));
    session_close(&self->session);
    free(self->claimed.sql);
    free(self->claimed.ghosts);
    self->claimed = (claimed_t){ 0 };
    self->record = NULL;
    self->stage = STAGE_FREE;
}

static void
let_go(slot_t *self, const jobid_t *job, release_verdict_t verdict, bool keep)
{
    int64_t executing_us = self->sent_us > 0 ? clock_mono_us() - self->sent_us : 0;
    free_up(self, keep);
    self->kit->freed(self->kit->arg, self, job, verdict, executing_us / 1000);
}

void
slot_stop_waiting(slot_t *self)
{
    if (self->waiting_us > 0)
        self->record->ending.storing_us += clock_mono_us() - self->waiting_us;
    self->waiting_us = 0;
}

void
slot_finish(slot_t *self, job_state_t state, bool keep)
{
    slot_stop_waiting(self);
    record_t *record = self->record;
    jobid_t job = record->job;
    if (self->sent_us > 0) {
        record->ending.planning_us = self->sent_us - self->dispatched_us;
        record->ending.executing_us = clock_mono_us() - self->sent_us;
    } else {
        record->ending.planning_us = clock_mono_us() - self->dispatched_us;
    }
    record_finish(record, state);
    let_go(self, &job, RELEASE_FINISHED, keep);
}

void
slot_hand_back(slot_t *self, bool tried)
{
    record_hand_back(self->record, tried);
    let_go(self, NULL, RELEASE_LATER, false); /* said once it is pending again */
}

void
slot_drop(slot_t *self, release_verdict_t verdict, bool keep)
{
    jobid_t job = self->record->job;
    record_drop(self->record);
    let_go(self, &job, verdict, keep);
}

void
slot_depose(slot_t *self)
{
    if (self->stage == STAGE_FREE)
        return;
    record_drop(self->record);
    free_up(self, false);
}

void
slot_clear(slot_t *self)
{
    slot_depose(self);
    page_writer_destroy(&self->writer);
}

/* --- running --- */

static result_t *
result_of(const slot_t *self)
{
    return &self->record->manifest->results[0];
}

void
slot_run(slot_t *self)
{
    record_t *record = self->record;
    if (self->claimed.tries > self->kit->max_attempts) {
        failure_say(&record->failure, "",
                    "this job's executor or its session was lost %d times while it ran; it is not "
                    "run again",
                    self->claimed.tries - 1);
        slot_finish(self, JOB_FAILED, true);
        return;
    }
    page_writer_reset(self->writer);
    record->manifest = manifest_new();
    result_t *result = manifest_add(record->manifest);
    session_t *session = self->session;
    if (!session->driver->run(session->channel, self->claimed.sql, self->writer, result,
                              &record->failure)) {
        slot_finish(self, JOB_FAILED, true);
        return;
    }
    self->stage = STAGE_RUN;
    self->sent_us = clock_mono_us();
    session_sent(session);
}

void
slot_retry(slot_t *self, const failure_t *failure)
{
    if (self->claimed.tries < self->kit->max_attempts) {
        slot_hand_back(self, true);
        return;
    }
    failure_say(&self->record->failure, failure->sqlstate, "%s",
                failure->message ? failure->message : "the connection to the source was lost");
    slot_finish(self, JOB_FAILED, false);
}

void
slot_fail(slot_t *self, failure_t *failure, bool keep)
{
    failure_clear(&self->record->failure);
    self->record->failure = *failure;
    *failure = (failure_t){ 0 };
    slot_finish(self, JOB_FAILED, keep);
}

/* --- pages --- */

static void
add_up(result_t *result, const page_t *page)
{
    result->rows += page->rows;
    result->bytes += page->size;
    result->raw_bytes += page->raw_bytes;
    memcpy(result->hash, page->hash, PAGE_HASH_SIZE);
}

/* Close the page and send it, or keep it in the manifest. False: the job is over. */
static bool
close_page(slot_t *self, bool last)
{
    err_t err;
    own(page) page = page_writer_close(self->writer, &err);
    if (!page) {
        failure_t failure = { 0 };
        failure_say(&failure, "54000", "%s", err.text);
        slot_fail(self, &failure, false);
        return false;
    }
    result_t *result = result_of(self);
    add_up(result, page);
    if (last && result->pages == 0 && page->size <= self->kit->inline_bytes) {
        result->inlined_size = page->size;
        result->inlined = take(page->data);
        return true;
    }
    result->pages++;
    record_page(self->record, &page);
    if (self->record->pages_busy == RECORD_PAGES_MOST && !last) {
        session_pause(self->session);
        self->waiting_us = clock_mono_us();
    }
    return true;
}

/* The first rows of a slow statement go out before its page is full. */
static void
on_first_page(void *slot)
{
    slot_t *self = slot;
    self->timer = NULL;
    if (self->stage == STAGE_RUN && result_of(self)->pages == 0
        && page_writer_rows(self->writer) > 0)
        (void)close_page(self, false);
}

static void
rows_wait(slot_t *self)
{
    if (!self->timer && result_of(self)->pages == 0 && page_writer_rows(self->writer) > 0)
        self->timer = loop_after(self->kit->loop, self->kit->first_page_ms, on_first_page, self);
}

/* The statement is over and its transaction open. */
static void
ran(slot_t *self)
{
    loop_cancel(&self->timer);
    result_t *result = result_of(self);
    bool rows = page_writer_rows(self->writer) > 0 || result->pages == 0;
    if (result->has_columns && rows && !close_page(self, true))
        return;
    outcome_start(self);
}

void
slot_paged(void *slot, write_verdict_t verdict)
{
    slot_t *self = slot;
    if (verdict == WRITE_FENCED) {
        slot_drop(self, RELEASE_LOST, false);
        return;
    }
    if (self->stage == STAGE_COMMIT)
        return; /* it wrote nothing; the record will end as its pages do */
    if (verdict == WRITE_FAILED) {
        slot_finish(self, JOB_FAILED, false);
        return;
    }
    if (self->stage == STAGE_RUN && self->session->paused) {
        slot_stop_waiting(self);
        session_resume(self->session);
    } else if (self->stage == STAGE_STORE && self->record->pages_busy == 0) {
        outcome_stored(self);
    }
}

/* --- turns --- */

static void
run_turned(slot_t *self, turn_t turn, failure_t *failure)
{
    switch (turn) {
    case TURN_FULL: (void)close_page(self, false); return;
    case TURN_WAIT: rows_wait(self); return;
    case TURN_RAN: ran(self); return;
    case TURN_FAILED: slot_fail(self, failure, true); return;
    case TURN_BROKEN: slot_fail(self, failure, false); return;
    case TURN_LOST:
    case TURN_BARRED: slot_retry(self, failure); return;
    case TURN_OPEN:
    case TURN_COMMITTED:
    case TURN_ENDED:
    case TURN_CLEAN: return;
    }
}

void
slot_turned(void *slot, session_t *session, turn_t turn, failure_t *failure)
{
    slot_t *self = slot;
    (void)session;
    switch (self->stage) {
    case STAGE_RUN: run_turned(self, turn, failure); return;
    case STAGE_STORE:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_COMMIT: outcome_turned(self, turn, failure); return;
    case STAGE_FREE:
    case STAGE_LOGIN:
    case STAGE_OPEN:
    case STAGE_CLAIM:
    case STAGE_GHOSTS:
    case STAGE_LOOK:
    case STAGE_CLEAN: claim_turned(self, turn, failure); return;
    }
}

/* --- leaving --- */

void
slot_leave(slot_t *self)
{
    switch (self->stage) {
    case STAGE_LOGIN:
    case STAGE_OPEN: slot_drop(self, RELEASE_LATER, false); return;
    case STAGE_GHOSTS:
    case STAGE_CLEAN:
    case STAGE_RUN:
    case STAGE_STORE: slot_hand_back(self, false); return;
    case STAGE_CLAIM:
    case STAGE_LOOK: self->leaving = true; return;
    case STAGE_FREE:
    case STAGE_RECORD:
    case STAGE_LEASE:
    case STAGE_COMMIT: return; /* about to be decided */
    }
}
