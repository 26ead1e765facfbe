#include "tests/unit/unit.h"

#include "api/media.h"

static void
a_type_is_what_stands_before_its_parameters(void **unused)
{
    (void)unused;
    assert_true(media_is("text/csv", "text/csv"));
    assert_true(media_is(" text/csv ;header=present", "text/csv"));
    assert_true(media_is("TEXT/Csv; charset=utf-8", "text/csv"));
    assert_false(media_is("text/csvx", "text/csv"));
    assert_false(media_is("text/cs", "text/csv"));
    assert_false(media_is("x; text/csv", "text/csv"));
    assert_false(media_is("", "text/csv"));
    assert_false(media_is(NULL, "text/csv"));
}

static void
a_suffix_is_the_end_of_the_type(void **unused)
{
    (void)unused;
    assert_true(media_ends("application/vnd.x+json; v=2", "+json"));
    assert_true(media_ends("application/vnd.x+JSON", "+json"));
    assert_false(media_ends("application/x; a=+json", "+json"));
    assert_false(media_ends("application/json", "+json"));
    assert_false(media_ends("+json", "+json"));
    assert_false(media_ends(NULL, "+json"));
}

static void
assert_param(const char *header, const char *name, const char *wanted)
{
    own(mem) value = media_param(header, name);
    if (!wanted) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    assert_string_equal(value, wanted);
}

static void
a_parameter_is_found_by_its_whole_name(void **unused)
{
    (void)unused;
    assert_param("a/b; boundary=xyz", "boundary", "xyz");
    assert_param("a/b;charset=utf-8 ; BOUNDARY=xyz", "boundary", "xyz");
    assert_param("form-data; filename=\"f\"; name=\"n\"", "name", "n");
    assert_param("form-data; xname=f; name=n; name=m", "name", "n");
    assert_param("a/b; boundar=x", "boundary", NULL);
    assert_param("a/b; boundaryy=x", "boundary", NULL);
    assert_param("a/b", "boundary", NULL);
    assert_param("boundary=x", "boundary", NULL);
    assert_param(NULL, "boundary", NULL);
}

static void
a_parameter_within_quotes_is_none(void **unused)
{
    (void)unused;
    assert_param("form-data; filename=\"; name=x\"; name=y", "name", "y");
    assert_param("form-data; filename=\"\\\"; name=x\"; name=y", "name", "y");
}

static void
quotes_are_taken_off(void **unused)
{
    (void)unused;
    assert_param("a/b; boundary=\"x y;z\"; c=d", "boundary", "x y;z");
    assert_param("a/b; boundary=\"\"", "boundary", "");
    assert_param("form-data; name=\"a\\\"b\\\\c\"", "name", "a\"b\\c");
    assert_param("form-data; name=\"C:\\temp\"", "name", "C:\\temp");
    assert_param("form-data; name=a\\\\b", "name", "a\\\\b");
}

static void
a_parameter_without_a_value_is_empty(void **unused)
{
    (void)unused;
    assert_param("a/b; boundary", "boundary", "");
    assert_param("a/b; boundary=; c=d", "boundary", "");
    assert_param("a/b; ; boundary=x;", "boundary", "x");
}

static void
behind_what_cannot_be_read_nothing_is(void **unused)
{
    (void)unused;
    assert_param("a/b; boundary=\"xyz", "boundary", NULL);
    assert_param("a/b; boundary=\"xyz\\\"", "boundary", NULL);
    assert_param("a/b; c=\"d\" e; boundary=x", "boundary", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_what_stands_before_its_parameters),
        cmocka_unit_test(a_suffix_is_the_end_of_the_type),
        cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
        cmocka_unit_test(a_parameter_within_quotes_is_none),
        cmocka_unit_test(quotes_are_taken_off),
        cmocka_unit_test(a_parameter_without_a_value_is_empty),
        cmocka_unit_test(behind_what_cannot_be_read_nothing_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
