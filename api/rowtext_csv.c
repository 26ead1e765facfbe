/* rowtext_csv.c - rows as CSV. */
#include "api/rowtext_inner.h"

static bool
put_plain(out_t *out, const char *text, size_t size)
{
    if (size == 0 || ESCAPE_CSV_ROOM(size) > OUT_MOST)
        return false;
    out_need(out, ESCAPE_CSV_ROOM(size));
    char *end = escape_csv_plain(out->at, text, size);
    if (end)
        out->at = end;
    return end != NULL;
}

/* An empty text is quoted: nothing at all is null. */
static void
put_text(out_t *out, const char *text, size_t size)
{
    if (put_plain(out, text, size))
        return;
    out_put(out, "\"", 1);
    while (size > 0) {
        size_t piece = size < OUT_PIECE ? size : OUT_PIECE;
        out_need(out, ESCAPE_CSV_ROOM(piece));
        out->at = escape_csv(out->at, text, piece);
        text += piece;
        size -= piece;
    }
    out_put(out, "\"", 1);
}

/* There is room for a number. */
static void
put_cell(out_t *out, const field_t *field, const cell_t *cell)
{
    switch (cell->kind) {
    case UNPACK_TEXT: put_text(out, cell->bytes.data, cell->bytes.size); return;
    case UNPACK_UINT: out->at = digits_uint(out->at, cell->number); return;
    case UNPACK_INT: out->at = digits_int(out->at, cell->negative); return;
    case UNPACK_FLOAT:
        out->at = digits_float(out->at, cell->real, field->kind == CELL_REAL);
        return;
    case UNPACK_BOOL: *out->at++ = cell->boolean ? 't' : 'f'; return;
    case UNPACK_BINARY:
        out_put(out, "\\x", 2);
        out_hex(out, cell->bytes.data, cell->bytes.size);
        return;
    case UNPACK_NIL:
    case UNPACK_END:
    case UNPACK_ARRAY:
    case UNPACK_MAP:
    case UNPACK_OTHER: break;
    }
}

bool
rowtext_csv(rowtext_t *self, out_t *out, page_reader_t *in, uint32_t rows)
{
    cell_t cell = { .kind = UNPACK_NIL };
    for (uint32_t row = 0; row < rows; row++) {
        if (!rowtext_open(self, &in->in))
            return false;
        for (uint32_t i = 0; i < self->count; i++) {
            if (!cell_read(&in->in, &cell))
                return false;
            out_cell(out, &self->fields[i]);
            put_cell(out, &self->fields[i], &cell);
        }
        out_need(out, 2);
        out_few(out, "\r\n", 2);
    }
    return true;
}
