#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/multipart.h"
#include "tests/unit/tree.h"

#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static const char type[] = "multipart/form-data; boundary=b";

static void
assert_parts(const char *body, const char *wanted)
{
    assert_read(type, body, strlen(body), wanted);
}

static void
assert_wrong(const char *body, const char *word)
{
    assert_refused(type, body, strlen(body), word);
}

/* --- what is taken --- */

static void
a_part_is_a_parameter(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("a") "1\r\n--b\r\n" PART("c") "x=&y+%20\r\n\r\nz\r\n--b--\r\n",
                 "{\"a\":\"1\",\"c\":\"x=&y+%20\\r\\n\\r\\nz\"}");
}

static void
names_nest_as_in_other_forms(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("a[1]") "y\r\n--b\r\n" PART("a[0]") "x\r\n--b\r\n" PART(
                     "c[d][]") "z\r\n--b--",
                 "{\"a\":[\"x\",\"y\"],\"c\":{\"d\":[\"z\"]}}");
}

static void
an_empty_value_is_a_text(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("a") "\r\n--b--\r\n", "{\"a\":\"\"}");
    assert_parts("--b\r\n" PART("a") "--b--\r\n", "{\"a\":\"\"}");
}

static void
a_file_is_taken_as_its_text(void **unused)
{
    (void)unused;
    assert_parts("--b\r\ncontent-disposition: form-data; name=\"q\"; filename=\"q.sql\"\r\n"
                 "Content-Type: application/sql\r\n\r\nSELECT 1\r\n--b--\r\n",
                 "{\"q\":\"SELECT 1\"}");
    assert_parts("--b\r\nContent-Disposition: form-data; filename=\"; name=x\"; name=q\r\n\r\n1"
                 "\r\n--b--\r\n",
                 "{\"q\":\"1\"}");
}

static void
preamble_and_epilogue_are_passed_over(void **unused)
{
    (void)unused;
    assert_parts("hello\r\n --b\r\n--bb\r\n--b\r\n" PART("a") "1\r\n--b--\r\n--b\r\nrest",
                 "{\"a\":\"1\"}");
    assert_parts("\r\n--b\r\n" PART("a") "1\r\n--b--rest\r\n--b--", "{\"a\":\"1\\r\\n--b--rest\"}");
    assert_parts("--b--", "{}");
}

static void
a_boundary_that_goes_on_is_part_of_the_value(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("a") "--bb\r\n --b\r\n--bc\r\n--b-\r\n--b -\r\n--b---\r\n--b--\r\n",
                 "{\"a\":\"--bb\\r\\n --b\\r\\n--bc\\r\\n--b-\\r\\n--b -\\r\\n--b---\"}");
    assert_parts("--b\r\n" PART("a") "1\n--b\n2\r--b\r\r\n--b--\r\n",
                 "{\"a\":\"1\\n--b\\n2\\r--b\\r\"}");
}

static void
spaces_may_stand_behind_a_boundary(void **unused)
{
    (void)unused;
    assert_parts("--b \t\r\n" PART("a") "1\r\n--b  \r\n" PART("c") "2\r\n--b--\t ",
                 "{\"a\":\"1\",\"c\":\"2\"}");
}

static void
the_boundary_may_be_quoted(void **unused)
{
    (void)unused;
    static const char body[] = "--x y;z\r\n" PART("a") "1\r\n--x y;z--\r\n";
    assert_read("multipart/form-data; charset=utf-8; boundary=\"x y;z\"", body, sizeof body - 1,
                "{\"a\":\"1\"}");
}

static void
quotes_in_names_may_be_hidden(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("a\\\"b\\\\c%22[d]") "1\r\n--b--",
                 "{\"a\\\"b\\\\c%22\":{\"d\":\"1\"}}");
}

static void
a_part_without_a_name_in_its_name_is_none(void **unused)
{
    (void)unused;
    assert_parts("--b\r\n" PART("") "1\r\n--b--", "{}");
}

static void
plain_transfer_encodings_are_taken(void **unused)
{
    (void)unused;
    assert_parts("--b\r\nContent-Transfer-Encoding: 8BIT\r\n" PART(
                     "a") "1\r\n--b\r\n"
                          "Content-Transfer-Encoding: binary\r\n" PART("b") "2\r\n--b--",
                 "{\"a\":\"1\",\"b\":\"2\"}");
}

/* --- what is refused --- */

static void
a_type_must_name_a_boundary(void **unused)
{
    (void)unused;
    static const char body[] = "--\r\n" PART("a") "1\r\n----\r\n";
    static const char *const types[] = { "multipart/form-data", "multipart/form-data; boundary",
                                         "multipart/form-data; boundary=\"\"",
                                         "multipart/form-data; boundary=\"b\\\"",
                                         "multipart/form-data; boundary=\"b \"" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_refused(types[i], body, sizeof body - 1, "must name a boundary");
}

static void
a_boundary_has_at_most_70_characters(void **unused)
{
    (void)unused;
    char long_type[200];
    char mark[72] = "";
    memset(mark, 'x', 71);
    for (int size = 70; size <= 71; size++) {
        snprintf(long_type, sizeof long_type, "multipart/form-data; boundary=%.*s", size, mark);
        own(mem) body = mem_format("--%.*s\r\n%s1\r\n--%.*s--", size, mark, PART("a"), size, mark);
        if (size == 70)
            assert_read(long_type, body, strlen(body), "{\"a\":\"1\"}");
        else
            assert_refused(long_type, body, strlen(body), "boundary");
    }
}

static void
a_body_must_hold_its_last_boundary(void **unused)
{
    (void)unused;
    assert_wrong("--b\r\n" PART("a") "1\r\n", "last boundary");
    assert_wrong("--b\r\n" PART("a") "1\r\n--b", "last boundary");
    assert_wrong("--b\r\n" PART("a") "1\r\n--b-", "last boundary");
    assert_wrong("--b\r\n" PART("a") "1\r\n--b\r\n", "last boundary");
    assert_wrong("--b\r\n" PART("a") "1--b--", "last boundary");
    assert_wrong("--b\r\n", "last boundary");
    assert_wrong("--b", "does not hold");
    assert_wrong("--c\r\n" PART("a") "1\r\n--c--", "does not hold");
    assert_wrong("a=1", "does not hold");
    assert_wrong("-", "does not hold");
}

static void
lines_must_end_in_both_bytes(void **unused)
{
    (void)unused;
    assert_wrong("--b\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b--\n", "boundary");
    assert_wrong("--b\r\nContent-Disposition: form-data; name=\"a\"\n\n1\r\n--b--", "header");
}

static void
a_part_must_say_its_name(void **unused)
{
    (void)unused;
    assert_wrong("--b\r\n\r\n1\r\n--b--", "Content-Disposition");
    assert_wrong("--b\r\n--b--", "Content-Disposition");
    assert_wrong("--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--", "Content-Disposition");
    assert_wrong("--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--",
                 "form-data");
    assert_wrong("--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--", "name");
    assert_wrong("--b\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\n1\r\n--b--", "name");
    assert_wrong("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--", "name");
}

static void
a_header_must_be_one(void **unused)
{
    (void)unused;
    assert_wrong("--b\r\nnonsense\r\n" PART("a") "1\r\n--b--", "no header");
    assert_wrong("--b\r\n: x\r\n" PART("a") "1\r\n--b--", "no header");
    assert_wrong("--b\r\nA : x\r\n" PART("a") "1\r\n--b--", "no header");
    assert_wrong("--b\r\nA: x\r\n folded: y\r\n" PART("a") "1\r\n--b--", "no header");
    assert_wrong("--b\r\nA: \x01\r\n" PART("a") "1\r\n--b--", "control");
    assert_wrong("--b\r\nA: x\r\n--b--", "within its header");
    static const char nul[] = "--b\r\nA: \0\r\n" PART("a") "1\r\n--b--";
    assert_refused(type, nul, sizeof nul - 1, "control");
    assert_wrong("--b\r\nContent-Disposition: form-data; name=x\r\n" PART("a") "1\r\n--b--", "two");
}

static void
a_part_that_is_encoded_is_refused(void **unused)
{
    (void)unused;
    assert_wrong("--b\r\nContent-Transfer-Encoding: base64\r\n" PART("a") "MQ==\r\n--b--",
                 "transfer encoding");
    assert_wrong("--b\r\ncontent-transfer-encoding: quoted-printable\r\n" PART("a") "1\r\n--b--",
                 "transfer encoding");
}

static void
a_header_has_at_most_8_kib(void **unused)
{
    (void)unused;
    static const char rest[] = "\r\nContent-Disposition: form-data; name=a\r\n";
    size_t pad = MULTIPART_HEADER_MOST - strlen("A: ") - strlen(rest);
    own(mem) padding = mem_new(pad + 2);
    memset(padding, 'x', pad);
    own(mem) body = mem_format("--b\r\nA: %s%s\r\n1\r\n--b--", padding, rest);
    assert_parts(body, "{\"a\":\"1\"}");
    padding[pad] = 'x';
    own(mem) larger = mem_format("--b\r\nA: %s%s\r\n1\r\n--b--", padding, rest);
    assert_wrong(larger, "8 KiB");
}

static void
values_and_names_are_held_to_the_rules_of_forms(void **unused)
{
    (void)unused;
    static const char nul[] = "--b\r\n" PART("a") "1\0002\r\n--b--";
    assert_refused(type, nul, sizeof nul - 1, "NUL");
    assert_wrong("--b\r\n" PART("a") "\xff\r\n--b--", "UTF-8");
    assert_wrong("--b\r\n" PART("\xc3") "1\r\n--b--", "UTF-8");
    assert_wrong("--b\r\n" PART("a[b]") "1\r\n--b\r\n" PART("a") "2\r\n--b--", "is a text");
}

static void
a_body_has_at_most_a_thousand_parts(void **unused)
{
    (void)unused;
    static const char part[] = "--b\r\n" PART("a[]") "1\r\n";
    size_t size = sizeof part - 1;
    own(mem) body = mem_new(1001 * size + sizeof "--b--");
    for (size_t i = 0; i < 1001; i++)
        memcpy(body + i * size, part, size);
    memcpy(body + 1001 * size, "--b--", 5);
    assert_refused(type, body, strlen(body), "more than 1000");
    err_t err;
    own(json_doc) doc = body_read(type, BODY_OTHER, body + size, strlen(body) - size, &err);
    assert_int_equal(json_part_count(json_doc_part(doc, "a")), 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_a_parameter),
        cmocka_unit_test(names_nest_as_in_other_forms),
        cmocka_unit_test(an_empty_value_is_a_text),
        cmocka_unit_test(a_file_is_taken_as_its_text),
        cmocka_unit_test(preamble_and_epilogue_are_passed_over),
        cmocka_unit_test(a_boundary_that_goes_on_is_part_of_the_value),
        cmocka_unit_test(spaces_may_stand_behind_a_boundary),
        cmocka_unit_test(the_boundary_may_be_quoted),
        cmocka_unit_test(quotes_in_names_may_be_hidden),
        cmocka_unit_test(a_part_without_a_name_in_its_name_is_none),
        cmocka_unit_test(plain_transfer_encodings_are_taken),
        cmocka_unit_test(a_type_must_name_a_boundary),
        cmocka_unit_test(a_boundary_has_at_most_70_characters),
        cmocka_unit_test(a_body_must_hold_its_last_boundary),
        cmocka_unit_test(lines_must_end_in_both_bytes),
        cmocka_unit_test(a_part_must_say_its_name),
        cmocka_unit_test(a_header_must_be_one),
        cmocka_unit_test(a_part_that_is_encoded_is_refused),
        cmocka_unit_test(a_header_has_at_most_8_kib),
        cmocka_unit_test(values_and_names_are_held_to_the_rules_of_forms),
        cmocka_unit_test(a_body_has_at_most_a_thousand_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
