/* params.c - parameters into one text, and back with every count held against the bytes. */
#include "common/params.h"

#include <assert.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "common/unpack.h"

enum { FIELDS = 3, NONE = -1 };

/* --- packing --- */

static void
put_text(msgpack_packer *out, const char *text, size_t size)
{
    if (text)
        msgpack_pack_str_with_body(out, text, size);
    else
        msgpack_pack_nil(out);
}

char *
params_pack(const param_t *list, uint32_t count)
{
    assert(count <= PARAMS_MOST);
    sink_t sink = { 0 };
    msgpack_packer out;
    msgpack_packer_init(&out, &sink, sink_write);
    msgpack_pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        const param_t *param = &list[i];
        msgpack_pack_array(&out, FIELDS);
        put_text(&out, param->name, param->name ? strlen(param->name) : 0);
        msgpack_pack_uint32(&out, param->oid);
        put_text(&out, param->value, param->size);
    }
    size_t room = sodium_base64_ENCODED_LEN(sink.size, sodium_base64_VARIANT_ORIGINAL);
    char *packed = mem_new(room);
    sodium_bin2base64(packed, room, sink.data, sink.size, sodium_base64_VARIANT_ORIGINAL);
    free(sink.data);
    return packed;
}

/* --- reading --- */

/* Copies a text, or none, to *end, where there is room for it: its head was as long as its NUL. */
static bool
read_text(unpack_t *in, char **end, const char **text, size_t *size)
{
    view_t view;
    *text = NULL;
    *size = 0;
    if (unpack_peek(in) == UNPACK_NIL)
        return unpack_nil(in);
    if (!unpack_text(in, &view) || memchr(view.data, '\0', view.size))
        return false;
    *text = *end;
    *size = view.size;
    *end = mempcpy(*end, view.data, view.size);
    *(*end)++ = '\0';
    return true;
}

static bool
read_param(unpack_t *in, char **end, param_t *param)
{
    uint32_t fields = 0;
    size_t name_size = 0;
    return unpack_array(in, &fields) && fields == FIELDS
           && read_text(in, end, &param->name, &name_size) && unpack_u32(in, &param->oid)
           && read_text(in, end, &param->value, &param->size)
           && (!param->name || param_name_valid(param->name));
}

static bool
read_all(params_t *self, const uint8_t *bytes, size_t size)
{
    unpack_t in;
    unpack_init(&in, bytes, size);
    if (!unpack_array(&in, &self->count) || self->count == 0 || self->count > PARAMS_MOST)
        return false;
    self->texts = mem_new(size);
    self->list = mem_array(self->count, sizeof *self->list);
    char *end = self->texts;
    for (uint32_t i = 0; i < self->count; i++) {
        if (!read_param(&in, &end, &self->list[i]))
            return false;
        if ((self->list[i].name != NULL) != (self->list[0].name != NULL))
            return false;
    }
    return unpack_done(&in);
}

static int
compare(const void *a, const void *b, void *list)
{
    const uint16_t *left = a;
    const uint16_t *right = b;
    const param_t *params = list;
    return strcmp(params[*left].name, params[*right].name);
}

static void
sort(params_t *self)
{
    self->named = self->list[0].name != NULL;
    if (!self->named)
        return;
    self->by_name = mem_array(self->count, sizeof *self->by_name);
    for (uint32_t i = 0; i < self->count; i++)
        self->by_name[i] = (uint16_t)i;
    qsort_r(self->by_name, self->count, sizeof *self->by_name, compare, self->list);
}

params_t *
params_unpack(const char *packed, err_t *err)
{
    size_t size = strlen(packed);
    size_t used = 0;
    own(mem) bytes = mem_new(size / 4 * 3 + 3);
    own(params) self = mem_new(sizeof *self);
    if (sodium_base642bin((uint8_t *)bytes, size / 4 * 3 + 3, packed, size, NULL, &used, NULL,
                          sodium_base64_VARIANT_ORIGINAL)
            != 0
        || !read_all(self, (const uint8_t *)bytes, used)) {
        (void)err_set(err, ERR_INTERNAL, "the job's parameters are damaged");
        return NULL;
    }
    sort(self);
    return take(self);
}

void
params_destroy(params_t **self_p)
{
    params_t *self = take(*self_p);
    if (!self)
        return;
    free(self->list);
    free(self->by_name);
    free(self->texts);
    free(self);
}

/* --- finding --- */

int32_t
params_named(const params_t *self, const char *name, size_t size)
{
    if (!self->named || size > PARAM_NAME_MOST)
        return NONE;
    uint32_t from = 0;
    uint32_t to = self->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        uint16_t index = self->by_name[middle];
        const char *there = self->list[index].name;
        int order = strncmp(there, name, size);
        if (order == 0 && there[size] == '\0')
            return index;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NONE;
}

int32_t
params_numbered(const params_t *self, uint64_t number)
{
    bool there = !self->named && number >= 1 && number <= self->count;
    return there ? (int32_t)number - 1 : NONE;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool
param_name_valid(const char *name)
{
    size_t size = 0;
    while (is_letter(name[size]) || (size > 0 && name[size] >= '0' && name[size] <= '9'))
        size++;
    return name[size] == '\0' && size >= 1 && size <= PARAM_NAME_MOST;
}
