/* A stranger's bytes as a stored page, and as the rows inside one.
 *
 * The first byte chooses: an even one takes the rest as a frame (after three bytes that say how
 * much it inflates to), an odd one as rows, which are put into a frame here.
 */
#include <stdlib.h>
#include <zstd.h>

#include "tests/unit/opened.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MOST = 1 << 16 };

/* Read every cell; step over every second row. */
static void
walk(opened_t *reader)
{
    err_t err;
    uint32_t cells = 0;
    while (page_reader_row(&reader->walk, &cells, &err)) {
        cell_t cell;
        for (uint32_t i = 0; i < cells; i++) {
            if (!page_reader_cell(&reader->walk, &cell, &err))
                return;
            /* touch the last byte of what it points to */
            if ((cell.kind == UNPACK_TEXT || cell.kind == UNPACK_BINARY) && cell.bytes.size > 0
                && *(volatile const char *)&cell.bytes.data[cell.bytes.size - 1] == '\0')
                continue;
        }
        if (!page_reader_skip(&reader->walk, 1, &err))
            return;
    }
}

static void
as_frame(const uint8_t *data, size_t size)
{
    if (size < 3)
        return;
    uint32_t raw_bytes = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
    err_t err;
    own(opened) reader = opened_new(data + 3, size - 3, raw_bytes, &err);
    if (reader)
        walk(reader);
}

static void
as_rows(const uint8_t *data, size_t size)
{
    static uint8_t frame[ZSTD_COMPRESSBOUND(SIZE_MOST)];
    size_t stored = ZSTD_compress(frame, sizeof frame, data, size, 1);
    if (ZSTD_isError(stored))
        abort();
    err_t err;
    own(opened) reader = opened_new(frame, stored, (uint32_t)size, &err);
    if (!reader)
        abort();
    walk(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SIZE_MOST)
        return 0;
    if (data[0] & 1)
        as_rows(data + 1, size - 1);
    else
        as_frame(data + 1, size - 1);
    return 0;
}
