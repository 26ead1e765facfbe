/* escape.c - a block of sixteen bytes, or a word of eight, is looked at as a whole: byte by byte
 * only where it holds something that cannot stand. */
#include "api/escape.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

enum {
    BLOCK = 16,
    WORD = 8,
    BYTE_BITS = 8,
    SEPARATOR = 3,        /* bytes of U+2028 */
    SEPARATOR_ESCAPE = 6, /* bytes of \u2028 */
};

/* What machines of today have registers for; for others the compiler takes it apart. */
typedef uint8_t block_t __attribute__((vector_size(BLOCK)));

/* Which bytes of a block cannot stand: not zero. */
typedef block_t (*marks_fn)(block_t block);

static const char hex[] = "0123456789abcdef";

static inline uint64_t
load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return le64toh(word); /* the first byte is the lowest */
}

static inline uint64_t
load_half(const char *text)
{
    uint32_t half;
    memcpy(&half, text, sizeof half);
    return le32toh(half);
}

static inline uint64_t
byte_at(const char *text, size_t place)
{
    return (uint64_t)(uint8_t)text[place] << (BYTE_BITS * place);
}

/* The last bytes of a text, fewer than a word, with spaces behind them. Put together without a
 * detour through memory, which would have to wait for each byte. */
static inline uint64_t
load_last(const char *text, size_t size)
{
    uint64_t word = ONES * ' ' << (BYTE_BITS * size);
    if (size >= WORD / 2) {
        size_t rest = size - WORD / 2;
        return word | load_half(text) | load_half(text + rest) << (BYTE_BITS * rest);
    }
    if (size == 0)
        return word;
    return word | byte_at(text, 0) | byte_at(text, size / 2) | byte_at(text, size - 1);
}

static void
store(char *out, uint64_t word)
{
    word = htole64(word);
    memcpy(out, &word, sizeof word);
}

/* High bits of the bytes that are zero; only the lowest of them is sure. */
static inline uint64_t
zeros(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

static inline uint64_t
equal_to(uint64_t word, char byte)
{
    return zeros(word ^ ONES * (uint8_t)byte);
}

/* High bits of the bytes below 0x20; the same holds. */
static inline uint64_t
controls(uint64_t word)
{
    return (word - ONES * 0x20) & ~word & HIGHS;
}

/* How many bytes stand before the lowest mark. */
static unsigned
before(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) / BYTE_BITS;
}

/* --- what stands as it is --- */

/* Copy a block if all of it can stand. */
static inline bool
copy_block(char *out, const char *text, marks_fn marks_of)
{
    block_t block;
    uint64_t halves[2];
    memcpy(&block, text, BLOCK);
    block_t marks = marks_of(block);
    memcpy(halves, &marks, BLOCK);
    if (halves[0] | halves[1])
        return false;
    memcpy(out, &block, BLOCK);
    return true;
}

/* Copy blocks up to the first that cannot stand, the last one over the end of the one before it;
 * how many bytes. */
static inline size_t
copy_blocks(char *out, const char *text, size_t size, marks_fn marks_of)
{
    size_t done = 0;
    for (; size - done >= BLOCK; done += BLOCK) {
        if (!copy_block(out + done, text + done, marks_of))
            return done;
    }
    size_t last = size - BLOCK;
    if (done > 0 && done < size && copy_block(out + last, text + last, marks_of))
        done = size;
    return done;
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

/* High bits of the bytes that cannot stand in a string; the lowest of them is sure. */
static inline uint64_t
json_marks(uint64_t word)
{
    return controls(word) | equal_to(word, '"') | equal_to(word, '\\');
}

static inline block_t
json_block(block_t block)
{
    return (block_t)(block < 0x20) | (block_t)(block == '"') | (block_t)(block == '\\');
}

char *
escape_json(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    size_t copied = copy_blocks(out, text, size, json_block);
    out += copied;
    text += copied;
    while (text < end) {
        size_t left = (size_t)(end - text);
        size_t here = left < WORD ? left : WORD;
        uint64_t word = left < WORD ? load_last(text, left) : load(text);
        uint64_t marks = json_marks(word);
        store(out, word);
        size_t clean = marks ? before(marks) : here;
        out += clean;
        text += clean;
        if (marks)
            out = escape_byte(out, (unsigned char)*text++);
    }
    return out;
}

/* --- CSV --- */

static inline uint64_t
csv_marks(uint64_t word)
{
    return equal_to(word, '"') | equal_to(word, ',') | equal_to(word, '\n') | equal_to(word, '\r');
}

static inline block_t
csv_block(block_t block)
{
    return (block_t)(block == '"') | (block_t)(block == ',') | (block_t)(block == '\n')
           | (block_t)(block == '\r');
}

char *
escape_csv_plain(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    size_t copied = copy_blocks(out, text, size, csv_block);
    out += copied;
    text += copied;
    for (; end - text >= WORD; text += WORD, out += WORD) {
        uint64_t word = load(text);
        if (csv_marks(word))
            return NULL;
        store(out, word);
    }
    size_t left = (size_t)(end - text);
    uint64_t word = load_last(text, left);
    if (csv_marks(word))
        return NULL;
    store(out, word);
    return out + left;
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

/* --- scripts --- */

/* The first U+2028 or U+2029, or NULL. */
static char *
find_separator(char *text, const char *end)
{
    while ((text = memchr(text, '\xe2', (size_t)(end - text)))) {
        if (end - text < SEPARATOR)
            return NULL;
        if (text[1] == '\x80' && (text[2] == '\xa8' || text[2] == '\xa9'))
            return text;
        text++;
    }
    return NULL;
}

size_t
escape_script(char *text, size_t size)
{
    char *from = find_separator(text, text + size);
    size_t grown = 0;
    for (char *at = from; at; at = find_separator(at + SEPARATOR, text + size))
        grown += SEPARATOR_ESCAPE - SEPARATOR;
    char *in = text + size;
    char *out = in + grown;
    while (out > in) { /* from the end, where there is room, to the first one */
        char last = *--in;
        if ((last == '\xa8' || last == '\xa9') && in[-1] == '\x80' && in[-2] == '\xe2') {
            in -= SEPARATOR - 1;
            out -= SEPARATOR_ESCAPE;
            memcpy(out, last == '\xa8' ? "\\u2028" : "\\u2029", SEPARATOR_ESCAPE);
        } else {
            *--out = last;
        }
    }
    return size + grown;
}
