/* test_json_dump.c - JSON that was read, as text. */
#include "api/json_dump.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* {"a": value} is read, and the value written. */
static char *
dumped(const char *value)
{
    err_t err;
    own(mem) body = mem_format("{\"a\":%s}", value);
    own(json_doc) doc = json_parse(body, strlen(body), &err);
    if (!doc)
        fail_msg("%s: %s", value, err.text);
    sink_t out = { 0 };
    json_dump(json_doc_part(doc, "a"), &out);
    char *text = mem_copy(out.data, out.size);
    free(out.data);
    return text;
}

static void
assert_dumped(const char *value, const char *expected)
{
    own(mem) text = dumped(value);
    assert_string_equal(text, expected);
}

static void
white_space_goes_and_order_stays(void **unused)
{
    (void)unused;
    assert_dumped(" { \"z\" : [ 1 , null ,\ttrue, false ] , \"a\" : { \"b\" : \"c\" } } ",
                  "{\"z\":[1,null,true,false],\"a\":{\"b\":\"c\"}}");
    assert_dumped("[ ]", "[]");
    assert_dumped("{ }", "{}");
    assert_dumped("[[[]],{}]", "[[[]],{}]");
    assert_dumped("null", "null");
}

static void
numbers_keep_their_value_and_are_short(void **unused)
{
    (void)unused;
    assert_dumped("[9223372036854775807,-9223372036854775808,0]",
                  "[9223372036854775807,-9223372036854775808,0]");
    assert_dumped("[0.1,1.10,1e2,1e300,5e-324,-0.0]", "[0.1,1.1,100,1e+300,5e-324,0]");
}

static void
texts_are_escaped_where_they_must_be(void **unused)
{
    (void)unused;
    assert_dumped("\"\\\"\\\\\\/\\n\\u0001\\u001f x \\u00e4 \xf0\x9f\x98\x80\"",
                  "\"\\\"\\\\/\\n\\u0001\\u001f x \xc3\xa4 \xf0\x9f\x98\x80\"");
    assert_dumped("{\"\\\"\\n\":\"\"}", "{\"\\\"\\n\":\"\"}");
}

static void
what_was_written_is_read_as_the_same_again(void **unused)
{
    (void)unused;
    own(mem) once = dumped("{\"a\":[{\"\\u0007\":\"\\\\\"},0.30000000000000004,\"\\\"\"]}");
    own(mem) twice = dumped(once);
    assert_string_equal(once, twice);
}

static void
the_deepest_that_is_read_is_written(void **unused)
{
    (void)unused;
    enum { DEEP = 63 };
    char value[2 * DEEP + 1] = { 0 };
    memset(value, '[', DEEP);
    memset(value + DEEP, ']', DEEP);
    assert_dumped(value, value);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_goes_and_order_stays),
        cmocka_unit_test(numbers_keep_their_value_and_are_short),
        cmocka_unit_test(texts_are_escaped_where_they_must_be),
        cmocka_unit_test(what_was_written_is_read_as_the_same_again),
        cmocka_unit_test(the_deepest_that_is_read_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
