/* The bounded reader, byte by byte. Inputs stand in blocks of their exact size, so that the address
 * sanitizer sees a read behind their end. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

#include "common/unpack.h"

/* One value of every head that msgpack has, valid from the first byte to the last. */
static const uint8_t every_head[] = {
    0x9b,                                                                      /* array of 11 */
    0x00, 0xff,                                                                /* 0, -1 */
    0xa1, 'x',                                                                 /* "x" */
    0x81, 0xc0, 0xc3,                                                          /* {nil: true} */
    0xdc, 0,    3,    0xcc, 200,  0xcd, 1,    0,    0xce, 1,    0,    0,    0, /* unsigned */
    0xdd, 0,    0,    0,    2,    0xcf, 1,    0,    0,    0,    0,    0,    0,
    0,    0xd0, 0x80,                                              /* and signed */
    0xde, 0,    1,    0xd1, 0x80, 0,    0xd2, 0x80, 0,    0,    0, /* {-32768: -2147483648} */
    0xdf, 0,    0,    0,    1,    0xd3, 0x80, 0,    0,    0,    0,    0,    0,
    0,    0xc2, 0x96, 0xca, 0x3f, 0x80, 0,    0,    0xcb, 0x3f, 0xf0, 0,    0,
    0,    0,    0,    0,    0xd9, 1,    'y',                                   /* real */
    0xda, 0,    1,    'z',  0xdb, 0,    0,    0,    1,    'w',  0xc4, 1,    7, /* text, bytes */
    0x9a, 0xc5, 0,    1,    7,    0xc6, 0,    0,    0,    1,    7,    0xc7, 1,
    5,    9,    0xc8, 0,    1,    5,    9, /* ext */
    0xc9, 0,    0,    0,    1,    5,    9,    0xd4, 5,    1,    0xd5, 5,    1,
    2,    0xd6, 5,    1,    2,    3,    4,    0xd7, 5,    1,    2,    3,    4,
    5,    6,    7,    8,    0xd8, 5,    1,    2,    3,    4,    5,    6,    7,
    8,    9,    10,   11,   12,   13,   14,   15,   16,   0xc0,
};

/* The bytes in a block of their own. */
typedef struct {
    uint8_t *block;
    unpack_t in;
} input_t;

static input_t
input_new(const void *bytes, size_t size)
{
    input_t input;
    input.block = malloc(size > 0 ? size : 1);
    assert_non_null(input.block);
    if (size > 0)
        memcpy(input.block, bytes, size);
    unpack_init(&input.in, input.block, size);
    return input;
}

#define INPUT(...)                                                                                 \
    input_new((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void
input_free(input_t *input)
{
    free(input->block);
}

static void
every_head_is_stepped_over(void **unused)
{
    (void)unused;
    input_t input = input_new(every_head, sizeof every_head);
    assert_true(unpack_skip(&input.in));
    assert_true(unpack_done(&input.in));
    input_free(&input);
}

static void
every_prefix_is_refused(void **unused)
{
    (void)unused;
    for (size_t size = 0; size < sizeof every_head; size++) {
        input_t input = input_new(every_head, size);
        assert_false(unpack_skip(&input.in));
        assert_false(unpack_done(&input.in));
        input_free(&input);
    }
}

static void
no_reader_looks_behind_the_end_of_a_prefix(void **unused)
{
    (void)unused;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t bytes[] = { (uint8_t)first, 0, 0, 0, 0, 0, 0, 0, 0 };
        for (size_t size = 0; size <= sizeof bytes; size++) {
            input_t input = input_new(bytes, size);
            unpack_t start = input.in;
            bool boolean = false;
            uint64_t number = 0;
            uint32_t small = 0;
            int64_t negative = 0;
            double real = 0;
            view_t view;
            unpack_peek(&input.in);
            bool read = unpack_nil(&input.in);
            input.in = start;
            read |= unpack_bool(&input.in, &boolean);
            input.in = start;
            read |= unpack_uint(&input.in, &number);
            input.in = start;
            read |= unpack_u32(&input.in, &small);
            input.in = start;
            read |= unpack_int(&input.in, &negative);
            input.in = start;
            read |= unpack_float(&input.in, &real);
            input.in = start;
            read |= unpack_text(&input.in, &view);
            input.in = start;
            read |= unpack_binary(&input.in, &view);
            input.in = start;
            read |= unpack_array(&input.in, &small);
            assert_true(size > 0 || !read);
            input_free(&input);
        }
    }
}

static void
integers_of_any_width_are_taken_when_they_fit(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t bytes[9];
        uint8_t size;
        int64_t value;
    } cases[] = {
        { { 0x07 }, 1, 7 },
        { { 0xcc, 7 }, 2, 7 },
        { { 0xcd, 0, 7 }, 3, 7 },
        { { 0xce, 0, 0, 0, 7 }, 5, 7 },
        { { 0xcf, 0, 0, 0, 0, 0, 0, 0, 7 }, 9, 7 },
        { { 0xd0, 7 }, 2, 7 },
        { { 0xd1, 0, 7 }, 3, 7 },
        { { 0xd2, 0, 0, 0, 7 }, 5, 7 },
        { { 0xd3, 0, 0, 0, 0, 0, 0, 0, 7 }, 9, 7 },
        { { 0xe0 }, 1, -32 },
        { { 0xd0, 0xfe }, 2, -2 },
        { { 0xd1, 0xff, 0xfe }, 3, -2 },
        { { 0xd2, 0xff, 0xff, 0xff, 0xfe }, 5, -2 },
        { { 0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe }, 9, -2 },
        { { 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0 }, 9, INT64_MIN },
        { { 0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 9, INT64_MAX },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        input_t input = input_new(cases[i].bytes, cases[i].size);
        bool positive = cases[i].value >= 0;
        assert_int_equal(unpack_peek(&input.in), positive ? UNPACK_UINT : UNPACK_INT);

        unpack_t again = input.in;
        int64_t value = 0;
        assert_true(unpack_int(&input.in, &value) && unpack_done(&input.in));
        assert_true(value == cases[i].value);

        uint64_t number = 0;
        assert_true(unpack_uint(&again, &number) == positive);
        input_free(&input);
    }
}

static void
an_integer_that_does_not_fit_is_refused(void **unused)
{
    (void)unused;
    input_t large = INPUT(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0);
    int64_t value = 1;
    assert_false(unpack_int(&large.in, &value));
    assert_int_equal(value, 1);
    input_free(&large);

    input_t wide = INPUT(0xcf, 0, 0, 0, 1, 0, 0, 0, 0);
    uint32_t small = 1;
    assert_false(unpack_u32(&wide.in, &small));
    assert_int_equal(small, 1);
    input_free(&wide);
}

static void
the_largest_unsigned_number_is_read(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xcf, 255, 255, 255, 255, 255, 255, 255, 255);
    uint64_t value = 0;
    assert_true(unpack_uint(&input.in, &value));
    assert_true(value == UINT64_MAX);
    input_free(&input);
}

static void
floats_of_both_widths_are_read(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xca, 0xbf, 0x80, 0, 0, 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0);
    double narrow = 0;
    double wide = 0;
    assert_true(unpack_float(&input.in, &narrow) && unpack_float(&input.in, &wide));
    assert_true(narrow == -1.0 && isinf(wide));
    assert_true(unpack_done(&input.in));
    input_free(&input);
}

static void
text_and_bytes_point_into_the_input(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xa2, 'h', 'i', 0xc4, 2, 0, 1, 0xa0, 0xc4, 0);
    view_t text;
    view_t bytes;
    assert_true(unpack_text(&input.in, &text) && unpack_binary(&input.in, &bytes));
    assert_int_equal(text.size, 2);
    assert_ptr_equal(text.data, input.block + 1);
    assert_int_equal(bytes.size, 2);
    assert_ptr_equal(bytes.data, input.block + 5);

    assert_true(unpack_text(&input.in, &text) && unpack_binary(&input.in, &bytes));
    assert_true(text.size == 0 && bytes.size == 0);
    assert_true(unpack_done(&input.in));
    input_free(&input);
}

static void
another_kind_than_the_named_one_is_refused(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xa1, 'x');
    view_t view;
    assert_false(unpack_binary(&input.in, &view));
    input_free(&input);

    input = INPUT(0xc4, 1, 'x');
    assert_false(unpack_text(&input.in, &view));
    input_free(&input);

    input = INPUT(0x01);
    double real = 0;
    assert_false(unpack_float(&input.in, &real));
    input_free(&input);

    input = INPUT(0x80);
    uint32_t count = 0;
    assert_false(unpack_array(&input.in, &count));
    input_free(&input);
}

static void
after_a_bad_byte_everything_is_refused(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xc0, 0x01);
    bool boolean = false;
    uint64_t number = 0;
    assert_false(unpack_bool(&input.in, &boolean));
    assert_false(unpack_uint(&input.in, &number));
    assert_false(unpack_skip(&input.in));
    assert_int_equal(unpack_peek(&input.in), UNPACK_END);
    assert_false(unpack_done(&input.in));
    input_free(&input);
}

static void
the_byte_that_msgpack_never_uses_is_refused(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xc1, 0xc0);
    assert_int_equal(unpack_peek(&input.in), UNPACK_OTHER);
    assert_false(unpack_skip(&input.in));
    input_free(&input);
}

static void
a_count_larger_than_the_bytes_left_is_refused(void **unused)
{
    (void)unused;
    static const uint8_t bombs[][9] = {
        { 0xdd, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* array */
        { 0xdf, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* map, whose double overflows 32 bits */
        { 0xdf, 0x80, 0, 0, 0, 0, 0, 0, 0 },
        { 0xdf, 0, 0, 0, 3, 0, 0, 0, 0 }, /* three pairs in four bytes */
        { 0xdd, 0, 0, 0, 5, 0, 0, 0, 0 },
        { 0xdb, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* text */
        { 0xdb, 0, 0, 0, 5, 0, 0, 0, 0 },
        { 0xc6, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* bytes */
        { 0xc9, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* ext, whose type makes it 2^32 */
        { 0xc9, 0, 0, 0, 4, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        input_t input = input_new(bombs[i], sizeof bombs[i]);
        unpack_t again = input.in;
        assert_false(unpack_skip(&input.in));
        assert_ptr_equal(input.in.at, input.block + 5); /* behind the head, and no further */
        uint32_t count = 0;
        assert_false(unpack_array(&again, &count));
        input_free(&input);
    }
}

static void
an_array_says_its_count(void **unused)
{
    (void)unused;
    input_t input = INPUT(0xdc, 0, 2, 0xc0, 0xc0);
    uint32_t count = 0;
    assert_true(unpack_array(&input.in, &count));
    assert_int_equal(count, 2);
    assert_true(unpack_nil(&input.in) && unpack_nil(&input.in) && unpack_done(&input.in));
    input_free(&input);
}

/* `depth` arrays in each other, the innermost empty. */
static bool
nested_is_skipped(size_t depth)
{
    uint8_t bytes[64];
    memset(bytes, 0x91, depth);
    bytes[depth - 1] = 0x90;
    input_t input = input_new(bytes, depth);
    bool skipped = unpack_skip(&input.in);
    input_free(&input);
    return skipped;
}

static void
sixteen_nested_arrays_are_skipped_and_no_more(void **unused)
{
    (void)unused;
    assert_true(nested_is_skipped(1));
    assert_true(nested_is_skipped(16));
    assert_false(nested_is_skipped(17));
    assert_false(nested_is_skipped(64));
}

static void
a_depth_bomb_is_refused_without_walking_it(void **unused)
{
    (void)unused;
    size_t size = 1 << 20;
    uint8_t *bomb = malloc(size);
    assert_non_null(bomb);
    memset(bomb, 0x91, size);
    unpack_t in;
    unpack_init(&in, bomb, size);
    assert_false(unpack_skip(&in));
    assert_true(in.at - bomb <= 17);
    free(bomb);
}

static void
skipping_stops_behind_its_value(void **unused)
{
    (void)unused;
    input_t input = INPUT(0x92, 0x82, 1, 2, 3, 4, 0x90, 0x2a);
    uint64_t value = 0;
    assert_true(unpack_skip(&input.in));
    assert_true(unpack_uint(&input.in, &value));
    assert_int_equal(value, 42);
    assert_true(unpack_done(&input.in));
    input_free(&input);
}

static void
nothing_is_done_and_has_no_value(void **unused)
{
    (void)unused;
    unpack_t in;
    unpack_init(&in, NULL, 0);
    assert_true(unpack_done(&in));
    assert_int_equal(unpack_peek(&in), UNPACK_END);
    assert_false(unpack_skip(&in));
    assert_false(unpack_done(&in));
}

static void
peek_names_every_kind(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t first;
        unpack_kind_t kind;
    } cases[] = {
        { 0xc0, UNPACK_NIL },   { 0xc2, UNPACK_BOOL },   { 0xc3, UNPACK_BOOL },
        { 0x7f, UNPACK_UINT },  { 0xcf, UNPACK_UINT },   { 0xe0, UNPACK_INT },
        { 0xca, UNPACK_FLOAT }, { 0xcb, UNPACK_FLOAT },  { 0xbf, UNPACK_TEXT },
        { 0xdb, UNPACK_TEXT },  { 0xc4, UNPACK_BINARY }, { 0xc6, UNPACK_BINARY },
        { 0x9f, UNPACK_ARRAY }, { 0xdd, UNPACK_ARRAY },  { 0x8f, UNPACK_MAP },
        { 0xdf, UNPACK_MAP },   { 0xd4, UNPACK_OTHER },  { 0xc9, UNPACK_OTHER },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        input_t input = INPUT(cases[i].first);
        assert_int_equal(unpack_peek(&input.in), cases[i].kind);
        input_free(&input);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_is_stepped_over),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(no_reader_looks_behind_the_end_of_a_prefix),
        cmocka_unit_test(integers_of_any_width_are_taken_when_they_fit),
        cmocka_unit_test(an_integer_that_does_not_fit_is_refused),
        cmocka_unit_test(the_largest_unsigned_number_is_read),
        cmocka_unit_test(floats_of_both_widths_are_read),
        cmocka_unit_test(text_and_bytes_point_into_the_input),
        cmocka_unit_test(another_kind_than_the_named_one_is_refused),
        cmocka_unit_test(after_a_bad_byte_everything_is_refused),
        cmocka_unit_test(the_byte_that_msgpack_never_uses_is_refused),
        cmocka_unit_test(a_count_larger_than_the_bytes_left_is_refused),
        cmocka_unit_test(an_array_says_its_count),
        cmocka_unit_test(sixteen_nested_arrays_are_skipped_and_no_more),
        cmocka_unit_test(a_depth_bomb_is_refused_without_walking_it),
        cmocka_unit_test(skipping_stops_behind_its_value),
        cmocka_unit_test(nothing_is_done_and_has_no_value),
        cmocka_unit_test(peek_names_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
