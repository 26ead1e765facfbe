/* manifest_pack.c - results and notices into msgpack, and back with every count held against the
 * bytes.
 */
#include <msgpack.h>
#include <string.h>

#include "common/manifest.h"
#include "common/sink.h"

enum {
    VERSION = 1,
    MANIFEST_FIELDS = 4,
    MANIFEST_LEAST = 2,
    RESULT_FIELDS = 12,
    RESULT_LEAST = 10,
    COLUMN_FIELDS = 4,
    NOTICE_FIELDS = 7,
};

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
    if (result->truncated)
        msgpack_pack_true(out);
    else
        msgpack_pack_false(out);
}

static void
put_known(msgpack_packer *out, const char *text)
{
    if (text)
        put_text(out, text);
    else
        msgpack_pack_nil(out);
}

static void
put_notice(msgpack_packer *out, const notice_t *notice)
{
    msgpack_pack_array(out, NOTICE_FIELDS);
    put_text(out, notice->severity);
    put_text(out, notice->sqlstate);
    put_text(out, notice->message);
    put_known(out, notice->detail);
    put_known(out, notice->hint);
    msgpack_pack_uint32(out, notice->step);
    msgpack_pack_uint32(out, notice->ordinal);
}

static void
put_notices(msgpack_packer *out, const manifest_t *self)
{
    msgpack_pack_array(out, self->notice_count);
    for (uint32_t i = 0; i < self->notice_count; i++)
        put_notice(out, &self->notices[i]);
    msgpack_pack_uint32(out, self->notices_dropped);
}

uint8_t *
manifest_pack(const manifest_t *self, size_t *size)
{
    sink_t sink = { 0 };
    msgpack_packer out;
    msgpack_packer_init(&out, &sink, sink_write);
    bool noticed = self->notice_count > 0 || self->notices_dropped > 0;
    msgpack_pack_array(&out, noticed ? MANIFEST_FIELDS : MANIFEST_LEAST);
    msgpack_pack_uint32(&out, VERSION);
    msgpack_pack_array(&out, self->count);
    for (uint32_t i = 0; i < self->count; i++)
        put_result(&out, &self->results[i]);
    if (noticed)
        put_notices(&out, self);
    *size = sink.size;
    return sink.data;
}

uint8_t *
manifest_pack_draft(const result_t *result, size_t *size)
{
    result_t known = { .step = result->step,
                       .ordinal = result->ordinal,
                       .has_columns = result->has_columns,
                       .column_count = result->column_count,
                       .columns = result->columns };
    const manifest_t draft = { .count = 1, .results = &known };
    return manifest_pack(&draft, size);
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

/* Whether rows are missing, which older manifests do not say. */
static bool
get_truncated(unpack_t *in, uint32_t *more, result_t *result)
{
    if (!*more)
        return true;
    --*more;
    return unpack_bool(in, &result->truncated);
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
           && get_attempt(in, &more, result) && get_truncated(in, &more, result) && skip(in, more);
}

/* A text of at most `most` bytes into an array that has one more. */
static bool
get_word(unpack_t *in, char *word, size_t most)
{
    view_t view;
    if (!unpack_text(in, &view) || view.size > most || memchr(view.data, '\0', view.size))
        return false;
    memcpy(word, view.data, view.size);
    word[view.size] = '\0';
    return true;
}

static bool
get_known(unpack_t *in, char **text)
{
    return unpack_peek(in) == UNPACK_NIL ? unpack_nil(in) : get_text(in, text);
}

static bool
get_notice(unpack_t *in, notice_t *notice)
{
    uint32_t more = 0;
    return get_head(in, NOTICE_FIELDS, &more)
           && get_word(in, notice->severity, NOTICE_SEVERITY_MOST)
           && get_word(in, notice->sqlstate, sizeof notice->sqlstate - 1)
           && get_text(in, &notice->message) && get_known(in, &notice->detail)
           && get_known(in, &notice->hint) && unpack_u32(in, &notice->step)
           && unpack_u32(in, &notice->ordinal) && skip(in, more);
}

/* What was said, which stands behind the results where there was anything. */
static bool
get_notices(unpack_t *in, uint32_t *more, manifest_t *self)
{
    enum { FIELDS = MANIFEST_FIELDS - MANIFEST_LEAST };
    if (*more < FIELDS)
        return true;
    uint32_t count = 0;
    if (!unpack_array(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_notice(in, manifest_add_notice(self)))
            return false;
    }
    *more -= FIELDS;
    return unpack_u32(in, &self->notices_dropped);
}

static bool
get_manifest(unpack_t *in, manifest_t *self)
{
    uint32_t more = 0;
    uint32_t version = 0;
    uint32_t count = 0;
    if (!get_head(in, MANIFEST_LEAST, &more) || !unpack_u32(in, &version) || version != VERSION
        || !unpack_array(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_result(in, manifest_add(self)))
            return false;
    }
    return get_notices(in, &more, self) && skip(in, more);
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
