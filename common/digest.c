#include "common/digest.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(sizeof(crypto_generichash_state) <= sizeof(digest_t), "a state fits");
static_assert(_Alignof(crypto_generichash_state) <= _Alignof(digest_t), "a state is aligned");

static crypto_generichash_state *
state(digest_t *self)
{
    return (crypto_generichash_state *)(void *)self->state;
}

void
digest_begin(digest_t *self)
{
    crypto_generichash_init(state(self), NULL, 0, DIGEST_SIZE);
}

void
digest_number(digest_t *self, int64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
    crypto_generichash_update(state(self), bytes, sizeof bytes);
}

void
digest_bytes(digest_t *self, const void *bytes, size_t size)
{
    digest_number(self, (int64_t)size);
    if (size > 0)
        crypto_generichash_update(state(self), bytes, size);
}

void
digest_text(digest_t *self, const char *text)
{
    if (text)
        digest_bytes(self, text, strlen(text));
    else
        digest_number(self, -1);
}

void
digest_end(digest_t *self, uint8_t hash[DIGEST_SIZE])
{
    crypto_generichash_final(state(self), hash, DIGEST_SIZE);
}
