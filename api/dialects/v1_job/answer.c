/* answer.c - a result as an answer: what is said of it in headers, and its rows in each format. */
#include <assert.h>
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
    int64_t count;      /* rows from there on */
    bool ranged;        /* a header Range was followed */
    rows_t *rows;       /* NULL: none are wanted */
    char tag[TAG_SIZE]; /* "": it has none */
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

static bool
is_head(const answer_t *self)
{
    return strcmp(request_method(self->call->request), "HEAD") == 0;
}

/* Is it an answer about the result itself? That to a query is one about this one call. */
static bool
is_read(const answer_t *self)
{
    return is_head(self) || strcmp(request_method(self->call->request), "GET") == 0;
}

/* Nothing but rows: the last chunk tells the end. */
static bool
is_stream(const answer_t *self)
{
    return self->reading->format != V1_JSON && self->reading->format != V1_ARRAYS;
}

/* Of a result that will not change: job, attempt and place say which it is, its hash what is in it;
 * the rest, in which shape. Rows are chosen by the URL. */
static void
make_tag(answer_t *self)
{
    char id[JOBID_TEXT_SIZE];
    char hash[V1_HASH_SIZE];
    if (!is_read(self) || !job_state_final(self->job->state))
        return;
    v1_hash(self->result->hash, hash);
    snprintf(self->tag, TAG_SIZE, "\"%s.%" PRId32 ".%u.%u.%.16s.%s%s%s\"",
             jobid_text(&self->job->id, id), self->job->attempt, self->result->step,
             self->result->ordinal, hash, v1_format_word(self->reading->format),
             self->reading->numbers == NUMBERS_STRING ? ".s" : "",
             self->reading->encoding == ENCODING_IDENTITY ? ""
             : self->reading->encoding == ENCODING_GZIP   ? ".gz"
                                                          : ".zst");
}

/* How long, and for whom, it may be kept: also said with 304. */
static void
put_tag(const answer_t *self)
{
    reply_t *reply = self->call->reply;
    if (is_read(self))
        reply_header(reply, "Vary", "Accept, Accept-Encoding");
    if (!self->tag[0])
        return;
    reply_header(reply, "ETag", self->tag);
    reply_header(reply, "Cache-Control", "private, no-cache");
}

static void
put_range(const answer_t *self)
{
    reply_t *reply = self->call->reply;
    char range[LINE_SIZE];
    snprintf(range, sizeof range, "rows %" PRId64 "-%" PRId64 "/%" PRId64, self->offset,
             self->offset + self->count - 1, self->result->rows);
    reply_header(reply, "Content-Range", range);
    reply_status(reply, 206);
}

/* What is the same in every answer about a result. */
static void
put_headers(const answer_t *self)
{
    reply_t *reply = self->call->reply;
    char hash[V1_HASH_SIZE];
    v1_hash(self->result->hash, hash);
    reply_header(reply, "Content-Type", v1_format_type(self->reading->format));
    header_number(reply, "Millrace-Total-Rows", self->result->rows);
    reply_header(reply, "Millrace-Complete", is_complete(self) ? "true" : "false");
    reply_header(reply, "Millrace-Truncated", self->result->truncated ? "true" : "false");
    reply_header(reply, "Millrace-Hash", hash);
    if (!job_state_final(self->job->state))
        reply_header(reply, "Millrace-Tentative", "true");
    if (is_read(self))
        reply_header(reply, "Accept-Ranges", self->reading->whole ? "rows" : "none");
    put_tag(self);
    if (self->ranged)
        put_range(self);
}

/* --- conditions, as RFC 9110 has them (13.2.2) --- */

/* What is not answered at all has no conditions. */
static bool
unanswerable(const answer_t *self)
{
    err_t err;
    if (!is_stream(self) || !reply_old(self->call->reply))
        return false;
    err_set(&err, ERR_INVALID, "in HTTP/1.0 the end of %s cannot be told from a cut: use 1.1",
            v1_format_word(self->reading->format));
    dialect_fail(self->call, 505, &err);
    return true;
}

/* Does the client want another one than this? Then that is the answer. */
static bool
mismatched(const answer_t *self, const char *tag)
{
    err_t err;
    own(mem) list = request_list(self->call->request, "If-Match");
    if (conditional_match(list, tag))
        return false;
    err_set(&err, ERR_CONFLICT, "the result, as it is asked for, has another tag than If-Match");
    dialect_fail(self->call, 412, &err);
    return true;
}

/* Does the client have it already? Then that is the answer. */
static bool
unchanged(const answer_t *self, const char *tag)
{
    own(mem) list = request_list(self->call->request, "If-None-Match");
    if (!conditional_none_match(list, tag))
        return false;
    put_tag(self);
    reply_status(self->call->reply, 304);
    return true;
}

/* Which of the result's rows; false when a Range has none. */
static bool
choose_rows(answer_t *self, const char *tag)
{
    const v1_reading_t *reading = self->reading;
    int64_t total = self->result->rows;
    own(mem) if_range = request_list(self->call->request, "If-Range");
    self->ranged = reading->range.kind != RANGE_NONE && conditional_if_range(if_range, tag);
    if (self->ranged)
        return conditional_rows(&reading->range, total, &self->offset, &self->count);
    self->offset = reading->offset;
    int64_t left = self->offset < total ? total - self->offset : 0;
    self->count = reading->limit < left ? reading->limit : left;
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

/* Is it answered without looking at rows? Else it is known which of them are wanted. */
static bool
settled(answer_t *self)
{
    const char *tag = self->tag[0] ? self->tag : NULL;
    if (unanswerable(self))
        return true;
    if (is_read(self) && (mismatched(self, tag) || unchanged(self, tag)))
        return true;
    return !choose_rows(self, tag) && unsatisfiable(self);
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

/* Do msgpack rows go out as they are stored, in frames of zstd? */
static bool
in_frames(const answer_t *self)
{
    return self->reading->format == V1_MSGPACK && self->reading->encoding == ENCODING_ZSTD;
}

static bool
write_frame(reply_t *reply, const void *data, size_t data_size, err_t *err)
{
    size_t size = 0;
    own(mem) frame = (mem_t *)page_deflate(data, data_size, &size, err);
    if (frame)
        reply_write(reply, frame, size);
    return frame != NULL;
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
    if (in_frames(self))
        return write_frame(reply, run->data, run->size, err);
    reply_write(reply, run->data, run->size);
    return true;
}

static bool
write_runs(const answer_t *self, int64_t *sent, err_t *err)
{
    run_t run;
    bool good = true;
    err_clear(err);
    while (good && *sent < self->count && rows_run(self->rows, self->count - *sent, &run, err)) {
        good = write_run(self, &run, err);
        *sent += run.rows;
        if (good && !reply_good(self->call->reply))
            good = err_set(err, ERR_TIMEOUT, "the client has gone");
    }
    return good && err->kind == ERR_NONE;
}

/* Nothing at all would be no zstd: no rows are a frame of nothing. */
static bool
write_msgpack(const answer_t *self, int64_t *sent, err_t *err)
{
    reply_t *reply = self->call->reply;
    if (!self->rows)
        return !in_frames(self) || write_frame(reply, "", 0, err);
    reply_stall(reply, rows_settle, self->rows);
    bool good = write_runs(self, sent, err);
    reply_stall(reply, NULL, NULL);
    return good;
}

static bool
write_stream(const answer_t *self, err_t *err)
{
    reply_t *reply = self->call->reply;
    int64_t sent = 0;
    bool streams = reply_stream(reply);
    assert(streams);
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
    if (in_frames(self))
        reply_header(reply, "Content-Encoding", "zstd");
    else
        reply_encode(reply, self->reading->encoding);
}

/* What HEAD is told of it; how long a list of rows is, only who writes it knows. */
static bool
answer_head(const answer_t *self, err_t *err)
{
    if (is_stream(self))
        return write_stream(self, err);
    if (self->count == 0)
        return write_json(self, err);
    reply_unmeasured(self->call->reply);
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
    make_tag(&self);
    if (settled(&self))
        return true;
    own(rows) rows = NULL;
    if (self.count > 0 && !is_head(&self)) {
        rows = engine_rows(call->engine, job, self.result, self.offset, in_frames(&self), err);
        if (!rows)
            return false;
    }
    self.rows = rows;
    put_headers(&self);
    put_encoding(&self);
    if (is_head(&self))
        return answer_head(&self, err);
    return is_stream(&self) ? write_stream(&self, err) : write_json(&self, err);
}
