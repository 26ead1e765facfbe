/* cells.c - numbers, bytes and text. */
#include "executor/drivers/postgres/cells.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

bool
cells_int(const char *text, size_t size, int64_t *value)
{
    bool negative = size > 0 && text[0] == '-';
    const char *end = text + size;
    text += negative ? 1 : 0;
    if (text == end || end - text > 19)
        return false;
    uint64_t number = 0; /* 19 digits always fit */
    for (; text < end; text++) {
        unsigned digit = (unsigned char)*text - (unsigned)'0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    if (number > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *value = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

/* --- bytea --- */

static int
nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A byte in each of a word's eight. */
static uint64_t
each(uint8_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* Eight digits into four bytes. What is no digit is left in *bad: a digit is what its value is
 * written as. */
static uint32_t
decode_word(const char *text, uint64_t *bad)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    word = le64toh(word);
    uint64_t letters = (word >> 6) & each(1);
    uint64_t values = (word & each(0x0f)) + 9 * letters;
    uint64_t above_nine = ((values + each(6)) >> 4) & each(1);
    uint64_t written = values + each('0') + above_nine * ('a' - '0' - 10);
    *bad |= (written ^ (word | (letters << 5))) | (values & each(0xf0));
    values = ((values << 4) | (values >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    values = (values | (values >> 8)) & UINT64_C(0x0000ffff0000ffff);
    return htole32((uint32_t)(values | (values >> 16)));
}

static bool
decode_hex(char *text, size_t size, size_t *decoded)
{
    if (size % 2 != 0)
        return false;
    const char *from = text + 2;
    const char *end = from + size;
    uint64_t bad = 0;
    for (; end - from >= 8; from += 8, text += 4) {
        uint32_t bytes = decode_word(from, &bad);
        memcpy(text, &bytes, sizeof bytes);
    }
    for (; from < end; from += 2, text++) {
        int high = nibble(from[0]);
        int low = nibble(from[1]);
        if (high < 0 || low < 0)
            return false;
        *text = (char)(high << 4 | low);
    }
    *decoded = size / 2;
    return bad == 0;
}

static bool
is_octal(char c, char most)
{
    return c >= '0' && c <= most;
}

static bool
decode_escape(char *text, size_t size, size_t *decoded)
{
    size_t out = 0;
    for (size_t at = 0; at < size; out++) {
        if (text[at] != '\\') {
            text[out] = text[at++];
        } else if (size - at >= 2 && text[at + 1] == '\\') {
            text[out] = '\\';
            at += 2;
        } else if (size - at >= 4 && is_octal(text[at + 1], '3') && is_octal(text[at + 2], '7')
                   && is_octal(text[at + 3], '7')) {
            text[out] = (char)((text[at + 1] - '0') << 6 | (text[at + 2] - '0') << 3
                               | (text[at + 3] - '0'));
            at += 4;
        } else {
            return false;
        }
    }
    *decoded = out;
    return true;
}

bool
cells_bytes(char *text, size_t size, size_t *decoded)
{
    if (size >= 2 && text[0] == '\\' && text[1] == 'x')
        return decode_hex(text, size - 2, decoded);
    return decode_escape(text, size, decoded);
}

/* --- cells --- */

static bool
put_text(page_writer_t *rows, const char *value, size_t size)
{
    if (!utf8_valid(value, size))
        return false;
    page_cell_text(rows, value, size);
    return true;
}

static bool
put_float(page_writer_t *rows, const char *value, size_t size)
{
    char *end = NULL;
    double real = strtod(value, &end);
    if (size == 0 || end != value + size || !isfinite(real))
        return put_text(rows, value, size);
    page_cell_float(rows, real);
    return true;
}

bool
cells_put(page_writer_t *rows, cell_kind_t kind, char *value, size_t size)
{
    int64_t number = 0;
    size_t decoded = 0;
    switch (kind) {
    case CELL_INTEGER:
        if (!cells_int(value, size, &number))
            break;
        page_cell_int(rows, number);
        return true;
    case CELL_FLOAT:
    case CELL_REAL: return put_float(rows, value, size);
    case CELL_BOOLEAN:
        if (size != 1 || (*value != 't' && *value != 'f'))
            break;
        page_cell_bool(rows, *value == 't');
        return true;
    case CELL_BINARY:
        if (!cells_bytes(value, size, &decoded))
            return false;
        page_cell_binary(rows, value, decoded);
        return true;
    case CELL_NUMERIC:
    case CELL_TEXT: break;
    }
    return put_text(rows, value, size);
}
