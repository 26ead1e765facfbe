/* shelf.h - stored pages, inflated, and shared by all who read them: a bounded cache.
 *
 * A sheet is one inflated page, read only; whoever holds one gives it back. Sheets that nobody
 * holds stay on the shelf, those used last the longest, up to `most_bytes`; so a hundred readers of
 * one page inflate it once.
 *
 * Pages of a usual size cost each reader a few sheets in hand. For large ones (a page can hold one
 * row of 64 MiB) room is claimed before they are fetched (room.h); the claim goes with the sheet,
 * and that one with its last reader: it would drive out all others. Any thread.
 */
#ifndef API_SHELF_H
#define API_SHELF_H

#include "api/room.h"
#include "common/store.h"

enum { SHELF_LARGE = 1 << 20 }; /* raw bytes; what has more is large */

typedef struct shelf shelf_t;

typedef struct sheet {
    page_t page;  /* whose sheet it is; without its stored bytes */
    uint8_t *raw; /* its raw bytes: row arrays one after another */

    /* the shelf's own */
    shelf_t *shelf;
    uint32_t room;  /* of raw */
    page_key_t key; /* its bucket counts for nothing: pages move */
    bool listed;    /* it is found by its key */
    claim_t claim;  /* of a large one */
    uint32_t holders;
    uint64_t used; /* when it was given back last */
    struct sheet *next;
} sheet_t;

/* Caller owns the result. */
shelf_t *shelf_new(size_t most_bytes) MUST_USE;
void shelf_destroy(shelf_t **self_p); /* nobody may hold a sheet */

/* The sheet that holds this row, if it is there; else NULL. Give it back. */
sheet_t *shelf_find(shelf_t *self, const page_key_t *key, int64_t row) MUST_USE;

/* Inflate a page that was read from the store, if it is what its checksum says (or its hash, when
 * it has none); it is found by its key from then on. Takes the page, and its claim: NULL is fine
 * for one that is not large. Fails with ERR_INTERNAL when the page is damaged, and with ERR_LIMIT
 * when there is no memory for it. Give it back. */
sheet_t *shelf_put(shelf_t *self, const page_key_t *key, page_t **page_p, claim_t *claim,
                   err_t *err) MUST_USE;

/* The same for a page that stands in its job's row, and is in hand anyway: nobody else finds it. */
sheet_t *shelf_alone(shelf_t *self, page_t **page_p, claim_t *claim, err_t *err) MUST_USE;

/* Give a sheet back, and set *sheet_p to NULL; NULL is fine. */
void shelf_return(sheet_t **sheet_p);

/* What the sheets that can be found cost, in bytes, held or not. */
size_t shelf_bytes(shelf_t *self);

#endif
