/* page_reader.c - a frame into one buffer, and rows out of it. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/page.h"

struct page_reader {
    uint8_t *data;
    uint32_t size;
    unpack_t in;
    uint32_t cells_left; /* of the open row */
};

/* One whole frame that says of itself what the store says of it. */
static bool
frame_fits(const void *data, size_t size, uint32_t raw_bytes)
{
    return raw_bytes <= PAGE_RAW_MOST && ZSTD_getFrameContentSize(data, size) == raw_bytes
           && ZSTD_findFrameCompressedSize(data, size) == size;
}

static bool
inflate(uint8_t *raw, uint32_t raw_bytes, const void *data, size_t size, err_t *err)
{
    size_t inflated = ZSTD_decompress(raw, raw_bytes, data, size);
    if (inflated == raw_bytes)
        return true;
    if (ZSTD_getErrorCode(inflated) == ZSTD_error_memory_allocation)
        return err_set(err, ERR_LIMIT, "no memory to inflate a page");
    return err_set(err, ERR_INTERNAL, "a stored page is damaged: it does not inflate");
}

page_reader_t *
page_reader_new(const void *data, size_t size, uint32_t raw_bytes, err_t *err)
{
    if (!frame_fits(data, size, raw_bytes)) {
        err_set(err, ERR_INTERNAL, "a stored page is damaged: no frame of %u bytes", raw_bytes);
        return NULL;
    }
    own(page_reader) self = mem_new(sizeof *self);
    self->data = mem_try(raw_bytes);
    if (!self->data) {
        err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", raw_bytes);
        return NULL;
    }
    if (!inflate(self->data, raw_bytes, data, size, err))
        return NULL;
    self->size = raw_bytes;
    unpack_init(&self->in, self->data, raw_bytes);
    return take(self);
}

void
page_reader_destroy(page_reader_t **self_p)
{
    page_reader_t *self = *self_p;
    if (!self)
        return;
    free(self->data);
    free(self);
    *self_p = NULL;
}

static bool
damaged(err_t *err)
{
    return err_set(err, ERR_INTERNAL, "a stored page is damaged: its bytes are no rows");
}

static bool
finish_row(page_reader_t *self)
{
    for (; self->cells_left > 0; self->cells_left--) {
        if (!unpack_skip(&self->in))
            return false;
    }
    return true;
}

bool
page_reader_skip(page_reader_t *self, uint32_t rows, err_t *err)
{
    if (!finish_row(self))
        return damaged(err);
    for (uint32_t i = 0; i < rows; i++) {
        if (unpack_peek(&self->in) != UNPACK_ARRAY || !unpack_skip(&self->in))
            return damaged(err);
    }
    return true;
}

bool
page_reader_row(page_reader_t *self, uint32_t *cells, err_t *err)
{
    if (!finish_row(self))
        return damaged(err);
    if (unpack_done(&self->in)) {
        err_clear(err);
        return false;
    }
    if (!unpack_array(&self->in, &self->cells_left))
        return damaged(err);
    *cells = self->cells_left;
    return true;
}

/* Cells are plain: an array or a map in a row is as bad as no value at all. */
static bool
read_cell(unpack_t *in, cell_t *cell)
{
    cell->kind = unpack_peek(in);
    switch (cell->kind) {
    case UNPACK_NIL: return unpack_nil(in);
    case UNPACK_BOOL: return unpack_bool(in, &cell->boolean);
    case UNPACK_UINT: return unpack_uint(in, &cell->number);
    case UNPACK_INT: return unpack_int(in, &cell->negative);
    case UNPACK_FLOAT: return unpack_float(in, &cell->real);
    case UNPACK_TEXT: return unpack_text(in, &cell->bytes);
    case UNPACK_BINARY: return unpack_binary(in, &cell->bytes);
    case UNPACK_END:
    case UNPACK_ARRAY:
    case UNPACK_MAP:
    case UNPACK_OTHER: break;
    }
    in->bad = true;
    return false;
}

bool
page_reader_cell(page_reader_t *self, cell_t *cell, err_t *err)
{
    if (self->cells_left == 0 || !read_cell(&self->in, cell))
        return damaged(err);
    self->cells_left--;
    return true;
}

view_t
page_reader_bytes(const page_reader_t *self)
{
    return (view_t){ .data = (const char *)self->data, .size = self->size };
}
