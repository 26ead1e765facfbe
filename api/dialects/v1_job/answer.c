/* answer.c - a result as an answer: what is said of it in headers, and its rows in each format. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"

enum { US_PER_MS = 1000, TAG_SIZE = 128, LINE_SIZE = 96 };

/* An answer in the making. */
typedef struct {
    call_t *call;
    const job_t *job;
    const result_t *result;
    const v1_reading_t *reading;
    int64_t offset;
    int64_t count; /* rows from there on */
    bool ranged;   /* a header Range was followed */
    rows_t *rows;  /* NULL: none are wanted */
} answer_t;

static const result_t nothing = { .tag = NULL };

static bool
is_complete(const answer_t *self)
{
    return self->offset + self->count >= self->result->rows && job_state_final(self->job->state);
}

/* --- headers --- */

static void
header_number(reply_t *reply, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    reply_header(reply, name, text);
}

/* Of a result that will not change: job, attempt and place say which it is, its hash what is in it;
 * the rest, in which shape. Rows are chosen by the URL. */
static void
make_tag(const answer_t *self, char tag[TAG_SIZE])
{
    char id[JOBID_TEXT_SIZE];
    char hash[V1_HASH_SIZE];
    v1_hash(self->result->hash, hash);
    snprintf(tag, TAG_SIZE, "\"%s.%" PRId32 ".%u.%u.%.16s.%s%s%s\"", jobid_text(&self->job->id, id),
             self->job->attempt, self->result->step, self->result->ordinal, hash,
             v1_format_word(self->reading->format),
             self->reading->numbers == NUMBERS_STRING ? ".s" : "",
             self->reading->encoding == ENCODING_IDENTITY ? ""
             : self->reading->encoding == ENCODING_GZIP   ? ".gz"
                                                          : ".zst");
}

/* What is the same in every answer about a result. */
static void
put_headers(const answer_t *self)
{
    reply_t *reply = self->call->reply;
    char hash[V1_HASH_SIZE];
    v1_hash(self->result->hash, hash);
    header_number(reply, "Millrace-Total-Rows", self->result->rows);
    reply_header(reply, "Millrace-Complete", is_complete(self) ? "true" : "false");
    reply_header(reply, "Millrace-Truncated", self->result->truncated ? "true" : "false");
    reply_header(reply, "Millrace-Hash", hash);
    if (!job_state_final(self->job->state))
        reply_header(reply, "Millrace-Tentative", "true");
    reply_header(reply, "Accept-Ranges", "rows");
    reply_header(reply, "Vary", "Accept, Accept-Encoding");
    if (self->ranged) {
        char range[LINE_SIZE];
        snprintf(range, sizeof range, "rows %" PRId64 "-%" PRId64 "/%" PRId64, self->offset,
                 self->offset + self->count - 1, self->result->rows);
        reply_header(reply, "Content-Range", range);
        reply_status(reply, 206);
    }
}

/* Does the client have it already? Then that is the answer. */
static bool
unchanged(const answer_t *self)
{
    if (!job_state_final(self->job->state))
        return false;
    char tag[TAG_SIZE];
    make_tag(self, tag);
    reply_header(self->call->reply, "ETag", tag);
    reply_header(self->call->reply, "Cache-Control", "private, no-cache");
    if (!conditional_matches(request_header(self->call->request, "If-None-Match"), tag))
        return false;
    reply_header(self->call->reply, "Vary", "Accept, Accept-Encoding");
    reply_status(self->call->reply, 304);
    return true;
}

/* A range of rows that the result does not have. */
static bool
unsatisfiable(const answer_t *self)
{
    char range[LINE_SIZE];
    err_t err;
    snprintf(range, sizeof range, "rows */%" PRId64, self->result->rows);
    reply_header(self->call->reply, "Content-Range", range);
    err_set(&err, ERR_INVALID, "the result has %" PRId64 " rows: none of that range",
            self->result->rows);
    dialect_fail(self->call, 416, &err);
    return true;
}

/* --- JSON --- */

static int64_t
between(int64_t from_ms, int64_t to_ms)
{
    return from_ms > 0 && to_ms > from_ms ? to_ms - from_ms : 0;
}

static void
member_stats(json_t *json, const job_t *job)
{
    int64_t raw_bytes = 0;
    for (uint32_t i = 0; job->manifest && i < job->manifest->count; i++)
        raw_bytes += job->manifest->results[i].raw_bytes;
    json_name(json, "stats");
    json_begin(json);
    json_member_int(json, "rows_read", job->rows);
    json_member_int(json, "bytes_processed_data", raw_bytes);
    json_member_seconds(json, "time_planning", job->planning_us);
    json_member_seconds(json, "time_total", between(job->created_ms, job->ended_ms) * US_PER_MS);
    json_member_int(json, "queued_ms", between(job->created_ms, job->started_ms));
    json_member_int(json, "executing_ms", job->executing_us / US_PER_MS);
    json_member_int(json, "storing_ms", job->storing_us / US_PER_MS);
    json_member_int(json, "rows", job->rows);
    json_member_int(json, "bytes", job->bytes);
    json_member_int(json, "pages", job->pages);
    json_end(json);
}

static void
members_of_result(json_t *json, const answer_t *self)
{
    const result_t *result = self->result;
    json_member_int(json, "total_rows", result->rows);
    json_member_bool(json, "complete", is_complete(self));
    v1_member_truncated(json, result);
    json_member_int(json, "offset", self->offset);
    json_member_text(json, "command", result->tag && result->tag[0] ? result->tag : NULL);
    v1_member_affected(json, result->tag);
    if (!job_state_final(self->job->state))
        json_member_bool(json, "tentative", true);
    v1_member_hash(json, result->hash);
}

static bool
write_json(const answer_t *self, err_t *err)
{
    bool arrays = self->reading->format == V1_ARRAYS;
    own(table) table = table_new(self->result);
    own(rowtext) text = rowtext_new(self->result, arrays ? ROWTEXT_ARRAYS : ROWTEXT_OBJECTS,
                                    self->reading->numbers);
    int64_t sent = 0;
    json_t json;
    json_init(&json, self->call->reply);
    json_begin(&json);
    v1_member_id(&json, &self->job->id);
    json_member_text(&json, "state", job_state_word(self->job->state));
    member_stats(&json, self->job);
    json_name(&json, "schema");
    table_schema(table, &json, !arrays);
    json_name(&json, "rows");
    json_begin_list(&json);
    if (!rowtext_write(text, self->call->reply, self->rows, self->count, &sent, err))
        return false;
    json_end_list(&json);
    members_of_result(&json, self);
    v1_member_notices(&json, self->job->manifest);

    json_end(&json);
    return true;
}

/* --- streams: nothing but rows; the last chunk and the trailer tell the end --- */

static bool
write_text(const answer_t *self, int64_t *sent, err_t *err)
{
    bool csv = self->reading->format == V1_CSV;
    own(rowtext) text =
        rowtext_new(self->result, csv ? ROWTEXT_CSV : ROWTEXT_LINES, self->reading->numbers);
    rowtext_head(text, self->call->reply);
    return rowtext_write(text, self->call->reply, self->rows, self->count, sent, err);
}

/* A run of msgpack rows: a whole page as it is stored, or a part of one. */
static bool
write_run(const answer_t *self, run_t *run, err_t *err)
{
    reply_t *reply = self->call->reply;
    if (run->stored) {
        reply_write(reply, run->stored->data, run->stored->size);
        return true;
    }
    if (!run_trim(run, err))
        return false;
    if (self->reading->encoding != ENCODING_ZSTD) {
        reply_write(reply, run->data, run->size);
        return true;
    }
    size_t size = 0;
    own(mem) frame = (mem_t *)page_deflate(run->data, run->size, &size, err);
    if (!frame)
        return false;
    reply_write(reply, frame, size);
    return true;
}

static bool
write_msgpack(const answer_t *self, int64_t *sent, err_t *err)
{
    reply_t *reply = self->call->reply;
    run_t run;
    err_clear(err);
    bool good = true;
    while (good && self->rows && *sent < self->count
           && rows_run(self->rows, self->count - *sent, &run, err)) {
        good = write_run(self, &run, err);
        *sent += run.rows;
        if (good && !reply_good(reply))
            good = err_set(err, ERR_TIMEOUT, "the client has gone");
    }
    return good && err->kind == ERR_NONE;
}

static bool
write_stream(const answer_t *self, err_t *err)
{
    reply_t *reply = self->call->reply;
    int64_t sent = 0;
    if (!reply_stream(reply)) {
        err_set(err, ERR_INVALID, "in HTTP/1.0 the end of %s cannot be told from a cut: use 1.1",
                v1_format_word(self->reading->format));
        dialect_fail(self->call, 505, err);
        return true;
    }
    reply_header(reply, "Trailer", "Millrace-Rows");
    bool msgpack = self->reading->format == V1_MSGPACK;
    if (!(msgpack ? write_msgpack(self, &sent, err) : write_text(self, &sent, err)))
        return false;
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, sent);
    reply_trailer(reply, "Millrace-Rows", text);
    return true;
}

/* --- the answer --- */

/* Stored pages are zstd already. */
static void
put_encoding(const answer_t *self)
{
    reply_t *reply = self->call->reply;
    encoding_t encoding = self->reading->encoding;
    if (self->reading->format == V1_MSGPACK && encoding == ENCODING_ZSTD)
        reply_header(reply, "Content-Encoding", "zstd");
    else
        reply_encode(reply, encoding);
}

/* Which of the result's rows; false when a Range has none. */
static bool
choose_rows(answer_t *self)
{
    const v1_reading_t *reading = self->reading;
    int64_t total = self->result->rows;
    self->ranged = reading->range.kind != RANGE_NONE;
    if (self->ranged)
        return conditional_rows(&reading->range, total, &self->offset, &self->count);
    self->offset = reading->offset;
    int64_t left = self->offset < total ? total - self->offset : 0;
    self->count = reading->limit < left ? reading->limit : left;
    return true;
}

bool
v1_answer(call_t *call, const job_t *job, const result_t *result, const v1_reading_t *reading,
          err_t *err)
{
    answer_t self = {
        .call = call, .job = job, .result = result ? result : &nothing, .reading = reading
    };
    if (job->expired)
        return err_set(err, ERR_GONE, "the results of this job have expired");
    if (unchanged(&self))
        return true;
    if (!choose_rows(&self))
        return unsatisfiable(&self);
    bool head_only = strcmp(request_method(call->request), "HEAD") == 0;
    bool stored = reading->format == V1_MSGPACK && reading->encoding == ENCODING_ZSTD;
    own(rows) rows = NULL;
    if (self.count > 0 && !head_only) {
        rows = engine_rows(call->engine, job, self.result, self.offset, stored, err);
        if (!rows)
            return false;
    }
    self.rows = rows;
    reply_header(call->reply, "Content-Type", v1_format_type(reading->format));
    put_headers(&self);
    put_encoding(&self);
    bool stream = reading->format != V1_JSON && reading->format != V1_ARRAYS;
    return stream ? write_stream(&self, err) : write_json(&self, err);
}
