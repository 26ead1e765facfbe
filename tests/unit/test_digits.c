#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/digits.h"

static void
assert_uint(uint64_t number)
{
    char text[DIGITS_MOST + 1];
    char expected[DIGITS_MOST];
    *digits_uint(text, number) = '\0';
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)number);
    assert_string_equal(text, expected);
}

static void
assert_float(double number, bool four, const char *expected)
{
    char text[DIGITS_MOST + 1];
    *digits_float(text, number, four) = '\0';
    assert_string_equal(text, expected);
}

static void
whole_numbers_have_all_their_digits(void **unused)
{
    (void)unused;
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++, power *= 10) {
        assert_uint(power - 1);
        assert_uint(power);
        assert_uint(power + 1);
    }
    assert_uint(UINT64_MAX);
    char text[DIGITS_MOST + 1];
    *digits_int(text, INT64_MIN) = '\0';
    assert_string_equal(text, "-9223372036854775808");
    *digits_int(text, -7) = '\0';
    assert_string_equal(text, "-7");
}

/* What `SELECT x::float8` prints with extra_float_digits = 1. */
static void
doubles_are_written_as_postgresql_writes_them(void **unused)
{
    (void)unused;
    assert_float(0, false, "0");
    assert_float(-0.0, false, "-0");
    assert_float(0.1, false, "0.1");
    assert_float(-2.5, false, "-2.5");
    assert_float(1e-4, false, "0.0001");
    assert_float(1.25e-5, false, "1.25e-05");
    assert_float(123456789012345, false, "123456789012345");
    assert_float(1e15, false, "1e+15");
    assert_float(1234567890123456.8, false, "1.2345678901234568e+15");
    assert_float(9007199254740993.0, false, "9.007199254740992e+15");
    assert_float(0.30000000000000004, false, "0.30000000000000004");
    assert_float(1e300, false, "1e+300");
    assert_float(1.7976931348623157e308, false, "1.7976931348623157e+308");
    assert_float(2.2250738585072014e-308, false, "2.2250738585072014e-308");
    assert_float(5e-324, false, "5e-324");
    assert_float(1.5e-310, false, "1.5e-310");
    assert_float(100.5, false, "100.5");
    assert_float(411423596450515968, false, "4.1142359645051597e+17"); /* ...16e+17 is a tie */
}

/* And `SELECT x::float4`. */
static void
four_byte_floats_turn_to_exponents_sooner(void **unused)
{
    (void)unused;
    assert_float(0.1, true, "0.1");
    assert_float(999999, true, "999999");
    assert_float(1e6, true, "1e+06");
    assert_float(16777216, true, "1.6777216e+07");
    assert_float(3.4028235e38, true, "3.4028235e+38");
    assert_float(1.4e-45, true, "1.4e-45");
    assert_float(123456.7, true, "123456.7");
    assert_float(5.2194367e19, true, "5.2194367e+19"); /* a tie of doubles, but not of floats */
}

static void
every_double_reads_back_equal(void **unused)
{
    (void)unused;
    uint64_t bits = 88172645463325252;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double number;
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        char text[DIGITS_MOST + 1];
        char *end = digits_float(text, number, false);
        assert_in_range(end - text, 1, DIGITS_MOST);
        *end = '\0';
        if (strtod(text, NULL) != number)
            fail_msg("%s is not %.17g", text, number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_have_all_their_digits),
        cmocka_unit_test(doubles_are_written_as_postgresql_writes_them),
        cmocka_unit_test(four_byte_floats_turn_to_exponents_sooner),
        cmocka_unit_test(every_double_reads_back_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
