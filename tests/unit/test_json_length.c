#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/json_length.h"

/* How long a value is that stands so in a body. */
static size_t
length_of(const char *value)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) body = mem_format("{\"a\": %s}", value);
    own(json_doc) doc = json_parse(body, strlen(body), &err);
    if (!doc)
        fail_msg("%s: %s", value, err.text);
    return json_part_length(json_doc_part(doc, "a"));
}

static void
assert_length(const char *value, const char *in_javascript)
{
    if (length_of(value) != strlen(in_javascript))
        fail_msg("%s has %zu, not the %zu of %s", value, length_of(value), strlen(in_javascript),
                 in_javascript);
}

static void
no_space_stands_between_values(void **unused)
{
    (void)unused;
    assert_length("[ 1, true , false, null ]", "[1,true,false,null]");
    assert_length("{ \"b\": 1, \"c\" : [ ] , \"d\": { } }", "{\"b\":1,\"c\":[],\"d\":{}}");
    assert_length("[]", "[]");
    assert_length("{\"\": \"\"}", "{\"\":\"\"}");
}

static void
the_whole_body_has_a_length(void **unused)
{
    (void)unused;
    err_t err;
    static const char body[] = "{ \"query\" : \"SELECT 1\" , \"api_key\" : \"x\" }";
    own(json_doc) doc = json_parse(body, sizeof body - 1, &err);
    assert_int_equal(json_part_length(json_doc_root(doc)),
                     strlen("{\"query\":\"SELECT 1\",\"api_key\":\"x\"}"));
}

static void
what_must_be_escaped_is_as_long_as_its_escape(void **unused)
{
    (void)unused;
    assert_length("\"\\\"\\\\\\/\"", "\"\\\"\\\\/\"");
    assert_length("\"\\b\\t\\n\\f\\r\"", "\"\\b\\t\\n\\f\\r\"");
    assert_length("\"\\u0001\\u000b\\u001f\"", "\"\\u0001\\u000b\\u001f\"");
    assert_length("\"\x7f\"", "\"?\"");
}

static void
characters_count_as_units_of_utf16(void **unused)
{
    (void)unused;
    assert_length("\"\xc3\xa4\"", "\"?\"");
    assert_length("\"\xe2\x82\xac\xe2\x80\xa8\"", "\"??\"");
    assert_length("\"\xf0\x9f\x98\x80\"", "\"??\"");
    assert_length("{\"\xf0\x9f\x98\x80\xc3\xa4\": 1}", "{\"???\":1}");
    assert_length("\"\\ud83d\\ude00\"", "\"??\"");
}

static void
integers_are_as_long_as_their_digits(void **unused)
{
    (void)unused;
    assert_length("0", "0");
    assert_length("-1", "-1");
    assert_length("9007199254740992", "9007199254740992");
    assert_length("-9007199254740992", "-9007199254740992");
}

static void
integers_that_are_no_doubles_are_rounded_to_one(void **unused)
{
    (void)unused;
    assert_length("9007199254740993", "9007199254740992");
    assert_length("9999999999999999", "10000000000000000");
    assert_length("-9999999999999999", "-10000000000000000");
    assert_length("9223372036854775807", "9223372036854776000");
    assert_length("-9223372036854775808", "-9223372036854776000");
}

static void
reals_have_the_shortest_form_that_reads_back_equal(void **unused)
{
    (void)unused;
    assert_length("1.0", "1");
    assert_length("0.0", "0");
    assert_length("-0.0", "0");
    assert_length("1.50", "1.5");
    assert_length("-0.1", "-0.1");
    assert_length("0.30000000000000004", "0.30000000000000004");
    assert_length("9.5367431640625e-7", "9.5367431640625e-7");
    assert_length("123456.789e3", "123456789");
}

static void
reals_have_an_exponent_where_javascript_writes_one(void **unused)
{
    (void)unused;
    assert_length("1e20", "100000000000000000000");
    assert_length("123e19", "1.23e+21");
    assert_length("1e21", "1e+21");
    assert_length("1e-6", "0.000001");
    assert_length("1.5e-6", "0.0000015");
    assert_length("1e-7", "1e-7");
    assert_length("-1.25e-7", "-1.25e-7");
    assert_length("1.7976931348623157e308", "1.7976931348623157e+308");
    assert_length("5e-324", "5e-324");
    assert_length("2.5e-310", "2.5e-310");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_space_stands_between_values),
        cmocka_unit_test(the_whole_body_has_a_length),
        cmocka_unit_test(what_must_be_escaped_is_as_long_as_its_escape),
        cmocka_unit_test(characters_count_as_units_of_utf16),
        cmocka_unit_test(integers_are_as_long_as_their_digits),
        cmocka_unit_test(integers_that_are_no_doubles_are_rounded_to_one),
        cmocka_unit_test(reals_have_the_shortest_form_that_reads_back_equal),
        cmocka_unit_test(reals_have_an_exponent_where_javascript_writes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
