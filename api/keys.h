/* keys.h - who owns a key: the store's answers, remembered for a few seconds.
 *
 * A key that was revoked goes on working for as long as an answer is remembered, at most
 * `fresh_ms`; that nobody has a key is forgotten after KEYS_UNKNOWN_MS. The two kinds of answers
 * have places of their own, so that somebody who tries keys cannot push out those in use. When the
 * store is away only fresh answers count: the others fail with ERR_UNAVAILABLE, never as if the key
 * were wrong. Any thread.
 */
#ifndef API_KEYS_H
#define API_KEYS_H

#include "common/store.h"

enum {
    KEYS_KNOWN_MOST = 10000,
    KEYS_UNKNOWN_MOST = 1000,
    KEYS_UNKNOWN_MS = 250,
    KEYS_ID_SIZE = KEY_HANDLE_SIZE, /* a longer key id is nobody's */
};

typedef struct keys keys_t;

/* Ask for the owner of a key id, a handle or a tenant's name; as store_key_find(). Runs on one
 * thread, the cache's own. */
typedef bool (*keys_find_fn)(void *arg, const char *key_id, key_owner_t *owner, err_t *err);

/* Caller owns the result. */
keys_t *keys_new(int64_t fresh_ms, keys_find_fn find, void *arg, err_t *err) MUST_USE;
void keys_destroy(keys_t **self_p); /* nobody may ask any more */

/* Who has this key id, and is that the secret? ERR_NO_KEY when nobody has it or the secret is
 * another: which of the two cannot be told apart. `now_ms` is monotonic. */
bool keys_owner(keys_t *self, const char *key_id, const char *secret, int64_t now_ms,
                key_owner_t *owner, err_t *err) MUST_USE;

/* Has anybody this key id, handle or name, whatever the secret? ERR_NO_KEY when nobody has. */
bool keys_known(keys_t *self, const char *key_id, int64_t now_ms, err_t *err) MUST_USE;

#endif
