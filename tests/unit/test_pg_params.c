#include "tests/unit/unit.h"

#include "common/pg_params.h"

static pg_wire_t
laid_out(const pg_params_t *params)
{
    pg_wire_t wire;
    assert_true(pg_params_wire(params, &wire));
    return wire;
}

static void
assert_value(const pg_wire_t *wire, int i, const char *bytes, int size)
{
    assert_non_null(wire->values[i]);
    assert_int_equal(wire->lengths[i], size);
    assert_int_equal(wire->formats[i], 1);
    assert_memory_equal(wire->values[i], bytes, (size_t)size);
}

static void
numbers_are_big_endian(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_param_int2(params, 258);
    pg_param_int4(params, -2);
    pg_param_int8(params, 1);
    pg_param_bool(params, true);
    pg_wire_t wire = laid_out(params);
    assert_int_equal(wire.count, 4);
    assert_value(&wire, 0, "\1\2", 2);
    assert_value(&wire, 1, "\xff\xff\xff\xfe", 4);
    assert_value(&wire, 2, "\0\0\0\0\0\0\0\1", 8);
    assert_value(&wire, 3, "\1", 1);
}

static void
missing_texts_and_bytes_are_null(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_param_text(params, NULL);
    pg_param_bytes(params, NULL, 0);
    pg_param_null(params);
    pg_param_text(params, "");
    pg_wire_t wire = laid_out(params);
    for (int i = 0; i < 3; i++)
        assert_null(wire.values[i]);
    assert_value(&wire, 3, "", 0);
}

static void
large_bytes_are_not_copied(void **unused)
{
    (void)unused;
    static const char bytes[] = "a page";
    own(pg_params) params = pg_params_new();
    pg_param_bytes(params, bytes, sizeof bytes);
    pg_wire_t wire = laid_out(params);
    assert_ptr_equal(wire.values[0], bytes);
}

static void
time_is_counted_from_2000_and_infinity_stays(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_param_time(params, PG_EPOCH_US + 1);
    pg_param_time(params, INT64_MAX);
    pg_param_time(params, INT64_MIN);
    pg_wire_t wire = laid_out(params);
    assert_value(&wire, 0, "\0\0\0\0\0\0\0\1", 8);
    assert_value(&wire, 1, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_value(&wire, 2, "\x80\0\0\0\0\0\0\0", 8);
}

static void
an_array_has_a_head_and_its_elements(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_array_open(params, PG_TEXT);
    pg_array_text(params, "ab");
    pg_array_text(params, NULL);
    pg_array_close(params);
    pg_wire_t wire = laid_out(params);
    assert_value(&wire, 0,
                 "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\2\0\0\0\1"
                 "\0\0\0\2ab\xff\xff\xff\xff",
                 30);
}

static void
an_array_without_elements_has_no_dimension(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_array_open(params, PG_INT8);
    pg_array_close(params);
    pg_param_int2(params, 7);
    pg_wire_t wire = laid_out(params);
    assert_value(&wire, 0, "\0\0\0\0\0\0\0\0\0\0\0\x14", 12);
    assert_value(&wire, 1, "\0\7", 2);
}

static void
earlier_values_survive_growth(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_param_text(params, "first");
    pg_array_open(params, PG_UUID);
    jobid_t id = { .bytes = { 9 } };
    for (int i = 0; i < 10000; i++)
        pg_array_uuid(params, &id);
    pg_array_close(params);
    pg_wire_t wire = laid_out(params);
    assert_value(&wire, 0, "first", 5);
    assert_int_equal(wire.lengths[1], 20 + 10000 * 20);
    assert_memory_equal(wire.values[1] + 24, id.bytes, sizeof id.bytes);
}

static void
cleared_parameters_are_none(void **unused)
{
    (void)unused;
    own(pg_params) params = pg_params_new();
    pg_param_int4(params, 1);
    pg_params_clear(params);
    assert_int_equal(laid_out(params).count, 0);
    assert_int_equal(laid_out(NULL).count, 0);
}

static void
what_no_message_can_carry_is_refused(void **unused)
{
    (void)unused;
    pg_wire_t wire;
    own(pg_params) params = pg_params_new();
    pg_param_bytes(params, "", (size_t)600 * 1024 * 1024);
    assert_true(pg_params_wire(params, &wire));
    pg_param_bytes(params, "", (size_t)600 * 1024 * 1024);
    assert_false(pg_params_wire(params, &wire));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(missing_texts_and_bytes_are_null),
        cmocka_unit_test(large_bytes_are_not_copied),
        cmocka_unit_test(time_is_counted_from_2000_and_infinity_stays),
        cmocka_unit_test(an_array_has_a_head_and_its_elements),
        cmocka_unit_test(an_array_without_elements_has_no_dimension),
        cmocka_unit_test(earlier_values_survive_growth),
        cmocka_unit_test(cleared_parameters_are_none),
        cmocka_unit_test(what_no_message_can_carry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
