/* The names that columns go by in JSON objects. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/table.h"
#include "common/clock.h"

enum { WIDE = 1600, SOON_MS = 3000 };

static result_t *
a_result(manifest_t *manifest, const char *const *names, uint32_t count)
{
    result_t *result = manifest_add(manifest);
    result_columns(result, count);
    for (uint32_t i = 0; i < count; i++) {
        result->columns[i].name = mem_text(names[i]);
        result->columns[i].type = mem_text("text");
    }
    return result;
}

static void
assert_names(const char *const *given, const char *const *expected, uint32_t count)
{
    own(manifest) manifest = manifest_new();
    own(table) table = table_new(a_result(manifest, given, count));
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(table_name(table, i), expected[i]);
}

static void
names_that_repeat_are_numbered(void **unused)
{
    (void)unused;
    const char *const given[] = { "a", "b", "a", "a", "", "" };
    const char *const expected[] = { "a", "b", "a_2", "a_3", "", "_2" };
    assert_names(given, expected, 6);
    assert_names(given, expected, 0);
}

static void
numbers_step_over_names_that_other_columns_have(void **unused)
{
    (void)unused;
    const char *const given[] = { "a", "a", "a_2", "a", "a_2", "a_4" };
    const char *const expected[] = { "a", "a_3", "a_2", "a_5", "a_2_2", "a_4" };
    assert_names(given, expected, 6);
}

/* Eight hundred columns of one name, and as many that have what the others would be called. */
static void
a_wide_result_of_few_names_takes_no_time(void **unused)
{
    (void)unused;
    static char texts[WIDE][16];
    const char *given[WIDE];
    for (uint32_t i = 0; i < WIDE; i++) {
        snprintf(texts[i], sizeof texts[i], i < WIDE / 2 ? "a" : "a_%u", i - WIDE / 2 + 2);
        given[i] = texts[i];
    }
    own(manifest) manifest = manifest_new();
    const result_t *result = a_result(manifest, given, WIDE);
    int64_t began_ms = clock_mono_ms();
    for (int i = 0; i < 20; i++) {
        own(table) table = table_new(result);
        assert_string_equal(table_name(table, 1), "a_802");
        assert_string_equal(table_name(table, WIDE / 2 - 1), "a_1600");
    }
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_repeat_are_numbered),
        cmocka_unit_test(numbers_step_over_names_that_other_columns_have),
        cmocka_unit_test(a_wide_result_of_few_names_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
