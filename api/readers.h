/* readers.h - a few store connections, lent for one call each, or from asking for pages until they
 * are taken.
 *
 * No connection is held while a client is waited for: a slow one costs a thread, never a
 * connection. Who finds all of them lent waits in line. After a failed attempt to reach the store
 * everybody is told so at once for READERS_AWAY_MS. Any thread.
 */
#ifndef API_READERS_H
#define API_READERS_H

#include "common/store.h"

enum { READERS_AWAY_MS = 250 };

typedef struct readers readers_t;

/* `count` connections to `dsn`, made when first needed, for which a call waits at most `wait_ms`.
 * Caller owns the result. */
readers_t *readers_new(const char *dsn, const char *who, uint32_t count, int64_t wait_ms) MUST_USE;
void readers_destroy(readers_t **self_p); /* none may be lent */

/* One call of store.h. */
typedef bool (*readers_fn)(store_t *store, void *arg, err_t *err);

/* Make a call on one of the connections; once more on a fresh one, when an idle connection turns
 * out to be broken. Fails as the call does, and with ERR_UNAVAILABLE when none came free in time.
 */
bool readers_call(readers_t *self, readers_fn call, void *arg, err_t *err) MUST_USE;

/* As store_page(), on one of the connections. Fails as readers_call(). Caller owns the result. */
page_t *readers_page(readers_t *self, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
    MUST_USE;

/* As store_pages_ask(), on a connection that is lent until the pages were taken; NULL also when
 * none is idle, or the store cannot be reached. Until then nobody may be waited for but the store.
 */
store_t *readers_ask(readers_t *self, const page_key_t *key, int64_t row, uint32_t most,
                     uint32_t count) MUST_USE;

/* As store_pages_take(); the connection is given back, and *store_p set to NULL. */
uint32_t readers_take(readers_t *self, store_t **store_p, const uint8_t before[PAGE_HASH_SIZE],
                      page_t **pages, uint32_t count) MUST_USE;

/* How many wait in line now. */
uint32_t readers_waiting(readers_t *self);

/* Is a read that has failed worth a second try? A connection that broke while it was idle (the
 * store was restarted, say) is found out by its next use, and mended by the one after; a store that
 * does not answer would only be waited for twice. `began_ms` is when the first try began,
 * monotonic. */
bool readers_again(const err_t *err, int64_t began_ms) MUST_USE;

#endif
