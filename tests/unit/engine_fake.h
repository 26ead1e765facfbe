/* engine_fake.h - the whole of engine.h in memory: one tenant's key, one job, what a test puts in.
 *
 * Linked instead of the real one: a test that includes this defines every symbol of engine.h.
 */
#ifndef TESTS_UNIT_ENGINE_FAKE_H
#define TESTS_UNIT_ENGINE_FAKE_H

#include <stdio.h>

#include "api/engine.h"
#include "common/key.h"

#define FAKE_ID "abcdefghijklmnop"
#define FAKE_SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define FAKE_KEY "mr1." FAKE_ID "." FAKE_SECRET
#define FAKE_JOB "0180548a-91bd-7abc-9234-56789abcdef0"

struct engine {
    bool away;        /* everything fails with ERR_UNAVAILABLE */
    bool rows_away;   /* rows do */
    bool rows_break;  /* they break off after the first */
    job_t *job;       /* what is found, or made; borrowed: a copy is given */
    char sql[256];    /* the first text that was submitted last */
    order_t order;    /* the rest of that, but for its texts */
    char when[64];    /* of its last step */
    bool is_template; /* its last step */
    int64_t step_ms;  /* timeout of its last step */
    char source[64];
    char token[300];
    bool started;      /* a cancel says that it never was, if not */
    int32_t renewed_s; /* what was asked of the last renewal; -1: none */
    bool removed;
    int64_t waited_ms;  /* what was asked of the last wait; -1: none */
    const char *tenant; /* of the job, "" is the caller's */
};

struct rows {
    const result_t *result;
    int64_t at;
    int64_t end;
    uint32_t column;
    bool breaks;
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
    char handle[KEY_HANDLE_SIZE];
    bool known = strcmp(key_id, FAKE_ID) == 0
                 || strcmp(key_id, key_handle("demo", FAKE_SECRET, handle)) == 0;
    if (!known || strcmp(secret, FAKE_SECRET) != 0)
        return err_set(err, ERR_NO_KEY, "nobody");
    *caller = (caller_t){ .tenant = "demo", .key_id = FAKE_ID, .role = "write", .source = "s" };
    return true;
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

/* A job like fake.job, which keeps the manifest. Caller owns the result. */
static job_t *
fake_copy(engine_t *self, bool whole)
{
    job_t *job = job_new();
    job_t empty = *job;
    *job = *self->job;
    job->tenant = empty.tenant;
    job->source = empty.source;
    job->dialect = empty.dialect;
    job->error = mem_text(self->job->error);
    job->error_detail = mem_text(self->job->error_detail);
    job->error_hint = mem_text(self->job->error_hint);
    job->sql = NULL;
    job->manifest = NULL;
    job->step = NULL;
    if (whole && self->job->step) {
        job->step = mem_array(job->steps, sizeof *job->step);
        for (uint32_t i = 0; i < job->steps; i++)
            job->step[i] = fake_step(&self->job->step[i]);
    }
    if (!whole || !self->job->manifest)
        return job;
    size_t size = 0;
    err_t err;
    uint8_t *packed = manifest_pack(self->job->manifest, &size);
    job->manifest = manifest_unpack(packed, size, &err);
    free(packed);
    return job;
}

static bool
fake_take(engine_t *self, const order_t *order, err_t *err)
{
    if (!fake_away(self->away, err))
        return false;
    const order_step_t *last = &order->steps[order->step_count - 1];
    self->order = *order;
    self->step_ms = last->timeout_ms;
    self->is_template = last->is_template;
    snprintf(self->sql, sizeof self->sql, "%s", order->steps[0].sql);
    snprintf(self->when, sizeof self->when, "%s", last->when ? last->when : "");
    snprintf(self->source, sizeof self->source, "%s", order->source ? order->source : "");
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
    return engine_find(self, caller, id, false, err);
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

/* Row n, column c holds n * 10 + c. */
rows_t *
engine_rows(engine_t *self, const job_t *job, const result_t *result, int64_t offset, err_t *err)
{
    (void)job;
    if (!fake_away(self->rows_away, err))
        return NULL;
    rows_t *rows = mem_new(sizeof *rows);
    *rows = (rows_t){ .result = result, .at = offset - 1, .end = result->rows };
    rows->breaks = self->rows_break;
    return rows;
}

void
rows_destroy(rows_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool
rows_next(rows_t *self, err_t *err)
{
    err_clear(err);
    self->column = 0;
    if (self->breaks && self->at >= 0)
        return err_set(err, ERR_INTERNAL, "the result is not whole");
    return ++self->at < self->end;
}

bool
rows_cell(rows_t *self, cell_t *cell, err_t *err)
{
    (void)err;
    assert_true(self->column < self->result->column_count);
    *cell = (cell_t){ .kind = UNPACK_UINT, .number = (uint64_t)self->at * 10 + self->column++ };
    return true;
}

#endif
