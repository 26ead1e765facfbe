/* target.h - a request's target, taken apart and decoded once.
 *
 * The path is split at its slashes before it is decoded, so that %2F stays inside a segment; a
 * slash at the end counts for nothing. Query names and values are decoded as forms are: '+' is a
 * space. Refused: a percent sign without two hex digits, control bytes (NUL above all) and bytes
 * that are no UTF-8, however they are written; but a value may hold tabs and ends of lines, which
 * texts of SQL have. Pure.
 */
#ifndef API_TARGET_H
#define API_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

enum { TARGET_SEGMENTS_MOST = 16, TARGET_PARAMS_MOST = 64 };

typedef struct {
    const char *name;
    const char *value;
} param_t;

typedef struct {
    uint32_t segment_count; /* one more than TARGET_SEGMENTS_MOST: too many to be anything */
    const char *segments[TARGET_SEGMENTS_MOST];
    uint32_t param_count;
    param_t params[TARGET_PARAMS_MOST];
} target_t;

/* How large `room` must be. */
size_t target_room(const char *path, const char *query);

/* Take `path` and `query` (NULL: none) apart. The texts of `self` point into `room`. False: *why
 * says what is wrong (static). */
bool target_parse(target_t *self, const char *path, const char *query, char *room, const char **why)
    MUST_USE;

#endif
