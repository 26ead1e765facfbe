/* escape.c - a word of eight bytes is looked at as a whole: byte by byte only where it holds
 * something that cannot stand. */
#include "api/escape.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

enum { WORD = 8, HIGH_BITS = 8 };

static const char hex[] = "0123456789abcdef";

static uint64_t
load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return le64toh(word); /* the first byte is the lowest */
}

/* High bits of the bytes that are zero; only the lowest of them is sure. */
static uint64_t
zeros(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

static uint64_t
equal_to(uint64_t word, char byte)
{
    return zeros(word ^ ONES * (uint8_t)byte);
}

/* High bits of the bytes below 0x20; the same holds. */
static uint64_t
controls(uint64_t word)
{
    return (word - ONES * 0x20) & ~word & HIGHS;
}

/* How many bytes stand before the lowest mark. */
static unsigned
before(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) / HIGH_BITS;
}

/* --- JSON --- */

/* What follows the backslash for bytes that have a short escape; 'u' for the other control bytes;
 * 0 for bytes that stand as they are. */
static char
mark_of(unsigned char byte)
{
    switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return byte < 0x20 ? 'u' : 0;
    }
}

static char *
escape_byte(char *out, unsigned char byte)
{
    char mark = mark_of(byte);
    if (mark == 0) {
        *out++ = (char)byte;
        return out;
    }
    *out++ = '\\';
    *out++ = mark;
    if (mark != 'u')
        return out;
    *out++ = '0';
    *out++ = '0';
    *out++ = hex[byte >> 4];
    *out++ = hex[byte & 0x0f];
    return out;
}

char *
escape_json(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    while (end - text >= WORD) {
        uint64_t word = load(text);
        uint64_t marks = controls(word) | equal_to(word, '"') | equal_to(word, '\\');
        memcpy(out, text, WORD);
        unsigned clean = marks ? before(marks) : WORD;
        out += clean;
        text += clean;
        if (marks)
            out = escape_byte(out, (unsigned char)*text++);
    }
    while (text < end)
        out = escape_byte(out, (unsigned char)*text++);
    return out;
}

/* --- CSV --- */

static bool
is_special(char byte)
{
    return byte == '"' || byte == ',' || byte == '\n' || byte == '\r';
}

bool
escape_csv_plain(const char *text, size_t size)
{
    const char *end = text + size;
    for (; end - text >= WORD; text += WORD) {
        uint64_t word = load(text);
        if (equal_to(word, '"') | equal_to(word, ',') | equal_to(word, '\n') | equal_to(word, '\r'))
            return false;
    }
    while (text < end) {
        if (is_special(*text++))
            return false;
    }
    return true;
}

char *
escape_csv(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    while (text < end) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        size_t run = (size_t)((quote ? quote + 1 : end) - text);
        memcpy(out, text, run);
        out += run;
        text += run;
        if (quote)
            *out++ = '"';
    }
    return out;
}

/* --- bytes --- */

char *
escape_hex(char *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        *out++ = hex[byte >> 4];
        *out++ = hex[byte & 0x0f];
    }
    return out;
}
