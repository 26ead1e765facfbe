/* seal.h - passwords of source logins, sealed with a key file (libsodium secretbox).
 *
 * A key file holds 64 hex digits (256 bits) and a newline, mode 0600. A sealed value is
 * version byte 1 | 24 bytes nonce | box. Executors and `millrace source test` open it; nothing
 * else needs the key file.
 */
#ifndef COMMON_SEAL_H
#define COMMON_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { SEAL_KEY_SIZE = 32 };

typedef struct {
    uint8_t bytes[SEAL_KEY_SIZE];
} seal_key_t;

/* Read a key file. Fails with ERR_INVALID when it is missing, readable by others, or no key. */
bool seal_key_read(const char *path, seal_key_t *key, err_t *err) MUST_USE;

/* Make a key file with a fresh key, mode 0600; an existing file is kept as it is and read. */
bool seal_key_make(const char *path, seal_key_t *key, err_t *err) MUST_USE;

/* Seal a text. Caller owns the result (*size bytes). */
uint8_t *seal_text(const seal_key_t *key, const char *text, size_t *size) MUST_USE;

/* Open a sealed text. Fails with ERR_INVALID when the key or the bytes are wrong. Caller owns the
 * result: own(mem). */
char *seal_open(const seal_key_t *key, const uint8_t *sealed, size_t size, err_t *err) MUST_USE;

#endif
