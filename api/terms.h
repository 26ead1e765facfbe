/* terms.h - what a tenant may do on a source: the store's answers, remembered for a few seconds.
 *
 * Every order needs its tenant's terms (store.h), and they hardly ever change: one question to the
 * store serves all orders of the next `fresh_ms`. What somebody may not use is not remembered. A
 * fixed number of places, the oldest of a few gives way. Any thread.
 */
#ifndef API_TERMS_H
#define API_TERMS_H

#include "common/store.h"

typedef struct terms_cache terms_cache_t;

/* As store_terms(). Runs on one thread, the cache's own. */
typedef bool (*terms_find_fn)(void *arg, const char *tenant, const char *alias, terms_t *terms,
                              err_t *err);

/* Caller owns the result. */
terms_cache_t *terms_cache_new(int64_t fresh_ms, terms_find_fn find, void *arg, err_t *err)
    MUST_USE;
void terms_cache_destroy(terms_cache_t **self_p); /* nobody may ask any more */

/* The terms of a tenant on the source that it calls `alias`; "": its first. Fails as store_terms().
 * `now_ms` is monotonic. */
bool terms_of(terms_cache_t *self, const char *tenant, const char *alias, int64_t now_ms,
              terms_t *terms, err_t *err) MUST_USE;

#endif
