/* reply.c - a reply's bytes: gathered, headed, and sent with as few writes as can be. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/escape.h"
#include "api/http_inner.h"
#include "common/clock.h"

enum {
    CHUNK_HEAD_SIZE = 8, /* "0003ff\r\n" */
    MS_PER_S = 1000,
    SMALL = 1 << 10,   /* bytes that are not worth a coding */
    SEPARATOR_CUT = 2, /* bytes of U+2028 that may wait for its last one */
};

static const char chunk_end[] = "\r\n";
static const char last_chunk[] = "0\r\n";

typedef struct {
    int status;
    const char *text;
} reason_t;

static const reason_t reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

static const char *
reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Status";
}

/* --- the head --- */

static void
put(reply_t *self, const char *text, size_t size)
{
    assert(self->head_used + size <= sizeof self->head);
    memcpy(self->head + self->head_used, text, size);
    self->head_used += size;
}

static void
put_text(reply_t *self, const char *text)
{
    put(self, text, strlen(text));
}

/* The Date line is made once a second. */
static void
put_date(reply_t *self)
{
    int64_t now_s = clock_wall_ms() / MS_PER_S;
    if (now_s != self->date_s || self->date[0] == '\0') {
        char text[CLOCK_TEXT_SIZE];
        snprintf(self->date, sizeof self->date, "Date: %s\r\n", clock_http(now_s * MS_PER_S, text));
        self->date_s = now_s;
    }
    put_text(self, self->date);
}

/* A status whose reply has no body by its nature. */
static bool
bodiless(const reply_t *self)
{
    return self->status == 204 || self->status == 304;
}

/* Where the body ends; `length`: after so many bytes; -1: with its last chunk, or the connection.
 */
static void
put_length(reply_t *self, int64_t length)
{
    char line[64];
    if (bodiless(self) || self->unmeasured)
        return;
    if (length >= 0)
        put(self, line,
            (size_t)snprintf(line, sizeof line, "Content-Length: %lld\r\n", (long long)length));
    else if (!self->old)
        put_text(self, "Transfer-Encoding: chunked\r\n");
}

static void
make_head(reply_t *self, int64_t length)
{
    char line[64];
    self->head_used = 0;
    put(self, line,
        (size_t)snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", self->status,
                         reason(self->status)));
    put_date(self);
    if (!self->typed && !bodiless(self))
        put_text(self, "Content-Type: application/json; charset=utf-8\r\n");
    put_text(self, "X-Content-Type-Options: nosniff\r\n");
    if (!self->cached)
        put_text(self, "Cache-Control: no-store\r\n");
    put(self, self->extra, self->extra_used);
    if (self->encoder)
        put(self, line,
            (size_t)snprintf(line, sizeof line, "Content-Encoding: %s\r\n",
                             encoding_word(encoder_encoding(self->encoder))));
    put_length(self, length);
    if (!self->keep)
        put_text(self, "Connection: close\r\n");
    else if (self->old)
        put_text(self, "Connection: keep-alive\r\n");
    put(self, "\r\n", 2);
}

/* --- sending --- */

static char *
body_start(const reply_t *self)
{
    return self->buffer + REPLY_HEAD_SIZE;
}

static void
need_buffer(reply_t *self)
{
    if (!self->buffer)
        self->buffer = mem_grow(NULL, REPLY_SIZE);
}

static void
push(reply_t *self, const char *data, size_t size)
{
    if (size == 0 || self->bad)
        return;
    size_t sent = self->stall ? self->send(self->arg, data, size, false) : 0;
    if (sent == size)
        return;
    if (self->stall)
        self->stall(self->stall_arg);
    self->bad = self->send(self->arg, data + sent, size - sent, true) != size - sent;
}

void
reply_stall(reply_t *self, void (*stall)(void *arg), void *arg)
{
    self->stall = stall;
    self->stall_arg = arg;
}

static char *
append(char *end, const char *text, size_t size)
{
    memcpy(end, text, size);
    return end + size;
}

/* A part of the body in one write: the head in front of it if it is due, and the marks of a chunk
 * around it, for all of which there is room. */
static void
send_part(reply_t *self, char *start, size_t size, bool last)
{
    const char *base = start;
    bool chunk = !self->old && !self->head_only;
    char *end = self->head_only ? start : start + size;
    if (chunk && size > 0) {
        char head[32];
        snprintf(head, sizeof head, "%06zx\r\n", size);
        start -= CHUNK_HEAD_SIZE;
        memcpy(start, head, CHUNK_HEAD_SIZE);
        end = append(end, chunk_end, sizeof chunk_end - 1);
    }
    if (chunk && last) {
        end = append(end, last_chunk, sizeof last_chunk - 1);
        end = append(end, self->trailer, self->trailer_used);
        end = append(end, chunk_end, sizeof chunk_end - 1);
    }
    if (!self->started) {
        if (self->old)
            self->keep = false;
        make_head(self, -1);
        assert(self->head_used + CHUNK_HEAD_SIZE <= REPLY_HEAD_SIZE && base >= start);
        start -= self->head_used;
        memcpy(start, self->head, self->head_used);
        self->started = true;
    }
    push(self, start, (size_t)(end - start));
}

/* The same through the encoder, which may keep it back. */
static void
send_coded(reply_t *self, bool last)
{
    enum { ROOM = REPLY_CODED_SIZE - REPLY_HEAD_SIZE - REPLY_TAIL_SIZE };
    encoder_in_t in = { .at = body_start(self), .size = self->used, .last = last };
    char *out = self->coded + REPLY_HEAD_SIZE;
    for (bool done = false; !done && !self->bad;) {
        size_t made = 0;
        done = encoder_step(self->encoder, &in, out, ROOM, &made);
        if (made > 0 || (done && last))
            send_part(self, out, made, done && last);
    }
}

static void
send_waiting(reply_t *self, bool last)
{
    if (self->encoder)
        send_coded(self, last);
    else
        send_part(self, body_start(self), self->used, last);
    self->used = 0;
}

static void
send_whole(reply_t *self)
{
    make_head(self, (int64_t)self->used);
    self->started = true;
    if (self->used == 0 || self->head_only) {
        push(self, self->head, self->head_used);
        return;
    }
    char *start = body_start(self) - self->head_used;
    memcpy(start, self->head, self->head_used);
    push(self, start, self->head_used + self->used);
}

static void
forget_encoder(reply_t *self)
{
    encoder_destroy(&self->encoder);
    free(self->coded);
    self->coded = NULL;
}

void
reply_clear(reply_t *self)
{
    forget_encoder(self);
    free(self->buffer);
    self->buffer = NULL;
}

/* --- as http.h has it --- */

/* Nothing is said yet. */
static void
begin_anew(reply_t *self)
{
    self->used = 0;
    self->status = 200;
    self->typed = self->cached = self->stream = self->script = self->unmeasured = false;
    self->extra_used = self->trailer_used = 0;
    forget_encoder(self);
}

void
reply_begin(reply_t *self, send_fn send, void *arg, const frame_t *frame, bool head_only)
{
    self->send = send;
    self->arg = arg;
    self->stall = NULL;
    self->head_only = head_only;
    self->old = frame->old;
    self->keep = frame->keep;
    self->started = false;
    self->bad = false;
    begin_anew(self);
}

bool
reply_end(reply_t *self)
{
    if (!self->started && !self->stream && self->used < SMALL)
        forget_encoder(self);
    bool large = self->started;
    if (!self->bad && (self->started || self->stream || self->encoder)) {
        need_buffer(self);
        send_waiting(self, true);
    } else if (!self->bad) {
        send_whole(self);
    }
    forget_encoder(self);
    if (large)
        reply_clear(self);
    return !self->bad && self->keep;
}

void
reply_status(reply_t *self, int status)
{
    assert(!self->started);
    self->status = status;
}

void
reply_header(reply_t *self, const char *name, const char *value)
{
    assert(!self->started && !strpbrk(value, "\r\n"));
    size_t left = sizeof self->extra - self->extra_used;
    int size = snprintf(self->extra + self->extra_used, left, "%s: %s\r\n", name, value);
    assert(size > 0 && (size_t)size < left);
    self->extra_used += (size_t)size;
    if (strcmp(name, "Content-Type") == 0)
        self->typed = true;
    if (strcmp(name, "Cache-Control") == 0)
        self->cached = true;
}

bool
reply_stream(reply_t *self)
{
    assert(!self->started);
    self->stream = !self->old;
    return self->stream;
}

bool
reply_old(const reply_t *self)
{
    return self->old;
}

void
reply_unmeasured(reply_t *self)
{
    assert(self->head_only && !self->started && !self->stream);
    self->unmeasured = true;
    forget_encoder(self);
}

void
reply_flush(reply_t *self)
{
    assert(self->stream && !self->encoder);
    if ((self->started && self->used == 0) || self->bad)
        return;
    need_buffer(self);
    send_waiting(self, false);
}

void
reply_trailer(reply_t *self, const char *name, const char *value)
{
    assert(!strpbrk(value, "\r\n"));
    size_t left = sizeof self->trailer - self->trailer_used;
    int size = snprintf(self->trailer + self->trailer_used, left, "%s: %s\r\n", name, value);
    assert(size > 0 && (size_t)size < left);
    self->trailer_used += (size_t)size;
}

void
reply_encode(reply_t *self, encoding_t encoding)
{
    assert(!self->started && !self->encoder);
    if (self->old || encoding == ENCODING_IDENTITY)
        return;
    self->encoder = encoder_new(encoding);
    self->coded = mem_new(REPLY_CODED_SIZE);
}

void
reply_write(reply_t *self, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        size_t part = size < REPLY_ROOM_MOST / 4 ? size : REPLY_ROOM_MOST / 4;
        memcpy(reply_room(self, part), from, part);
        reply_wrote(self, part);
        from += part;
        size -= part;
    }
}

void
reply_script(reply_t *self, bool begin)
{
    self->script = begin;
}

/* How many bytes may be written at least, when `used` ones are there: all of them may have to be
 * escaped, and so may the one that they complete. */
static size_t
room_behind(const reply_t *self, size_t used)
{
    size_t left = REPLY_ROOM_MOST - used;
    if (!self->script)
        return left;
    return left > 2 * SEPARATOR_CUT ? left / 2 - SEPARATOR_CUT : 0;
}

/* What waits goes out, but for the beginning of what may have to be escaped. */
static void
make_room(reply_t *self)
{
    char kept[SEPARATOR_CUT];
    size_t size = self->script && self->used >= SEPARATOR_CUT ? SEPARATOR_CUT : 0;
    self->used -= size;
    memcpy(kept, body_start(self) + self->used, size);
    if (self->bad)
        self->used = 0;
    else
        send_waiting(self, false);
    memcpy(body_start(self), kept, size);
    self->used = size;
}

char *
reply_room(reply_t *self, size_t size)
{
    assert(size <= room_behind(self, self->script ? SEPARATOR_CUT : 0));
    need_buffer(self);
    if (size > room_behind(self, self->used))
        make_room(self);
    return body_start(self) + self->used;
}

size_t
reply_left(const reply_t *self)
{
    return room_behind(self, self->used);
}

void
reply_wrote(reply_t *self, size_t size)
{
    if (self->script) { /* with what it may complete */
        size_t before = self->used < SEPARATOR_CUT ? self->used : SEPARATOR_CUT;
        char *from = body_start(self) + self->used - before;
        size = escape_script(from, before + size) - before;
    }
    self->used += size;
    assert(self->used <= REPLY_ROOM_MOST);
}

bool
reply_restart(reply_t *self)
{
    self->used = 0;
    if (self->started) {
        self->bad = true;
        return false;
    }
    begin_anew(self);
    return !self->bad;
}

bool
reply_good(const reply_t *self)
{
    return !self->bad;
}

void
reply_close(reply_t *self)
{
    self->keep = false;
}

void
reply_refuse(reply_t *self, const refusal_t *refusal)
{
    char body[512];
    int size = snprintf(body, sizeof body,
                        "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"},\"detail\":\"%s\"}",
                        refusal->code, refusal->text, refusal->text);
    assert(size > 0 && (size_t)size < sizeof body);
    reply_restart(self);
    reply_status(self, refusal->status);
    reply_write(self, body, (size_t)size);
    reply_close(self);
}
