/* reply.h - the frame of an HTTP reply, checked as its bytes go by. Pure.
 *
 * Rows are not read: bytes are counted, and how often one byte (a newline, as a rule) stands among
 * them. A reply is whole when its length, or its last chunk and its trailers, have come.
 */
#ifndef BENCH_REPLY_H
#define BENCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_LINE_SIZE 1024

typedef enum {
    REPLY_STATUS, /* the first line */
    REPLY_HEAD,
    REPLY_LENGTH,  /* the size of the next chunk */
    REPLY_BODY,    /* `left` bytes of it, or of a body with a length */
    REPLY_GAP,     /* the line end behind a chunk */
    REPLY_TRAILER, /* behind the last chunk */
    REPLY_WHOLE,
    REPLY_BAD, /* it is no reply: `line` is where */
} reply_state_t;

typedef struct {
    reply_state_t state;
    int status;
    bool chunked;
    bool sized;
    uint64_t left;
    uint64_t bytes;  /* of the body */
    uint64_t chunks; /* without the last */
    int wanted;      /* the byte that is counted; -1: none */
    uint64_t found;
    char line[REPLY_LINE_SIZE]; /* that comes in, without its end */
    size_t line_size;
} reply_t;

/* Begin to read a reply. */
void reply_init(reply_t *self, int wanted);

/* Take what came. Returns how much of it belongs to this reply: all, unless it is whole or bad. */
size_t reply_take(reply_t *self, const char *bytes, size_t size);

#endif
