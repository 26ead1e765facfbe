/* test_order_param.c - the parameters of an order: what is refused, and how the rest is stored. */
#include "api/order_param.h"

#include <stdlib.h>

#include "common/params.h"
#include "tests/unit/unit.h"

static order_param_t
given(const char *name, const char *type, const char *value)
{
    return (order_param_t){
        .name = name, .type = type, .value = value, .size = value ? strlen(value) : 0
    };
}

static order_t
ordered(const order_param_t *params, uint32_t count)
{
    return (order_t){ .params = params, .param_count = count };
}

static void
assert_refused(const order_param_t *params, uint32_t count, const char *text)
{
    err_t err;
    const order_t order = ordered(params, count);
    assert_false(order_params_check(&order, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("said '%s'", err.text);
}

static void
they_are_stored_with_the_oids_of_their_types(void **unused)
{
    (void)unused;
    err_t err;
    const order_param_t list[] = { given("b", "BigInt", "42"), given("a", NULL, "x"),
                                   given("c", "jsonb[]", NULL) };
    const order_t order = ordered(list, 3);
    assert_true(order_params_check(&order, &err));
    own(mem) packed = order_params_pack(&order);
    own(params) params = params_unpack(packed, &err);
    assert_non_null(params);
    assert_int_equal(params->count, 3);
    static const uint32_t oids[] = { 20, 0, 3807 };
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(params->list[i].name, list[i].name);
        assert_int_equal(params->list[i].oid, oids[i]);
    }
    assert_string_equal(params->list[0].value, "42");
    assert_null(params->list[2].value);
}

static void
none_are_not_stored_at_all(void **unused)
{
    (void)unused;
    err_t err;
    const order_t order = ordered(NULL, 0);
    assert_true(order_params_check(&order, &err));
    assert_null(order_params_pack(&order));
}

static void
names_that_are_none_are_refused(void **unused)
{
    (void)unused;
    static const char rule[] = ": a name has letters, digits and underscores, at most 63, and no "
                               "digit first";
    static const char *const names[] = { "", "1a", "a b", "a-b", "\xc3\xa4", "a$" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const order_param_t list[] = { given("ok", NULL, "1"), given(names[i], NULL, "1") };
        own(mem) text = mem_format("parameter '%s'%s", names[i], rule);
        assert_refused(list, 2, text);
    }
    const order_param_t broken = given("a\xff", NULL, "1");
    assert_refused(&broken, 1, "option 'params': the name of a parameter is not valid UTF-8");
}

static void
a_long_name_is_refused_and_cut(void **unused)
{
    (void)unused;
    char name[66] = { 0 };
    memset(name, 'a', 62);
    memcpy(name + 62, "\xc3\xa4", 2);
    const order_param_t param = given(name, NULL, "1");
    own(mem) text = mem_format("parameter '%.62s': a name has letters", name);
    assert_refused(&param, 1, text);
}

static void
a_name_is_given_once(void **unused)
{
    (void)unused;
    const order_param_t list[] = { given("a", NULL, "1"), given("b", NULL, "1"),
                                   given("a", NULL, "2") };
    assert_refused(list, 3, "parameter 'a': is given twice");
}

static void
types_that_are_none_are_refused(void **unused)
{
    (void)unused;
    const order_param_t list[] = { given(NULL, "int8", "1"), given(NULL, "mood", "1") };
    assert_refused(list, 2, "parameter 2: 'mood' is not the name of a built-in type");
    const order_param_t broken = given("a", "\xff", "1");
    assert_refused(&broken, 1, "parameter 'a': its type is not valid UTF-8");
}

static void
values_that_no_text_can_be_are_refused(void **unused)
{
    (void)unused;
    order_param_t param = given("a", NULL, "a\0b");
    param.size = 3;
    assert_refused(&param, 1, "parameter 'a': its value holds a NUL byte");
    param = given(NULL, "text", "a\xff");
    assert_refused(&param, 1, "parameter 1: its value is not valid UTF-8");
}

static void
there_are_so_many_and_no_more(void **unused)
{
    (void)unused;
    err_t err;
    order_param_t list[PARAMS_MOST + 1];
    for (int i = 0; i <= PARAMS_MOST; i++)
        list[i] = given(NULL, NULL, "1");
    const order_t order = ordered(list, PARAMS_MOST);
    assert_true(order_params_check(&order, &err));
    assert_refused(list, PARAMS_MOST + 1, "option 'params' has more than 1000 parameters");
}

static void
they_are_so_large_and_no_larger(void **unused)
{
    (void)unused;
    order_param_t list[] = { given(NULL, NULL, "1"), given(NULL, NULL, "1") };
    list[1].size = PARAMS_BYTES_MOST; /* which is not looked at */
    assert_refused(list, 2, "option 'params': all of them together have more than 128 MiB");
    list[1].size = SIZE_MAX;
    assert_refused(list, 2, "option 'params': all of them together have more than 128 MiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_stored_with_the_oids_of_their_types),
        cmocka_unit_test(none_are_not_stored_at_all),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(a_long_name_is_refused_and_cut),
        cmocka_unit_test(a_name_is_given_once),
        cmocka_unit_test(types_that_are_none_are_refused),
        cmocka_unit_test(values_that_no_text_can_be_are_refused),
        cmocka_unit_test(there_are_so_many_and_no_more),
        cmocka_unit_test(they_are_so_large_and_no_larger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
