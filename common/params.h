/* params.h - the parameters of a job, as they are stored with it and come back with its claim.
 *
 * They are all named, or all known by their numbers. A value is what the source's input function of
 * its type reads, as text; it stays a value wherever it goes, and is never part of a SQL text.
 *
 * Packed they are base64 of msgpack, a list of [name or nil, oid, value or nil]: one text without
 * anything to be escaped, for a member of the store's `options`. Pure; any thread.
 */
#ifndef COMMON_PARAMS_H
#define COMMON_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum {
    PARAMS_MOST = 1000,
    PARAM_NAME_MOST = 63,
    PARAMS_BYTES_MOST = 128 << 20 /* of names and values together: what jsonb can surely hold */
};

typedef struct {
    const char *name;  /* NULL: known by its number, from 1 */
    uint32_t oid;      /* of its type; 0: the source infers it from where it stands */
    const char *value; /* NULL: null */
    size_t size;       /* of the value, behind which stands a NUL */
} param_t;

typedef struct params {
    uint32_t count; /* at least 1 */
    bool named;
    param_t *list;
    uint16_t *by_name; /* if they are named: their indexes in the order of their names */
    char *texts;       /* what the list points into */
} params_t;

/* Pack at most PARAMS_MOST of them. Caller owns the result. */
char *params_pack(const param_t *list, uint32_t count) MUST_USE;

/* Read what was packed. Fails with ERR_INTERNAL when it is anything else, or when some have names
 * and others none; takes no more memory than the text has bytes, and that of PARAMS_MOST. Caller
 * owns the result. */
params_t *params_unpack(const char *packed, err_t *err) MUST_USE;
void params_destroy(params_t **self_p);

/* The index of the one that has this name, or this number (from 1); -1: there is none. */
int32_t params_named(const params_t *self, const char *name, size_t size);
int32_t params_numbered(const params_t *self, uint64_t number);

/* Is this a name that a parameter may have: [A-Za-z_][A-Za-z0-9_]{0,62}? */
bool param_name_valid(const char *name);

#endif
