/* rowtext_json.c - rows as JSON. */
#include "api/rowtext_inner.h"

/* --- numbers in text --- */

static const char *
skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Is this a number as JSON writes them? (numeric's specials are not.) */
bool
rowtext_is_number(const char *text, size_t size)
{
    const char *end = text + size;
    const char *at = text < end && *text == '-' ? text + 1 : text;
    const char *whole = at;
    at = skip_digits(at, end);
    if (at == whole || (at - whole > 1 && *whole == '0'))
        return false;
    if (at < end && *at == '.') {
        const char *part = ++at;
        at = skip_digits(at, end);
        if (at == part)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const char *power = at;
        at = skip_digits(at, end);
        if (at == power)
            return false;
    }
    return at == end;
}

/* --- cells --- */

void
rowtext_put_inside(out_t *out, const char *text, size_t size)
{
    while (size > 0) {
        size_t piece = size < OUT_PIECE ? size : OUT_PIECE;
        out_need(out, ESCAPE_JSON_ROOM(piece));
        out->at = escape_json(out->at, text, piece);
        text += piece;
        size -= piece;
    }
}

void
rowtext_put_text(out_t *out, const char *text, size_t size)
{
    if (ESCAPE_JSON_ROOM(size) + 2 <= OUT_MOST) {
        out_need(out, ESCAPE_JSON_ROOM(size) + 2);
        *out->at++ = '"';
        out->at = escape_json(out->at, text, size);
        *out->at++ = '"';
        return;
    }
    out_put(out, "\"", 1);
    rowtext_put_inside(out, text, size);
    out_put(out, "\"", 1);
}

/* Two quotes around what stands from `start` on, if it is to be a string; there is room. */
static void
quote(out_t *out, char *start, bool quoted)
{
    if (!quoted)
        return;
    memmove(start + 1, start, (size_t)(out->at - start));
    *start = '"';
    out->at++;
    *out->at++ = '"';
}

/* Here and below there is room for a number in quotes. */
static void
put_number(out_t *out, const field_t *field, const cell_t *cell)
{
    char *start = out->at;
    if (cell->kind == UNPACK_UINT)
        out->at = digits_uint(start, cell->number);
    else if (cell->kind == UNPACK_INT)
        out->at = digits_int(start, cell->negative);
    else
        out->at = digits_float(start, cell->real, field->kind == CELL_REAL);
    quote(out, start, field->quoted);
}

static void
put_cell(out_t *out, const field_t *field, const cell_t *cell)
{
    const view_t *bytes = &cell->bytes;
    switch (cell->kind) {
    case UNPACK_TEXT:
        if (field->kind == CELL_NUMERIC && !field->quoted
            && rowtext_is_number(bytes->data, bytes->size))
            out_put(out, bytes->data, bytes->size);
        else
            rowtext_put_text(out, bytes->data, bytes->size);
        return;
    case UNPACK_UINT:
    case UNPACK_INT:
    case UNPACK_FLOAT: put_number(out, field, cell); return;
    case UNPACK_BOOL: out_few(out, cell->boolean ? "true" : "false", cell->boolean ? 4 : 5); return;
    case UNPACK_BINARY:
        out_put(out, "\"\\\\x", 4);
        out_hex(out, bytes->data, bytes->size);
        out_put(out, "\"", 1);
        return;
    case UNPACK_NIL:
    case UNPACK_END:
    case UNPACK_ARRAY:
    case UNPACK_MAP:
    case UNPACK_OTHER: break;
    }
    out_few(out, "null", 4);
}

/* --- rows --- */

bool
rowtext_json(rowtext_t *self, out_t *out, page_reader_t *in, uint32_t rows)
{
    bool lines = self->form == ROWTEXT_LINES;
    char first = self->form == ROWTEXT_ARRAYS ? '[' : '{';
    char last = self->form == ROWTEXT_ARRAYS ? ']' : '}';
    cell_t cell = { .kind = UNPACK_NIL };
    for (uint32_t row = 0; row < rows; row++) {
        if (!rowtext_open(self, &in->in))
            return false;
        out_need(out, 2);
        if (self->begun && !lines)
            *out->at++ = ',';
        *out->at++ = first;
        self->begun = true;
        for (uint32_t i = 0; i < self->count; i++) {
            const field_t *field = &self->fields[i];
            if (!cell_read(&in->in, &cell))
                return false;
            if (field->shape == ROWTEXT_HIDDEN)
                continue;
            out_cell(out, field);
            if (field->shape == ROWTEXT_AS_IT_IS || cell.kind != UNPACK_TEXT
                || !rowtext_put_shape(out, field->shape, cell.bytes.data, cell.bytes.size))
                put_cell(out, field, &cell);
        }
        out_need(out, 2);
        *out->at++ = last;
        if (lines)
            *out->at++ = '\n';
    }
    return true;
}
