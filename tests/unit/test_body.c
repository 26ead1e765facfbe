#include "tests/unit/unit.h"

#include "tests/unit/http_fake.h"
#include "tests/unit/tree.h"

static const char form[] = "application/x-www-form-urlencoded";

static void
assert_form(const char *body, const char *wanted)
{
    assert_read(form, body, strlen(body), wanted);
}

/* --- types --- */

static void
a_body_is_read_by_its_type(void **unused)
{
    (void)unused;
    assert_int_equal(body_kind("application/json"), BODY_JSON);
    assert_int_equal(body_kind("Application/JSON; charset=utf-8"), BODY_JSON);
    assert_int_equal(body_kind("application/vnd.jackdb.v2+json"), BODY_JSON);
    assert_int_equal(body_kind("application/x-www-form-urlencoded;charset=UTF-8"), BODY_FORM);
    assert_int_equal(body_kind("Multipart/Form-Data; boundary=x"), BODY_MULTIPART);
    assert_int_equal(body_kind("text/plain"), BODY_OTHER);
    assert_int_equal(body_kind("application/json-seq"), BODY_OTHER);
    assert_int_equal(body_kind("multipart/mixed; boundary=x"), BODY_OTHER);
    assert_int_equal(body_kind(""), BODY_OTHER);
    assert_int_equal(body_kind(NULL), BODY_OTHER);
}

static void
json_keeps_the_kinds_of_its_values(void **unused)
{
    (void)unused;
    static const char body[] = "{\"a\": [1, {\"b\": null}], \"c\": true}";
    assert_read("application/json", body, sizeof body - 1, "{\"a\":[1,{\"b\":null}],\"c\":true}");
}

static void
json_is_refused_as_everywhere(void **unused)
{
    (void)unused;
    assert_refused("application/json", "{\"a\":1,\"a\":2}", 13, "duplicate");
    assert_refused("application/json", "[1]", 3, "object");
    assert_refused("application/json", "a=1", 3, "not JSON");
    assert_refused("application/json", "{\"a\":\"\\u0000\"}", 14, "not JSON");
}

static void
another_type_is_what_the_caller_says(void **unused)
{
    (void)unused;
    static const char body[] = "{\"a\":1}";
    static const struct {
        body_kind_t other;
        const char *wanted;
    } cases[] = {
        { BODY_OTHER, "{}" },
        { BODY_JSON, "{\"a\":1}" },
        { BODY_FORM, "{\"{\\\"a\\\":1}\":\"\"}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        err_t err;
        own(json_doc) doc = body_read("text/plain", cases[i].other, body, sizeof body - 1, &err);
        own(mem) text = tree_text(doc);
        assert_string_equal(text, cases[i].wanted);
        own(json_doc) typeless = body_read(NULL, cases[i].other, body, sizeof body - 1, &err);
        own(mem) again = tree_text(typeless);
        assert_string_equal(again, cases[i].wanted);
    }
}

static void
a_body_of_no_bytes_is_an_empty_object(void **unused)
{
    (void)unused;
    assert_read("application/json", "", 0, "{}");
    assert_read(form, "", 0, "{}");
    assert_read("multipart/form-data; boundary=x", "", 0, "{}");
    assert_read("text/plain", "", 0, "{}");
}

static void
all_of_them_are_read_in_the_same_words(void **unused)
{
    (void)unused;
    static const char part[] = "--x\r\nContent-Disposition: form-data; name=\"query[0]\"\r\n\r\n"
                               "SELECT 1\r\n--x--\r\n";
    static const char *const bodies[][2] = {
        { "application/json", "{\"query\":[\"SELECT 1\"]}" },
        { "application/x-www-form-urlencoded", "query[0]=SELECT+1" },
        { "multipart/form-data; boundary=x", part },
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        err_t err;
        size_t size = 0;
        own(json_doc) doc =
            body_read(bodies[i][0], BODY_OTHER, bodies[i][1], strlen(bodies[i][1]), &err);
        json_part_t query = json_doc_part(doc, "query");
        assert_int_equal(json_part_count(query), 1);
        assert_string_equal(json_part_text(json_part_item(query, 0), &size), "SELECT 1");
        assert_int_equal(json_part_kind(json_part_member(query, "0")), JSON_KIND_MISSING);
    }
}

/* --- URL-encoded forms --- */

static void
a_form_is_decoded(void **unused)
{
    (void)unused;
    assert_form("a=b+c%20d%2Be%26f%3dg", "{\"a\":\"b c d+e&f=g\"}");
    assert_form("a+b=1&%63=2", "{\"a b\":\"1\",\"c\":\"2\"}");
    assert_form("q=%C3%A4", "{\"q\":\"\xc3\xa4\"}");
}

static void
a_name_without_a_value_has_an_empty_one(void **unused)
{
    (void)unused;
    assert_form("a", "{\"a\":\"\"}");
    assert_form("a=", "{\"a\":\"\"}");
    assert_form("a&b=&c", "{\"a\":\"\",\"b\":\"\",\"c\":\"\"}");
    assert_form("a[b]", "{\"a\":{\"b\":\"\"}}");
}

static void
ampersands_without_anything_between_are_passed_over(void **unused)
{
    (void)unused;
    assert_form("&&a=1&&b=2&", "{\"a\":\"1\",\"b\":\"2\"}");
    own(mem) many = mem_new(2001);
    memset(many, '&', 2000);
    assert_form(many, "{}");
    assert_form("a=1;b=2", "{\"a\":\"1;b=2\"}");
}

static void
brackets_may_be_encoded(void **unused)
{
    (void)unused;
    assert_form("a%5B0%5D=x&a%5b1%5d=y", "{\"a\":[\"x\",\"y\"]}");
    assert_form("a%5Bb]=x", "{\"a\":{\"b\":\"x\"}}");
    assert_form("a%255B0%255D=x", "{\"a%5B0%5D\":\"x\"}");
}

static void
the_first_equals_sign_in_no_bracket_ends_the_name(void **unused)
{
    (void)unused;
    assert_form("a=b=c", "{\"a\":\"b=c\"}");
    assert_form("a[b=c]=1", "{\"a\":{\"b=c\":\"1\"}}");
    assert_form("a%5Bb=c%5D=1", "{\"a\":{\"b=c\":\"1\"}}");
    assert_form("a[b]=c]=d", "{\"a\":{\"b\":\"c]=d\"}}");
    assert_form("a[b=c", "{\"a[b\":\"c\"}");
    assert_form("q=SELECT a[1]=2", "{\"q\":\"SELECT a[1]=2\"}");
}

static void
a_bad_percent_sign_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "a=%", "a=%4", "a=100%&b=1", "a=%zz", "%4g=1", "a=%-1" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(form, wrong[i], strlen(wrong[i]), "percent");
}

/* --- queries --- */

/* The query of a request, beneath a body. */
static char *
merged(const char *query, const char *body)
{
    err_t err;
    fake_request_t fake;
    fake_request(&fake, "POST", "/x", query);
    own(json_doc) doc = body_read(form, BODY_OTHER, body, strlen(body), &err);
    own(json_doc) under = body_read_query(&fake.request, &err);
    assert_non_null(under);
    assert_true(json_doc_merge(doc, under));
    json_doc_destroy(&under);
    return tree_text(doc);
}

static void
a_query_nests_as_a_body_does(void **unused)
{
    (void)unused;
    own(mem) text = merged("a[b]=1&a%5Bc%5D=x+y&d[]=2&d[]=3", "");
    assert_string_equal(text, "{\"a\":{\"b\":\"1\",\"c\":\"x y\"},\"d\":[\"2\",\"3\"]}");
}

static void
what_the_body_has_wins_over_the_query(void **unused)
{
    (void)unused;
    own(mem) text = merged("a=1&b=2&c[x]=3", "b=4&c[y]=5");
    assert_string_equal(text, "{\"b\":\"4\",\"c\":{\"y\":\"5\"},\"a\":\"1\"}");
}

static void
a_query_is_refused_as_a_body_is(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    fake_request_t fake;
    fake_request(&fake, "POST", "/x", "a[b]=1&a=2");
    own(json_doc) doc = body_read_query(&fake.request, &err);
    assert_null(doc);
    assert_int_equal(err.kind, ERR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_read_by_its_type),
        cmocka_unit_test(json_keeps_the_kinds_of_its_values),
        cmocka_unit_test(json_is_refused_as_everywhere),
        cmocka_unit_test(another_type_is_what_the_caller_says),
        cmocka_unit_test(a_body_of_no_bytes_is_an_empty_object),
        cmocka_unit_test(all_of_them_are_read_in_the_same_words),
        cmocka_unit_test(a_form_is_decoded),
        cmocka_unit_test(a_name_without_a_value_has_an_empty_one),
        cmocka_unit_test(ampersands_without_anything_between_are_passed_over),
        cmocka_unit_test(brackets_may_be_encoded),
        cmocka_unit_test(the_first_equals_sign_in_no_bracket_ends_the_name),
        cmocka_unit_test(a_bad_percent_sign_is_refused),
        cmocka_unit_test(a_query_nests_as_a_body_does),
        cmocka_unit_test(what_the_body_has_wins_over_the_query),
        cmocka_unit_test(a_query_is_refused_as_a_body_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
