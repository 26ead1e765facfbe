#include "common/key.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

static const char prefix[] = "mr1.";
static const char id_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char secret_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum {
    PREFIX_LENGTH = sizeof prefix - 1,
    ID_LENGTH = KEY_ID_SIZE - 1,
    SECRET_LENGTH = KEY_SECRET_SIZE - 1,
    TEXT_LENGTH = PREFIX_LENGTH + ID_LENGTH + 1 + SECRET_LENGTH,
    SECRET_BYTES = 32,
    TENANT_MOST = 63,
};
static_assert((int)TEXT_LENGTH < (int)KEY_TEXT_SIZE, "a key fits its text");

apikey_t
key_make(void)
{
    int ready = sodium_init();
    assert(ready >= 0);
    (void)ready;

    apikey_t key;
    uint8_t random[SECRET_BYTES];
    randombytes_buf(random, ID_LENGTH);
    for (int i = 0; i < ID_LENGTH; i++)
        key.id[i] = id_digits[random[i] & 31];
    key.id[ID_LENGTH] = '\0';

    randombytes_buf(random, sizeof random);
    sodium_bin2base64(key.secret, sizeof key.secret, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    return key;
}

bool
key_parse(const char *text, apikey_t *key)
{
    if (strnlen(text, TEXT_LENGTH + 1) != TEXT_LENGTH)
        return false;
    if (memcmp(text, prefix, PREFIX_LENGTH) != 0)
        return false;
    const char *id = text + PREFIX_LENGTH;
    if (strspn(id, id_digits) != ID_LENGTH || id[ID_LENGTH] != '.')
        return false;
    const char *secret = id + ID_LENGTH + 1;
    if (strspn(secret, secret_digits) != SECRET_LENGTH)
        return false;

    memcpy(key->id, id, ID_LENGTH);
    key->id[ID_LENGTH] = '\0';
    memcpy(key->secret, secret, KEY_SECRET_SIZE);
    return true;
}

const char *
key_text(const apikey_t *key, char text[KEY_TEXT_SIZE])
{
    snprintf(text, KEY_TEXT_SIZE, "%s%s.%s", prefix, key->id, key->secret);
    return text;
}

bool
key_id_valid(const char *id)
{
    return strspn(id, id_digits) == ID_LENGTH && id[ID_LENGTH] == '\0';
}

void
key_hash(const char *secret, uint8_t hash[KEY_HASH_SIZE])
{
    static_assert(KEY_HASH_SIZE == crypto_hash_sha256_BYTES, "the hash is SHA-256");
    crypto_hash_sha256(hash, (const unsigned char *)secret, strlen(secret));
}

bool
key_hash_equal(const uint8_t a[KEY_HASH_SIZE], const uint8_t b[KEY_HASH_SIZE])
{
    return sodium_memcmp(a, b, KEY_HASH_SIZE) == 0;
}

const char *
key_handle(const char *tenant, const char *secret, char handle[KEY_HANDLE_SIZE])
{
    uint8_t hash[KEY_HASH_SIZE];
    char digits[2 * KEY_HANDLE_BYTES + 1];
    key_hash(secret, hash);
    sodium_bin2hex(digits, sizeof digits, hash, KEY_HANDLE_BYTES);
    snprintf(handle, KEY_HANDLE_SIZE, "%.63s/%s", tenant, digits);
    return handle;
}

const char *
key_tenant(const char *tenant, char handle[KEY_HANDLE_SIZE])
{
    snprintf(handle, KEY_HANDLE_SIZE, "%.63s/", tenant);
    return handle;
}

bool
key_tenant_parse(const char *handle, char *tenant)
{
    size_t size = strcspn(handle, "/");
    if (size > TENANT_MOST || handle[size] != '/' || handle[size + 1] != '\0')
        return false;
    memcpy(tenant, handle, size);
    tenant[size] = '\0';
    return true;
}

bool
key_tenant_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t size = strspn(name, letters);
    return size > 0 && size <= TENANT_MOST && name[size] == '\0';
}

/* A control character: C0, DEL, or C1, which is two bytes in UTF-8. */
static bool
has_control(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            return true;
        if (byte == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0)
            return true;
    }
    return false;
}

bool
key_given_valid(const char *text, size_t size)
{
    return size > 0 && size <= KEY_GIVEN_MOST && utf8_valid(text, size) && !has_control(text, size)
           && (size < PREFIX_LENGTH || memcmp(text, prefix, PREFIX_LENGTH) != 0);
}

const char *
key_given_id(const char *tenant, const char *text, char id[KEY_GIVEN_ID_SIZE])
{
    uint8_t hash[KEY_HASH_SIZE];
    char digits[2 * KEY_HANDLE_BYTES + 1];
    own(mem) both = mem_format("%s/%s", tenant, text);
    key_hash(both, hash);
    sodium_memzero(both, strlen(both));
    sodium_bin2hex(digits, sizeof digits, hash, KEY_HANDLE_BYTES);
    snprintf(id, KEY_GIVEN_ID_SIZE, "given:%s", digits);
    return id;
}

bool
key_handle_parse(const char *handle, char *tenant, uint8_t bytes[KEY_HANDLE_BYTES])
{
    const char *slash = strchr(handle, '/');
    size_t size = 0;
    if (!slash || slash - handle > 63
        || sodium_hex2bin(bytes, KEY_HANDLE_BYTES, slash + 1, strlen(slash + 1), NULL, &size, NULL)
               != 0)
        return false;
    memcpy(tenant, handle, (size_t)(slash - handle));
    tenant[slash - handle] = '\0';
    return size == KEY_HANDLE_BYTES;
}
