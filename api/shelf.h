/* shelf.h - stored pages, inflated, and shared by all who read them: a bounded cache.
 *
 * A sheet is one inflated page, read only; whoever holds one gives it back. Sheets that nobody
 * holds stay on the shelf, those used last the longest, up to `most_bytes`; so a hundred readers of
 * one page inflate it once.
 *
 * Pages of a usual size cost each reader one sheet in hand. Large ones (a page can hold one row of
 * 64 MiB) are counted before they are inflated: those in hand, and in the making, come to
 * `large_bytes` together, and who would exceed that waits, if not too many do already. Any thread.
 */
#ifndef API_SHELF_H
#define API_SHELF_H

#include "common/store.h"

enum { SHELF_LARGE = 1 << 20, SHELF_WAIT_MS = 5000, SHELF_WAITERS_MOST = 8 };

typedef struct shelf shelf_t;

typedef struct sheet {
    int64_t first_row;
    uint32_t rows;
    uint8_t before[PAGE_HASH_SIZE];
    uint8_t hash[PAGE_HASH_SIZE];
    uint32_t size;
    uint8_t *raw; /* `size` bytes: row arrays one after another */

    /* the shelf's own */
    shelf_t *shelf;
    uint32_t room;  /* of raw */
    page_key_t key; /* its bucket counts for nothing: pages move */
    bool listed;    /* it is found by its key */
    uint32_t holders;
    uint64_t used; /* when it was given back last */
    struct sheet *next;
} sheet_t;

/* Caller owns the result. */
shelf_t *shelf_new(size_t most_bytes, size_t large_bytes) MUST_USE;
void shelf_destroy(shelf_t **self_p); /* nobody may hold a sheet */

/* The sheet that holds this row, if it is there; else NULL. Give it back. */
sheet_t *shelf_find(shelf_t *self, const page_key_t *key, int64_t row) MUST_USE;

/* Inflate a page that was read from the store, and whose hash was looked at; it is found by its key
 * from then on. Fails as page_inflate(), and with ERR_UNAVAILABLE when too many large pages are
 * read just now. Give it back. */
sheet_t *shelf_put(shelf_t *self, const page_key_t *key, const page_t *page, err_t *err) MUST_USE;

/* The same for a page that stands in its job's row, and is in hand anyway: nobody else finds it. */
sheet_t *shelf_alone(shelf_t *self, const page_t *page, err_t *err) MUST_USE;

/* Give a sheet back, and set *sheet_p to NULL; NULL is fine. */
void shelf_return(sheet_t **sheet_p);

/* What the sheets that can be found cost, in bytes, held or not. */
size_t shelf_bytes(shelf_t *self);

#endif
