/* manifest.c - results into msgpack, and back with every count held against the bytes. */
#include "common/manifest.h"

#include <assert.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"

enum { VERSION = 1, MANIFEST_FIELDS = 2, RESULT_FIELDS = 11, RESULT_LEAST = 10, COLUMN_FIELDS = 4 };

/* What a result and a column weigh beside their texts. */
enum { RESULT_WEIGHT = 256, COLUMN_WEIGHT = 64 };

/* --- making --- */

manifest_t *
manifest_new(void)
{
    return mem_new(sizeof(manifest_t));
}

static void
result_clear(result_t *self)
{
    for (uint32_t i = 0; i < self->column_count; i++) {
        free(self->columns[i].name);
        free(self->columns[i].type);
    }
    free(self->columns);
    free(self->tag);
    free(self->inlined);
}

void
manifest_destroy(manifest_t **self_p)
{
    manifest_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        result_clear(&self->results[i]);
    free(self->results);
    free(self);
    *self_p = NULL;
}

result_t *
manifest_add(manifest_t *self)
{
    bool full = (self->count & (self->count - 1)) == 0; /* room is the next power of two */
    if (full) {
        size_t room = self->count > 0 ? (size_t)self->count * 2 : 1;
        self->results = mem_grow(self->results, room * sizeof *self->results);
    }
    result_t *result = &self->results[self->count++];
    *result = (result_t){ 0 };
    return result;
}

void
result_columns(result_t *self, uint32_t count)
{
    assert(!self->columns);
    self->has_columns = true;
    self->column_count = count;
    self->columns = mem_array(count, sizeof *self->columns);
}

size_t
result_weight(const result_t *self)
{
    size_t weight = RESULT_WEIGHT + self->inlined_size + (self->tag ? strlen(self->tag) : 0);
    for (uint32_t i = 0; i < self->column_count; i++) {
        const column_t *column = &self->columns[i];
        weight += COLUMN_WEIGHT + (column->name ? strlen(column->name) : 0)
                  + (column->type ? strlen(column->type) : 0);
    }
    return weight;
}

void
manifest_join(manifest_t *self, manifest_t *other)
{
    for (uint32_t i = 0; i < other->count; i++)
        *manifest_add(self) = other->results[i];
    other->count = 0;
    free(other->results);
    other->results = NULL;
}

/* --- packing --- */

static void
put_text(msgpack_packer *out, const char *text)
{
    const char *known = text ? text : "";
    msgpack_pack_str_with_body(out, known, strlen(known));
}

static void
put_columns(msgpack_packer *out, const result_t *result)
{
    if (!result->has_columns) {
        msgpack_pack_nil(out);
        return;
    }
    msgpack_pack_array(out, result->column_count);
    for (uint32_t i = 0; i < result->column_count; i++) {
        const column_t *column = &result->columns[i];
        msgpack_pack_array(out, COLUMN_FIELDS);
        put_text(out, column->name);
        put_text(out, column->type);
        msgpack_pack_uint32(out, column->oid);
        msgpack_pack_uint32(out, (uint32_t)column->kind);
    }
}

static void
put_result(msgpack_packer *out, const result_t *result)
{
    msgpack_pack_array(out, RESULT_FIELDS);
    msgpack_pack_uint32(out, result->ordinal);
    msgpack_pack_uint32(out, result->step);
    put_text(out, result->tag);
    put_columns(out, result);
    msgpack_pack_int64(out, result->rows);
    msgpack_pack_int64(out, result->bytes);
    msgpack_pack_int64(out, result->raw_bytes);
    msgpack_pack_uint32(out, result->pages);
    msgpack_pack_bin_with_body(out, result->hash, PAGE_HASH_SIZE);
    if (result->inlined)
        msgpack_pack_bin_with_body(out, result->inlined, result->inlined_size);
    else
        msgpack_pack_nil(out);
    msgpack_pack_int32(out, result->attempt);
}

uint8_t *
manifest_pack(const manifest_t *self, size_t *size)
{
    sink_t sink = { 0 };
    msgpack_packer out;
    msgpack_packer_init(&out, &sink, sink_write);
    msgpack_pack_array(&out, MANIFEST_FIELDS);
    msgpack_pack_uint32(&out, VERSION);
    msgpack_pack_array(&out, self->count);
    for (uint32_t i = 0; i < self->count; i++)
        put_result(&out, &self->results[i]);
    *size = sink.size;
    return sink.data;
}

/* --- reading --- */

/* A text without NUL inside, as a C string. */
static bool
get_text(unpack_t *in, char **text)
{
    view_t view;
    if (!unpack_text(in, &view) || memchr(view.data, '\0', view.size))
        return false;
    *text = mem_copy(view.data, view.size);
    return true;
}

/* A count: never negative. */
static bool
get_count(unpack_t *in, int64_t *count)
{
    return unpack_int(in, count) && *count >= 0;
}

/* The head of an array of at least `least` fields; `more` says how many follow behind those. */
static bool
get_head(unpack_t *in, uint32_t least, uint32_t *more)
{
    uint32_t count = 0;
    if (!unpack_array(in, &count) || count < least)
        return false;
    *more = count - least;
    return true;
}

static bool
skip(unpack_t *in, uint32_t fields)
{
    for (uint32_t i = 0; i < fields; i++) {
        if (!unpack_skip(in))
            return false;
    }
    return true;
}

static bool
get_column(unpack_t *in, column_t *column)
{
    uint32_t more = 0;
    uint32_t kind = 0;
    if (!get_head(in, COLUMN_FIELDS, &more) || !get_text(in, &column->name)
        || !get_text(in, &column->type) || !unpack_u32(in, &column->oid) || !unpack_u32(in, &kind)
        || kind > CELL_REAL)
        return false;
    column->kind = (cell_kind_t)kind;
    return skip(in, more);
}

static bool
get_columns(unpack_t *in, result_t *result)
{
    if (unpack_peek(in) == UNPACK_NIL)
        return unpack_nil(in);
    uint32_t count = 0;
    if (!unpack_array(in, &count))
        return false;
    result_columns(result, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!get_column(in, &result->columns[i]))
            return false;
    }
    return true;
}

static bool
get_hash(unpack_t *in, uint8_t hash[PAGE_HASH_SIZE])
{
    view_t view;
    if (!unpack_binary(in, &view) || view.size != PAGE_HASH_SIZE)
        return false;
    memcpy(hash, view.data, PAGE_HASH_SIZE);
    return true;
}

static bool
get_inlined(unpack_t *in, result_t *result)
{
    if (unpack_peek(in) == UNPACK_NIL)
        return unpack_nil(in);
    view_t view;
    if (!unpack_binary(in, &view))
        return false;
    result->inlined = (uint8_t *)mem_copy(view.data, view.size);
    result->inlined_size = view.size;
    return true;
}

/* An attempt, which manifests of the first kind do not have. */
static bool
get_attempt(unpack_t *in, uint32_t *more, result_t *result)
{
    if (!*more)
        return true;
    int64_t attempt = 0;
    if (!get_count(in, &attempt) || attempt > INT32_MAX)
        return false;
    result->attempt = (int32_t)attempt;
    --*more;
    return true;
}

static bool
get_result(unpack_t *in, result_t *result)
{
    uint32_t more = 0;
    return get_head(in, RESULT_LEAST, &more) && unpack_u32(in, &result->ordinal)
           && unpack_u32(in, &result->step) && get_text(in, &result->tag) && get_columns(in, result)
           && get_count(in, &result->rows) && get_count(in, &result->bytes)
           && get_count(in, &result->raw_bytes) && unpack_u32(in, &result->pages)
           && get_hash(in, result->hash) && get_inlined(in, result)
           && get_attempt(in, &more, result) && skip(in, more);
}

static bool
get_manifest(unpack_t *in, manifest_t *self)
{
    uint32_t more = 0;
    uint32_t version = 0;
    uint32_t count = 0;
    if (!get_head(in, MANIFEST_FIELDS, &more) || !unpack_u32(in, &version) || version != VERSION
        || !unpack_array(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_result(in, manifest_add(self)))
            return false;
    }
    return skip(in, more);
}

manifest_t *
manifest_unpack(const void *data, size_t size, err_t *err)
{
    own(manifest) self = manifest_new();
    unpack_t in;
    unpack_init(&in, data, size);
    if (!get_manifest(&in, self) || !unpack_done(&in)) {
        err_set(err, ERR_INTERNAL, "a stored manifest is damaged");
        return NULL;
    }
    return take(self);
}
