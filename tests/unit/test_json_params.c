/* test_json_params.c - parameters as JSON: what a value becomes, and what is refused. */
#include "api/json_params.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static json_doc_t *doc;
static json_params_t params;
static err_t err;

static int
begin(void **unused)
{
    (void)unused;
    doc = NULL;
    params = (json_params_t){ .list = NULL };
    return 0;
}

static int
end(void **unused)
{
    (void)unused;
    json_params_clear(&params);
    json_doc_destroy(&doc);
    return 0;
}

#define PARAMS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* Read {"params": json}. */
static bool
reads(const char *json)
{
    json_params_clear(&params);
    json_doc_destroy(&doc);
    own(mem) body = mem_format("{\"params\":%s}", json);
    doc = json_parse(body, strlen(body), &err);
    if (!doc)
        fail_msg("%s: %s", json, err.text);
    return json_params_read(&params, json_doc_part(doc, "params"), &err);
}

/* This value alone is a parameter of this type (NULL: none), with this text (NULL: null). */
static void
assert_value(const char *json, const char *type, const char *value)
{
    own(mem) list = mem_format("[%s]", json);
    if (!reads(list))
        fail_msg("%s: %s", json, err.text);
    assert_int_equal(params.count, 1);
    const order_param_t *param = &params.list[0];
    assert_null(param->name);
    assert_string_equal(param->type ? param->type : "none", type ? type : "none");
    if (!value) {
        assert_null(param->value);
        return;
    }
    assert_non_null(param->value);
    assert_string_equal(param->value, value);
    assert_int_equal(param->size, strlen(value));
}

/* A value of this type becomes this text. */
static void
assert_typed(const char *type, const char *json, const char *value)
{
    own(mem) typed = mem_format("{\"type\":\"%s\",\"value\":%s}", type, json);
    assert_value(typed, type, value);
}

static void
assert_refused(const char *json, const char *text)
{
    if (reads(json))
        fail_msg("was read: %s", json);
    assert_int_equal(err.kind, ERR_INVALID);
    if (strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("%s: said '%s'", json, err.text);
    assert_null(params.list);
}

/* --- plain values --- */

static void
a_whole_number_has_the_type_that_its_literal_has(void **unused)
{
    (void)unused;
    assert_value("42", "integer", "42");
    assert_value("2147483647", "integer", "2147483647");
    assert_value("-2147483648", "integer", "-2147483648");
    assert_value("2147483648", "bigint", "2147483648");
    assert_value("-2147483649", "bigint", "-2147483649");
    assert_value("9223372036854775807", "bigint", "9223372036854775807");
    assert_value("-9223372036854775808", "bigint", "-9223372036854775808");
}

static void
another_number_is_numeric(void **unused)
{
    (void)unused;
    assert_value("0.1", "numeric", "0.1");
    assert_value("1.10", "numeric", "1.1");
    assert_value("1e2", "numeric", "100");
    assert_value("1e300", "numeric", "1e+300");
    assert_value("-0.0", "numeric", "0");
}

static void
other_plain_values_are_what_they_are(void **unused)
{
    (void)unused;
    assert_value("true", "boolean", "true");
    assert_value("false", "boolean", "false");
    assert_value("\"it's $1\"", NULL, "it's $1");
    assert_value("\"\"", NULL, "");
    assert_value("null", NULL, NULL);
}

/* --- typed values --- */

static void
a_typed_value_is_sent_as_it_is_written(void **unused)
{
    (void)unused;
    assert_typed("int8", "\"42\"", "42");
    assert_typed("INT8", "42", "42");
    assert_typed("numeric", "\"1.10\"", "1.10");
    assert_typed("float8", "0.1", "0.1");
    assert_typed("bool", "true", "true");
    assert_typed("bytea", "\"\\\\x00ff\"", "\\x00ff");
    assert_typed("text", "7", "7");
    assert_typed("timestamp with time zone", "null", NULL);
    assert_typed("int8", "\"not one\"", "not one");
}

static void
json_takes_any_value_and_a_text_as_json(void **unused)
{
    (void)unused;
    assert_typed("jsonb", "{ \"a\" : [1, null, \"x\\\"\"] }", "{\"a\":[1,null,\"x\\\"\"]}");
    assert_typed("json", "[ 1.50 ]", "[1.5]");
    assert_typed("jsonb", "\"{\\\"a\\\": 1}\"", "{\"a\": 1}");
    assert_typed("jsonb", "\"\\\"a\\\"\"", "\"a\"");
    assert_typed("jsonb", "7", "7");
    assert_typed("jsonb", "null", NULL);
}

static void
a_list_is_an_array(void **unused)
{
    (void)unused;
    assert_typed("int8[]", "[1, null, 3]", "{1,NULL,3}");
    assert_typed("int8[]", "[]", "{}");
    assert_typed("int8[]", "[[1,2],[3,4]]", "{{1,2},{3,4}}");
    assert_typed("int8[]", "\"{5}\"", "{5}");
    assert_typed("int8[]", "null", NULL);
    assert_typed("bool[]", "[true,false]", "{true,false}");
    assert_typed("float8[]", "[0.5,1e2]", "{0.5,100}");
    assert_typed("box[]", "[\"(1,1),(0,0)\",\"(2,2),(1,1)\"]", "{\"(1,1),(0,0)\";\"(2,2),(1,1)\"}");
}

static void
texts_of_an_array_are_quoted(void **unused)
{
    (void)unused;
    assert_typed("text[]", "[\"a\",\"\",\"NULL\",null,\"a,b\",\" {} \"]",
                 "{\"a\",\"\",\"NULL\",NULL,\"a,b\",\" {} \"}");
    assert_typed("text[]", "[\"\\\"\",\"\\\\\",\"it's\",\"\\n\",\"\\u00e4\"]",
                 "{\"\\\"\",\"\\\\\",\"it's\",\"\n\",\"\xc3\xa4\"}");
    assert_typed("bytea[]", "[\"\\\\x0a\"]", "{\"\\\\x0a\"}");
}

static void
an_array_of_json_holds_objects(void **unused)
{
    (void)unused;
    assert_typed("jsonb[]", "[{\"a\":\"\\\"\"},{},1,null,\"[1]\"]",
                 "{\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\",\"{}\",1,NULL,\"[1]\"}");
}

static void
arrays_nest_so_deep(void **unused)
{
    (void)unused;
    assert_typed("int8[]", "[[[[[[1]]]]]]", "{{{{{{1}}}}}}");
    assert_refused("[{\"type\":\"int8[]\",\"value\":[[[[[[[1]]]]]]]}]",
                   "parameter 1: its list is nested deeper than 6");
}

/* --- all of them --- */

static void
names_and_numbers_are_kept_in_order(void **unused)
{
    (void)unused;
    assert_true(reads("{\"b\":1,\"a\":\"x\",\"c\":{\"type\":\"int8\",\"value\":2}}"));
    assert_int_equal(params.count, 3);
    assert_string_equal(params.list[0].name, "b");
    assert_string_equal(params.list[1].name, "a");
    assert_string_equal(params.list[2].name, "c");
    assert_string_equal(params.list[2].value, "2");
    assert_true(reads("[1,\"x\"]"));
    assert_int_equal(params.count, 2);
    assert_string_equal(params.list[1].value, "x");
}

static void
none_are_none(void **unused)
{
    (void)unused;
    static const char *const nothing[] = { "{}", "[]" };
    for (size_t i = 0; i < 2; i++) {
        assert_true(reads(nothing[i]));
        assert_null(params.list);
        assert_int_equal(params.count, 0);
    }
    assert_true(json_params_read(&params, json_doc_part(doc, "other"), &err));
    assert_int_equal(params.count, 0);
}

static void
what_is_neither_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "null", "1", "\"a\"", "true" };
    for (size_t i = 0; i < 4; i++)
        assert_refused(wrong[i], "option 'params' must be an object or a list");
}

static void
there_are_so_many_and_no_more(void **unused)
{
    (void)unused;
    enum { MOST = 1000 };
    char list[2 * (MOST + 1) + 2] = "[";
    for (int i = 0; i < MOST; i++)
        memcpy(list + 1 + 2 * i, "1,", 2);
    list[2 * MOST] = ']';
    assert_true(reads(list));
    assert_int_equal(params.count, MOST);
    memcpy(list + 2 * MOST, ",1]", 3);
    assert_refused(list, "option 'params' has more than 1000 parameters");
}

static void
what_is_wrong_names_the_parameter(void **unused)
{
    (void)unused;
    static const char members[] =
        "parameter 'id': an object must have the members 'type' and 'value', and no others";
    assert_refused("{\"a\":1,\"id\":{}}", members);
    assert_refused("{\"id\":{\"type\":\"int8\"}}", members);
    assert_refused("{\"id\":{\"value\":1}}", members);
    assert_refused("{\"id\":{\"type\":\"int8\",\"value\":1,\"x\":1}}", members);
    assert_refused("{\"id\":{\"type\":20,\"value\":1}}", "parameter 'id': its type must be a text");
    assert_refused("[1,[2]]", "parameter 2: a list needs a type");
    assert_refused("{\"id\":{\"type\":\"int8\",\"value\":[1]}}",
                   "parameter 'id': a list is no value of this type");
    assert_refused("{\"id\":{\"type\":\"text\",\"value\":{}}}",
                   "parameter 'id': an object is no value of this type");
    assert_refused("{\"id\":{\"type\":\"jsonb[]\",\"value\":{}}}",
                   "parameter 'id': an object is no value of this type");
    assert_refused("[{\"type\":\"int8[]\",\"value\":[{}]}]",
                   "parameter 1: an item of an array of this type cannot be an object");
}

static void
another_type_is_cast_to_in_the_text(void **unused)
{
    (void)unused;
    assert_refused("{\"id\":{\"type\":\"mood\",\"value\":\"ok\"}}",
                   "parameter 'id': 'mood' is not the name of a built-in type: leave it out, and "
                   "cast in the text instead, :id::mood");
    assert_refused("[1,{\"type\":\"varchar(10)\",\"value\":\"ok\"}]",
                   "parameter 2: 'varchar(10)' is not the name of a built-in type: leave it out, "
                   "and cast in the text instead, $2::varchar(10)");
    assert_refused("{\"id\":{\"type\":\"\",\"value\":1}}",
                   "parameter 'id': '' is not the name of a built-in type");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PARAMS_TEST(a_whole_number_has_the_type_that_its_literal_has),
        PARAMS_TEST(another_number_is_numeric),
        PARAMS_TEST(other_plain_values_are_what_they_are),
        PARAMS_TEST(a_typed_value_is_sent_as_it_is_written),
        PARAMS_TEST(json_takes_any_value_and_a_text_as_json),
        PARAMS_TEST(a_list_is_an_array),
        PARAMS_TEST(texts_of_an_array_are_quoted),
        PARAMS_TEST(an_array_of_json_holds_objects),
        PARAMS_TEST(arrays_nest_so_deep),
        PARAMS_TEST(names_and_numbers_are_kept_in_order),
        PARAMS_TEST(none_are_none),
        PARAMS_TEST(what_is_neither_is_refused),
        PARAMS_TEST(there_are_so_many_and_no_more),
        PARAMS_TEST(what_is_wrong_names_the_parameter),
        PARAMS_TEST(another_type_is_cast_to_in_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
