/* encoder.h - content codings of replies: gzip and zstd, as a stream.
 *
 * An encoder takes a body piece by piece and gives out what it has become, as much as there is room
 * for. Its memory (some 300 KiB) is its own until it is destroyed. One thread.
 */
#ifndef API_ENCODER_H
#define API_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mem.h"

typedef enum { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_ZSTD } encoding_t;

/* "gzip", "zstd"; "identity". Static. */
const char *encoding_word(encoding_t encoding);

typedef struct encoder encoder_t;

/* For gzip or zstd. Caller owns the result. */
encoder_t *encoder_new(encoding_t encoding) MUST_USE;
void encoder_destroy(encoder_t **self_p);

encoding_t encoder_encoding(const encoder_t *self);

/* A piece of the body, and how much of it is left. */
typedef struct {
    const char *at;
    size_t size;
    bool last; /* nothing comes behind it */
} encoder_in_t;

/* Take from `in`, write at most `room` bytes to `out`, and say how many in *made. True when all of
 * `in` was taken and, if it is the last piece, everything has come out: else call again. */
bool encoder_step(encoder_t *self, encoder_in_t *in, char *out, size_t room, size_t *made) MUST_USE;

#endif
