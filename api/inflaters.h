/* inflaters.h - threads that inflate pages before their readers need them.
 *
 * Who reads a result page by page hands over what the store has just given it, several pages at
 * once, and goes on with the page in hand; so a stream uses two cores. Where no thread is free it
 * inflates them itself, each when it needs it.
 *
 * An errand is in its reader's memory; the thread never touches it after raising its latch. Any
 * thread.
 */
#ifndef API_INFLATERS_H
#define API_INFLATERS_H

#include "api/latch.h"
#include "api/shelf.h"

typedef struct inflaters inflaters_t;

enum { ERRAND_DONE = 1 }; /* the flag of its latch */

/* One page. All zeros but for key, page and next to begin with. */
typedef struct errand {
    page_key_t key;
    page_t *page;        /* taken when it was sent */
    sheet_t *sheet;      /* the answer, which is the reader's; NULL: it could not be inflated */
    struct errand *next; /* of those that are handed over together */
    bool sent;           /* it has to be awaited */
    latch_t latch;
} errand_t;

/* `count` threads that put what they inflate on the shelf (kept). Caller owns the result. Fails
 * with ERR_LIMIT when no thread can be had. */
inflaters_t *inflaters_new(uint32_t count, shelf_t *shelf, err_t *err) MUST_USE;

/* No errand may be under way. */
void inflaters_destroy(inflaters_t **self_p);

/* Inflate the page of this errand and those of the ones behind it, in their order. False, and
 * nothing was sent, when all threads are busy; else each must stay where it is until it was
 * awaited. */
bool inflaters_send(inflaters_t *self, errand_t *errands) MUST_USE;

/* Wait until it is done, if it was sent. */
void errand_await(errand_t *self);

#endif
