#include "tests/unit/unit.h"

#include "common/key.h"

#define ID "abcdefghijklmn27"
#define SECRET "0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"

static void
a_fresh_key_is_read_back(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        apikey_t key = key_make();
        apikey_t again;
        char text[KEY_TEXT_SIZE];
        assert_true(key_parse(key_text(&key, text), &again));
        assert_string_equal(again.id, key.id);
        assert_string_equal(again.secret, key.secret);
        assert_true(key_id_valid(key.id));
        assert_int_equal(strlen(key.secret), KEY_SECRET_SIZE - 1);
    }
}

static void
two_fresh_keys_differ(void **unused)
{
    (void)unused;
    apikey_t a = key_make();
    apikey_t b = key_make();
    assert_string_not_equal(a.id, b.id);
    assert_string_not_equal(a.secret, b.secret);
}

static void
another_shape_is_refused_and_changes_nothing(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",
        "mr1.",
        "mr1." ID,
        "mr1." ID ".",
        "mr2." ID "." SECRET,
        "MR1." ID "." SECRET,
        "mr1." ID "." SECRET "a",
        "mr1." ID "." SECRET "\n",
        "mr1." ID "x" SECRET,
        "mr1." ID "-" SECRET,
        "mr1.Abcdefghijklmn27." SECRET,
        "mr1.abcdefghijklmn18." SECRET,
        "mr1.abcdefghijklmn2." SECRET "a",
        "mr1." ID ".+123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcde",
        "mr1." ID ".0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd=",
        "mr1." ID ".0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        apikey_t key = { .id = "untouched" };
        assert_false(key_parse(wrong[i], &key));
        assert_string_equal(key.id, "untouched");
    }
    apikey_t key;
    assert_true(key_parse("mr1." ID "." SECRET, &key));
    assert_string_equal(key.id, ID);
    assert_string_equal(key.secret, SECRET);
}

static void
a_key_id_is_16_characters_of_base32(void **unused)
{
    (void)unused;
    assert_true(key_id_valid(ID));
    assert_false(key_id_valid(""));
    assert_false(key_id_valid("abcdefghijklmn2"));
    assert_false(key_id_valid("abcdefghijklmn277"));
    assert_false(key_id_valid(ID "."));
    assert_false(key_id_valid("abcdefghijklmn1a"));
    assert_false(key_id_valid("abcdefghijklmn-a"));
}

static void
the_hash_is_sha_256(void **unused)
{
    (void)unused;
    static const uint8_t abc[KEY_HASH_SIZE] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    uint8_t hash[KEY_HASH_SIZE];
    key_hash("abc", hash);
    assert_true(key_hash_equal(hash, abc));
}

static void
one_bit_makes_another_hash(void **unused)
{
    (void)unused;
    uint8_t a[KEY_HASH_SIZE] = { 0 };
    for (int i = 0; i < KEY_HASH_SIZE; i++) {
        uint8_t b[KEY_HASH_SIZE] = { 0 };
        b[i] = 1;
        assert_false(key_hash_equal(a, b));
    }
}

static void
a_handle_comes_apart_again(void **unused)
{
    (void)unused;
    char handle[KEY_HANDLE_SIZE];
    char tenant[64];
    uint8_t bytes[KEY_HANDLE_BYTES];
    uint8_t hash[KEY_HASH_SIZE];
    key_hash("secret", hash);
    assert_true(key_handle_parse(key_handle("demo", "secret", handle), tenant, bytes));
    assert_string_equal(tenant, "demo");
    assert_memory_equal(bytes, hash, sizeof bytes);
    assert_false(key_handle_parse("aaaaaaaaaaaaaaaa", tenant, bytes));
    assert_false(key_handle_parse("demo/", tenant, bytes));
    assert_false(key_handle_parse("demo/0123456789abcde", tenant, bytes));
    assert_false(key_handle_parse("demo/0123456789abcdef0", tenant, bytes));
    assert_false(key_handle_parse("demo/0123456789abcdeg", tenant, bytes));
}

static void
a_tenants_name_is_no_handle_and_comes_apart_again(void **unused)
{
    (void)unused;
    char handle[KEY_HANDLE_SIZE];
    char tenant[64];
    uint8_t bytes[KEY_HANDLE_BYTES];
    assert_true(key_tenant_parse(key_tenant("demo", handle), tenant));
    assert_string_equal(tenant, "demo");
    assert_false(key_handle_parse(handle, tenant, bytes));
    assert_false(key_tenant_parse("demo", tenant));
    assert_false(key_tenant_parse("demo/0123456789abcdef", tenant));
    assert_false(key_tenant_parse(key_handle("demo", "secret", handle), tenant));
}

static void
tenants_have_plain_names(void **unused)
{
    (void)unused;
    char name[65];
    memset(name, 'a', sizeof name);
    name[63] = '\0';
    assert_true(key_tenant_valid("a-0") && key_tenant_valid(name));
    name[63] = 'a';
    name[64] = '\0';
    assert_false(key_tenant_valid(name));
    assert_false(key_tenant_valid("") || key_tenant_valid("A") || key_tenant_valid("a/"));
}

static void
a_given_key_is_any_text_that_can_be_written_down(void **unused)
{
    (void)unused;
    char longest[KEY_GIVEN_MOST + 1];
    memset(longest, 'k', sizeof longest);
    assert_true(key_given_valid("k", 1));
    assert_true(key_given_valid("with space: \xc3\xa9/\xf0\x9f\x94\x91", 19));
    assert_true(key_given_valid(longest, KEY_GIVEN_MOST));
    assert_false(key_given_valid(longest, KEY_GIVEN_MOST + 1));
    assert_false(key_given_valid("", 0));
    assert_false(key_given_valid("a\nb", 3));
    assert_false(key_given_valid("a\0b", 3));
    assert_false(key_given_valid("a\x7f", 2));
    assert_false(key_given_valid("a\xc2\x85", 3));
    assert_false(key_given_valid("a\xff", 2));
    assert_false(key_given_valid("mr1.", 4));
}

static void
a_given_keys_id_is_of_tenant_and_key(void **unused)
{
    (void)unused;
    char id[KEY_GIVEN_ID_SIZE];
    char other[KEY_GIVEN_ID_SIZE];
    assert_string_equal(key_given_id("demo", "secret", id), "given:c7c6761fb4330bab");
    assert_string_not_equal(id, key_given_id("other", "secret", other));
    assert_string_not_equal(id, key_given_id("demo", "Secret", other));
    assert_false(key_id_valid(id));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_key_is_read_back),
        cmocka_unit_test(two_fresh_keys_differ),
        cmocka_unit_test(another_shape_is_refused_and_changes_nothing),
        cmocka_unit_test(a_key_id_is_16_characters_of_base32),
        cmocka_unit_test(the_hash_is_sha_256),
        cmocka_unit_test(one_bit_makes_another_hash),
        cmocka_unit_test(a_handle_comes_apart_again),
        cmocka_unit_test(a_tenants_name_is_no_handle_and_comes_apart_again),
        cmocka_unit_test(tenants_have_plain_names),
        cmocka_unit_test(a_given_key_is_any_text_that_can_be_written_down),
        cmocka_unit_test(a_given_keys_id_is_of_tenant_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
