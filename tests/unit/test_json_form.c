#include "tests/unit/unit.h"

#define json_t jansson_t
#include <jansson.h>
#undef json_t

#include <stdio.h>

#include "common/utf8.h"
#include "tests/unit/tree.h"

static const char form[] = "application/x-www-form-urlencoded";

static void
assert_tree(const char *body, const char *wanted)
{
    assert_read(form, body, strlen(body), wanted);
}

/* --- as qs documents it --- */

static void
a_name_without_brackets_is_a_member(void **unused)
{
    (void)unused;
    assert_tree("a=1", "{\"a\":\"1\"}");
    assert_tree("a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}");
    assert_tree("a.b=1", "{\"a.b\":\"1\"}");
    assert_tree("0=foo", "{\"0\":\"foo\"}");
}

static void
a_name_that_comes_again_makes_an_array(void **unused)
{
    (void)unused;
    assert_tree("a=1&b=2&a=3", "{\"a\":[\"1\",\"3\"],\"b\":\"2\"}");
    assert_tree("a[b]=1&a[b]=2", "{\"a\":{\"b\":[\"1\",\"2\"]}}");
    assert_tree("a=1&a=2&a=3&a=4", "{\"a\":[\"1\",\"2\",\"3\",\"4\"]}");
}

static void
brackets_nest(void **unused)
{
    (void)unused;
    assert_tree("a[b]=1", "{\"a\":{\"b\":\"1\"}}");
    assert_tree("a[b][c]=1", "{\"a\":{\"b\":{\"c\":\"1\"}}}");
    assert_tree("a[b][c]=1&a[b][d]=2&a[e]=3",
                "{\"a\":{\"b\":{\"c\":\"1\",\"d\":\"2\"},\"e\":\"3\"}}");
    assert_tree("a[>=]=23", "{\"a\":{\">=\":\"23\"}}");
    assert_tree("a[<=>]==23", "{\"a\":{\"<=>\":\"=23\"}}");
    assert_tree("a[==]=23", "{\"a\":{\"==\":\"23\"}}");
}

static void
empty_brackets_make_an_array(void **unused)
{
    (void)unused;
    assert_tree("a[]=x", "{\"a\":[\"x\"]}");
    assert_tree("a[]=x&a[]=y", "{\"a\":[\"x\",\"y\"]}");
    assert_tree("a[]&a[]=", "{\"a\":[\"\",\"\"]}");
    assert_tree("a[b][]=c&a[b][]=d", "{\"a\":{\"b\":[\"c\",\"d\"]}}");
    assert_tree("a[][b]=c", "{\"a\":[{\"b\":\"c\"}]}");
    assert_tree("a[][]=1", "{\"a\":[\"1\"]}");
}

static void
an_array_is_in_the_order_of_its_indices(void **unused)
{
    (void)unused;
    assert_tree("a[0]=x&a[1]=y", "{\"a\":[\"x\",\"y\"]}");
    assert_tree("a[1]=y&a[0]=x", "{\"a\":[\"x\",\"y\"]}");
    assert_tree("a[0][x]=1&a[2][x]=2&a[1][x]=3",
                "{\"a\":[{\"x\":\"1\"},{\"x\":\"3\"},{\"x\":\"2\"}]}");
    assert_tree("a[0]=&a[1]=b", "{\"a\":[\"\",\"b\"]}");
}

static void
gaps_in_an_array_are_closed_up(void **unused)
{
    (void)unused;
    assert_tree("a[1]=b&a[15]=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a[20]=a", "{\"a\":[\"a\"]}");
    assert_tree("a[10][3]=a&a[2]=b&a[10][1]=c", "{\"a\":[\"b\",[\"c\",\"a\"]]}");
    assert_tree("a[5]=x&a[]=y&a[]=z", "{\"a\":[\"y\",\"z\",\"x\"]}");
    assert_tree("a=x&a[2]=y&a[1]=z", "{\"a\":[\"x\",\"z\",\"y\"]}");
}

static void
an_index_above_20_makes_an_object(void **unused)
{
    (void)unused;
    assert_tree("a[21]=x", "{\"a\":{\"21\":\"x\"}}");
    assert_tree("a[100]=b", "{\"a\":{\"100\":\"b\"}}");
    assert_tree("a[0]=y&a[21]=x", "{\"a\":{\"0\":\"y\",\"21\":\"x\"}}");
    assert_tree("a[21]=x&a[0]=y", "{\"a\":{\"21\":\"x\",\"0\":\"y\"}}");
    assert_tree("a[99999999999999999999]=b", "{\"a\":{\"99999999999999999999\":\"b\"}}");
}

static void
what_is_no_plain_index_is_a_name(void **unused)
{
    (void)unused;
    assert_tree("a[01]=x", "{\"a\":{\"01\":\"x\"}}");
    assert_tree("a[00]=x", "{\"a\":{\"00\":\"x\"}}");
    assert_tree("a[-1]=x", "{\"a\":{\"-1\":\"x\"}}");
    assert_tree("a[ 1]=x", "{\"a\":{\" 1\":\"x\"}}");
    assert_tree("a[1e0]=x", "{\"a\":{\"1e0\":\"x\"}}");
    assert_tree("a[1.5]=x", "{\"a\":{\"1.5\":\"x\"}}");
}

static void
names_and_indices_make_an_object(void **unused)
{
    (void)unused;
    assert_tree("a[0]=b&a[b]=c", "{\"a\":{\"0\":\"b\",\"b\":\"c\"}}");
    assert_tree("a[b]=c&a[0]=b", "{\"a\":{\"b\":\"c\",\"0\":\"b\"}}");
    assert_tree("a[2]=x&a[b]=y", "{\"a\":{\"2\":\"x\",\"b\":\"y\"}}");
    assert_tree("a[x]=1&a[]=2&a[]=3", "{\"a\":{\"x\":\"1\",\"0\":\"2\",\"1\":\"3\"}}");
    assert_tree("a[]=1&a[b]=2&a[]=3", "{\"a\":{\"0\":\"1\",\"1\":\"3\",\"b\":\"2\"}}");
    assert_tree("a[b]=1&a[]=2&a=3&a=4", "{\"a\":{\"b\":\"1\",\"0\":[\"2\",\"3\"],\"1\":\"4\"}}");
    assert_tree("a[0]=1&a[0]=2&a[b]=3", "{\"a\":{\"0\":[\"1\",\"2\"],\"b\":\"3\"}}");
}

static void
a_text_and_an_array_make_an_array(void **unused)
{
    (void)unused;
    assert_tree("a=b&a[]=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a[]=b&a=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a[0]=b&a=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a=b&a[0]=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a[1]=b&a=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a=b&a[1]=c", "{\"a\":[\"b\",\"c\"]}");
    assert_tree("a=b&a[]=c&a[]=d", "{\"a\":[\"b\",\"c\",\"d\"]}");
    assert_tree("a[]=b&a[0]=c&a[0]=d", "{\"a\":[\"b\",[\"c\",\"d\"]]}");
}

static void
a_text_before_an_object_makes_an_array_of_both(void **unused)
{
    (void)unused;
    assert_tree("a=1&a[b]=2", "{\"a\":[\"1\",{\"b\":\"2\"}]}");
    assert_tree("a=1&a[b]=2&a[c]=3", "{\"a\":{\"0\":\"1\",\"1\":{\"b\":\"2\"},\"c\":\"3\"}}");
    assert_tree("a[b]=c&a[b][d]=e", "{\"a\":{\"b\":[\"c\",{\"d\":\"e\"}]}}");
}

static void
an_empty_text_adds_nothing_to_what_is_there(void **unused)
{
    (void)unused;
    assert_tree("a[b]=c&a", "{\"a\":{\"b\":\"c\"}}");
    assert_tree("a[]=b&a=", "{\"a\":[\"b\"]}");
    assert_tree("a&a", "{\"a\":[\"\",\"\"]}");
}

static void
what_an_array_holds_grows_at_its_index(void **unused)
{
    (void)unused;
    assert_tree("a[0][b]=1&a[0][c]=2", "{\"a\":[{\"b\":\"1\",\"c\":\"2\"}]}");
    assert_tree("a[][b]=1&a[][c]=2", "{\"a\":[{\"b\":\"1\",\"c\":\"2\"}]}");
    assert_tree("a[0][b]=1&a[0][b]=2", "{\"a\":[{\"b\":[\"1\",\"2\"]}]}");
    assert_tree("a[0]=x&a[0][b]=1", "{\"a\":[\"x\",{\"b\":\"1\"}]}");
    assert_tree("a[0][]=x&a[0]=y&a[0]=z", "{\"a\":[[\"x\",\"y\",\"z\"]]}");
    assert_tree("a[0][b]=1&a[]=x", "{\"a\":[{\"b\":\"1\"},\"x\"]}");
}

static void
five_brackets_are_looked_at(void **unused)
{
    (void)unused;
    assert_tree("a[b][c][d][e][f]=1", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":\"1\"}}}}}}");
    assert_tree("a[b][c][d][e][f][g][h]=1",
                "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"[g][h]\":\"1\"}}}}}}}");
    assert_tree("a[0][1][2][3][4][5]=x", "{\"a\":[[[[[{\"[5]\":\"x\"}]]]]]}");
    assert_tree("a[][][][][][]=x", "{\"a\":[{\"[]\":\"x\"}]}");
}

static void
a_name_may_begin_with_a_bracket(void **unused)
{
    (void)unused;
    assert_tree("[a]=x", "{\"a\":\"x\"}");
    assert_tree("[]=x&[]=y", "{\"0\":\"x\",\"1\":\"y\"}");
    assert_tree("[0]=x&b=y", "{\"0\":\"x\",\"b\":\"y\"}");
    assert_tree("[a]=x&a=y", "{\"a\":[\"x\",\"y\"]}");
}

static void
what_stands_between_brackets_is_passed_over(void **unused)
{
    (void)unused;
    assert_tree("a[b]c=1", "{\"a\":{\"b\":\"1\"}}");
    assert_tree("a[b]c[d]e=1", "{\"a\":{\"b\":{\"d\":\"1\"}}}");
    assert_tree("a[b][c=1", "{\"a\":{\"b\":\"1\"}}");
}

static void
brackets_that_do_not_close_are_part_of_the_name(void **unused)
{
    (void)unused;
    assert_tree("a[=1", "{\"a[\":\"1\"}");
    assert_tree("a]=1", "{\"a]\":\"1\"}");
    assert_tree("a[b=1", "{\"a[b\":\"1\"}");
    assert_tree("a[[b]]=1", "{\"a[\":{\"b\":\"1\"}}");
    assert_tree("a[b[c]]=1", "{\"a[b\":{\"c\":\"1\"}}");
    assert_tree("a][b]=1", "{\"a]\":{\"b\":\"1\"}}");
}

static void
a_parameter_without_a_name_is_none(void **unused)
{
    (void)unused;
    assert_tree("=x&a=1", "{\"a\":\"1\"}");
}

/* --- where we are not qs --- */

static void
no_name_is_special(void **unused)
{
    (void)unused;
    assert_tree("__proto__=1&constructor=2&hasOwnProperty=3",
                "{\"__proto__\":\"1\",\"constructor\":\"2\",\"hasOwnProperty\":\"3\"}");
    assert_tree("a[__proto__][x]=1&a[toString]=2",
                "{\"a\":{\"__proto__\":{\"x\":\"1\"},\"toString\":\"2\"}}");
    assert_tree("a[]=1&a[length]=2", "{\"a\":{\"0\":\"1\",\"length\":\"2\"}}");
}

static void
a_text_behind_an_object_of_its_name_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "a[b]=1&a=2", "a[b]=1&a[]=2&a=3",
                                         "a[0][b]=1&a[x]=2&a[0]=3", "a[b][c]=1&a[b]=2",
                                         "a[0][b]=1&a[x]=2&a=3&a=4" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(form, wrong[i], strlen(wrong[i]), "is a text");
}

static void
a_refusal_repeats_a_long_name_in_part(void **unused)
{
    (void)unused;
    char name[121] = "";
    for (size_t i = 0; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa4", 2);
    own(mem) body = mem_format("%s[b]=1&%s=2", name, name);
    err_t err;
    own(json_doc) doc = body_read(form, BODY_OTHER, body, strlen(body), &err);
    assert_null(doc);
    assert_int_equal(strcspn(err.text + 1, "'"), 100);
    assert_true(utf8_valid(err.text, strlen(err.text)));
}

/* --- bounds --- */

/* `count` parameters: a number between two texts. */
static char *
many(const char *before, const char *behind, int count)
{
    size_t each = strlen(before) + strlen(behind) + 10;
    own(mem) body = mem_new(each * (size_t)count + 1);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += (size_t)snprintf(body + size, each, "%s%d%s&", before, i, behind);
    return take(body);
}

static void
a_thousand_parameters_are_taken_and_no_more(void **unused)
{
    (void)unused;
    static const char *const around[][2] = { { "a=", "" },     { "a[]=", "" },    { "a[", "]=" },
                                             { "a", "[b]=1" }, { "a[b]", "=c" },  { "=", "" },
                                             { "a[", "][]=" }, { "a[][x", "]=" }, { "a", "" } };
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        err_t err;
        own(mem) body = many(around[i][0], around[i][1], 1000);
        own(json_doc) doc = body_read(form, BODY_OTHER, body, strlen(body), &err);
        assert_non_null(doc);
        own(mem) longer = many(around[i][0], around[i][1], 1001);
        assert_refused(form, longer, strlen(longer), "more than 1000");
    }
}

static void
an_array_may_be_longer_than_its_indices(void **unused)
{
    (void)unused;
    own(mem) body = many("a[]=", "", 1000);
    err_t err;
    own(json_doc) doc = body_read(form, BODY_OTHER, body, strlen(body), &err);
    json_part_t array = json_doc_part(doc, "a");
    assert_int_equal(json_part_count(array), 1000);
    size_t length = 0;
    assert_string_equal(json_part_text(json_part_item(array, 999), &length), "999");
}

/* --- no memory --- */

static int allocations; /* how many there were, and which one is to fail */
static int failing;

static void *
failing_malloc(size_t size)
{
    return allocations++ == failing ? NULL : malloc(size);
}

static void
without_memory_a_form_is_not_half_read(void **unused)
{
    (void)unused;
    static const char body[] =
        "a=1&a[3]=2&a[b][c]=3&a[b][c]=4&d[]=5&d[x]=6&d=7&d=8&e[9]=1&e[1][f]=2";
    bool whole = false;
    json_set_alloc_funcs(failing_malloc, free);
    for (failing = 0; !whole && failing < 1000; failing++) {
        err_t err = { .kind = ERR_NONE };
        allocations = 0;
        own(json_doc) doc = body_read(form, BODY_OTHER, body, sizeof body - 1, &err);
        whole = allocations <= failing;
        assert_int_equal(doc != NULL, whole);
        assert_int_equal(err.kind, whole ? ERR_NONE : ERR_UNAVAILABLE);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(whole && failing > 20);
}

/* --- what may not stand there --- */

static void
nul_is_refused_anywhere(void **unused)
{
    (void)unused;
    assert_refused(form, "a=b%00c", 7, "NUL");
    assert_refused(form, "a=\0", 3, "NUL");
    assert_refused(form, "a%00=b", 6, "control");
}

static void
bytes_that_are_no_utf8_are_refused(void **unused)
{
    (void)unused;
    assert_refused(form, "a=%ff", 5, "UTF-8");
    assert_refused(form, "a=%c3", 5, "UTF-8");
    assert_refused(form, "%ed%a0%80=1", 11, "UTF-8");
    assert_tree("a=%c3%a4\xc3\xa4", "{\"a\":\"\xc3\xa4\xc3\xa4\"}");
}

static void
control_bytes_may_stand_in_values_only(void **unused)
{
    (void)unused;
    assert_tree("a=%0a%0D%09%01%7f", "{\"a\":\"\\n\\r\\t\\u0001\x7f\"}");
    assert_refused(form, "a%0a=1", 6, "control");
    assert_refused(form, "a[%7f]=1", 8, "control");
    assert_refused(form, "a\t=1", 4, "control");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_without_brackets_is_a_member),
        cmocka_unit_test(a_name_that_comes_again_makes_an_array),
        cmocka_unit_test(brackets_nest),
        cmocka_unit_test(empty_brackets_make_an_array),
        cmocka_unit_test(an_array_is_in_the_order_of_its_indices),
        cmocka_unit_test(gaps_in_an_array_are_closed_up),
        cmocka_unit_test(an_index_above_20_makes_an_object),
        cmocka_unit_test(what_is_no_plain_index_is_a_name),
        cmocka_unit_test(names_and_indices_make_an_object),
        cmocka_unit_test(a_text_and_an_array_make_an_array),
        cmocka_unit_test(a_text_before_an_object_makes_an_array_of_both),
        cmocka_unit_test(an_empty_text_adds_nothing_to_what_is_there),
        cmocka_unit_test(what_an_array_holds_grows_at_its_index),
        cmocka_unit_test(five_brackets_are_looked_at),
        cmocka_unit_test(a_name_may_begin_with_a_bracket),
        cmocka_unit_test(what_stands_between_brackets_is_passed_over),
        cmocka_unit_test(brackets_that_do_not_close_are_part_of_the_name),
        cmocka_unit_test(a_parameter_without_a_name_is_none),
        cmocka_unit_test(no_name_is_special),
        cmocka_unit_test(a_text_behind_an_object_of_its_name_is_refused),
        cmocka_unit_test(a_refusal_repeats_a_long_name_in_part),
        cmocka_unit_test(a_thousand_parameters_are_taken_and_no_more),
        cmocka_unit_test(an_array_may_be_longer_than_its_indices),
        cmocka_unit_test(without_memory_a_form_is_not_half_read),
        cmocka_unit_test(nul_is_refused_anywhere),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused),
        cmocka_unit_test(control_bytes_may_stand_in_values_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
