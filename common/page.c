/* page.c - rows into one buffer, the buffer into a page. */
#include "common/page.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/page_press.h"

enum {
    RESERVE = 16 << 10, /* raw bytes beyond a page: the row that fills it, where rows are small */
};

struct page_writer {
    uint32_t page_bytes;
    uint32_t page_rows;
    uint32_t row_bytes;
    uint8_t *base;       /* page_bytes and RESERVE, as long as the writer lives */
    uint8_t *data;       /* base, or a larger one until the page is closed */
    uint32_t room;       /* of data */
    uint32_t used;       /* of data, with the open row */
    uint32_t limit;      /* of used, as far as can be written without asking grow() */
    uint32_t row_start;  /* where the open row begins in data */
    uint32_t cells_left; /* of the open row */
    bool row_open;
    bool row_bad; /* the open row was too large */
    bool starved; /* the last one that was, for want of memory */
    uint32_t rows;
    int64_t first_row;
    press_way_t way; /* that suits the result's rows */
    uint8_t hash[PAGE_HASH_SIZE];
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
    if (self->row_bad)
        return false;
    self->starved = false;
    if (size > most - self->used)
        return false;
    uint32_t needed = self->used + (uint32_t)size;
    uint32_t room = self->room < most / 2 ? self->room * 2 : most;
    if (room < needed)
        room = needed;
    uint8_t *data = mem_try(room);
    self->starved = !data;
    if (!data)
        return false;
    memcpy(data, self->data, self->used);
    release_large(self);
    self->data = data;
    self->room = room;
    self->limit = room;
    return true;
}

/* Room for `size` bytes more was not there: ask for it. */
static uint8_t *
claim_more(page_writer_t *self, size_t size)
{
    if (!grow(self, size)) {
        self->row_bad = true;
        self->limit = self->used;
        return NULL;
    }
    uint8_t *at = self->data + self->used;
    self->used += (uint32_t)size;
    return at;
}

/* Where the next `size` bytes go, taken by the call. NULL once a row is bad: what is still written
 * of it goes nowhere. */
static inline uint8_t *
claim(page_writer_t *self, size_t size)
{
    if (size > self->limit - self->used)
        return claim_more(self, size);
    uint8_t *at = self->data + self->used;
    self->used += (uint32_t)size;
    return at;
}

/* --- msgpack: each value in its shortest form --- */

/* The lowest `size` bytes of a number, the highest of them first; returns what is behind them. */
static uint8_t *
put_number(uint8_t *at, uint64_t number, unsigned size)
{
    uint64_t bytes = htobe64(number << (64 - 8 * size));
    memcpy(at, &bytes, size);
    return at + size;
}

static void
write_byte(page_writer_t *self, uint8_t byte)
{
    uint8_t *at = claim(self, 1);
    if (at)
        *at = byte;
}

static void
write_number(page_writer_t *self, uint8_t head, uint64_t number, unsigned size)
{
    uint8_t *at = claim(self, 1 + size);
    if (!at)
        return;
    *at = head;
    put_number(at + 1, number, size);
}

static void
write_positive(page_writer_t *self, uint64_t number)
{
    if (number < 0x80)
        write_byte(self, (uint8_t)number);
    else if (number <= UINT8_MAX)
        write_number(self, 0xcc, number, 1);
    else if (number <= UINT16_MAX)
        write_number(self, 0xcd, number, 2);
    else if (number <= UINT32_MAX)
        write_number(self, 0xce, number, 4);
    else
        write_number(self, 0xcf, number, 8);
}

static void
write_negative(page_writer_t *self, int64_t number)
{
    if (number >= -32)
        write_byte(self, (uint8_t)number);
    else if (number >= INT8_MIN)
        write_number(self, 0xd0, (uint64_t)number, 1);
    else if (number >= INT16_MIN)
        write_number(self, 0xd1, (uint64_t)number, 2);
    else if (number >= INT32_MIN)
        write_number(self, 0xd2, (uint64_t)number, 4);
    else
        write_number(self, 0xd3, (uint64_t)number, 8);
}

/* A head with the body's size, and the body. `head` is that of the form whose size has one byte;
 * those with two and four follow it. */
static void
write_body(page_writer_t *self, uint8_t head, const void *body, size_t size)
{
    unsigned digits = size <= UINT8_MAX ? 1 : size <= UINT16_MAX ? 2 : 4;
    size_t whole = size <= PAGE_RAW_MOST ? 1 + digits + size : size; /* which fits nowhere */
    uint8_t *at = claim(self, whole);
    if (!at)
        return;
    *at = (uint8_t)(head + digits / 2);
    at = put_number(at + 1, size, digits);
    if (size > 0)
        memcpy(at, body, size);
}

static void
write_short_text(page_writer_t *self, const char *text, size_t size)
{
    uint8_t *at = claim(self, 1 + size);
    if (!at)
        return;
    *at = (uint8_t)(0xa0 | size);
    if (size > 0)
        memcpy(at + 1, text, size);
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

page_writer_t *
page_writer_new(uint32_t page_bytes, uint32_t page_rows, uint32_t row_bytes)
{
    page_writer_t *self = mem_new(sizeof *self);
    self->page_bytes = least(page_bytes, PAGE_RAW_MOST);
    self->page_rows = page_rows;
    self->row_bytes = least(row_bytes, PAGE_RAW_MOST);
    self->base = mem_grow(NULL, base_room(self)); /* not touched before it is used */
    self->data = self->base;
    self->room = base_room(self);
    press_take(self->page_bytes);
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
    press_release();
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
    self->way = PRESS_UNTOLD;
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
    if (cells < 16)
        write_byte(self, (uint8_t)(0x90 | cells));
    else if (cells <= UINT16_MAX)
        write_number(self, 0xdc, cells, 2);
    else
        write_number(self, 0xdd, cells, 4);
}

static void
next_cell(page_writer_t *self)
{
    assert(self->row_open && self->cells_left > 0);
    self->cells_left--;
}

void
page_cell_nil(page_writer_t *self)
{
    next_cell(self);
    write_byte(self, 0xc0);
}

void
page_cell_bool(page_writer_t *self, bool value)
{
    next_cell(self);
    write_byte(self, value ? 0xc3 : 0xc2);
}

void
page_cell_int(page_writer_t *self, int64_t value)
{
    next_cell(self);
    if (value >= 0)
        write_positive(self, (uint64_t)value);
    else
        write_negative(self, value);
}

void
page_cell_float(page_writer_t *self, double value)
{
    assert(isfinite(value));
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    next_cell(self);
    write_number(self, 0xcb, bits, 8);
}

void
page_cell_text(page_writer_t *self, const char *text, size_t size)
{
    next_cell(self);
    if (size < 32)
        write_short_text(self, text, size);
    else
        write_body(self, 0xd9, text, size);
}

void
page_cell_binary(page_writer_t *self, const void *bytes, size_t size)
{
    next_cell(self);
    write_body(self, 0xc4, bytes, size);
}

bool
page_row_close(page_writer_t *self)
{
    assert(self->row_open && self->cells_left == 0);
    if (self->row_bad) {
        page_row_drop(self);
        return false;
    }
    self->row_open = false;
    self->rows++;
    return true;
}

bool
page_writer_starved(const page_writer_t *self)
{
    return self->starved;
}

uint32_t
page_row_bytes(const page_writer_t *self)
{
    assert(self->row_open);
    return self->used - self->row_start;
}

void
page_row_drop(page_writer_t *self)
{
    assert(self->row_open);
    self->row_open = false;
    self->used = self->row_start;
    if (self->used <= base_room(self)) /* then base still holds all that came before the row */
        release_large(self);
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

page_t *
page_writer_close(page_writer_t *self, err_t *err)
{
    assert(!self->row_open);
    own(page) page = mem_new(sizeof *page);
    size_t size = 0;
    if (page_writer_full(self) && self->way == PRESS_UNTOLD)
        page->data = press_first(self->data, self->used, &self->way, &size);
    else
        page->data = press(self->data, self->used, self->way, &size);
    if (!page->data) {
        err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", self->used);
        return NULL;
    }
    page->size = (uint32_t)size;
    page->first_row = self->first_row;
    page->rows = self->rows;
    page->raw_bytes = self->used;
    memcpy(page->before, self->hash, sizeof page->before);
    page_chain(page->before, page->data, page->size, page->hash);

    memcpy(self->hash, page->hash, sizeof self->hash);
    self->first_row += self->rows;
    clear(self);
    return take(page);
}

page_t *
page_draft(uint8_t **data_p, size_t size)
{
    page_t *page = mem_new(sizeof *page);
    page->first_row = PAGE_DRAFT_ROW;
    page->data = take(*data_p);
    page->size = (uint32_t)size;
    return page;
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

bool
page_sound(const page_t *self)
{
    uint8_t hash[PAGE_HASH_SIZE];
    page_chain(self->before, self->data, self->size, hash);
    return memcmp(hash, self->hash, sizeof hash) == 0;
}
