#include "tests/unit/unit.h"

#include "common/jobid.h"

static const char known[] = "0180548a-91bd-7abc-9234-56789abcdef0";

static void
a_fresh_id_has_the_shape_of_version_7(void **unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        char text[JOBID_TEXT_SIZE];
        jobid_t id = jobid_make(1650566953069, 0xabc);
        assert_memory_equal(jobid_text(&id, text), "01804d74-f86d-7abc-", 19);
        assert_non_null(strchr("89ab", text[19]));
    }
}

static void
the_milliseconds_come_back(void **unused)
{
    (void)unused;
    static const int64_t times[] = { 0, 1, 1650566953069, (INT64_C(1) << 48) - 1 };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        jobid_t id = jobid_make(times[i], 4095);
        assert_int_equal(jobid_ms(&id), times[i]);
    }
}

static void
ids_of_one_moment_differ(void **unused)
{
    (void)unused;
    jobid_t a = jobid_make(1, 1);
    jobid_t b = jobid_make(1, 1);
    assert_false(jobid_equal(&a, &b));
    assert_true(jobid_equal(&a, &a));
}

static void
a_later_id_sorts_behind(void **unused)
{
    (void)unused;
    jobid_t a = jobid_make(255, 4095);
    jobid_t b = jobid_make(256, 0);
    assert_true(jobid_compare(&a, &b) < 0);
    assert_true(jobid_compare(&b, &a) > 0);
    assert_int_equal(jobid_compare(&a, &a), 0);
}

static void
an_id_behind_another_has_its_time_and_its_shape(void **unused)
{
    (void)unused;
    jobid_t id = jobid_make(1650566953069, 0xabc);
    for (int i = 0; i < 1000; i++) {
        char text[JOBID_TEXT_SIZE];
        jobid_t next;
        assert_true(jobid_after(&id, &next));
        assert_true(jobid_compare(&id, &next) < 0);
        assert_memory_equal(jobid_text(&next, text), "01804d74-f86d-7abc-", 19);
        assert_non_null(strchr("89ab", text[19]));
        id = next;
    }
}

static void
behind_the_last_id_of_a_moment_there_is_none(void **unused)
{
    (void)unused;
    jobid_t next;
    jobid_t last;
    assert_true(jobid_parse("01804d74-f86d-7abc-bfff-ffffffffffff", &last));
    assert_false(jobid_after(&last, &next));
}

static void
a_text_comes_back_in_lower_case(void **unused)
{
    (void)unused;
    jobid_t id;
    char text[JOBID_TEXT_SIZE];
    assert_true(jobid_parse("0180548A-91BD-7ABC-9234-56789ABCDEF0", &id));
    assert_string_equal(jobid_text(&id, text), known);
}

static void
a_stranger_s_uuid_is_taken(void **unused)
{
    (void)unused;
    jobid_t id;
    assert_true(jobid_parse("00000000-0000-0000-0000-000000000000", &id));
    assert_true(jobid_parse("f47ac10b-58cc-4372-a567-0e02b2c3d479", &id));
}

static void
what_is_no_uuid_is_refused_and_changes_nothing(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",
        "0180548a",
        "0180548a-91bd-7abc-9234-56789abcdef",
        "0180548a-91bd-7abc-9234-56789abcdef00",
        "0180548a091bd-7abc-9234-56789abcdef0",
        "0180548a-91bd-7abc-9234-56789abcdeg0",
        "0180548a-91bd-7abc-9234--6789abcdef0",
        "0180548a91bd7abc923456789abcdef00000",
        " 180548a-91bd-7abc-9234-56789abcdef0",
        "{180548a-91bd-7abc-9234-56789abcdef}",
    };
    jobid_t id = { { 7 } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(jobid_parse(wrong[i], &id));
        assert_int_equal(id.bytes[0], 7);
    }
}

static void
a_name_always_has_the_same_key_and_no_other_name_has_it(void **unused)
{
    (void)unused;
    jobid_t a = jobid_named("a");
    jobid_t again = jobid_named("a");
    jobid_t b = jobid_named("b");
    assert_true(jobid_equal(&a, &again));
    assert_false(jobid_equal(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_always_has_the_same_key_and_no_other_name_has_it),
        cmocka_unit_test(a_fresh_id_has_the_shape_of_version_7),
        cmocka_unit_test(the_milliseconds_come_back),
        cmocka_unit_test(ids_of_one_moment_differ),
        cmocka_unit_test(a_later_id_sorts_behind),
        cmocka_unit_test(an_id_behind_another_has_its_time_and_its_shape),
        cmocka_unit_test(behind_the_last_id_of_a_moment_there_is_none),
        cmocka_unit_test(a_text_comes_back_in_lower_case),
        cmocka_unit_test(a_stranger_s_uuid_is_taken),
        cmocka_unit_test(what_is_no_uuid_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
