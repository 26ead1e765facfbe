/* test_params.c - what is packed is read again, and nothing else is. */
#include "tests/unit/params.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static void
assert_damaged(const char *packed)
{
    err_t err = { .kind = ERR_NONE };
    own(params) params = params_unpack(packed, &err);
    if (params)
        fail_msg("was read: %s", packed);
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static void
assert_same(const param_t *read, const param_t *packed)
{
    assert_int_equal(read->name != NULL, packed->name != NULL);
    if (packed->name)
        assert_string_equal(read->name, packed->name);
    assert_int_equal(read->oid, packed->oid);
    assert_int_equal(read->value != NULL, packed->value != NULL);
    assert_int_equal(read->size, packed->size);
    if (packed->value)
        assert_string_equal(read->value, packed->value);
}

static void
assert_kept(const param_t *list, uint32_t count)
{
    own(params) params = params_of(list, count);
    assert_non_null(params);
    assert_int_equal(params->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_same(&params->list[i], &list[i]);
}

static void
values_come_back_as_they_were(void **unused)
{
    (void)unused;
    const param_t list[] = { a_param(NULL, 0, NULL), a_param(NULL, 20, "42"), a_param(NULL, 25, ""),
                             a_param(NULL, 4294967295U, "it's \"\\ \n\x01 \xc3\xa4 $1 :id") };
    assert_kept(list, 4);
}

static void
names_come_back_too(void **unused)
{
    (void)unused;
    const param_t list[] = { a_param("b", 0, "1"), a_param("a_1", 23, NULL), a_param("_", 25, "") };
    assert_kept(list, 3);
}

static void
as_many_as_may_be_and_of_any_length_come_back(void **unused)
{
    (void)unused;
    param_t list[PARAMS_MOST];
    own(mem) value = mem_new(70001);
    memset(value, 'x', 70000);
    for (uint32_t i = 0; i < PARAMS_MOST; i++)
        list[i] = a_param(NULL, 25, value + 70000 - i * 70);
    assert_kept(list, PARAMS_MOST);
}

static void
the_packed_form_needs_no_escaping(void **unused)
{
    (void)unused;
    const param_t param = a_param("id", 25, "\"\\'\n\x01\xff");
    own(mem) packed = params_pack(&param, 1);
    assert_int_equal(
        strspn(packed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="),
        strlen(packed));
}

static void
a_named_one_is_found_by_its_whole_name_only(void **unused)
{
    (void)unused;
    static const char *const names[] = { "id", "a", "ida", "ID", "i", "z", NULL };
    own(params) params = params_called(names);
    for (int32_t i = 0; names[i]; i++)
        assert_int_equal(params_named(params, names[i], strlen(names[i])), i);
    assert_int_equal(params_named(params, "idaX", 2), 0);
    assert_int_equal(params_named(params, "Id", 2), -1);
    assert_int_equal(params_named(params, "idab", 4), -1);
    assert_int_equal(params_named(params, "", 0), -1);
    assert_int_equal(params_numbered(params, 1), -1);
}

static void
a_numbered_one_is_found_by_its_number_only(void **unused)
{
    (void)unused;
    own(params) params = params_counted(2);
    assert_int_equal(params_numbered(params, 1), 0);
    assert_int_equal(params_numbered(params, 2), 1);
    assert_int_equal(params_numbered(params, 0), -1);
    assert_int_equal(params_numbered(params, 3), -1);
    assert_int_equal(params_numbered(params, UINT64_MAX), -1);
    assert_int_equal(params_named(params, "v", 1), -1);
}

static void
what_is_cut_anywhere_is_not_read(void **unused)
{
    (void)unused;
    const param_t list[] = { a_param("a", 23, "1"), a_param("b", 25, "a text, longer") };
    own(mem) packed = params_pack(list, 2);
    for (size_t size = 0; size < strlen(packed); size++) {
        own(mem) cut = mem_copy(packed, size);
        assert_damaged(cut);
    }
}

static void
what_announces_more_than_it_has_is_not_read(void **unused)
{
    (void)unused;
    assert_damaged("3f////8=");     /* an array of 2^32 - 1 */
    assert_damaged("kZPAANv////w"); /* a text of as many bytes */
}

static void
other_things_are_not_read(void **unused)
{
    (void)unused;
    assert_damaged("");
    assert_damaged("!!!!");
    assert_damaged("kA==");             /* none */
    assert_damaged("wA==");             /* nil */
    assert_damaged("kZLAAA==");         /* two fields */
    assert_damaged("kZPAAMDA");         /* something behind them */
    assert_damaged("kZPAAKFi\nkA");     /* a line's end */
    assert_damaged("kZOhMQDA");         /* a name that is none */
    assert_damaged("kZPAAKEA");         /* a NUL */
    assert_damaged("kpPAAMCToWEAwA=="); /* one without a name, one with */
}

static void
names_are_letters_digits_and_underscores(void **unused)
{
    (void)unused;
    assert_true(param_name_valid("a"));
    assert_true(param_name_valid("_1aZ"));
    assert_true(
        param_name_valid("a23456789012345678901234567890123456789012345678901234567890123"));
    assert_false(
        param_name_valid("a234567890123456789012345678901234567890123456789012345678901234"));
    assert_false(param_name_valid(""));
    assert_false(param_name_valid("1a"));
    assert_false(param_name_valid("a-b"));
    assert_false(param_name_valid("a b"));
    assert_false(param_name_valid("a$"));
    assert_false(param_name_valid("\xc3\xa4"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(names_come_back_too),
        cmocka_unit_test(as_many_as_may_be_and_of_any_length_come_back),
        cmocka_unit_test(the_packed_form_needs_no_escaping),
        cmocka_unit_test(a_named_one_is_found_by_its_whole_name_only),
        cmocka_unit_test(a_numbered_one_is_found_by_its_number_only),
        cmocka_unit_test(what_is_cut_anywhere_is_not_read),
        cmocka_unit_test(what_announces_more_than_it_has_is_not_read),
        cmocka_unit_test(other_things_are_not_read),
        cmocka_unit_test(names_are_letters_digits_and_underscores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
