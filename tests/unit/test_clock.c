#include "tests/unit/unit.h"

#include "common/clock.h"

static void
times_are_written_in_utc(void **unused)
{
    (void)unused;
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_iso(1650566953069, text), "2022-04-21T18:49:13Z");
    assert_string_equal(clock_iso_ms(1650566953069, text), "2022-04-21T18:49:13.069Z");
    assert_string_equal(clock_iso_ms(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_http(1650566953069, text), "Thu, 21 Apr 2022 18:49:13 GMT");
    assert_string_equal(clock_http(784111777000, text), "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void
a_time_before_1970_is_rounded_down_too(void **unused)
{
    (void)unused;
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_iso(-1, text), "1969-12-31T23:59:59Z");
    assert_string_equal(clock_iso_ms(-1, text), "1969-12-31T23:59:59.999Z");
}

static void
the_farthest_times_fit(void **unused)
{
    (void)unused;
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_iso_ms(INT64_MAX, text), "292278994-08-17T07:12:55.807Z");
    assert_string_equal(clock_iso_ms(INT64_MIN, text), "-292275055-05-16T16:47:04.192Z");
}

static void
both_monotonic_clocks_are_one(void **unused)
{
    (void)unused;
    int64_t before = clock_mono_ms();
    int64_t between = clock_mono_us();
    int64_t after = clock_mono_ms();
    assert_true(before <= between / 1000);
    assert_true(between / 1000 <= after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(a_time_before_1970_is_rounded_down_too),
        cmocka_unit_test(the_farthest_times_fit),
        cmocka_unit_test(both_monotonic_clocks_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
