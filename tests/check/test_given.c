/* test_given.c - keys that an operator gives, against a real PostgreSQL. */
#include <stdlib.h>

#include "tests/check/world.h"

/* "id role revoked?" of the only given key. */
static void
assert_given(const char *expected)
{
    own(mem) row = ask("SELECT key_id || ' ' || role || ' ' || (revoked_at IS NOT NULL) "
                       "FROM api_key WHERE key_id LIKE 'given:%'");
    assert_string_equal(row, expected);
}

static void
a_given_key_is_found_by_its_tenant_and_nowhere_kept(void **unused)
{
    (void)unused;
    err_t err;
    key_owner_t owner;
    char handle[KEY_HANDLE_SIZE];
    char id[KEY_GIVEN_ID_SIZE];
    uint8_t hash[KEY_HASH_SIZE];
    CHECK(store_tenant_add(world_store, "given", &err));
    CHECK(store_key_give(world_store, "given", "open sesame", "read", 0, &err));
    CHECK(store_key_find(world_store, key_handle("given", "open sesame", handle), &owner, &err));
    key_hash("open sesame", hash);
    assert_memory_equal(owner.hash, hash, sizeof hash);
    assert_string_equal(owner.role, "read");
    assert_string_equal(owner.key_id, key_given_id("given", "open sesame", id));
    assert_false(
        store_key_find(world_store, key_handle("acme", "open sesame", handle), &owner, &err));
    own(mem) kept = ask("SELECT count(*) FROM api_key k WHERE k::text LIKE '%sesame%'");
    assert_string_equal(kept, "0");
}

static void
a_given_key_is_given_once_until_it_is_revoked(void **unused)
{
    (void)unused;
    err_t err;
    key_owner_t owner;
    char handle[KEY_HANDLE_SIZE];
    char id[KEY_GIVEN_ID_SIZE];
    tell("DELETE FROM api_key WHERE key_id LIKE 'given:%'");
    CHECK(store_tenant_add(world_store, "twice", &err));
    CHECK(store_key_give(world_store, "twice", "k", "read", 0, &err));
    assert_false(store_key_give(world_store, "twice", "k", "write", 0, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    (void)key_given_id("twice", "k", id);
    CHECK(store_key_revoke(world_store, id, &err));
    assert_false(store_key_find(world_store, key_handle("twice", "k", handle), &owner, &err));
    own(mem) revoked = mem_format("%s read true", id);
    assert_given(revoked);
    CHECK(store_key_give(world_store, "twice", "k", "write", 60, &err));
    own(mem) again = mem_format("%s write false", id);
    assert_given(again);
    tell("UPDATE api_key SET expires_at = now() - interval '1 second' WHERE tenant = 'twice'");
    assert_false(store_key_find(world_store, handle, &owner, &err));
    CHECK(store_key_give(world_store, "twice", "k", "admin", 0, &err));
    CHECK(store_key_find(world_store, handle, &owner, &err));
    assert_string_equal(owner.role, "admin");
}

static void
keys_that_may_not_be_given_are_refused(void **unused)
{
    (void)unused;
    err_t err;
    CHECK(store_tenant_add(world_store, "acme", &err));
    assert_false(store_key_give(world_store, "acme", "", "read", 0, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(store_key_give(world_store, "acme", "mr1.a.b", "read", 0, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(store_key_give(world_store, "nobody", "k", "read", 0, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
a_tenant_is_found_by_its_name(void **unused)
{
    (void)unused;
    err_t err;
    key_owner_t owner;
    char handle[KEY_HANDLE_SIZE];
    CHECK(store_tenant_add(world_store, "there", &err));
    CHECK(store_key_find(world_store, key_tenant("there", handle), &owner, &err));
    assert_string_equal(owner.tenant, "there");
    assert_false(store_key_find(world_store, key_tenant("nowhere", handle), &owner, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_given_key_is_found_by_its_tenant_and_nowhere_kept),
        cmocka_unit_test(a_given_key_is_given_once_until_it_is_revoked),
        cmocka_unit_test(keys_that_may_not_be_given_are_refused),
        cmocka_unit_test(a_tenant_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
