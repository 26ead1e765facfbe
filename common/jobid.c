#include "common/jobid.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum { CELL_LIMIT = 4096, MS_BYTES = 6 };

jobid_t
jobid_make(int64_t ms, uint16_t cell)
{
    assert(ms >= 0 && ms >> 48 == 0);
    assert(cell < CELL_LIMIT);

    jobid_t id;
    for (int i = 0; i < MS_BYTES; i++)
        id.bytes[i] = (uint8_t)(ms >> (8 * (MS_BYTES - 1 - i)));
    id.bytes[6] = (uint8_t)(0x70 | cell >> 8);
    id.bytes[7] = (uint8_t)cell;

    int ready = sodium_init();
    assert(ready >= 0);
    (void)ready;
    randombytes_buf(id.bytes + 8, 8);
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

bool
jobid_after(const jobid_t *id, jobid_t *next)
{
    uint64_t tail = 0;
    for (int i = 8; i < JOBID_SIZE; i++)
        tail = tail << 8 | id->bytes[i];
    uint64_t last = tail | (UINT64_MAX >> 2); /* the variant stays */
    uint64_t step = (uint64_t)randombytes_random() + 1;
    if (last - tail < step)
        return false;
    tail += step;
    *next = *id;
    for (int i = JOBID_SIZE - 1; i >= 8; i--, tail >>= 8)
        next->bytes[i] = (uint8_t)tail;
    return true;
}

jobid_t
jobid_named(const char *name)
{
    jobid_t key;
    crypto_generichash(key.bytes, sizeof key.bytes, (const unsigned char *)name, strlen(name), NULL,
                       0);
    return key;
}

static int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* A hyphen stands before these bytes of the text form. */
static bool
hyphen_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool
jobid_parse(const char *text, jobid_t *id)
{
    if (strnlen(text, JOBID_TEXT_SIZE) != JOBID_TEXT_SIZE - 1)
        return false;

    jobid_t parsed;
    const char *at = text;
    for (int i = 0; i < JOBID_SIZE; i++) {
        if (hyphen_before(i) && *at++ != '-')
            return false;
        int high = hex_value(at[0]);
        int low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *id = parsed;
    return true;
}

const char *
jobid_text(const jobid_t *id, char text[JOBID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (int i = 0; i < JOBID_SIZE; i++) {
        if (hyphen_before(i))
            *at++ = '-';
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 0x0f];
    }
    *at = '\0';
    return text;
}

int64_t
jobid_ms(const jobid_t *id)
{
    int64_t ms = 0;
    for (int i = 0; i < MS_BYTES; i++)
        ms = ms << 8 | id->bytes[i];
    return ms;
}

bool
jobid_equal(const jobid_t *a, const jobid_t *b)
{
    return jobid_compare(a, b) == 0;
}

int
jobid_compare(const jobid_t *a, const jobid_t *b)
{
    return memcmp(a->bytes, b->bytes, JOBID_SIZE);
}
