/* cells.c - numbers, bytes and text. */
#include "executor/drivers/postgres/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

bool
cells_int(const char *text, size_t size, int64_t *value)
{
    bool negative = size > 0 && text[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == size || size - at > 19)
        return false;
    uint64_t number = 0; /* 19 digits always fit */
    for (; at < size; at++) {
        unsigned digit = (unsigned)(text[at] - '0');
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

static bool
decode_hex(char *text, size_t size, size_t *decoded)
{
    if (size % 2 != 0)
        return false;
    for (size_t i = 0; i < size / 2; i++) {
        int high = nibble(text[2 + 2 * i]);
        int low = nibble(text[3 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        text[i] = (char)(high << 4 | low);
    }
    *decoded = size / 2;
    return true;
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
