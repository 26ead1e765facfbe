#include "tests/unit/unit.h"

#include <math.h>

#include "api/json.h"
#include "tests/unit/http_fake.h"

/* --- writing --- */

typedef void (*write_fn)(json_t *json);

static void
assert_written(write_fn write, const char *wanted)
{
    own(fake_reply) fake = fake_reply_new((frame_t){ .keep = true }, false);
    json_t json;
    json_init(&json, &fake->reply);
    write(&json);
    reply_end(&fake->reply);
    assert_string_equal(fake_body(fake), wanted);
}

static void
write_nested(json_t *json)
{
    json_begin(json);
    json_member_text(json, "a", "x");
    json_name(json, "b");
    json_begin_list(json);
    json_int(json, 1);
    json_begin(json);
    json_end(json);
    json_begin_list(json);
    json_end_list(json);
    json_bool(json, false);
    json_end_list(json);
    json_member_nil(json, "c");
    json_member_text(json, "d", NULL);
    json_end(json);
}

static void
commas_stand_between_and_nowhere_else(void **unused)
{
    (void)unused;
    assert_written(write_nested, "{\"a\":\"x\",\"b\":[1,{},[],false],\"c\":null,\"d\":null}");
}

static void
write_hostile(json_t *json)
{
    json_text(json, "\"\\/\b\f\n\r\t\x01\x1f\x7f </script> \xc3\xa4\xf0\x9f\x98\x80");
}

static void
quotes_backslashes_and_control_bytes_are_escaped(void **unused)
{
    (void)unused;
    assert_written(
        write_hostile,
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f </script> \xc3\xa4\xf0\x9f\x98\x80\"");
}

static void
write_broken(json_t *json)
{
    json_text(json, "a\xc3");
}

static void
a_text_that_is_no_utf8_is_mended(void **unused)
{
    (void)unused;
    assert_written(write_broken, "\"a\xef\xbf\xbd\"");
}

static void
write_integers(json_t *json)
{
    json_begin_list(json);
    json_int(json, 0);
    json_int(json, -1);
    json_int(json, INT64_MAX);
    json_int(json, INT64_MIN);
    json_end_list(json);
}

static void
integers_are_exact(void **unused)
{
    (void)unused;
    assert_written(write_integers, "[0,-1,9223372036854775807,-9223372036854775808]");
}

static void
write_seconds(json_t *json)
{
    json_begin_list(json);
    json_seconds(json, 0);
    json_seconds(json, 1500000);
    json_seconds(json, 42);
    json_seconds(json, -42);
    json_end_list(json);
}

static void
microseconds_are_seconds_with_a_fraction(void **unused)
{
    (void)unused;
    assert_written(write_seconds, "[0.000000,1.500000,0.000042,-0.000042]");
}

static void
a_key_is_a_name_made_ready(void **unused)
{
    (void)unused;
    own(mem) key = json_key("a\"b");
    assert_string_equal(key, "\"a\\\"b\":");
}

static void
a_text_larger_than_the_buffer_comes_whole(void **unused)
{
    (void)unused;
    size_t size = 3 * REPLY_SIZE;
    own(mem) text = mem_new(size + 1);
    memset(text, '\n', size);
    own(fake_reply) fake = fake_reply_new((frame_t){ .old = true }, false); /* no chunks */
    json_t json;
    json_init(&json, &fake->reply);
    json_bytes(&json, text, size);
    reply_end(&fake->reply);
    const char *body = fake_body(fake);
    assert_int_equal(strlen(body), 2 * size + 2);
    for (size_t i = 0; i < size; i++)
        assert_memory_equal(body + 1 + 2 * i, "\\n", 2);
}

/* --- reading --- */

static void
members_are_read_by_kind(void **unused)
{
    (void)unused;
    static const char body[] = "{\"t\":\"x\\u00e4\",\"i\":-5,\"r\":1.5,\"b\":true,\"n\":null,"
                               "\"a\":[],\"o\":{}}";
    err_t err;
    own(json_doc) doc = json_parse(body, sizeof body - 1, &err);
    assert_non_null(doc);
    size_t size = 0;
    assert_string_equal(json_doc_text(doc, "t", &size), "x\xc3\xa4");
    assert_int_equal(size, 3);
    assert_int_equal(json_doc_int(doc, "i"), -5);
    assert_int_equal(json_doc_kind(doc, "t"), JSON_KIND_TEXT);
    assert_int_equal(json_doc_kind(doc, "i"), JSON_KIND_INTEGER);
    assert_int_equal(json_doc_kind(doc, "r"), JSON_KIND_REAL);
    assert_int_equal(json_doc_kind(doc, "b"), JSON_KIND_BOOL);
    assert_int_equal(json_doc_kind(doc, "n"), JSON_KIND_NULL);
    assert_int_equal(json_doc_kind(doc, "a"), JSON_KIND_ARRAY);
    assert_int_equal(json_doc_kind(doc, "o"), JSON_KIND_OBJECT);
    assert_int_equal(json_doc_kind(doc, "z"), JSON_KIND_MISSING);
    assert_null(json_doc_text(doc, "i", &size));
    assert_null(json_doc_text(doc, "z", &size));
}

static void
an_unknown_member_is_named(void **unused)
{
    (void)unused;
    static const char *const known[] = { "sql", NULL };
    err_t err;
    own(json_doc) doc = json_parse("{\"sql\":1,\"extra\":2}", 19, &err);
    assert_string_equal(json_doc_unknown(doc, known), "extra");
    json_doc_destroy(&doc);
    doc = json_parse("{\"sql\":1}", 9, &err);
    assert_null(json_doc_unknown(doc, known));
}

static void
assert_refused(const char *body, size_t size)
{
    err_t err = { .kind = ERR_NONE };
    own(json_doc) doc = json_parse(body, size, &err);
    assert_null(doc);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_true(strlen(err.text) > 0);
}

static void
what_is_no_object_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "",  " ",   "[]",    "1",     "\"x\"",     "null",
                                         "{", "{}x", "{'a'}", "{a:1}", "{\"a\":1,}" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(wrong[i], strlen(wrong[i]));
}

static void
a_member_that_comes_twice_is_refused(void **unused)
{
    (void)unused;
    static const char body[] = "{\"sql\":\"a\",\"sql\":\"b\"}";
    assert_refused(body, sizeof body - 1);
}

static void
nul_and_invalid_utf8_are_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "{\"sql\":\"a\\u0000b\"}", "{\"sql\":\"\xff\"}",
                                         "{\"sql\":\"\xc0\xaf\"}", "{\"sql\":\"\\ud800\"}" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(wrong[i], strlen(wrong[i]));
    assert_refused("{\"sql\":\"a\0b\"}", 13);
    assert_refused("{\"sql\":\"a\"}\0", 12);
}

/* {"a":[[...]]} with `depth` levels in all. */
static char *
nested(int depth)
{
    own(mem) text = mem_new(2 * (size_t)depth + 16);
    memcpy(text, "{\"a\":", 5);
    size_t at = 5;
    for (int i = 1; i < depth; i++)
        text[at++] = '[';
    for (int i = 1; i < depth; i++)
        text[at++] = ']';
    text[at] = '}';
    return take(text);
}

static void
nesting_is_taken_up_to_64(void **unused)
{
    (void)unused;
    err_t err;
    own(mem) body = nested(64);
    own(json_doc) doc = json_parse(body, strlen(body), &err);
    assert_non_null(doc);
    own(mem) deeper = nested(65);
    assert_refused(deeper, strlen(deeper));
    own(mem) deepest = nested(1000000);
    assert_refused(deepest, strlen(deepest));
}

static void
brackets_within_texts_do_not_nest(void **unused)
{
    (void)unused;
    own(mem) body = mem_new(400);
    memcpy(body, "{\"a\":\"\\\"", 8);
    memset(body + 8, '[', 200);
    memcpy(body + 208, "\"}", 2);
    err_t err;
    own(json_doc) doc = json_parse(body, strlen(body), &err);
    assert_non_null(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(quotes_backslashes_and_control_bytes_are_escaped),
        cmocka_unit_test(a_text_that_is_no_utf8_is_mended),
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(microseconds_are_seconds_with_a_fraction),
        cmocka_unit_test(a_key_is_a_name_made_ready),
        cmocka_unit_test(a_text_larger_than_the_buffer_comes_whole),
        cmocka_unit_test(members_are_read_by_kind),
        cmocka_unit_test(an_unknown_member_is_named),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_member_that_comes_twice_is_refused),
        cmocka_unit_test(nul_and_invalid_utf8_are_refused),
        cmocka_unit_test(nesting_is_taken_up_to_64),
        cmocka_unit_test(brackets_within_texts_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
