/* unpack.h - a bounded reader of msgpack bytes that a stranger wrote.
 *
 * msgpack-c packs; its unpacker reserves memory by announced counts, so reading is ours: a cursor
 * over bytes that never allocates, never recurses and never looks behind the end. Every count is
 * checked against the bytes that are left. Failure is sticky: after the first bad byte each call
 * returns false, so that a reader may check once at the end. Views point into the bytes.
 */
#ifndef COMMON_UNPACK_H
#define COMMON_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
} unpack_t;

/* Bytes of somebody else. `data` may be NULL when size is 0. */
typedef struct {
    const char *data;
    uint32_t size;
} view_t;

typedef enum {
    UNPACK_END, /* no bytes are left, or they are bad */
    UNPACK_NIL,
    UNPACK_BOOL,
    UNPACK_UINT,
    UNPACK_INT, /* negative */
    UNPACK_FLOAT,
    UNPACK_TEXT,
    UNPACK_BINARY,
    UNPACK_ARRAY,
    UNPACK_MAP,
    UNPACK_OTHER, /* ext and the byte that msgpack never uses */
} unpack_kind_t;

void unpack_init(unpack_t *self, const void *data, size_t size);

/* True when every byte was read and none was bad. */
bool unpack_done(const unpack_t *self) MUST_USE;

/* What comes next; moves nothing. */
unpack_kind_t unpack_peek(const unpack_t *self);

/* Read one value of the named kind; false, and bad, when something else comes. Integers of any
 * msgpack width are taken when they fit. */
bool unpack_nil(unpack_t *self) MUST_USE;
bool unpack_bool(unpack_t *self, bool *value) MUST_USE;
bool unpack_uint(unpack_t *self, uint64_t *value) MUST_USE;
bool unpack_u32(unpack_t *self, uint32_t *value) MUST_USE;
bool unpack_int(unpack_t *self, int64_t *value) MUST_USE;
bool unpack_float(unpack_t *self, double *value) MUST_USE;
bool unpack_text(unpack_t *self, view_t *value) MUST_USE;
bool unpack_binary(unpack_t *self, view_t *value) MUST_USE;

/* Read an array's head; `count` elements follow (at least one byte each is left for them). */
bool unpack_array(unpack_t *self, uint32_t *count) MUST_USE;

/* Step over one value of any kind, nested ones whole, at most 16 deep. */
bool unpack_skip(unpack_t *self) MUST_USE;

#endif
