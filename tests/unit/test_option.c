#include "tests/unit/unit.h"

#include "api/option.h"

static void
a_number_in_its_range_is_taken(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(option_check("priority", 0, &err));
    assert_true(option_check("priority", 9, &err));
    assert_true(option_check("max_attempts", 100, &err));
    assert_true(option_check("retention_s", 2592000, &err));
    assert_true(option_check("max_rows", INT64_C(9007199254740992), &err));
    assert_true(option_check("max_bytes", 1, &err));
    assert_true(option_check("deadline_ms", 2592000000, &err));
}

static void
one_outside_is_refused_by_name(void **unused)
{
    (void)unused;
    err_t err;
    assert_false(option_check("priority", 10, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, "option 'priority' must be a whole number from 0 to 9");
    assert_false(option_check("priority", -1, &err));
    assert_false(option_check("max_attempts", 0, &err));
    assert_false(option_check("max_attempts", 101, &err));
    assert_false(option_check("retention_s", 2592001, &err));
    assert_false(option_check("max_rows", 0, &err));
    assert_false(option_check("max_bytes", INT64_C(9007199254740993), &err));
    assert_false(option_check("queue_timeout_ms", INT64_MIN, &err));
    assert_false(option_check("statement_timeout_ms", INT64_MAX, &err));
    assert_string_equal(
        err.text, "option 'statement_timeout_ms' must be a whole number from 1 to 2592000000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_in_its_range_is_taken),
        cmocka_unit_test(one_outside_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
