/* digest.h - BLAKE2b-256 over a sequence of fields, each told apart from its neighbours.
 *
 * Two sequences have the same hash only if they have the same fields in the same order: a text goes
 * in with its length before it, and one that is not there is no empty one. Pure; any thread.
 */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32, DIGEST_STATE_SIZE = 384 };

/* A hash that is being made. Of libsodium's shape; needs no clearing. */
typedef struct {
    _Alignas(64) uint8_t state[DIGEST_STATE_SIZE];
} digest_t;

void digest_begin(digest_t *self);
void digest_number(digest_t *self, int64_t number);
void digest_bytes(digest_t *self, const void *bytes, size_t size);
void digest_text(digest_t *self, const char *text); /* NULL: it is not there */
void digest_end(digest_t *self, uint8_t hash[DIGEST_SIZE]);

#endif
