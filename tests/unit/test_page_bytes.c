/* test_page_bytes.c - what stands on a page is what a msgpack library would have written. */
#include <msgpack.h>
#include <stdlib.h>

#include "tests/unit/opened.h"
#include "tests/unit/unit.h"

typedef struct {
    page_writer_t *writer;
    msgpack_sbuffer bytes;
    msgpack_packer pack;
} world_t;

static int
world_make(void **state)
{
    world_t *world = mem_new(sizeof *world);
    world->writer = page_writer_new(1 << 20, 1000, 1 << 20);
    msgpack_sbuffer_init(&world->bytes);
    msgpack_packer_init(&world->pack, &world->bytes, msgpack_sbuffer_write);
    *state = world;
    return 0;
}

static int
world_end(void **state)
{
    world_t *world = *state;
    page_writer_destroy(&world->writer);
    msgpack_sbuffer_destroy(&world->bytes);
    free(world);
    return 0;
}

static void
open_row(world_t *world, uint32_t cells)
{
    page_row_open(world->writer, cells);
    msgpack_pack_array(&world->pack, cells);
}

static void
assert_same(world_t *world)
{
    err_t err;
    own(page) page = page_writer_close(world->writer, &err);
    assert_non_null(page);
    own(opened) reader = opened_new(page->data, page->size, page->raw_bytes, &err);
    assert_non_null(reader);
    view_t bytes = opened_bytes(reader);
    assert_int_equal(bytes.size, world->bytes.size);
    assert_memory_equal(bytes.data, world->bytes.data, bytes.size);
}

static void
put_int(world_t *world, int64_t value)
{
    open_row(world, 1);
    page_cell_int(world->writer, value);
    msgpack_pack_int64(&world->pack, value);
    assert_true(page_row_close(world->writer));
}

static void
integers_around_every_power_of_two(void **state)
{
    world_t *world = *state;
    for (int bit = 0; bit < 63; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            put_int(world, (INT64_C(1) << bit) + off);
            put_int(world, -(INT64_C(1) << bit) + off);
        }
    }
    put_int(world, INT64_MAX);
    put_int(world, INT64_MIN);
    put_int(world, -32);
    put_int(world, -33);
    assert_same(world);
}

static void
texts_and_binaries_around_every_size_of_head(void **state)
{
    static const size_t sizes[] = { 0, 1, 31, 32, 255, 256, 65535, 65536, 70000 };
    world_t *world = *state;
    own(mem) body = mem_array(70000, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        open_row(world, 2);
        page_cell_text(world->writer, body, sizes[i]);
        page_cell_binary(world->writer, body, sizes[i]);
        msgpack_pack_str_with_body(&world->pack, body, sizes[i]);
        msgpack_pack_bin_with_body(&world->pack, body, sizes[i]);
        assert_true(page_row_close(world->writer));
    }
    assert_same(world);
}

static void
rows_around_every_size_of_head(void **state)
{
    static const uint32_t counts[] = { 0, 1, 15, 16, 65535, 65536 };
    world_t *world = *state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        open_row(world, counts[i]);
        for (uint32_t cell = 0; cell < counts[i]; cell++) {
            page_cell_nil(world->writer);
            msgpack_pack_nil(&world->pack);
        }
        assert_true(page_row_close(world->writer));
    }
    assert_same(world);
}

static void
floats_and_booleans(void **state)
{
    static const double reals[] = { 0.0, -0.0, 1.5, -1e300, 5e-324 };
    world_t *world = *state;
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        open_row(world, 2);
        page_cell_float(world->writer, reals[i]);
        page_cell_bool(world->writer, i % 2 == 0);
        msgpack_pack_double(&world->pack, reals[i]);
        if (i % 2 == 0)
            msgpack_pack_true(&world->pack);
        else
            msgpack_pack_false(&world->pack);
        assert_true(page_row_close(world->writer));
    }
    assert_same(world);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(integers_around_every_power_of_two),
        CLAIM(texts_and_binaries_around_every_size_of_head),
        CLAIM(rows_around_every_size_of_head),
        CLAIM(floats_and_booleans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
