#include "tests/unit/unit.h"

#include "api/json.h"
#include "api/jsonp.h"
#include "tests/unit/http_fake.h"

#define LINE "\xe2\x80\xa8"
#define PARAGRAPH "\xe2\x80\xa9"

static const frame_t kept = { .keep = true };

/* --- names --- */

static void
a_name_is_made_of_letters_digits_dots_and_brackets(void **unused)
{
    (void)unused;
    static const char *const right[] = { "f", "_", "$", "jQuery171_1354", "a.b[0].c$", "A[x]" };
    static const char *const wrong[] = { "",     "1f",  ".f",       "[0]",
                                         "f()",  "a b", "a;b",      "alert('",
                                         "a\nb", "a/*", "\xc3\xa4", "f\xe2\x80\xa8",
                                         "a-b",  "a<b", "f," };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_true(jsonp_is_name(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(jsonp_is_name(wrong[i]));
}

static void
a_name_has_at_most_100_bytes(void **unused)
{
    (void)unused;
    char name[JSONP_NAME_MOST + 2] = "";
    memset(name, 'a', JSONP_NAME_MOST);
    assert_true(jsonp_is_name(name));
    name[JSONP_NAME_MOST] = 'a';
    assert_false(jsonp_is_name(name));
}

/* --- replies --- */

static void
a_reply_is_a_call_as_express_writes_it(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    json_t json;
    jsonp_begin(&fake->reply, "cb.x");
    json_init(&json, &fake->reply);
    json_begin(&json);
    json_member_int(&json, "a", 1);
    json_end(&json);
    jsonp_end(&fake->reply);
    assert_true(reply_end(&fake->reply));
    assert_string_equal(fake_body(fake), "/**/ typeof cb.x === 'function' && cb.x({\"a\":1});");
    assert_non_null(strstr(fake->text, "\r\nContent-Type: text/javascript; charset=utf-8\r\n"));
    assert_non_null(strstr(fake->text, "\r\nX-Content-Type-Options: nosniff\r\n"));
    own(mem) length = mem_format("\r\nContent-Length: %zu\r\n", strlen(fake_body(fake)));
    assert_non_null(strstr(fake->text, length));
}

static void
the_longest_name_has_room(void **unused)
{
    (void)unused;
    char name[JSONP_NAME_MOST + 1] = "";
    memset(name, 'a', JSONP_NAME_MOST);
    own(fake_reply) fake = fake_reply_new(kept, false);
    jsonp_begin(&fake->reply, name);
    reply_write(&fake->reply, "1", 1);
    jsonp_end(&fake->reply);
    reply_end(&fake->reply);
    own(mem) wanted = mem_format("/**/ typeof %s === 'function' && %s(1);", name, name);
    assert_string_equal(fake_body(fake), wanted);
}

static void
line_separators_are_escaped(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    json_t json;
    jsonp_begin(&fake->reply, "f");
    json_init(&json, &fake->reply);
    json_text(&json, LINE "a" PARAGRAPH LINE "\xe2\x80\xa7\xe2\x82\xa8");
    jsonp_end(&fake->reply);
    reply_end(&fake->reply);
    assert_string_equal(fake_body(fake), "/**/ typeof f === 'function' && "
                                         "f(\"\\u2028a\\u2029\\u2028\xe2\x80\xa7\xe2\x82\xa8\");");
}

static void
an_error_after_the_beginning_is_no_script(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    jsonp_begin(&fake->reply, "f");
    assert_true(reply_restart(&fake->reply));
    reply_write(&fake->reply, "\"" LINE "\"", 5);
    reply_end(&fake->reply);
    assert_string_equal(fake_body(fake), "\"" LINE "\"");
    assert_non_null(strstr(fake->text, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
}

/* --- streams: pieces of any size, some of which cut a separator --- */

/* The text of a body in chunks. Caller owns the result. */
static char *
dechunked(const fake_reply_t *fake)
{
    char *out = mem_new(fake->size);
    char *at = out;
    const char *text = fake_body(fake);
    for (char *rest = NULL;; text = rest + 2) {
        unsigned long chunk = strtoul(text, &rest, 16);
        assert_memory_equal(rest, "\r\n", 2);
        if (chunk == 0)
            return out;
        memcpy(at, rest + 2, chunk);
        at += chunk;
        rest += 2 + chunk;
    }
}

static void
assert_streamed(size_t piece)
{
    enum { COUNT = 100000 };
    static const char front[] = "/**/ typeof f === 'function' && f(";
    own(fake_reply) fake = fake_reply_new(kept, false);
    own(mem) text = mem_new(3 * COUNT + 1);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 3 * i, i % 2 ? LINE : PARAGRAPH, 3);
    assert_true(reply_stream(&fake->reply));
    jsonp_begin(&fake->reply, "f");
    for (size_t at = 0, size; at < 3 * COUNT; at += size) {
        size = 3 * COUNT - at < piece ? 3 * COUNT - at : piece;
        assert_true(reply_room(&fake->reply, size) != NULL);
        assert_true(reply_left(&fake->reply) >= size);
        reply_write(&fake->reply, text + at, size);
    }
    jsonp_end(&fake->reply);
    assert_true(reply_end(&fake->reply));
    own(mem) body = dechunked(fake);
    assert_memory_equal(body, front, sizeof front - 1);
    assert_int_equal(strlen(body), sizeof front - 1 + 6 * COUNT + 2);
    const char *at = body + sizeof front - 1;
    for (size_t i = 0; i < COUNT; i++, at += 6)
        assert_memory_equal(at, i % 2 ? "\\u2028" : "\\u2029", 6);
    assert_string_equal(at, ");");
}

static void
a_stream_is_escaped_wherever_it_is_cut(void **unused)
{
    (void)unused;
    static const size_t pieces[] = { 1, 2, 4, 1000, 4096, 64 << 10, 129000 };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_streamed(pieces[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_made_of_letters_digits_dots_and_brackets),
        cmocka_unit_test(a_name_has_at_most_100_bytes),
        cmocka_unit_test(a_reply_is_a_call_as_express_writes_it),
        cmocka_unit_test(the_longest_name_has_room),
        cmocka_unit_test(line_separators_are_escaped),
        cmocka_unit_test(an_error_after_the_beginning_is_no_script),
        cmocka_unit_test(a_stream_is_escaped_wherever_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
