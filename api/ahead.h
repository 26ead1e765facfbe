/* ahead.h - the next pages of a result, on their way before they are needed.
 *
 * The store is asked for a few pages at once, and works on them while the reader uses those that it
 * has. They are taken when only a few are left: by then what was asked for lies in the connection's
 * buffer, and nobody had to be woken for each piece of it. What was taken is inflated by another
 * thread. A connection is lent as long as something is under way: who reads settles that before it
 * waits for anybody else. Of a reader's thread.
 */
#ifndef API_AHEAD_H
#define API_AHEAD_H

#include "api/rows.h"

enum { AHEAD_PAGES = 8 };

/* A page that was taken. */
typedef struct {
    page_t known; /* without its bytes */
    errand_t errand;
} coming_t;

/* All zeros to begin with; must stay where it is until it was dropped. */
typedef struct {
    const page_source_t *source;
    store_t *asked;  /* NULL: nothing is under way */
    uint32_t wanted; /* pages that were asked for */
    uint8_t before[PAGE_HASH_SIZE];
    coming_t pages[AHEAD_PAGES]; /* a ring, in the order of rows */
    uint32_t first;
    uint32_t count;
} ahead_t;

/* Have pages behind `last`, the page in hand, on their way, up to the row `end`: take what was
 * asked for and ask for more, if few are there. With `inflate` what is there is inflated meanwhile.
 */
void ahead_go(ahead_t *self, const page_source_t *source, const page_key_t *key, const page_t *last,
              int64_t end, bool inflate);

/* Take what is under way: no connection is lent any more. */
void ahead_settle(ahead_t *self);

/* What was asked for, came, and begins with `row`: its sheet, or the page as it is stored (a large
 * one without its bytes), or neither. What comes before it is dropped. Caller owns both. */
void ahead_take(ahead_t *self, int64_t row, page_t **page, sheet_t **sheet);

/* Await all, and drop it. */
void ahead_drop(ahead_t *self);

#endif
