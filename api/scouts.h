/* scouts.h - threads that fetch pages before their readers need them.
 *
 * Who reads a result page by page sends a scout for the next one while it works on the one in hand.
 * A scout reads the page from the store, checks and inflates it; so a stream
 * uses two cores, and no store connection waits for a slow client. Who does not send one fetches
 * the page itself when it needs it. A large page is left where it is: its reader fetches it when
 * there is room for it, and has none of the others in hand.
 *
 * An errand is in its reader's memory; the scout never touches it after raising its latch. Any
 * thread.
 */
#ifndef API_SCOUTS_H
#define API_SCOUTS_H

#include "api/latch.h"
#include "api/shelf.h"

typedef struct scouts scouts_t;

enum { ERRAND_DONE = 1 }; /* the flag of its latch */

typedef struct errand {
    page_key_t key;
    int64_t row;
    bool stored; /* the page is wanted as it is stored, else inflated */
    latch_t latch;

    /* the answer: at most one of both, which is the reader's then */
    page_t *page; /* as it is stored; without its bytes when it is large */
    sheet_t *sheet;
    struct errand *next;
} errand_t;

/* Fetch a page from the store, as store_page(). */
typedef page_t *(*scouts_fetch_fn)(void *arg, const page_key_t *key, int64_t row, uint32_t most,
                                   err_t *err);

/* `count` scouts, that fetch with `fetch` and put what they inflate on the shelf (kept). Caller
 * owns the result. Fails with ERR_LIMIT when no thread can be had. */
scouts_t *scouts_new(uint32_t count, scouts_fetch_fn fetch, void *arg, shelf_t *shelf, err_t *err)
    MUST_USE;

/* No errand may be under way. */
void scouts_destroy(scouts_t **self_p);

/* Send a scout: key, row and stored are set. False when too many are under way; else the errand
 * must stay where it is until it is home. */
bool scouts_send(scouts_t *self, errand_t *errand) MUST_USE;

/* Wait until it is home. A page that could not be fetched is just not there. */
void errand_await(errand_t *self);

#endif
