/* cell.h - one cell of a row, read from msgpack.
 *
 * A result of a hundred million cells is read through this one function, so it stands in a header:
 * it takes a cell's head and body in one step, where unpack.h asks first and reads then. The same
 * bounds hold: nothing behind the end is looked at, and the first bad byte is the last one read.
 */
#ifndef COMMON_CELL_H
#define COMMON_CELL_H

#include <string.h>

#include "common/unpack.h"

/* What a column's cells are in msgpack, and how text faces show them. */
typedef enum {
    CELL_TEXT = 0,    /* str, shown as a string */
    CELL_INTEGER = 1, /* int */
    CELL_FLOAT = 2,   /* float64, or str "NaN", "Infinity", "-Infinity" */
    CELL_BOOLEAN = 3, /* bool */
    CELL_BINARY = 4,  /* bin, shown as \x hex */
    CELL_NUMERIC =
        5,         /* str that holds an exact decimal number, or "NaN", "Infinity", "-Infinity" */
    CELL_REAL = 6, /* float64 that was four bytes: shown with no more digits than that had */
} cell_kind_t;

typedef struct {
    unpack_kind_t kind; /* NIL, BOOL, UINT, INT, FLOAT, TEXT or BINARY */
    bool boolean;
    uint64_t number;  /* UINT */
    int64_t negative; /* INT */
    double real;
    view_t bytes; /* TEXT, BINARY: points into what is read */
} cell_t;

/* The next `width` bytes as a number, the highest first; 0 and bad when there are fewer. */
static inline uint64_t
cell_load(unpack_t *in, unsigned width)
{
    if ((size_t)(in->end - in->at) < width) {
        in->bad = true;
        return 0;
    }
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++)
        number = number << 8 | in->at[i];
    in->at += width;
    return number;
}

static inline bool
cell_body(unpack_t *in, cell_t *cell, unpack_kind_t kind, uint64_t size)
{
    if (in->bad || size > (size_t)(in->end - in->at))
        return false;
    cell->kind = kind;
    cell->bytes = (view_t){ .data = (const char *)in->at, .size = (uint32_t)size };
    in->at += size;
    return true;
}

static inline bool
cell_unsigned(unpack_t *in, cell_t *cell, unsigned width)
{
    cell->kind = UNPACK_UINT;
    cell->number = cell_load(in, width);
    return !in->bad;
}

/* A number that was written with a sign, which may be a positive one. */
static inline bool
cell_signed(unpack_t *in, cell_t *cell, unsigned width)
{
    uint64_t sign = UINT64_C(1) << (8 * width - 1);
    uint64_t number = cell_load(in, width);
    cell->kind = number & sign ? UNPACK_INT : UNPACK_UINT;
    cell->number = number;
    cell->negative = (int64_t)(number | ~(sign - 1));
    return !in->bad;
}

static inline bool
cell_float(unpack_t *in, cell_t *cell, unsigned width)
{
    uint64_t bits = cell_load(in, width);
    uint32_t half = (uint32_t)bits;
    float small = 0;
    cell->kind = UNPACK_FLOAT;
    if (width == sizeof cell->real) {
        memcpy(&cell->real, &bits, sizeof cell->real);
    } else {
        memcpy(&small, &half, sizeof small);
        cell->real = (double)small;
    }
    return !in->bad;
}

/* The heads that say how long their number, or their body's size, is. */
static inline bool
cell_long(unpack_t *in, cell_t *cell, uint8_t head)
{
    switch (head) {
    case 0xc0: cell->kind = UNPACK_NIL; return true;
    case 0xc2:
    case 0xc3:
        cell->kind = UNPACK_BOOL;
        cell->boolean = head == 0xc3;
        return true;
    case 0xc4: return cell_body(in, cell, UNPACK_BINARY, cell_load(in, 1));
    case 0xc5: return cell_body(in, cell, UNPACK_BINARY, cell_load(in, 2));
    case 0xc6: return cell_body(in, cell, UNPACK_BINARY, cell_load(in, 4));
    case 0xca: return cell_float(in, cell, 4);
    case 0xcb: return cell_float(in, cell, 8);
    case 0xcc: return cell_unsigned(in, cell, 1);
    case 0xcd: return cell_unsigned(in, cell, 2);
    case 0xce: return cell_unsigned(in, cell, 4);
    case 0xcf: return cell_unsigned(in, cell, 8);
    case 0xd0: return cell_signed(in, cell, 1);
    case 0xd1: return cell_signed(in, cell, 2);
    case 0xd2: return cell_signed(in, cell, 4);
    case 0xd3: return cell_signed(in, cell, 8);
    case 0xd9: return cell_body(in, cell, UNPACK_TEXT, cell_load(in, 1));
    case 0xda: return cell_body(in, cell, UNPACK_TEXT, cell_load(in, 2));
    case 0xdb: return cell_body(in, cell, UNPACK_TEXT, cell_load(in, 4));
    default: return false;
    }
}

/* Read a cell; false, and bad, when the bytes are none. Cells are plain: an array or a map is as
 * bad as no value at all. */
static inline bool
cell_read(unpack_t *in, cell_t *cell)
{
    if (in->bad || in->at == in->end) {
        in->bad = true;
        return false;
    }
    uint8_t head = *in->at++;
    if (head < 0x80) {
        cell->kind = UNPACK_UINT;
        cell->number = head;
        return true;
    }
    if (head >= 0xe0) {
        cell->kind = UNPACK_INT;
        cell->negative = (int8_t)head;
        return true;
    }
    bool good = (head & 0xe0) == 0xa0 ? cell_body(in, cell, UNPACK_TEXT, head & 0x1f)
                                      : cell_long(in, cell, head);
    in->bad = in->bad || !good;
    return good;
}

#endif
