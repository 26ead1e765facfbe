#include "tests/bench/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
reply_init(reply_t *self, int wanted)
{
    memset(self, 0, sizeof *self);
    self->wanted = wanted;
}

static void
read_status(reply_t *self)
{
    self->status = strncmp(self->line, "HTTP/1.1 ", 9) == 0 ? atoi(self->line + 9) : 0;
    self->state = self->status >= 200 && self->status <= 599 ? REPLY_HEAD : REPLY_BAD;
}

static bool
read_number(const char *text, int base, uint64_t *number)
{
    char *end = NULL;
    *number = strtoull(text, &end, base);
    return end > text && *end == '\0' && *text != '-' && *text != '+' && *text != ' ';
}

static void
read_head(reply_t *self)
{
    const char *line = self->line;
    if (!*line) {
        self->state = self->chunked == self->sized ? REPLY_BAD
                      : self->chunked              ? REPLY_LENGTH
                      : self->left > 0             ? REPLY_BODY
                                                   : REPLY_WHOLE;
    } else if (strcasecmp(line, "transfer-encoding: chunked") == 0) {
        self->chunked = true;
    } else if (strncasecmp(line, "content-length: ", 16) == 0) {
        self->sized = read_number(line + 16, 10, &self->left);
        self->state = self->sized ? REPLY_HEAD : REPLY_BAD;
    }
}

static void
read_length(reply_t *self)
{
    if (!read_number(self->line, 16, &self->left)) {
        self->state = REPLY_BAD;
        return;
    }
    self->state = self->left > 0 ? REPLY_BODY : REPLY_TRAILER;
    self->chunks += self->left > 0;
}

static void
read_line(reply_t *self)
{
    switch (self->state) {
    case REPLY_STATUS: read_status(self); return;
    case REPLY_HEAD: read_head(self); return;
    case REPLY_LENGTH: read_length(self); return;
    case REPLY_GAP: self->state = *self->line ? REPLY_BAD : REPLY_LENGTH; return;
    case REPLY_TRAILER: self->state = *self->line ? REPLY_TRAILER : REPLY_WHOLE; return;
    case REPLY_BODY:
    case REPLY_WHOLE:
    case REPLY_BAD: return;
    }
}

/* What is there of a line; its end is a carriage return and a newline, and nothing less. */
static size_t
take_line(reply_t *self, const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    size_t taken = end ? (size_t)(end - bytes) + 1 : size;
    if (taken >= sizeof self->line - self->line_size) {
        self->state = REPLY_BAD;
        return 0;
    }
    memcpy(self->line + self->line_size, bytes, taken);
    self->line_size += taken;
    if (!end)
        return taken;
    bool good = self->line_size >= 2 && self->line[self->line_size - 2] == '\r';
    self->line[good ? self->line_size - 2 : self->line_size] = '\0';
    self->line_size = 0;
    if (good)
        read_line(self);
    else
        self->state = REPLY_BAD;
    return taken;
}

static void
count(reply_t *self, const char *at, const char *end)
{
    if (self->wanted < 0)
        return;
    while ((at = memchr(at, self->wanted, (size_t)(end - at)))) {
        self->found++;
        at++;
    }
}

static size_t
take_body(reply_t *self, const char *bytes, size_t size)
{
    size_t taken = size < self->left ? size : (size_t)self->left;
    count(self, bytes, bytes + taken);
    self->bytes += taken;
    self->left -= taken;
    if (self->left == 0)
        self->state = self->chunked ? REPLY_GAP : REPLY_WHOLE;
    return taken;
}

size_t
reply_take(reply_t *self, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && self->state != REPLY_WHOLE && self->state != REPLY_BAD) {
        if (self->state == REPLY_BODY)
            at += take_body(self, bytes + at, size - at);
        else
            at += take_line(self, bytes + at, size - at);
    }
    return at;
}
