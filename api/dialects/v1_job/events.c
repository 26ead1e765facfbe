/* events.c - the rows of a job as they are stored, until it is over: server-sent events.
 *
 * A reader asks the store again a few times a second, and is told of the end at once. What it was
 * sent it knows by the event's id: whose attempt, which statement, how many rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"
#include "common/clock.h"

enum {
    LOOK_MS = 300,      /* between two looks at a job that goes on */
    CROWD_MS = 50,      /* who is sent back sooner may not wait */
    SILENCE_MS = 10000, /* the longest time that nothing is said */
    EVENT_ROWS = 1000,
    ID_SIZE = 64,
};

/* What was sent so far. */
typedef struct {
    call_t *call;
    const v1_reading_t *reading;
    jobid_t id;
    int32_t attempt; /* whose rows; 0: none yet */
    int64_t statement;
    int64_t rows; /* the next one's number */
    int64_t said_ms;
} follow_t;

/* --- events --- */

static void
put(follow_t *self, const char *text)
{
    reply_write(self->call->reply, text, strlen(text));
}

static void
event_begin(follow_t *self, const char *name, json_t *json)
{
    put(self, "event: ");
    put(self, name);
    put(self, "\ndata: ");
    json_init(json, self->call->reply);
    json_begin(json);
}

static void
event_end(follow_t *self, json_t *json)
{
    char id[ID_SIZE];
    json_end(json);
    if (self->attempt > 0) {
        snprintf(id, sizeof id, "\nid: %" PRId32 ".%" PRId64 ".%" PRId64, self->attempt,
                 self->statement, self->rows);
        put(self, id);
    }
    put(self, "\n\n");
    self->said_ms = clock_mono_ms();
}

static void
event_schema(follow_t *self, const result_t *result)
{
    own(table) table = table_new(result);
    json_t json;
    event_begin(self, "schema", &json);
    json_member_int(&json, "attempt", self->attempt);
    json_member_int(&json, "statement", self->statement);
    json_name(&json, "schema");
    table_schema(table, &json, true);
    event_end(self, &json);
}

/* Those that there are, some at a time: a client has an event only when it has all of it. */
static bool
event_rows(follow_t *self, const job_t *job, const result_t *result, err_t *err)
{
    own(rows) rows = engine_rows(self->call->engine, job, result, self->rows, false, err);
    own(rowtext) text = rowtext_new(result, ROWTEXT_OBJECTS, self->reading->numbers);
    while (rows && self->rows < result->rows) {
        int64_t sent = 0;
        json_t json;
        event_begin(self, "rows", &json);
        json_member_int(&json, "offset", self->rows);
        if (job->state != JOB_DONE)
            json_member_bool(&json, "tentative", true);
        json_name(&json, "rows");
        json_begin_list(&json);
        rowtext_anew(text);
        if (!rowtext_write(text, self->call->reply, rows, EVENT_ROWS, &sent, err) || sent == 0)
            return false;
        json_end_list(&json);
        self->rows += sent;
        event_end(self, &json);
    }
    return rows != NULL;
}

static void
event_over(follow_t *self, const job_t *job, const result_t *result)
{
    json_t json;
    event_begin(self, v1_failed(job) ? "failed" : "end", &json);
    v1_member_id(&json, &job->id);
    json_member_text(&json, "jobState", v1_word(job));
    json_member_text(&json, "state", job_state_word(job->state));
    if (v1_failed(job)) {
        v1_member_error(&json, job);
    } else if (result) {
        json_member_int(&json, "total_rows", result->rows);
        v1_member_truncated(&json, result);
        v1_member_hash(&json, result->hash);
    }
    event_end(self, &json);
}

/* --- which rows --- */

/* The result that is followed; NULL: there is none yet. */
static const result_t *
choose(const follow_t *self, const job_t *job, int64_t *statement)
{
    const manifest_t *manifest = job->manifest;
    const result_t *found = v1_usual_result(manifest);
    if (self->reading->statement >= 0)
        found = manifest && self->reading->statement < manifest->count
                    ? &manifest->results[self->reading->statement]
                    : NULL;
    *statement = found ? found - manifest->results : 0;
    return found && found->has_columns ? found : NULL;
}

/* Rows of another attempt, or of a later statement, begin anew, and so does who says to have more
 * than there are. */
static bool
send_rows(follow_t *self, const job_t *job, const result_t *result, int64_t statement, err_t *err)
{
    int32_t attempt = result->attempt ? result->attempt : job->attempt;
    bool strange = self->rows > result->rows && self->rows > self->reading->offset;
    if (attempt != self->attempt || statement != self->statement || strange) {
        self->attempt = attempt;
        self->statement = statement;
        self->rows = self->reading->offset;
        event_schema(self, result);
    }
    return self->rows >= result->rows || event_rows(self, job, result, err);
}

/* A client that comes back says which event it had last. */
static void
go_on(follow_t *self)
{
    const char *id = request_header(self->call->request, "Last-Event-ID");
    int32_t attempt = 0;
    int64_t statement = 0;
    int64_t rows = 0;
    if (!id || sscanf(id, "%9" SCNd32 ".%9" SCNd64 ".%18" SCNd64, &attempt, &statement, &rows) != 3
        || attempt < 1 || statement < 0 || rows < self->reading->offset)
        return;
    self->attempt = attempt;
    self->statement = statement;
    self->rows = rows;
}

/* --- following --- */

/* Wait until it is over, or might have more rows. False: the stream ends here, without its end. */
static bool
wait_on(follow_t *self, err_t *err)
{
    int64_t began_ms = clock_mono_ms();
    if (began_ms - self->said_ms > SILENCE_MS) {
        put(self, ": it goes on\n\n");
        self->said_ms = began_ms;
    }
    reply_flush(self->call->reply);
    patience_t patience = { .gone = v1_client_served, .arg = self->call->request };
    own(job) job = engine_wait(self->call->engine, &self->call->caller, &self->id, LOOK_MS, false,
                               &patience, err);
    if (!job || !reply_good(self->call->reply) || v1_client_served(self->call->request))
        return false;
    if (job_state_final(job->state) || clock_mono_ms() - began_ms >= CROWD_MS)
        return true;
    put(self, "retry: 2000\n\n");
    return false;
}

/* One look. *over: it was the last one. */
static bool
look(follow_t *self, const job_t *job, bool *over, err_t *err)
{
    int64_t statement = 0;
    const result_t *result = choose(self, job, &statement);
    *over = job_state_final(job->state);
    if (result && !v1_failed(job) && !send_rows(self, job, result, statement, err))
        return false;
    if (*over)
        event_over(self, job, result);
    return true;
}

/* Its job, with what it has stored. Caller owns the result. */
static job_t *
find(const follow_t *self, err_t *err)
{
    call_t *call = self->call;
    own(job) job = engine_find(call->engine, &call->caller, &self->id, true, err);
    if (!job)
        return NULL;
    if (job->expired) {
        err_set(err, ERR_GONE, "the results of this job have expired");
        return NULL;
    }
    if (!job_state_final(job->state) && !engine_stored(call->engine, job, err))
        return NULL;
    return take(job);
}

static bool
begin(call_t *call, err_t *err)
{
    reply_t *reply = call->reply;
    if (!reply_stream(reply)) {
        err_set(err, ERR_INVALID, "HTTP/1.0 has no streams of events: use 1.1");
        dialect_fail(call, 505, err);
        return false;
    }
    reply_header(reply, "Content-Type", v1_format_type(V1_EVENTS));
    reply_header(reply, "X-Accel-Buffering", "no");
    return true;
}

bool
v1_follow(call_t *call, const v1_reading_t *reading, err_t *err)
{
    follow_t self = { .call = call, .reading = reading, .said_ms = clock_mono_ms() };
    if (!v1_read_id(call, &self.id, err))
        return false;
    own(job) job = find(&self, err);
    if (!job)
        return false;
    if (!begin(call, err))
        return true;
    if (strcmp(request_method(call->request), "HEAD") == 0)
        return true;
    go_on(&self);
    for (bool over = false; job;) {
        if (!look(&self, job, &over, err))
            return false;
        if (over)
            return true;
        if (!wait_on(&self, err))
            return true;
        job_destroy(&job);
        job = find(&self, err);
    }
    return false;
}
