/* rowtext_inner.h - what rowtext's files share: columns, and the place where text is put. rowtext.c
 * makes them and walks over runs, rowtext_json.c and rowtext_csv.c write rows, rowtext_shape.c
 * cells of other shapes. */
#ifndef API_ROWTEXT_INNER_H
#define API_ROWTEXT_INNER_H

#include <string.h>

#include "api/digits.h"
#include "api/escape.h"
#include "api/rowtext.h"

enum {
    OUT_MOST = 64 << 10, /* bytes that room can be made for */
    OUT_PIECE = 8 << 10, /* bytes of a large cell that are escaped at a time */
    LEAD_SMALL = 32,     /* a lead of so many bytes is copied as a block of that size */
    CELL_SMALL = 128,    /* room that is made for each cell: a small lead, and a number */
};

typedef struct {
    char *lead; /* what stands before its cells: `,"name":`; LEAD_SMALL bytes can be read */
    size_t lead_size;
    cell_kind_t kind;
    bool quoted; /* its numbers are strings */
    rowtext_shape_t shape;
} field_t;

struct rowtext {
    const result_t *result;
    rowtext_form_t form;
    uint32_t count;
    field_t *fields;
    bool begun; /* a row was written: the next one stands behind a comma */
};

/* The free part of a reply's buffer, written in place. */
typedef struct {
    reply_t *reply;
    char *start; /* of what the reply does not know yet */
    char *at;
    char *end;
} out_t;

/* Begin, and tell the reply what was written. */
void out_open(out_t *self, reply_t *reply);
void out_close(out_t *self);

/* Make room for `size` bytes, at most OUT_MOST: may send what waits. */
void out_more(out_t *self, size_t size);

/* Text of any size. */
void out_long(out_t *self, const char *text, size_t size);

/* Bytes as hex, of any size. */
void out_hex(out_t *self, const char *bytes, size_t size);

static inline void
out_need(out_t *self, size_t size)
{
    if ((size_t)(self->end - self->at) < size)
        out_more(self, size);
}

static inline void
out_put(out_t *self, const char *text, size_t size)
{
    if ((size_t)(self->end - self->at) < size) {
        out_long(self, text, size);
        return;
    }
    memcpy(self->at, text, size);
    self->at += size;
}

/* Begin a cell: what stands before it, and CELL_SMALL - LEAD_SMALL bytes of room. */
static inline void
out_cell(out_t *self, const field_t *field)
{
    out_need(self, CELL_SMALL);
    if (field->lead_size <= LEAD_SMALL) {
        memcpy(self->at, field->lead, LEAD_SMALL);
        self->at += field->lead_size;
        return;
    }
    out_long(self, field->lead, field->lead_size);
    out_need(self, CELL_SMALL);
}

/* A few bytes, for which there is room. */
static inline void
out_few(out_t *self, const char *text, size_t size)
{
    memcpy(self->at, text, size);
    self->at += size;
}

/* A JSON string; what stands in one; and whether a text is a number as JSON writes them
 * (rowtext_json.c). */
void rowtext_put_text(out_t *out, const char *text, size_t size);
void rowtext_put_inside(out_t *out, const char *text, size_t size);
bool rowtext_is_number(const char *text, size_t size);

/* A cell in its column's shape (rowtext_shape.c); false: it is not of that shape. */
bool rowtext_put_shape(out_t *out, rowtext_shape_t shape, const char *text, size_t size) MUST_USE;

/* Write the rows of a run; false when its bytes are no rows of this result. */
bool rowtext_json(rowtext_t *self, out_t *out, page_reader_t *in, uint32_t rows) MUST_USE;
bool rowtext_csv(rowtext_t *self, out_t *out, page_reader_t *in, uint32_t rows) MUST_USE;

/* The head of the next row, which must have as many cells as there are columns. */
static inline bool
rowtext_open(const rowtext_t *self, unpack_t *in)
{
    uint32_t cells = 0;
    if (in->at < in->end && (*in->at & 0xf0) == 0x90)
        cells = *in->at++ & 0x0f;
    else if (!unpack_array(in, &cells))
        return false;
    return cells == self->count;
}

#endif
