/* key.h - API keys: mr1.<key id>.<secret>.
 *
 * The key id is 16 characters of a-z2-7 (80 random bits), the secret 43 of base64url (256 random
 * bits). The store keeps the key id and the SHA-256 of the secret; the secret is shown once, when
 * it is made. Comparison takes the same time whatever differs.
 */
#ifndef COMMON_KEY_H
#define COMMON_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

enum { KEY_ID_SIZE = 17, KEY_SECRET_SIZE = 44, KEY_TEXT_SIZE = 66, KEY_HASH_SIZE = 32 };

typedef struct {
    char id[KEY_ID_SIZE];
    char secret[KEY_SECRET_SIZE];
} apikey_t;

/* A fresh random key. */
apikey_t key_make(void);

/* Read "mr1.<id>.<secret>". False when it has another shape; `key` is then not touched. */
bool key_parse(const char *text, apikey_t *key) MUST_USE;

/* Write the one string that Bearer and api_key= take; returns `text`. */
const char *key_text(const apikey_t *key, char text[KEY_TEXT_SIZE]);

/* True when `id` has the shape of a key id. */
bool key_id_valid(const char *id) MUST_USE;

/* A name for a tenant's key of which only the secret is known: "<tenant>/<16 hex digits>", the
 * digits being the first 8 bytes of the secret's hash. No key id has a slash. Returns `handle`. */
enum { KEY_HANDLE_SIZE = 96, KEY_HANDLE_BYTES = 8 };
const char *key_handle(const char *tenant, const char *secret, char handle[KEY_HANDLE_SIZE]);

/* Take a handle apart; false when it is none. `tenant` has 64 bytes. */
bool key_handle_parse(const char *handle, char *tenant, uint8_t bytes[KEY_HANDLE_BYTES]) MUST_USE;

/* SHA-256 of a secret's characters. */
void key_hash(const char *secret, uint8_t hash[KEY_HASH_SIZE]);

/* Same hash? In constant time. */
bool key_hash_equal(const uint8_t a[KEY_HASH_SIZE], const uint8_t b[KEY_HASH_SIZE]) MUST_USE;

#endif
