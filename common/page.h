/* page.h - a result page: rows as msgpack in one zstd frame, built and read.
 *
 * A page is row arrays one after another, without an outer array, so that pages concatenate to one
 * valid stream, stored or inflated. Integers, floats, booleans, text, binary and nil are msgpack's
 * own; numeric and every other exact type is text. The names and types of columns stand once, in
 * the manifest. Pages of a result are chained: H(n) = BLAKE2b-256(H(n-1) | stored page n), from 32
 * zero bytes. An inline result is one page that stands in the job's row; a result without rows is
 * one empty page.
 *
 * The writer's memory is allocated when it is made: `page_bytes` and a reserve; only a row that is
 * larger than a page asks for more, up to `row_bytes`, and may be refused. The writers of a thread
 * share one compressor: a writer belongs to the thread that made it.
 */
#ifndef COMMON_PAGE_H
#define COMMON_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cell.h"
#include "common/err.h"

enum {
    PAGE_HASH_SIZE = 32,
    PAGE_FORMAT = 1,
    PAGE_RAW_MOST = 64 << 20, /* raw bytes of a page; no reader takes more, and so no writer */
    PAGE_DRAFT_ROW = -1,      /* the first row of what is no page, but a result's draft */
};

/* --- writing --- */

typedef struct page_writer page_writer_t;

typedef struct {
    int64_t first_row; /* within its result, from 0 */
    uint32_t rows;
    uint32_t raw_bytes;
    uint32_t size;                  /* stored bytes */
    uint8_t *data;                  /* owned; NULL: not fetched */
    uint8_t before[PAGE_HASH_SIZE]; /* of the chain up to this page */
    uint8_t hash[PAGE_HASH_SIZE];   /* and with it */
} page_t;

void page_destroy(page_t **self_p);

/* What is known of a stored page without its bytes. */
typedef struct {
    int64_t first_row;
    uint32_t rows;
    uint32_t raw_bytes;
    uint32_t size; /* stored */
    uint8_t hash[PAGE_HASH_SIZE];
} page_entry_t;

/* A writer that closes pages at `page_bytes` raw or `page_rows` rows and takes rows of at most
 * `row_bytes`, as long as the page stays within PAGE_RAW_MOST. Caller owns the result. */
page_writer_t *page_writer_new(uint32_t page_bytes, uint32_t page_rows, uint32_t row_bytes)
    MUST_USE;
void page_writer_destroy(page_writer_t **self_p);

/* Begin a new result: row 0, chain at zero, nothing buffered. */
void page_writer_reset(page_writer_t *self);

/* One row: open it with its number of cells, then exactly that many cells, then close it. A float
 * is finite: "NaN" and the infinities are text cells. Cells have no error path; page_row_close()
 * says once whether the row was taken (false: it is larger than row_bytes or there was no memory
 * for it; the row is then gone and the writer stands as before). */
void page_row_open(page_writer_t *self, uint32_t cells);
void page_cell_nil(page_writer_t *self);
void page_cell_bool(page_writer_t *self, bool value);
void page_cell_int(page_writer_t *self, int64_t value);
void page_cell_float(page_writer_t *self, double value);
void page_cell_text(page_writer_t *self, const char *text, size_t size);
void page_cell_binary(page_writer_t *self, const void *bytes, size_t size);
bool page_row_close(page_writer_t *self) MUST_USE;

/* Was there no memory for the row that was refused? */
bool page_writer_starved(const page_writer_t *self);

/* Bytes of the open row so far; forget it instead of closing it. */
uint32_t page_row_bytes(const page_writer_t *self);
void page_row_drop(page_writer_t *self);

/* Rows and raw bytes that wait for a page; is it time to close it? */
uint32_t page_writer_rows(const page_writer_t *self);
uint32_t page_writer_bytes(const page_writer_t *self);
bool page_writer_full(const page_writer_t *self);

/* Compress what waits (also when it is nothing) into a page, chain it, and go on behind it. Fails
 * with ERR_LIMIT when there is no memory. Caller owns the result. */
page_t *page_writer_close(page_writer_t *self, err_t *err) MUST_USE;

/* Rows as a frame of their own, as a page would store them. Fails with ERR_LIMIT when there is no
 * memory. Caller owns the result (*stored bytes). */
uint8_t *page_deflate(const void *raw, size_t size, size_t *stored, err_t *err) MUST_USE;

/* What stands beside the first page of a result, so that others can read it before the result is
 * over: no rows, first_row PAGE_DRAFT_ROW, and as data the result's columns as manifest.h packs
 * them. Takes data. Caller owns the result. */
page_t *page_draft(uint8_t **data_p, size_t size) MUST_USE;

/* H(n) from H(n-1) and a stored page. `before` and `after` may be the same. */
void page_chain(const uint8_t before[PAGE_HASH_SIZE], const void *data, size_t size,
                uint8_t after[PAGE_HASH_SIZE]);

/* Are the bytes of this page what its hash says, behind `before`? */
bool page_sound(const page_t *self) MUST_USE;

/* --- reading --- */

/* Does the frame say of itself what its bytes are to be? All that the writer makes do; then
 * page_inflate() checks it, at an eighth of what page_sound() costs. */
bool page_has_checksum(const void *data, size_t size) MUST_USE;

/* Inflate a stored page into `raw`, which has room for raw_bytes. `raw_bytes` as the store says; a
 * frame that inflates to something else, of more than PAGE_RAW_MOST, or with another checksum fails
 * with ERR_INTERNAL. */
bool page_inflate(const void *data, size_t size, void *raw, uint32_t raw_bytes, err_t *err)
    MUST_USE;

/* A walk over the rows of an inflated page, or of a part of one that begins with a row. Keeps the
 * bytes. */
typedef struct {
    unpack_t in;         /* `in.at` is where the walk is */
    uint32_t cells_left; /* of the open row */
} page_reader_t;

void page_reader_init(page_reader_t *self, const void *raw, size_t size);

/* Step over what is left of the open row, and `rows` rows. Here and below: bytes that are no rows
 * fail with ERR_INTERNAL, as does a page that ends early; nothing can be read after that. */
bool page_reader_skip(page_reader_t *self, uint32_t rows, err_t *err) MUST_USE;

/* Open the next row, stepping over what is left of the one before; false without error (err->kind
 * is ERR_NONE) at the end of the page. */
bool page_reader_row(page_reader_t *self, uint32_t *cells, err_t *err) MUST_USE;

/* Read the next cell of the open row; ERR_INTERNAL also when it has no more. */
bool page_reader_cell(page_reader_t *self, cell_t *cell, err_t *err) MUST_USE;

#endif
