/* fuzz_frame.c - a stranger's request head, as it comes from the wire.
 *
 * The head is cut up in place by the lenient rules that civetweb reads by; what frame_plain() then
 * lets pass must be, byte for byte, what a strict writer would have written from the same parts.
 * So nobody can read such a head in another way.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 64 };

typedef struct {
    char *text; /* terminated, cut up in place */
    size_t size;
    head_t head;
    header_t headers[HEADERS];
} lenient_t;

/* Bytes of the head, its empty line included; 0: there is none. */
static size_t
head_size(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 128 && byte != '\r' && byte != '\n' && !isprint(byte))
            return 0;
        if (i + 1 < size && memcmp(text + i, "\n\n", 2) == 0)
            return i + 2;
        if (i + 3 < size && memcmp(text + i, "\r\n\r\n", 4) == 0)
            return i + 4;
    }
    return 0;
}

/* End a word of the request line and move behind it and the white space that follows. */
static bool
end_word(char **at, bool last)
{
    while (isgraph((unsigned char)**at))
        (*at)++;
    if (last ? **at != '\r' && **at != '\n' : **at != ' ')
        return false;
    do
        *(*at)++ = '\0';
    while (isspace((unsigned char)**at));
    return last || isgraph((unsigned char)**at);
}

/* One header line. False: it is none. *more: another may follow. */
static bool
cut_header(char **at, header_t *header, bool *more)
{
    char *end = *at;
    while (*end != ':' && *end >= 33 && *end <= 126)
        end++;
    while (*end == ' ')
        *end++ = '\0';
    if (*end != ':')
        return false;
    header->name = *at;
    do
        *end++ = '\0';
    while (*end == ' ' || *end == '\t');
    header->value = end;
    end += strcspn(end, "\r\n");
    if (*end == '\r') {
        *end++ = '\0';
        if (*end != '\n')
            return false;
    }
    *more = *end != '\0';
    if (*more)
        *end++ = '\0';
    *at = end;
    *more = *more && *end != '\r' && *end != '\n';
    return true;
}

static bool
cut_headers(lenient_t *self, char *at)
{
    bool more = true;
    while (more && self->head.count < HEADERS) {
        bool line = *at == ':' || (*at >= 33 && *at <= 126);
        if (!line || *at == ':')
            return true;
        if (!cut_header(&at, &self->headers[self->head.count], &more))
            return false;
        self->head.count++;
    }
    return true;
}

static bool
cut_head(lenient_t *self)
{
    char *at = self->text;
    self->text[self->size - 1] = '\0';
    self->head = (head_t){ .method = at, .headers = self->headers };
    self->head.limit = self->text + self->size;
    if (!end_word(&at, false))
        return false;
    char *target = at;
    self->head.target = target;
    if (!end_word(&at, false))
        return false;
    const char *version = at;
    if (!end_word(&at, true) || strncmp(version, "HTTP/", 5) != 0)
        return false;
    self->head.version = version + 5;
    if (!cut_headers(self, at))
        return false;
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    self->head.query = query;
    return true;
}

/* Does `text` stand at *at? Moves behind it. */
static void
expect(const char **at, const char *end, const char *text)
{
    size_t size = strlen(text);
    assert((size_t)(end - *at) >= size && memcmp(*at, text, size) == 0);
    *at += size;
}

/* `wire` is what was sent. */
static void
assert_strict(const head_t *head, const char *wire, size_t size)
{
    const char *end = wire + size;
    const char *at = wire;
    expect(&at, end, head->method);
    expect(&at, end, " ");
    expect(&at, end, head->target);
    if (head->query) {
        expect(&at, end, "?");
        expect(&at, end, head->query);
    }
    expect(&at, end, " HTTP/");
    expect(&at, end, head->version);
    assert(end - at > 2 && isspace((unsigned char)at[0]) && isspace((unsigned char)at[1]));
    at += 2; /* which two has been overwritten before anybody could look */
    for (uint32_t i = 0; i < head->count; i++) {
        if (i > 0)
            expect(&at, end, "\r\n");
        expect(&at, end, head->headers[i].name);
        expect(&at, end, ":");
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        expect(&at, end, head->headers[i].value);
    }
    expect(&at, end, "\r\n\r\n");
    assert(at == end);
}

static void
assert_sound(const frame_t *frame, const head_t *head)
{
    assert(frame->length >= 0 && !(frame->chunked && (frame->length > 0 || frame->keep)));
    assert(head->count <= FRAME_HEADERS_MOST);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole = head_size((const char *)data, size);
    if (whole == 0 || isspace(data[0]))
        return 0;
    own(mem) text = mem_copy(data, whole);
    lenient_t self = { .text = text, .size = whole };
    if (!cut_head(&self))
        return 0;
    if (strcmp(self.head.version, "1.0") != 0 && strcmp(self.head.version, "1.1") != 0)
        return 0; /* refused before */
    frame_t frame;
    refusal_t refusal = { 0 };
    if (!frame_read(self.head.version, self.head.headers, self.head.count, &frame, &refusal)) {
        assert(refusal.status >= 400 && refusal.code && refusal.text);
        return 0;
    }
    if (!frame_plain(&self.head))
        return 0;
    assert_sound(&frame, &self.head);
    if (self.head.count == 0) { /* however its empty line ends, it has no body and nothing behind */
        assert(frame.old && !frame.keep && !frame.chunked && frame.length == 0);
        return 0;
    }
    assert_strict(&self.head, (const char *)data, whole);
    return 0;
}
