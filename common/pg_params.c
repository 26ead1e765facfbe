/* pg_params.c - parameters in PostgreSQL's binary form. */
#include "common/pg_params.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* A message of PostgreSQL ends at 1 GiB; what stands around the values gets room too. */
#define SIZE_MOST ((size_t)1000 * 1024 * 1024)

typedef struct {
    const void *borrowed; /* NULL: in the block, from `offset` on */
    size_t offset;
    size_t size;
    bool null;
} param_t;

struct pg_params {
    char *block;
    size_t used;
    size_t room;
    int count;
    param_t items[PG_PARAMS_MOST];
    /* The array that is open. */
    bool open;
    pg_type_t type;
    int32_t elements;
    bool nulls;
};

/* An array's head: dimensions, has nulls, element type, length, lower bound. An empty array ends
 * behind the first three. */
enum { HEAD_SIZE = 20, HEAD_SIZE_EMPTY = 12 };

static uint32_t
type_oid(pg_type_t type)
{
    switch (type) {
    case PG_BOOL: return 16;
    case PG_BYTEA: return 17;
    case PG_INT8: return 20;
    case PG_INT2: return 21;
    case PG_INT4: return 23;
    case PG_TEXT: return 25;
    case PG_UUID: return 2950;
    }
    return 0;
}

pg_params_t *
pg_params_new(void)
{
    pg_params_t *self = (pg_params_t *)mem_new(sizeof *self);
    self->room = 1024;
    self->block = (char *)mem_new(self->room);
    return self;
}

void
pg_params_destroy(pg_params_t **self_p)
{
    pg_params_t *self = *self_p;
    if (!self)
        return;
    free(self->block);
    free(self);
    *self_p = NULL;
}

void
pg_params_clear(pg_params_t *self)
{
    self->used = 0;
    self->count = 0;
    self->open = false;
}

/* Room for `size` more bytes at the block's end; they count as used. */
static char *
block_add(pg_params_t *self, size_t size)
{
    if (self->room - self->used < size) {
        while (self->room - self->used < size)
            self->room *= 2;
        self->block = (char *)mem_grow(self->block, self->room);
    }
    char *at = self->block + self->used;
    self->used += size;
    return at;
}

static void
block_put(pg_params_t *self, const void *bytes, size_t size)
{
    char *at = block_add(self, size);
    if (size)
        memcpy(at, bytes, size);
}

static void
put32(char *at, uint32_t value)
{
    uint32_t big = htobe32(value);
    memcpy(at, &big, sizeof big);
}

static param_t *
param_add(pg_params_t *self)
{
    assert(!self->open && self->count < PG_PARAMS_MOST);
    param_t *param = &self->items[self->count++];
    *param = (param_t){ .offset = self->used };
    return param;
}

static void
scalar_add(pg_params_t *self, const void *bytes, size_t size)
{
    param_t *param = param_add(self);
    param->size = size;
    block_put(self, bytes, size);
}

void
pg_param_null(pg_params_t *self)
{
    param_add(self)->null = true;
}

void
pg_param_bool(pg_params_t *self, bool value)
{
    scalar_add(self, &(char){ value ? 1 : 0 }, 1);
}

void
pg_param_int2(pg_params_t *self, int16_t value)
{
    scalar_add(self, &(uint16_t){ htobe16((uint16_t)value) }, 2);
}

void
pg_param_int4(pg_params_t *self, int32_t value)
{
    scalar_add(self, &(uint32_t){ htobe32((uint32_t)value) }, 4);
}

void
pg_param_int8(pg_params_t *self, int64_t value)
{
    scalar_add(self, &(uint64_t){ htobe64((uint64_t)value) }, 8);
}

void
pg_param_text(pg_params_t *self, const char *text)
{
    if (text)
        scalar_add(self, text, strlen(text));
    else
        pg_param_null(self);
}

void
pg_param_uuid(pg_params_t *self, const jobid_t *id)
{
    scalar_add(self, id->bytes, JOBID_SIZE);
}

void
pg_param_time(pg_params_t *self, int64_t us)
{
    bool finite = us != INT64_MAX && us != INT64_MIN;
    pg_param_int8(self, finite ? us - PG_EPOCH_US : us);
}

void
pg_param_bytes(pg_params_t *self, const void *bytes, size_t size)
{
    param_t *param = param_add(self);
    param->borrowed = bytes;
    param->size = size;
    param->null = !bytes;
}

void
pg_array_open(pg_params_t *self, pg_type_t type)
{
    (void)param_add(self);
    self->open = true;
    self->type = type;
    self->elements = 0;
    self->nulls = false;
    (void)block_add(self, HEAD_SIZE);
}

static void
element_add(pg_params_t *self, const void *bytes, size_t size)
{
    assert(self->open);
    put32(block_add(self, 4), (uint32_t)size);
    block_put(self, bytes, size);
    self->elements++;
}

void
pg_array_null(pg_params_t *self)
{
    assert(self->open);
    put32(block_add(self, 4), UINT32_MAX);
    self->elements++;
    self->nulls = true;
}

void
pg_array_bool(pg_params_t *self, bool value)
{
    assert(self->type == PG_BOOL);
    element_add(self, &(char){ value ? 1 : 0 }, 1);
}

void
pg_array_int2(pg_params_t *self, int16_t value)
{
    assert(self->type == PG_INT2);
    element_add(self, &(uint16_t){ htobe16((uint16_t)value) }, 2);
}

void
pg_array_int4(pg_params_t *self, int32_t value)
{
    assert(self->type == PG_INT4);
    element_add(self, &(uint32_t){ htobe32((uint32_t)value) }, 4);
}

void
pg_array_int8(pg_params_t *self, int64_t value)
{
    assert(self->type == PG_INT8);
    element_add(self, &(uint64_t){ htobe64((uint64_t)value) }, 8);
}

void
pg_array_text(pg_params_t *self, const char *text)
{
    assert(self->type == PG_TEXT);
    if (text)
        element_add(self, text, strlen(text));
    else
        pg_array_null(self);
}

void
pg_array_uuid(pg_params_t *self, const jobid_t *id)
{
    assert(self->type == PG_UUID);
    element_add(self, id->bytes, JOBID_SIZE);
}

void
pg_array_bytes(pg_params_t *self, const void *bytes, size_t size)
{
    assert(self->type == PG_BYTEA);
    if (bytes)
        element_add(self, bytes, size);
    else
        pg_array_null(self);
}

void
pg_array_close(pg_params_t *self)
{
    assert(self->open);
    self->open = false;
    param_t *param = &self->items[self->count - 1];
    char *head = self->block + param->offset;
    put32(head, self->elements ? 1 : 0);
    put32(head + 4, self->nulls ? 1 : 0);
    put32(head + 8, type_oid(self->type));
    put32(head + 12, (uint32_t)self->elements);
    put32(head + 16, 1);
    if (!self->elements)
        self->used = param->offset + HEAD_SIZE_EMPTY;
    param->size = self->used - param->offset;
}

bool
pg_params_wire(const pg_params_t *self, pg_wire_t *wire)
{
    wire->count = self ? self->count : 0;
    size_t total = 0;
    for (int i = 0; i < wire->count; i++) {
        const param_t *param = &self->items[i];
        const char *inside = self->block + param->offset;
        total += param->size;
        if (param->size > SIZE_MOST || total > SIZE_MOST)
            return false;
        const char *value = param->borrowed ? (const char *)param->borrowed : inside;
        wire->values[i] = param->null ? NULL : value;
        wire->lengths[i] = (int)param->size;
        wire->formats[i] = 1;
    }
    return true;
}
