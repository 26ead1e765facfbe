/* key.h - API keys: mr1.<key id>.<secret>, and keys that an operator gives.
 *
 * The key id is 16 characters of a-z2-7 (80 random bits), the secret 43 of base64url (256 random
 * bits). The store keeps the key id and the SHA-256 of the secret; the secret is shown once, when
 * it is made. Comparison takes the same time whatever differs.
 *
 * A given key is any text: it says nothing of its tenant, and so is valid only where the request
 * does. The store keeps its SHA-256 in the same way, under an id that is made of both.
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

/* The name under which a tenant itself is looked up: "<tenant>/", which is no handle. Returns
 * `handle`. */
const char *key_tenant(const char *tenant, char handle[KEY_HANDLE_SIZE]);

/* Take such a name apart; false when it is none. `tenant` has 64 bytes. */
bool key_tenant_parse(const char *handle, char *tenant) MUST_USE;

/* May an operator give this key? 1 to KEY_GIVEN_MOST bytes of UTF-8 without control characters;
 * none that begins as generated ones do. */
enum { KEY_GIVEN_MOST = 200 };
bool key_given_valid(const char *text, size_t size) MUST_USE;

/* The id of a tenant's given key: "given:" and 16 hex digits, the first 8 bytes of SHA-256 of
 * "<tenant>/<key>". Returns `id`. */
enum { KEY_GIVEN_ID_SIZE = 23 };
const char *key_given_id(const char *tenant, const char *text, char id[KEY_GIVEN_ID_SIZE]);

/* May a tenant have this name? */
bool key_tenant_valid(const char *name) MUST_USE;

/* SHA-256 of a secret's characters. */
void key_hash(const char *secret, uint8_t hash[KEY_HASH_SIZE]);

/* Same hash? In constant time. */
bool key_hash_equal(const uint8_t a[KEY_HASH_SIZE], const uint8_t b[KEY_HASH_SIZE]) MUST_USE;

#endif
