/* ahead.h - the next two pages of a result, on their way before they are needed.
 *
 * One scout at a time would leave its reader waiting whenever a page is used sooner than the next
 * one comes. Of a reader's thread.
 */
#ifndef API_AHEAD_H
#define API_AHEAD_H

#include "api/rows.h"

enum { AHEAD_PAGES = 2 };

/* All zeros to begin with; must stay where it is while something is under way. */
typedef struct {
    errand_t errands[AHEAD_PAGES]; /* a ring, in the order of rows */
    uint32_t first;
    uint32_t count;
} ahead_t;

/* Send for the page that begins at `row`, behind those that were sent for, unless that was done
 * already; false when it can't be. What is on the shelf is just held; but nothing large, for which
 * somebody else has claimed room. */
bool ahead_send(ahead_t *self, const page_source_t *source, const page_key_t *key, int64_t row,
                bool stored);

/* Await what was sent for `row`: a sheet, a page, or nothing at all. What was sent for before it is
 * dropped. */
void ahead_take(ahead_t *self, int64_t row, page_t **page, sheet_t **sheet);

/* Await all, and drop it. */
void ahead_drop(ahead_t *self);

#endif
