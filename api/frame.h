/* frame.h - where a request begins and ends, judged from its head alone.
 *
 * Two readers of one connection (a proxy and this server) must never disagree about where a request
 * ends, or a stranger can hide one request in another. civetweb takes much that is ambiguous, so
 * everything it has parsed is judged again here, strictly, before a byte of the body is read:
 * whatever two readers might read differently is refused and the connection closed. Pure: lists of
 * headers in, a verdict out.
 */
#ifndef API_FRAME_H
#define API_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

/* civetweb drops the 65th header without a word: 64 may be 65. */
enum { FRAME_HEADERS_MOST = 63 };

typedef struct {
    const char *name;
    const char *value;
} header_t;

/* Why a request is not taken. Static texts, fit for a JSON string as they are. */
typedef struct {
    int status;
    const char *code;
    const char *text;
} refusal_t;

typedef struct {
    int64_t length; /* of the body; 0 when there is none or when it is chunked */
    bool chunked;
    bool expects; /* "100 Continue" before it sends the body */
    bool keep;    /* the connection may stay open after the reply; never after chunks */
    bool old;     /* HTTP/1.0: no chunks in the reply */
} frame_t;

/* Judge the headers of a request of HTTP `version` ("1.0", "1.1"). `refusal` is filled in on false.
 */
bool frame_read(const char *version, const header_t *headers, uint32_t count, frame_t *frame,
                refusal_t *refusal) MUST_USE;

/* The head's parts as civetweb leaves them in its buffer, each terminated in place. */
typedef struct {
    const char *method;
    const char *target; /* with the query cut off when there is one */
    const char *query;  /* NULL: none */
    const char *version;
    const header_t *headers;
    uint32_t count;
    const char *limit; /* the end of the buffer */
} head_t;

/* Do the parts stand in the buffer as a well-formed head has them: one space between the words,
 * CRLF behind each line, no space before a colon, no folded or nameless line, nothing behind the
 * last header but the empty line? Looks at the few bytes between the parts. Behind the request line
 * two bytes of white space must do for CRLF: civetweb has overwritten them. */
bool frame_plain(const head_t *head) MUST_USE;

/* Set `refusal`; returns false. */
bool frame_refuse(refusal_t *refusal, int status, const char *code, const char *text);

#endif
