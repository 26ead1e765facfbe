/* wire.c - packing and reading of the bus messages, unfolded from messages.def.
 *
 * For each kind of field a put_ and a get_, for each record and message a function made of them;
 * nothing here changes when a message is added.
 */
#include "common/wire.h"

#include <assert.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"

#define UNUSED __attribute__((unused)) /* not every kind need be in use */

/* --- how many fields --- */

#define RECORD(record) enum { fields_##record = 0
#define RECORD_END(record)                                                                         \
    }                                                                                              \
    ;
#define MSG(tag, message) enum { fields_##message = 0
#define MSG_END(message)                                                                           \
    }                                                                                              \
    ;
#define FIELD(kind, field) +1
#define LIST(record, field) +1
#include "schemas/wire/messages.def"

/* --- packing --- */

static void
put_id(msgpack_packer *out, const wire_id_t *value)
{
    msgpack_pack_bin_with_body(out, value->bytes, JOBID_SIZE);
}

static void
put_u32(msgpack_packer *out, const wire_u32_t *value)
{
    msgpack_pack_uint32(out, *value);
}

static void
put_u64(msgpack_packer *out, const wire_u64_t *value)
{
    msgpack_pack_uint64(out, *value);
}

static void
put_i64(msgpack_packer *out, const wire_i64_t *value)
{
    msgpack_pack_int64(out, *value);
}

static void
put_flag(msgpack_packer *out, const wire_flag_t *value)
{
    if (*value)
        msgpack_pack_true(out);
    else
        msgpack_pack_false(out);
}

static void
put_text(msgpack_packer *out, const wire_text_t *value)
{
    msgpack_pack_str_with_body(out, value->data, value->size);
}

UNUSED static void
put_bytes(msgpack_packer *out, const wire_bytes_t *value)
{
    msgpack_pack_bin_with_body(out, value->data, value->size);
}

/* clang-format off */
#define RECORD(record)                                                                             \
    static void put_##record(msgpack_packer *out, const wire_##record##_t *self)                   \
    {                                                                                              \
        msgpack_pack_array(out, fields_##record);
#define RECORD_END(record) }
#define MSG(tag, message)                                                                          \
    static void put_##message(msgpack_packer *out, const wire_##message##_t *self)                 \
    {                                                                                              \
        (void)self;                                                                                \
        msgpack_pack_array(out, 1 + fields_##message);                                             \
        msgpack_pack_uint32(out, tag);
#define MSG_END(message) }
#define FIELD(kind, field) put_##kind(out, &self->field);
#define LIST(record, field)                                                                        \
    assert(self->field##_count <= WIRE_LIST_MOST);                                                 \
    msgpack_pack_array(out, self->field##_count);                                                  \
    for (uint32_t i = 0; i < self->field##_count; i++)                                             \
        put_##record(out, &self->field[i]);
#include "schemas/wire/messages.def"
/* clang-format on */

/* --- reading --- */

/* `left` counts what the array being read still holds. A peer one version back may end it early:
 * what it does not send keeps the zero that the message was made with. */
static bool
next(uint32_t *left)
{
    return *left > 0 && (*left)--;
}

static bool
get_id(unpack_t *in, uint32_t *left, wire_id_t *value)
{
    if (!next(left))
        return true;
    view_t bytes;
    if (!unpack_binary(in, &bytes) || bytes.size != JOBID_SIZE)
        return false;
    memcpy(value->bytes, bytes.data, JOBID_SIZE);
    return true;
}

static bool
get_u32(unpack_t *in, uint32_t *left, wire_u32_t *value)
{
    return !next(left) || unpack_u32(in, value);
}

static bool
get_u64(unpack_t *in, uint32_t *left, wire_u64_t *value)
{
    return !next(left) || unpack_uint(in, value);
}

static bool
get_i64(unpack_t *in, uint32_t *left, wire_i64_t *value)
{
    return !next(left) || unpack_int(in, value);
}

static bool
get_flag(unpack_t *in, uint32_t *left, wire_flag_t *value)
{
    return !next(left) || unpack_bool(in, value);
}

static bool
get_text(unpack_t *in, uint32_t *left, wire_text_t *value)
{
    *value = wire_text("");
    return !next(left) || unpack_text(in, value);
}

UNUSED static bool
get_bytes(unpack_t *in, uint32_t *left, wire_bytes_t *value)
{
    *value = wire_text("");
    return !next(left) || unpack_binary(in, value);
}

/* Fields of a newer peer. */
static bool
skip_rest(unpack_t *in, uint32_t left)
{
    while (next(&left)) {
        if (!unpack_skip(in))
            return false;
    }
    return true;
}

static bool
get_count(unpack_t *in, uint32_t *left, uint32_t *count)
{
    return !next(left) || (unpack_array(in, count) && *count <= WIRE_LIST_MOST);
}

/* clang-format off */
#define RECORD(record)                                                                             \
    static bool get_##record(unpack_t *in, wire_##record##_t *self)                                \
    {                                                                                              \
        uint32_t left = 0;                                                                         \
        if (!unpack_array(in, &left))                                                              \
            return false;
#define RECORD_END(record)                                                                         \
        return skip_rest(in, left);                                                                \
    }
#define MSG(tag, message)                                                                          \
    static bool get_##message(unpack_t *in, uint32_t left, wire_##message##_t *self)               \
    {                                                                                              \
        (void)self;
#define MSG_END(message)                                                                           \
        return skip_rest(in, left);                                                                \
    }
#define FIELD(kind, field)                                                                         \
    if (!get_##kind(in, &left, &self->field))                                                      \
        return false;
#define LIST(record, field)                                                                        \
    if (!get_count(in, &left, &self->field##_count))                                               \
        return false;                                                                              \
    if (self->field##_count > 0)                                                                   \
        self->field = mem_array(self->field##_count, sizeof *self->field);                         \
    for (uint32_t i = 0; i < self->field##_count; i++) {                                           \
        if (!get_##record(in, &self->field[i]))                                                    \
            return false;                                                                          \
    }
#include "schemas/wire/messages.def"

#define MSG(tag, message)                                                                          \
    static void drop_##message(wire_##message##_t *self)                                           \
    {                                                                                              \
        (void)self;
#define MSG_END(message) }
#define LIST(record, field) free(self->field);
#include "schemas/wire/messages.def"
/* clang-format on */

/* The fields behind the tag; false for a tag that nobody here knows, too. */
static bool
get_message(unpack_t *in, wire_t *self)
{
    uint32_t left = 0;
    uint32_t tag = 0;
    if (!unpack_array(in, &left) || !next(&left) || !unpack_u32(in, &tag))
        return false;
    self->tag = (wire_tag_t)tag;
    switch (self->tag) {
#define MSG(tag, message)                                                                          \
    case WIRE_##message:                                                                           \
        return get_##message(in, left, &self->message);
#include "schemas/wire/messages.def"
    }
    return false;
}

/* --- the public ones --- */

view_t
wire_text(const char *text)
{
    return (view_t){ .data = text, .size = (uint32_t)strlen(text) };
}

uint8_t *
wire_pack(const wire_t *message, size_t *size)
{
    sink_t sink = { 0 };
    msgpack_packer out;
    msgpack_packer_init(&out, &sink, sink_write);
    switch (message->tag) {
#define MSG(tag, message_)                                                                         \
    case WIRE_##message_:                                                                          \
        put_##message_(&out, &message->message_);                                                  \
        break;
#include "schemas/wire/messages.def"
    }
    assert(sink.data); /* a tag that is none */
    *size = sink.size;
    return sink.data;
}

wire_t *
wire_unpack(const void *data, size_t size, err_t *err)
{
    if (size > WIRE_SIZE_MOST) {
        err_set(err, ERR_INVALID, "a bus message of %zu bytes is too large", size);
        return NULL;
    }
    own(wire) self = mem_new(sizeof *self);
    self->frame_ = mem_copy(data, size);
    unpack_t in;
    unpack_init(&in, self->frame_, size);
    if (!get_message(&in, self) || !unpack_done(&in)) {
        err_set(err, ERR_INVALID, "no bus message, or none that is known");
        return NULL;
    }
    return take(self);
}

void
wire_destroy(wire_t **self_p)
{
    wire_t *self = *self_p;
    if (!self)
        return;
    switch (self->tag) {
#define MSG(tag, message)                                                                          \
    case WIRE_##message:                                                                           \
        drop_##message(&self->message);                                                            \
        break;
#include "schemas/wire/messages.def"
    }
    free(self->frame_);
    free(self);
    *self_p = NULL;
}

/* clang-format off */
const char *
wire_name(wire_tag_t tag)
{
    switch (tag) {
#define MSG(number, message) case WIRE_##message: return #message;
#include "schemas/wire/messages.def"
    }
    return "unknown";
}
/* clang-format on */
