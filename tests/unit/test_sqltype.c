/* test_sqltype.c - which words are types. Whether they are those of a server, the contract tests
 * ask one. */
#include "api/sqltype.h"

#include "tests/unit/unit.h"

static void
assert_type(const char *word, uint32_t oid)
{
    sqltype_t type;
    if (!sqltype_find(word, &type))
        fail_msg("'%s' is no type", word);
    assert_int_equal(type.oid, oid);
}

static void
assert_none(const char *word)
{
    sqltype_t type;
    if (sqltype_find(word, &type))
        fail_msg("'%s' is a type: %u", word, type.oid);
}

static void
a_type_has_many_names(void **unused)
{
    (void)unused;
    static const char *const words[] = { "int8", "bigint", "INT8", "BigInt" };
    for (size_t i = 0; i < 4; i++)
        assert_type(words[i], 20);
    assert_type("timestamp with time zone", 1184);
    assert_type("TIMESTAMPTZ", 1184);
    assert_type("timestamp without time zone", 1114);
    assert_type("double precision", 701);
    assert_type("character varying", 1043);
    assert_type("decimal", 1700);
    assert_type("char", 1042);
}

static void
brackets_make_its_array(void **unused)
{
    (void)unused;
    sqltype_t type;
    assert_true(sqltype_find("int8", &type));
    assert_false(type.is_array);
    assert_true(sqltype_find("BIGINT[]", &type));
    assert_int_equal(type.oid, 1016);
    assert_true(type.is_array);
    assert_int_equal(type.delimiter, ',');
    assert_true(sqltype_find("double precision[]", &type));
    assert_int_equal(type.oid, 1022);
    assert_true(sqltype_find("box[]", &type));
    assert_int_equal(type.delimiter, ';');
}

static void
json_is_known_as_such(void **unused)
{
    (void)unused;
    static const char *const words[] = { "json", "jsonb", "JSON[]", "jsonb[]" };
    sqltype_t type;
    for (size_t i = 0; i < 4; i++) {
        assert_true(sqltype_find(words[i], &type));
        assert_true(type.is_json);
    }
    assert_true(sqltype_find("jsonpath", &type));
    assert_false(type.is_json);
}

static void
other_words_are_no_types(void **unused)
{
    (void)unused;
    static const char *const words[] = { "",
                                         "[]",
                                         "mood",
                                         "serial",
                                         "varchar(10)",
                                         "numeric(10,2)",
                                         "int8 []",
                                         "int8[][]",
                                         "int8[3]",
                                         " int8",
                                         "int8 ",
                                         "double  precision",
                                         "pg_catalog.int8",
                                         "\"int8\"",
                                         "int88",
                                         "unknown",
                                         "int8; DROP TABLE t" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_none(words[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_has_many_names),
        cmocka_unit_test(brackets_make_its_array),
        cmocka_unit_test(json_is_known_as_such),
        cmocka_unit_test(other_words_are_no_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
