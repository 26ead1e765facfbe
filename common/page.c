/* page.c - rows into one buffer, the buffer into a frame; and back. */
#include "common/page.h"

#include <assert.h>
#include <math.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    LEVEL = 1,          /* of zstd */
    RESERVE = 16 << 10, /* raw bytes beyond a page: the row that fills it, where rows are small */
};

struct page_writer {
    uint32_t page_bytes;
    uint32_t page_rows;
    uint32_t row_bytes;
    ZSTD_CCtx *zstd;
    msgpack_packer pack; /* appends to `data` */
    uint8_t *base;       /* page_bytes and RESERVE, as long as the writer lives */
    uint8_t *data;       /* base, or a larger one until the page is closed */
    uint32_t room;       /* of data */
    uint32_t used;       /* of data, with the open row */
    uint32_t limit;      /* of used, as far as can be written without asking grow() */
    uint32_t row_start;  /* where the open row begins in data */
    uint32_t cells_left; /* of the open row */
    bool row_open;
    bool row_bad; /* the open row was too large */
    uint32_t rows;
    int64_t first_row;
    uint8_t hash[PAGE_HASH_SIZE];
};

struct page_reader {
    uint8_t *data;
    uint32_t size;
    unpack_t in;
    uint32_t cells_left; /* of the open row */
};

/* --- the writer's buffer --- */

static uint32_t
least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t
base_room(const page_writer_t *self)
{
    return self->page_bytes + RESERVE;
}

/* The most that data may hold while the open row is written. */
static uint32_t
most_room(const page_writer_t *self)
{
    return least(self->row_start + self->row_bytes, PAGE_RAW_MOST);
}

static void
release_large(page_writer_t *self)
{
    if (self->data != self->base)
        free(self->data);
    self->data = self->base;
    self->room = base_room(self);
}

/* Make room for `size` bytes more, or say no. */
static bool
grow(page_writer_t *self, size_t size)
{
    uint32_t most = most_room(self);
    if (self->row_bad || size > most - self->used)
        return false;
    uint32_t needed = self->used + (uint32_t)size;
    uint32_t room = self->room < most / 2 ? self->room * 2 : most;
    if (room < needed)
        room = needed;
    uint8_t *data = mem_try(room);
    if (!data)
        return false;
    memcpy(data, self->data, self->used);
    release_large(self);
    self->data = data;
    self->room = room;
    self->limit = room;
    return true;
}

/* msgpack_packer_write; once a row is bad, what is still written of it goes nowhere. */
static int
write_bytes(void *writer, const char *bytes, size_t size)
{
    page_writer_t *self = writer;
    if (size > self->limit - self->used && !grow(self, size)) {
        self->row_bad = true;
        self->limit = self->used;
        return -1;
    }
    if (size > 0)
        memcpy(self->data + self->used, bytes, size);
    self->used += (uint32_t)size;
    return 0;
}

/* --- writing --- */

void
page_destroy(page_t **self_p)
{
    page_t *self = *self_p;
    if (!self)
        return;
    free(self->data);
    free(self);
    *self_p = NULL;
}

/* The compressor asks for its own memory when it first works: let that be now. */
static void
warm_up(page_writer_t *self)
{
    size_t room = ZSTD_compressBound(self->page_bytes);
    own(mem) frame = mem_array(1, room);
    size_t size = ZSTD_compressCCtx(self->zstd, frame, room, self->base, self->page_bytes, LEVEL);
    assert(!ZSTD_isError(size));
}

page_writer_t *
page_writer_new(uint32_t page_bytes, uint32_t page_rows, uint32_t row_bytes)
{
    page_writer_t *self = mem_new(sizeof *self);
    self->page_bytes = least(page_bytes, PAGE_RAW_MOST);
    self->page_rows = page_rows;
    self->row_bytes = least(row_bytes, PAGE_RAW_MOST);
    self->zstd = ZSTD_createCCtx();
    assert(self->zstd);
    self->base = mem_array(1, base_room(self));
    self->data = self->base;
    self->room = base_room(self);
    msgpack_packer_init(&self->pack, self, write_bytes);
    warm_up(self);
    return self;
}

void
page_writer_destroy(page_writer_t **self_p)
{
    page_writer_t *self = *self_p;
    if (!self)
        return;
    release_large(self);
    free(self->base);
    ZSTD_freeCCtx(self->zstd);
    free(self);
    *self_p = NULL;
}

/* Nothing buffered, whatever was. */
static void
clear(page_writer_t *self)
{
    release_large(self);
    self->used = 0;
    self->rows = 0;
    self->row_open = false;
}

void
page_writer_reset(page_writer_t *self)
{
    clear(self);
    self->first_row = 0;
    memset(self->hash, 0, sizeof self->hash);
}

void
page_row_open(page_writer_t *self, uint32_t cells)
{
    assert(!self->row_open);
    self->row_open = true;
    self->row_bad = false;
    self->row_start = self->used;
    self->limit = least(self->room, most_room(self));
    self->cells_left = cells;
    msgpack_pack_array(&self->pack, cells);
}

static msgpack_packer *
next_cell(page_writer_t *self)
{
    assert(self->row_open && self->cells_left > 0);
    self->cells_left--;
    return &self->pack;
}

void
page_cell_nil(page_writer_t *self)
{
    msgpack_pack_nil(next_cell(self));
}

void
page_cell_bool(page_writer_t *self, bool value)
{
    if (value)
        msgpack_pack_true(next_cell(self));
    else
        msgpack_pack_false(next_cell(self));
}

void
page_cell_int(page_writer_t *self, int64_t value)
{
    msgpack_pack_int64(next_cell(self), value);
}

void
page_cell_float(page_writer_t *self, double value)
{
    assert(isfinite(value));
    msgpack_pack_double(next_cell(self), value);
}

void
page_cell_text(page_writer_t *self, const char *text, size_t size)
{
    msgpack_pack_str_with_body(next_cell(self), text, size);
}

void
page_cell_binary(page_writer_t *self, const void *bytes, size_t size)
{
    msgpack_pack_bin_with_body(next_cell(self), bytes, size);
}

bool
page_row_close(page_writer_t *self)
{
    assert(self->row_open && self->cells_left == 0);
    self->row_open = false;
    if (!self->row_bad) {
        self->rows++;
        return true;
    }
    self->used = self->row_start;
    if (self->used <= base_room(self)) /* then base still holds all that came before the row */
        release_large(self);
    return false;
}

uint32_t
page_writer_rows(const page_writer_t *self)
{
    return self->rows;
}

uint32_t
page_writer_bytes(const page_writer_t *self)
{
    return self->used;
}

bool
page_writer_full(const page_writer_t *self)
{
    return self->used >= self->page_bytes || self->rows >= self->page_rows;
}

/* What waits as a frame, in a block of its own. */
static bool
compress(page_writer_t *self, page_t *page)
{
    size_t room = ZSTD_compressBound(self->used);
    page->data = mem_try(room);
    if (!page->data)
        return false;
    size_t size = ZSTD_compressCCtx(self->zstd, page->data, room, self->data, self->used, LEVEL);
    if (ZSTD_isError(size))
        return false;
    page->data = mem_grow(page->data, size);
    page->size = (uint32_t)size;
    return true;
}

page_t *
page_writer_close(page_writer_t *self, err_t *err)
{
    assert(!self->row_open);
    own(page) page = mem_new(sizeof *page);
    if (!compress(self, page)) {
        err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", self->used);
        return NULL;
    }
    page->first_row = self->first_row;
    page->rows = self->rows;
    page->raw_bytes = self->used;
    page_chain(self->hash, page->data, page->size, page->hash);

    memcpy(self->hash, page->hash, sizeof self->hash);
    self->first_row += self->rows;
    clear(self);
    return take(page);
}

void
page_chain(const uint8_t before[PAGE_HASH_SIZE], const void *data, size_t size,
           uint8_t after[PAGE_HASH_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, PAGE_HASH_SIZE);
    crypto_generichash_update(&state, before, PAGE_HASH_SIZE);
    crypto_generichash_update(&state, data, size);
    crypto_generichash_final(&state, after, PAGE_HASH_SIZE);
}

/* --- reading --- */

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
