#include "api/frame.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18 }; /* always fit an int64_t */

bool
frame_refuse(refusal_t *refusal, int status, const char *code, const char *text)
{
    *refusal = (refusal_t){ .status = status, .code = code, .text = text };
    return false;
}

static bool
bad(refusal_t *refusal, const char *text)
{
    return frame_refuse(refusal, 400, "invalid", text);
}

/* A header's name is an RFC 9110 token. */
static bool
name_valid(const char *name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr(marks, *at))
            return false;
    }
    return name[0] != '\0';
}

static bool
value_valid(const char *value)
{
    for (const char *at = value; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

/* Digits only, with spaces behind them at most: "+5", "0x5", "5, 5" are read by others as another
 * number. */
static bool
length_read(const char *value, int64_t *length)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > LENGTH_DIGITS || value[digits + strspn(value + digits, " \t")])
        return false;
    *length = 0;
    for (size_t i = 0; i < digits; i++)
        *length = *length * 10 + (value[i] - '0');
    return true;
}

/* A name or address, and perhaps a port; of what else a URL's host may hold nothing is in use, and
 * much of it parts lists. */
static bool
host_valid(const char *value)
{
    static const char marks[] = "-._~:[]%";
    for (const char *at = value; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr(marks, *at))
            return false;
    }
    return value[0] != '\0';
}

static bool
same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

typedef struct {
    uint32_t hosts;
    uint32_t lengths;
    uint32_t codings;
    uint32_t connections;
    bool upgrade;
    bool keep_asked;
} seen_t;

static bool
header_read(const header_t *header, frame_t *frame, seen_t *seen, refusal_t *refusal)
{
    const char *name = header->name;
    const char *value = header->value;
    if (same(name, "Host")) {
        seen->hosts++;
        if (!host_valid(value))
            return bad(refusal, "Host must be a name or an address");
    } else if (same(name, "Content-Length")) {
        seen->lengths++;
        if (!length_read(value, &frame->length))
            return bad(refusal, "Content-Length must be one whole number");
    } else if (same(name, "Transfer-Encoding")) {
        seen->codings++;
        frame->chunked = true;
        if (!same(value, "chunked"))
            return bad(refusal, "Transfer-Encoding must be chunked");
    } else if (same(name, "Expect")) {
        if (!same(value, "100-continue"))
            return frame_refuse(refusal, 417, "invalid", "Expect must be 100-continue");
        frame->expects = true;
    } else if (same(name, "Connection")) {
        seen->connections++;
        seen->keep_asked = same(value, "keep-alive");
    } else if (same(name, "Upgrade")) {
        seen->upgrade = true;
    }
    return true;
}

static bool
seen_fits(const seen_t *seen, const frame_t *frame, refusal_t *refusal)
{
    if (seen->hosts > 1 || (seen->hosts == 0 && !frame->old))
        return bad(refusal, "there must be one Host header");
    if (seen->lengths > 1)
        return bad(refusal, "there must be one Content-Length");
    if (seen->codings > 1)
        return bad(refusal, "there must be one Transfer-Encoding");
    if (seen->codings == 1 && seen->lengths == 1)
        return bad(refusal, "Content-Length and Transfer-Encoding exclude each other");
    if (seen->codings == 1 && frame->old)
        return bad(refusal, "HTTP/1.0 has no Transfer-Encoding");
    return true;
}

bool
frame_read(const char *version, const header_t *headers, uint32_t count, frame_t *frame,
           refusal_t *refusal)
{
    *frame = (frame_t){ .old = strcmp(version, "1.0") == 0 };
    if (count > FRAME_HEADERS_MOST)
        return frame_refuse(refusal, 431, "limit", "there are more than 63 headers");

    seen_t seen = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        if (!name_valid(headers[i].name) || !value_valid(headers[i].value))
            return bad(refusal, "a header is malformed");
        if (!header_read(&headers[i], frame, &seen, refusal))
            return false;
    }
    if (!seen_fits(&seen, frame, refusal))
        return false;
    /* civetweb obeys only the first Connection header, and reads options by their first letters. It
     * takes chunk heads ("5\ra") and last chunks ("0\r\nGET") that others read otherwise: nothing
     * may come behind them. */
    frame->keep = seen.connections == 0 ? !frame->old : seen.connections == 1 && seen.keep_asked;
    frame->keep = frame->keep && !seen.upgrade && !frame->chunked;
    frame->expects = frame->expects && !frame->old;
    return true;
}

/* The two bytes at `at` were CRLF: civetweb has made both NUL. */
static bool
line_ends(const char *at)
{
    return at[0] == '\0' && at[1] == '\0';
}

static bool
header_plain(const header_t *header)
{
    const char *at = header->name + strlen(header->name) + 1;
    while (at < header->value && (*at == ' ' || *at == '\t'))
        at++;
    return at == header->value;
}

bool
frame_plain(const head_t *head)
{
    static const char protocol[] = "HTTP/";
    enum { empty_line_size = 4 };
    const char *end = head->method + strlen(head->method);
    if (head->target != end + 1)
        return false;
    const char *last = head->query ? head->query : head->target;
    end = last + strlen(last);
    if (head->version != end + sizeof protocol)
        return false;

    end = head->version + strlen(head->version);
    for (uint32_t i = 0; i < head->count; i++) {
        const header_t *header = &head->headers[i];
        if (!line_ends(end) || header->name != end + 2 || !header_plain(header))
            return false;
        end = header->value + strlen(header->value);
    }
    /* The empty line: without headers civetweb has swallowed its CR as well. */
    return head->limit - end >= empty_line_size && line_ends(end)
           && end[2] == (head->count == 0 ? '\0' : '\r') && end[3] == '\0';
}
