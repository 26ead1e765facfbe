#include "tests/unit/unit.h"

#include "api/target.h"
#include "common/utf8.h"

static char room[8192];

static bool
parsed(target_t *target, const char *path, const char *query)
{
    const char *why = NULL;
    assert_true(target_room(path, query) <= sizeof room);
    bool good = target_parse(target, path, query, room, &why);
    assert_true(good || why);
    return good;
}

static void
a_path_is_its_segments(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/api/v1/job", NULL));
    assert_int_equal(target.segment_count, 3);
    assert_string_equal(target.segments[0], "api");
    assert_string_equal(target.segments[2], "job");
    assert_true(parsed(&target, "/", NULL));
    assert_int_equal(target.segment_count, 0);
}

static void
a_slash_at_the_end_counts_for_nothing_and_others_do(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/a/", NULL));
    assert_int_equal(target.segment_count, 1);
    assert_true(parsed(&target, "/a//b", NULL));
    assert_int_equal(target.segment_count, 3);
    assert_true(parsed(&target, "/a//", NULL));
    assert_int_equal(target.segment_count, 2);
}

static void
an_encoded_slash_stays_inside_its_segment(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/a%2Fb/%c3%A4+", NULL));
    assert_int_equal(target.segment_count, 2);
    assert_string_equal(target.segments[0], "a/b");
    assert_string_equal(target.segments[1], "\xc3\xa4+");
}

static void
query_parameters_are_decoded_in_order(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/", "a=1&&b=x+y%2B%26&c&=d&a=2"));
    assert_int_equal(target.param_count, 5);
    assert_string_equal(target.params[1].name, "b");
    assert_string_equal(target.params[1].value, "x y+&");
    assert_string_equal(target.params[2].name, "c");
    assert_string_equal(target.params[2].value, "");
    assert_string_equal(target.params[3].name, "");
    assert_string_equal(target.params[4].value, "2");
}

static void
many_short_parameters_have_room(void **unused)
{
    (void)unused;
    char query[128];
    for (size_t i = 0; i < 127; i++)
        query[i] = i % 2 ? '&' : 'a';
    query[127] = '\0';
    target_t target;
    assert_true(parsed(&target, "/", query));
    assert_int_equal(target.param_count, 64);
    assert_string_equal(target.params[63].name, "a");
    assert_false(parsed(&target, "/",
                        "a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&"
                        "a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a"));
}

static void
a_value_may_have_lines_and_nothing_else_may(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/", "q=SELECT%0d%0a%091"));
    assert_string_equal(target.params[0].value, "SELECT\r\n\t1");
    static const char *const wrong[] = { "q%0a=1", "%09", "q=%0b", "q=%00", "q=%1b", "q=%7f" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parsed(&target, "/", wrong[i]));
    assert_false(parsed(&target, "/a%0a", NULL));
    assert_false(parsed(&target, "/a%09", NULL));
}

static void
what_cannot_be_decoded_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "a",      "*",        "/%",        "/%4",  "/%zz",
                                         "/%00",   "/a%0d%0a", "/%1f",      "/%7F", "/%ff",
                                         "/%c3/x", "/%C0%AF",  "/%ed%a0%80" };
    target_t target;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(parsed(&target, wrong[i], NULL));
        if (wrong[i][0] == '/')
            assert_false(parsed(&target, "/", wrong[i] + 1));
    }
}

static void
a_path_of_many_segments_is_nothing(void **unused)
{
    (void)unused;
    target_t target;
    assert_true(parsed(&target, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19", NULL));
    assert_int_equal(target.segment_count, TARGET_SEGMENTS_MOST + 1);
}

static void
utf8_has_no_overlong_forms_surrogates_or_rests(void **unused)
{
    (void)unused;
    static const char *const right[] = {
        "", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"
    };
    static const char *const wrong[] = { "\x80",
                                         "\xc1\xbf",
                                         "\xe0\x9f\xbf",
                                         "\xed\xa0\x80",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xc3",
                                         "a\xe2\x82" };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_true(utf8_valid(right[i], strlen(right[i])));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_its_segments),
        cmocka_unit_test(a_slash_at_the_end_counts_for_nothing_and_others_do),
        cmocka_unit_test(an_encoded_slash_stays_inside_its_segment),
        cmocka_unit_test(query_parameters_are_decoded_in_order),
        cmocka_unit_test(many_short_parameters_have_room),
        cmocka_unit_test(a_value_may_have_lines_and_nothing_else_may),
        cmocka_unit_test(a_value_may_have_lines_and_nothing_else_may),
        cmocka_unit_test(what_cannot_be_decoded_is_refused),
        cmocka_unit_test(a_path_of_many_segments_is_nothing),
        cmocka_unit_test(utf8_has_no_overlong_forms_surrogates_or_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
