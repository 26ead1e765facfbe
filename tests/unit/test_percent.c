#include "tests/unit/unit.h"

#include "api/percent.h"

/* The byte at the beginning of `text`; where the next one stands. */
static void
assert_byte(const char *text, bool form, int wanted, size_t next)
{
    size_t at = 0;
    assert_int_equal(percent_byte(text, strlen(text), &at, form), wanted);
    assert_int_equal(at, next);
}

static void
two_hex_digits_are_a_byte(void **unused)
{
    (void)unused;
    assert_byte("%41b", false, 'A', 3);
    assert_byte("%aF", false, 0xaf, 3);
    assert_byte("%00", false, 0, 3);
    assert_byte("a%41", false, 'a', 1);
    assert_byte("\xff", false, 0xff, 1);
}

static void
a_plus_sign_is_a_space_in_forms_only(void **unused)
{
    (void)unused;
    assert_byte("+", true, ' ', 1);
    assert_byte("+", false, '+', 1);
    assert_byte("%2b", true, '+', 3);
}

static void
a_percent_sign_without_two_digits_is_no_byte(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "%", "%4", "%g1", "%4g", "%%41", "% 1", "%+1" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t at = 0;
        assert_true(percent_byte(wrong[i], strlen(wrong[i]), &at, true) < 0);
    }
}

static void
digits_behind_the_end_do_not_count(void **unused)
{
    (void)unused;
    size_t at = 0;
    assert_true(percent_byte("%41", 2, &at, true) < 0);
    at = 0;
    assert_true(percent_byte("%41", 1, &at, true) < 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hex_digits_are_a_byte),
        cmocka_unit_test(a_plus_sign_is_a_space_in_forms_only),
        cmocka_unit_test(a_percent_sign_without_two_digits_is_no_byte),
        cmocka_unit_test(digits_behind_the_end_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
