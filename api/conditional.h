/* conditional.h - has the client this answer already, and which part of it does it want: entity
 * tags and ranges, as RFC 9110 has them (8.8.3, 13.1, 14).
 *
 * `tag` is a strong one, quotes and all, or NULL for an answer that has none. Headers are as they
 * were sent, those that came in several lines joined by commas; NULL: there is no such header. What
 * is not well formed names nothing. Pure; any thread.
 */
#ifndef API_CONDITIONAL_H
#define API_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

/* Does If-None-Match, a list of tags or a star, name this answer? Weak tags do as strong ones. */
bool conditional_none_match(const char *list, const char *tag);

/* Does If-Match allow this answer? As above, but that weak tags name nothing; without such a header
 * it does. */
bool conditional_match(const char *list, const char *tag);

/* If-Range: does a Range count? Only when there is no such header, or this very tag in it: dates
 * and weak tags do not tell one answer from the next. */
bool conditional_if_range(const char *if_range, const char *tag);

/* Which rows a header Range asks for. */
typedef enum {
    RANGE_NONE, /* none: no header, another unit, several ranges, or nothing that can be read */
    RANGE_FROM, /* from `first` to `last`, which may be INT64_MAX */
    RANGE_LAST, /* the last `last` ones */
} range_kind_t;

typedef struct {
    range_kind_t kind;
    int64_t first;
    int64_t last;
} row_range_t;

/* "rows=0-999", "rows=500-", "rows=-100", blanks around them; the unit in any case. */
row_range_t conditional_range(const char *range);

/* The rows [*offset, *offset + *count) of `total` that a range stands for; false when it has none
 * of them. */
bool conditional_rows(const row_range_t *range, int64_t total, int64_t *offset, int64_t *count);

#endif
