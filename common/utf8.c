#include "common/utf8.h"

#include <stdint.h>
#include <string.h>

static bool
follows(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The second byte's range depends on the first one: that is what shuts out overlong forms,
 * surrogates, and what lies above U+10FFFF. */
static bool
second_fits(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xe0: return second >= 0xa0 && second <= 0xbf;
    case 0xed: return second >= 0x80 && second <= 0x9f;
    case 0xf0: return second >= 0x90 && second <= 0xbf;
    case 0xf4: return second >= 0x80 && second <= 0x8f;
    default: return follows(second);
    }
}

static size_t
announced(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t
utf8_size(const char *text, size_t left)
{
    if (left == 0)
        return 0;
    unsigned char lead = (unsigned char)text[0];
    size_t size = announced(lead);
    if (size <= 1)
        return size;
    if (size > left || !second_fits(lead, (unsigned char)text[1]))
        return 0;
    for (size_t i = 2; i < size; i++) {
        if (!follows((unsigned char)text[i]))
            return 0;
    }
    return size;
}

static uint64_t
word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* Most text is: eight bytes at a time, the last eight once more. */
static bool
is_ascii(const char *text, size_t size)
{
    const char *end = text + size;
    uint64_t all = 0;
    if (size >= 8) {
        for (; end - text > 8; text += 8)
            all |= word_at(text);
        all |= word_at(end - 8);
    } else {
        for (; text < end; text++)
            all |= (uint64_t)(unsigned char)*text;
    }
    return !(all & UINT64_C(0x8080808080808080));
}

static size_t
skip_ascii(const char *text, size_t at, size_t size)
{
    while (size - at >= 8 && is_ascii(text + at, 8))
        at += 8;
    while (at < size && (unsigned char)text[at] < 0x80)
        at++;
    return at;
}

bool
utf8_valid(const char *text, size_t size)
{
    if (is_ascii(text, size))
        return true;
    size_t at = 0;
    while ((at = skip_ascii(text, at, size)) < size) {
        size_t character = utf8_size(text + at, size - at);
        if (character == 0)
            return false;
        at += character;
    }
    return true;
}
