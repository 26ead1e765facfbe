/* The bounded reader against msgpack-c's: they agree on what is a value, where it ends, and what a
 * plain one holds. */
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MOST = 4096, DEPTH_MOST = 16 };

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim))                                                                              \
            abort();                                                                               \
    } while (0)

/* How deep arrays and maps stand in each other; msgpack-c itself takes no more than 32. */
static uint32_t
depth_of(const msgpack_object *object)
{
    uint32_t deepest = 0;
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        for (uint32_t i = 0; i < object->via.array.size; i++) {
            uint32_t depth = depth_of(&object->via.array.ptr[i]);
            deepest = depth > deepest ? depth : deepest;
        }
        return deepest + 1;
    }
    if (object->type == MSGPACK_OBJECT_MAP) {
        for (uint32_t i = 0; i < object->via.map.size; i++) {
            uint32_t key = depth_of(&object->via.map.ptr[i].key);
            uint32_t value = depth_of(&object->via.map.ptr[i].val);
            deepest = key > deepest ? key : deepest;
            deepest = value > deepest ? value : deepest;
        }
        return deepest + 1;
    }
    return 0;
}

/* Both point into the input, except that msgpack-c lets nothing point elsewhere. */
static void
same_view(view_t view, const char *data, uint32_t size)
{
    CHECK(view.size == size && (size == 0 || view.data == data));
}

/* The value under the cursor is the oracle's. */
static void
same_value(unpack_t in, const msgpack_object *object)
{
    bool boolean = false;
    uint64_t number = 0;
    int64_t negative = 0;
    double real = 0;
    uint32_t count = 0;
    view_t view = { 0 };
    switch (object->type) {
    case MSGPACK_OBJECT_NIL: CHECK(unpack_peek(&in) == UNPACK_NIL && unpack_nil(&in)); return;
    case MSGPACK_OBJECT_BOOLEAN:
        CHECK(unpack_peek(&in) == UNPACK_BOOL && unpack_bool(&in, &boolean));
        CHECK(boolean == object->via.boolean);
        return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        CHECK(unpack_peek(&in) == UNPACK_UINT && unpack_uint(&in, &number));
        CHECK(number == object->via.u64);
        return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        CHECK(unpack_peek(&in) == UNPACK_INT && unpack_int(&in, &negative));
        CHECK(negative == object->via.i64);
        return;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        CHECK(unpack_peek(&in) == UNPACK_FLOAT && unpack_float(&in, &real));
        CHECK(real == object->via.f64 || (isnan(real) && isnan(object->via.f64)));
        return;
    case MSGPACK_OBJECT_STR:
        CHECK(unpack_peek(&in) == UNPACK_TEXT && unpack_text(&in, &view));
        same_view(view, object->via.str.ptr, object->via.str.size);
        return;
    case MSGPACK_OBJECT_BIN:
        CHECK(unpack_peek(&in) == UNPACK_BINARY && unpack_binary(&in, &view));
        same_view(view, object->via.bin.ptr, object->via.bin.size);
        return;
    case MSGPACK_OBJECT_ARRAY:
        CHECK(unpack_peek(&in) == UNPACK_ARRAY && unpack_array(&in, &count));
        CHECK(count == object->via.array.size);
        return;
    case MSGPACK_OBJECT_MAP: CHECK(unpack_peek(&in) == UNPACK_MAP); return;
    case MSGPACK_OBJECT_EXT: CHECK(unpack_peek(&in) == UNPACK_OTHER); return;
    }
    abort();
}

/* msgpack-c reserves what a 32-bit count announces: such bytes it sees only once ours took them. */
static bool
announces_much(const uint8_t *data, size_t size)
{
    return memchr(data, 0xdd, size) || memchr(data, 0xdf, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SIZE_MOST)
        return 0;
    unpack_t in;
    unpack_init(&in, data, size);
    unpack_t start = in;
    bool valid = unpack_skip(&in);
    if (!valid && announces_much(data, size))
        return 0;

    msgpack_unpacked oracle;
    msgpack_unpacked_init(&oracle);
    size_t read = 0;
    msgpack_unpack_return told = msgpack_unpack_next(&oracle, (const char *)data, size, &read);
    bool theirs = told == MSGPACK_UNPACK_SUCCESS;
    if (theirs && depth_of(&oracle.data) > DEPTH_MOST)
        CHECK(!valid);
    else
        CHECK(valid == theirs);
    if (valid) {
        CHECK((size_t)(in.at - data) == read);
        same_value(start, &oracle.data);
    }
    msgpack_unpacked_destroy(&oracle);
    return 0;
}
