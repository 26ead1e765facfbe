/* page_reader.c - a frame into one buffer, and rows out of it. */
#include <zstd.h>
#include <zstd_errors.h>

#include "common/page.h"

/* --- inflating --- */

/* RFC 8878, 3.1.1.1.1: the frame header's descriptor stands behind the magic number. */
bool
page_has_checksum(const void *data, size_t size)
{
    enum { DESCRIPTOR = 4, CHECKSUM_FLAG = 0x04 };
    return size > DESCRIPTOR && ((const uint8_t *)data)[DESCRIPTOR] & CHECKSUM_FLAG;
}

/* One whole frame that says of itself what the store says of it. */
static bool
frame_fits(const void *data, size_t size, uint32_t raw_bytes)
{
    return raw_bytes <= PAGE_RAW_MOST && ZSTD_getFrameContentSize(data, size) == raw_bytes
           && ZSTD_findFrameCompressedSize(data, size) == size;
}

bool
page_inflate(const void *data, size_t size, void *raw, uint32_t raw_bytes, err_t *err)
{
    if (!frame_fits(data, size, raw_bytes))
        return err_set(err, ERR_INTERNAL, "a stored page is damaged: no frame of %u bytes",
                       raw_bytes);
    size_t inflated = ZSTD_decompress(raw, raw_bytes, data, size);
    if (inflated == raw_bytes)
        return true;
    if (ZSTD_getErrorCode(inflated) == ZSTD_error_memory_allocation)
        return err_set(err, ERR_LIMIT, "no memory to inflate a page");
    return err_set(err, ERR_INTERNAL, "a stored page is damaged: it does not inflate");
}

/* --- walking --- */

void
page_reader_init(page_reader_t *self, const void *raw, size_t size)
{
    unpack_init(&self->in, raw, size);
    self->cells_left = 0;
}

static bool
damaged(err_t *err)
{
    return err_set(err, ERR_INTERNAL, "a stored page is damaged: its bytes are no rows");
}

static bool
finish_row(page_reader_t *self)
{
    cell_t cell;
    for (; self->cells_left > 0; self->cells_left--) {
        if (!cell_read(&self->in, &cell))
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
        if (!unpack_array(&self->in, &self->cells_left) || !finish_row(self))
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

bool
page_reader_cell(page_reader_t *self, cell_t *cell, err_t *err)
{
    if (self->cells_left == 0 || !cell_read(&self->in, cell))
        return damaged(err);
    self->cells_left--;
    return true;
}
