/* engine_fake.h - the whole of engine.h in memory: one tenant's key, one job, what a test puts in.
 *
 * Linked instead of the real one: a test that includes this defines every symbol of engine.h.
 */
#ifndef TESTS_UNIT_ENGINE_FAKE_H
#define TESTS_UNIT_ENGINE_FAKE_H

#include <stdio.h>
#include <stdlib.h>

#include "api/engine.h"
#include "common/key.h"

#define FAKE_ID "abcdefghijklmnop"
#define FAKE_SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define FAKE_KEY "mr1." FAKE_ID "." FAKE_SECRET
#define FAKE_GIVEN "let me in"
#define FAKE_JOB "0180548a-91bd-7abc-9234-56789abcdef0"

struct engine {
    bool away;             /* everything fails with ERR_UNAVAILABLE */
    bool rows_away;        /* rows do */
    bool rows_break;       /* they break off after the first, */
    int64_t rows_break_at; /* or when so many were read */
    unsigned settled;      /* how often rows were told that somebody else is waited for */
    job_t *job;            /* what is found, or made; borrowed: a copy is given */
    char sql[256];         /* the first text that was submitted last */
    order_t order;         /* the rest of that, but for its texts */
    char when[64];         /* of its last step */
    bool is_template;      /* its last step */
    int64_t step_ms;       /* timeout of its last step */
    char source[64];
    char token[300];
    char queue_key[200];
    const char *flag;  /* the one setting that is on; NULL: none */
    const char *role;  /* of the key; NULL: it may write */
    err_t refusal;     /* what orders fail with, if with anything */
    bool rate_over;    /* calls are refused */
    bool rate_last;    /* each is the last that is not */
    uint32_t calls;    /* that were counted against a rate */
    bool started;      /* a cancel says that it never was, if not */
    job_state_t stops; /* what a cancel finds the job in, or makes of it; JOB_PENDING: nothing */
    int32_t renewed_s; /* what was asked of the last renewal; -1: none */
    bool removed;
    bool limited;      /* the job's results may have been cut: its manifest comes with every look */
    int64_t waited_ms; /* what was asked of the last wait; -1: none */
    const char *tenant; /* of the job, "" is the caller's */
    manifest_t *stored; /* what it has so far; NULL: nothing */
    bool crowded;       /* as many jobs wait as an order's queue_most says */
    char note[1 << 15]; /* of the order or the edit last made */
    bool edited;        /* what an edit brings is where an order's texts are */
    job_t *const *list; /* what there is to be listed, borrowed; the newest first */
    uint32_t list_count;
    job_filter_t listed; /* what was asked for last, but for its dialect, */
    char listed_by[64];  /* which is here */
};

enum { FAKE_RUN = 7 };

struct rows {
    const result_t *result;
    int64_t at;
    int64_t end;
    bool stored;
    bool breaks;
    int64_t breaks_at;
    bool began;
    page_writer_t *writer;
    page_t *page;
    uint8_t *raw;
};

static engine_t fake;

static bool
fake_away(bool away, err_t *err)
{
    return !away || err_set(err, ERR_UNAVAILABLE, "the job store does not answer");
}

bool
engine_ready(engine_t *self, err_t *err)
{
    return fake_away(self->away, err);
}

bool
engine_caller(engine_t *self, const char *key_id, const char *secret, caller_t *caller, err_t *err)
{
    if (!fake_away(self->away, err))
        return false;
    if (strcmp(key_id, FAKE_ID) != 0 || strcmp(secret, FAKE_SECRET) != 0)
        return err_set(err, ERR_NO_KEY, "nobody");
    *caller = (caller_t){ .tenant = "demo", .key_id = FAKE_ID, .role = "write", .source = "s" };
    return true;
}

bool
engine_caller_of(engine_t *self, const char *tenant, const char *key, caller_t *caller, err_t *err)
{
    if (!fake_away(self->away, err))
        return false;
    bool generated = strcmp(key, FAKE_SECRET) == 0 || strcmp(key, FAKE_KEY) == 0;
    if (strcmp(tenant, "demo") != 0 || (!generated && strcmp(key, FAKE_GIVEN) != 0))
        return err_set(err, ERR_NO_KEY, "nobody");
    *caller = (caller_t){ .tenant = "demo", .key_id = FAKE_ID, .role = "write", .source = "s" };
    if (self->role)
        snprintf(caller->role, sizeof caller->role, "%s", self->role);
    return true;
}

bool
engine_tenant(engine_t *self, const char *name, err_t *err)
{
    return fake_away(self->away, err)
           && (strcmp(name, "demo") == 0 || err_set(err, ERR_NOT_FOUND, "no such tenant"));
}

bool
engine_flag(const engine_t *self, const char *setting)
{
    return self->flag && strcmp(self->flag, setting) == 0;
}

rate_t
engine_rate(engine_t *self, const char *who)
{
    (void)who;
    self->calls++;
    if (self->rate_over)
        return (rate_t){ .limit = 1000, .reset_s = 9, .retry_s = 2 };
    if (self->rate_last)
        return (rate_t){ .allowed = true, .limit = 1000, .reset_s = 9, .retry_s = 3 };
    return (rate_t){ .allowed = true, .limit = 1000, .remaining = 999, .reset_s = 1 };
}

static job_step_t
fake_step(const job_step_t *step)
{
    job_step_t copy = *step;
    copy.sql = mem_text(step->sql);
    copy.condition = mem_text(step->condition);
    copy.error = mem_text(step->error);
    copy.error_detail = mem_text(step->error_detail);
    copy.error_hint = mem_text(step->error_hint);
    copy.leaves = mem_text(step->leaves);
    copy.manifest = NULL;
    return copy;
}

/* A job like this one, without its manifest. Caller owns the result. */
static job_t *
fake_like(const job_t *like, bool whole)
{
    job_t *job = job_new();
    job_t empty = *job;
    *job = *like;
    job->tenant = empty.tenant;
    job->source = empty.source;
    free(empty.dialect);
    job->dialect = mem_text(like->dialect);
    job->error = mem_text(like->error);
    job->error_detail = mem_text(like->error_detail);
    job->error_hint = mem_text(like->error_hint);
    job->sql = NULL;
    job->manifest = NULL;
    job->step = NULL;
    job->note = whole ? mem_text(like->note) : NULL;
    job->edited_ms = whole ? like->edited_ms : 0;
    if (whole && like->step) {
        job->step = mem_array(job->steps, sizeof *job->step);
        for (uint32_t i = 0; i < job->steps; i++)
            job->step[i] = fake_step(&like->step[i]);
    }
    return job;
}

/* A job like fake.job, which keeps the manifest. Caller owns the result. */
static job_t *
fake_copy(engine_t *self, bool whole)
{
    job_t *job = fake_like(self->job, whole);
    bool ended_badly = job_state_final(job->state) && job->state != JOB_DONE;
    if (!self->job->manifest || !(whole || ended_badly || self->limited))
        return job;
    size_t size = 0;
    err_t err;
    uint8_t *packed = manifest_pack(self->job->manifest, &size);
    job->manifest = manifest_unpack(packed, size, &err);
    free(packed);
    return job;
}

/* What an edit brings, too. */
static void
fake_texts(engine_t *self, const order_t *order)
{
    const order_step_t *last = &order->steps[order->step_count - 1];
    self->order = *order;
    self->step_ms = last->timeout_ms;
    self->is_template = last->is_template;
    snprintf(self->sql, sizeof self->sql, "%s", order->steps[0].sql);
    snprintf(self->when, sizeof self->when, "%s", last->when ? last->when : "");
    snprintf(self->note, sizeof self->note, "%s", order->note ? order->note : "");
}

static bool
fake_take(engine_t *self, const order_t *order, err_t *err)
{
    if (!fake_away(self->away, err))
        return false;
    if (self->refusal.kind != ERR_NONE)
        return err_set(err, self->refusal.kind, "%s", self->refusal.text);
    if (self->crowded && order->queue_most > 0)
        return err_set(err, ERR_LIMIT, "%u jobs with this queue key wait already",
                       order->queue_most);
    fake_texts(self, order);
    snprintf(self->source, sizeof self->source, "%s", order->source ? order->source : "");
    snprintf(self->queue_key, sizeof self->queue_key, "%s",
             order->queue_key ? order->queue_key : "");
    snprintf(self->token, sizeof self->token, "%s", order->client_token ? order->client_token : "");
    return true;
}

bool
engine_submit(engine_t *self, const caller_t *caller, const order_t *order, jobid_t *id, err_t *err)
{
    assert_string_equal(caller->tenant, "demo");
    assert_true(jobid_parse(FAKE_JOB, id));
    return fake_take(self, order, err);
}

job_t *
engine_find(engine_t *self, const caller_t *caller, const jobid_t *id, bool whole, err_t *err)
{
    assert_string_equal(caller->tenant, "demo");
    char text[JOBID_TEXT_SIZE];
    if (!fake_away(self->away, err))
        return NULL;
    if (strcmp(jobid_text(id, text), FAKE_JOB) != 0 || !self->job) {
        err_set(err, ERR_NOT_FOUND, "no such job");
        return NULL;
    }
    if (self->tenant && strcmp(self->tenant, caller->tenant) != 0) {
        err_set(err, ERR_DENIED, "the job is another tenant's");
        return NULL;
    }
    return fake_copy(self, whole);
}

job_t *
engine_wait(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms, bool whole,
            const patience_t *patience, err_t *err)
{
    self->waited_ms = wait_ms;
    if (wait_ms > 0 && patience->gone(patience->arg)) {
        err_set(err, ERR_TIMEOUT, "the client has gone");
        return NULL;
    }
    return engine_find(self, caller, id, whole, err);
}

job_t *
engine_run(engine_t *self, const caller_t *caller, const order_t *order, const patience_t *patience,
           err_t *err)
{
    (void)caller;
    (void)patience;
    return fake_take(self, order, err) ? fake_copy(self, true) : NULL;
}

job_t *
engine_cancel(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms,
              const patience_t *patience, bool *never_started, err_t *err)
{
    (void)patience;
    self->waited_ms = wait_ms;
    *never_started = !self->started;
    if (self->stops != JOB_PENDING && self->job)
        self->job->state = self->stops;
    return engine_find(self, caller, id, false, err);
}

bool
engine_edit(engine_t *self, const caller_t *caller, const jobid_t *id, const order_t *order,
            err_t *err)
{
    own(job) job = engine_find(self, caller, id, false, err);
    if (!job)
        return false;
    if (job->state != JOB_PENDING)
        return err_set(err, ERR_CONFLICT, "the job does not wait any more");
    fake_texts(self, order);
    self->edited = true;
    return true;
}

jobs_t *
engine_list(engine_t *self, const caller_t *caller, const job_filter_t *filter, err_t *err)
{
    assert_string_equal(caller->tenant, "demo");
    self->listed = *filter;
    self->listed.dialect = NULL;
    snprintf(self->listed_by, sizeof self->listed_by, "%s", filter->dialect);
    if (!fake_away(self->away, err))
        return NULL;
    jobs_t *jobs = jobs_new(self->list_count);
    jobs->count = 0;
    for (uint32_t i = 0; i < self->list_count && jobs->count < filter->most; i++) {
        if (!filter->running || self->list[i]->state == JOB_RUNNING)
            jobs->list[jobs->count++] = fake_like(self->list[i], true);
    }
    return jobs;
}

bool
engine_renew(engine_t *self, const caller_t *caller, const jobid_t *id, int32_t retention_s,
             int64_t *expires_ms, err_t *err)
{
    own(job) job = engine_find(self, caller, id, false, err);
    if (!job)
        return false;
    if (!job_state_final(job->state))
        return err_set(err, ERR_CONFLICT, "the job is not over yet");
    if (job->expired)
        return err_set(err, ERR_GONE, "the results of this job have expired");
    self->renewed_s = retention_s;
    *expires_ms = job->ended_ms + (int64_t)retention_s * 1000;
    return true;
}

bool
engine_remove(engine_t *self, const caller_t *caller, const jobid_t *id, err_t *err)
{
    own(job) job = engine_find(self, caller, id, false, err);
    if (!job)
        return false;
    if (!job_state_final(job->state))
        return err_set(err, ERR_CONFLICT, "the job is not over yet");
    self->removed = true;
    return true;
}

/* Row n, column c holds n * 10 + c. Runs are of seven rows; of one, where they break off. */
rows_t *
engine_rows(engine_t *self, const job_t *job, const result_t *result, int64_t offset, bool stored,
            err_t *err)
{
    (void)job;
    if (!fake_away(self->rows_away, err))
        return NULL;
    rows_t *rows = mem_new(sizeof *rows);
    *rows = (rows_t){ .result = result, .at = offset, .end = result->rows };
    rows->stored = stored;
    rows->breaks = self->rows_break;
    rows->breaks_at = self->rows_break_at;
    rows->writer = page_writer_new(1 << 20, 1 << 20, 1 << 20);
    return rows;
}

static void
fake_put_down(rows_t *self)
{
    free(self->raw);
    self->raw = NULL;
    page_destroy(&self->page);
}

void
rows_destroy(rows_t **self_p)
{
    rows_t *self = take(*self_p);
    if (!self)
        return;
    fake_put_down(self);
    page_writer_destroy(&self->writer);
    free(self);
}

static void
fake_row(rows_t *self, int64_t row)
{
    page_row_open(self->writer, self->result->column_count);
    for (uint32_t i = 0; i < self->result->column_count; i++)
        page_cell_int(self->writer, row * 10 + i);
    assert_true(page_row_close(self->writer));
}

bool
rows_run(rows_t *self, int64_t most, run_t *run, err_t *err)
{
    err_clear(err);
    fake_put_down(self);
    if (self->breaks && self->began && self->at >= self->breaks_at)
        return err_set(err, ERR_INTERNAL, "the result is not whole");
    self->began = true;
    if (self->at >= self->end)
        return false;
    int64_t left = self->end - self->at;
    int64_t most_here = self->breaks && self->breaks_at == 0 ? 1 : FAKE_RUN;
    uint32_t size = (uint32_t)(left < most_here ? left : most_here);
    for (uint32_t i = 0; i < size; i++)
        fake_row(self, self->at + i);
    self->page = page_writer_close(self->writer, err);
    assert_non_null(self->page);
    self->raw = mem_array(1, self->page->raw_bytes);
    assert_true(
        page_inflate(self->page->data, self->page->size, self->raw, self->page->raw_bytes, err));
    uint32_t rows = most < size ? (uint32_t)most : size;
    bool whole = self->stored && rows == size;
    *run = (run_t){ .first_row = self->at,
                    .rows = rows,
                    .data = whole ? NULL : self->raw,
                    .size = whole ? 0 : self->page->raw_bytes,
                    .stored = whole ? self->page : NULL };
    self->at += rows;
    return true;
}

void
rows_settle(void *rows)
{
    const rows_t *self = rows;
    assert_true(self->began);
    fake.settled++;
}

bool
run_trim(run_t *run, err_t *err)
{
    page_reader_t walk;
    page_reader_init(&walk, run->data, run->size);
    assert_true(page_reader_skip(&walk, run->rows, err));
    run->size = (size_t)(walk.in.at - run->data);
    return true;
}

bool
engine_pages(engine_t *self, const job_t *job, const result_t *result, int64_t first_row,
             uint32_t most, page_entry_t *entries, uint32_t *count, err_t *err)
{
    (void)job;
    *count = 0;
    for (int64_t row = first_row; row < result->rows && *count < most; row += FAKE_RUN) {
        entries[*count] = (page_entry_t){ .first_row = row, .rows = FAKE_RUN, .size = 9 };
        if (row + FAKE_RUN > result->rows)
            entries[*count].rows = (uint32_t)(result->rows - row);
        (*count)++;
    }
    return fake_away(self->rows_away, err);
}

bool
engine_stored(engine_t *self, job_t *job, err_t *err)
{
    size_t size = 0;
    if (!fake_away(self->rows_away, err))
        return false;
    manifest_destroy(&job->manifest);
    uint8_t *packed = self->stored ? manifest_pack(self->stored, &size) : NULL;
    job->manifest = packed ? manifest_unpack(packed, size, err) : manifest_new();
    free(packed);
    return true;
}

#endif
