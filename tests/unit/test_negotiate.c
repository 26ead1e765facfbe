#include "tests/unit/unit.h"

#include "api/negotiate.h"

static const char *const types[] = { "application/json", "application/x-ndjson", "text/csv" };

static int
type(const char *accept)
{
    return negotiate_type(accept, types, 3);
}

static void
who_does_not_say_gets_the_first(void **unused)
{
    (void)unused;
    assert_int_equal(type(NULL), 0);
    assert_int_equal(type(""), 0);
    assert_int_equal(type("*/*"), 0);
    assert_int_equal(type("*"), 0);
    assert_int_equal(type("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), -1);
    assert_int_equal(type("text/html, image/gif, */*; q=0.2"), 0);
}

static void
a_type_is_found_by_its_name(void **unused)
{
    (void)unused;
    assert_int_equal(type("text/csv"), 2);
    assert_int_equal(type("TEXT/CSV"), 2);
    assert_int_equal(type("text/csv; header=present; charset=utf-8"), 2);
    assert_int_equal(type("application/json;charset=UTF-8"), 0);
    assert_int_equal(type("application/json; charset=UTF-8; lossless-adm=true"), 0);
    assert_int_equal(type("text/*"), 2);
    assert_int_equal(type("application/*"), 0);
}

static void
what_is_wanted_more_is_chosen(void **unused)
{
    (void)unused;
    assert_int_equal(type("application/json;q=0.5, text/csv"), 2);
    assert_int_equal(type("application/json;q=0.5,text/csv;q=0.499"), 0);
    assert_int_equal(type("*/*;q=0.1, application/x-ndjson;q=0.2"), 1);
    assert_int_equal(type("application/json;q=0, */*"), 1);
    assert_int_equal(type("application/*;q=0.3, application/json;q=0.2"), 1);
    assert_int_equal(type("text/csv;q=1.000, application/json;q=0.999"), 2);
}

static void
who_wants_something_else_gets_nothing(void **unused)
{
    (void)unused;
    assert_int_equal(type("text/html"), -1);
    assert_int_equal(type("application/json;q=0"), -1);
    assert_int_equal(type("application/json;q=x"), -1);
    assert_int_equal(type("application/jsonx, application/jso"), -1);
    assert_int_equal(type("*/*;q=0"), -1);
}

static void
odd_headers_are_read_to_their_end(void **unused)
{
    (void)unused;
    assert_int_equal(type(",,, ,text/csv,"), 2);
    assert_int_equal(type("text/html;x=\"a,b\\\",c\";q=0.5,text/csv;q=0.4"), 2);
    assert_int_equal(type("text/html;x=\"text/csv"), -1);
    assert_int_equal(type(";q=1,text/csv"), 2);
    assert_int_equal(type("text/csv;"), 2);
    assert_int_equal(type("text/csv;q"), 2);
    assert_int_equal(type("text/csv;q="), -1);
}

static void
a_coding_is_used_only_when_it_was_named(void **unused)
{
    (void)unused;
    assert_int_equal(negotiate_encoding(NULL), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding(""), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("*"), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("br, deflate"), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("gzip, deflate"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("gzip, deflate, br, zstd"), ENCODING_ZSTD);
    assert_int_equal(negotiate_encoding("GZIP"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("zstd;q=0.5, gzip"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("gzip;q=0"), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("identity, gzip;q=0.5"), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("identity;q=0.5, gzip;q=1.0"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("identity"), ENCODING_IDENTITY);
}

static void
a_star_names_codings_for_who_takes_no_plain_text(void **unused)
{
    (void)unused;
    assert_int_equal(negotiate_encoding("identity;q=0, *"), ENCODING_ZSTD);
    assert_int_equal(negotiate_encoding("*;q=0.1, identity;q=0, zstd;q=0"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("gzip, *;q=0"), ENCODING_GZIP);
    assert_int_equal(negotiate_encoding("*;q=0.5, identity;q=0.1"), ENCODING_IDENTITY);
    assert_int_equal(negotiate_encoding("*;q=0"), ENCODING_IDENTITY); /* nothing else is left */
    assert_int_equal(negotiate_encoding("identity;q=0"), ENCODING_IDENTITY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_say_gets_the_first),
        cmocka_unit_test(a_type_is_found_by_its_name),
        cmocka_unit_test(what_is_wanted_more_is_chosen),
        cmocka_unit_test(who_wants_something_else_gets_nothing),
        cmocka_unit_test(odd_headers_are_read_to_their_end),
        cmocka_unit_test(a_coding_is_used_only_when_it_was_named),
        cmocka_unit_test(a_star_names_codings_for_who_takes_no_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
