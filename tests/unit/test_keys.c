#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/keys.h"

enum { FRESH_MS = 5000 };

/* A store that knows the keys whose ids begin with "k", with the secret "secret". */
typedef struct {
    int asked;
    bool away;
    bool revoked;
} fake_t;

static bool
find(void *arg, const char *key_id, key_owner_t *owner, err_t *err)
{
    fake_t *fake = arg;
    fake->asked++;
    if (fake->away)
        return err_set(err, ERR_UNAVAILABLE, "the job store is away");
    if (fake->revoked || key_id[0] != 'k')
        return err_set(err, ERR_NO_KEY, "no key %s", key_id);
    (void)err_set(err, ERR_UNAVAILABLE, "a first try failed");
    *owner = (key_owner_t){ .tenant = "demo", .role = "write", .source = "shop" };
    key_hash("secret", owner->hash);
    return true;
}

static keys_t *
a_cache(fake_t *fake)
{
    err_t err;
    keys_t *keys = keys_new(FRESH_MS, find, fake, &err);
    assert_non_null(keys);
    return keys;
}

/* ERR_NONE when the key was good. */
static err_kind_t
try(keys_t *keys, const char *id, const char *secret, int64_t now_ms)
{
    err_t err;
    err_clear(&err);
    key_owner_t owner;
    if (!keys_owner(keys, id, secret, now_ms, &owner, &err))
        return err.kind;
    assert_string_equal(owner.tenant, "demo");
    assert_string_equal(owner.role, "write");
    assert_string_equal(owner.source, "shop");
    return ERR_NONE;
}

static void
an_answer_is_remembered_for_a_while(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NONE);
    assert_int_equal(try(keys, "k1", "secret", FRESH_MS - 1), ERR_NONE);
    assert_int_equal(fake.asked, 1);
    assert_int_equal(try(keys, "k1", "secret", FRESH_MS), ERR_NONE);
    assert_int_equal(fake.asked, 2);
}

static void
whether_somebody_has_an_id_needs_no_secret_and_is_remembered(void **unused)
{
    (void)unused;
    err_t err;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    assert_true(keys_known(keys, "k1", 0, &err));
    assert_true(keys_known(keys, "k1", 1, &err));
    assert_false(keys_known(keys, "x1", 0, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
    assert_false(keys_known(keys, "x1", 1, &err));
    assert_int_equal(fake.asked, 2);
    fake.away = true;
    assert_false(keys_known(keys, "k2", 0, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void
a_wrong_secret_and_an_unknown_key_look_the_same(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    err_t wrong;
    err_t unknown;
    key_owner_t owner;
    assert_false(keys_owner(keys, "k1", "Secret", 0, &owner, &wrong));
    assert_false(keys_owner(keys, "x1", "secret", 0, &owner, &unknown));
    assert_int_equal(wrong.kind, ERR_NO_KEY);
    assert_int_equal(unknown.kind, ERR_NO_KEY);
    assert_string_equal(wrong.text, unknown.text);
    assert_false(keys_owner(keys, "x1", "secret", 1, &owner, &unknown)); /* from the cache */
    assert_string_equal(wrong.text, unknown.text);
}

static void
a_wrong_secret_does_not_ask_the_store_again(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    for (int i = 0; i < 10; i++)
        assert_int_equal(try(keys, "k1", "guess", i), ERR_NO_KEY);
    assert_int_equal(fake.asked, 1);
}

static void
that_nobody_has_a_key_is_soon_forgotten(void **unused)
{
    (void)unused;
    fake_t fake = { .revoked = true };
    own(keys) keys = a_cache(&fake);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NO_KEY);
    assert_int_equal(try(keys, "k1", "secret", KEYS_UNKNOWN_MS - 1), ERR_NO_KEY);
    assert_int_equal(fake.asked, 1);
    fake.revoked = false;
    assert_int_equal(try(keys, "k1", "secret", KEYS_UNKNOWN_MS), ERR_NONE);
}

static void
a_revoked_key_ends_when_its_answer_is_stale(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NONE);
    fake.revoked = true;
    assert_int_equal(try(keys, "k1", "secret", FRESH_MS), ERR_NO_KEY);
    assert_int_equal(try(keys, "k1", "secret", FRESH_MS + 1), ERR_NO_KEY);
}

static void
a_store_that_is_away_makes_no_key_wrong(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NONE);
    fake.away = true;
    assert_int_equal(try(keys, "k1", "secret", 1), ERR_NONE);
    assert_int_equal(try(keys, "k1", "secret", FRESH_MS), ERR_UNAVAILABLE);
    assert_int_equal(try(keys, "k2", "secret", 1), ERR_UNAVAILABLE);
}

static void
guessed_keys_do_not_push_out_those_in_use(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NONE);
    for (int i = 0; i < 3 * KEYS_UNKNOWN_MOST; i++) {
        char id[32];
        snprintf(id, sizeof id, "x%d", i);
        assert_int_equal(try(keys, id, "secret", 0), ERR_NO_KEY);
    }
    int asked = fake.asked;
    assert_int_equal(try(keys, "k1", "secret", 1), ERR_NONE);
    assert_int_equal(fake.asked, asked);
}

static void
the_oldest_of_too_many_keys_is_forgotten(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    char id[32];
    for (int i = 0; i < KEYS_KNOWN_MOST + 1; i++) {
        snprintf(id, sizeof id, "k%d", i);
        assert_int_equal(try(keys, id, "secret", 0), ERR_NONE);
    }
    assert_int_equal(try(keys, id, "secret", 0), ERR_NONE);
    assert_int_equal(try(keys, "k1", "secret", 0), ERR_NONE);
    assert_int_equal(fake.asked, KEYS_KNOWN_MOST + 1);
    assert_int_equal(try(keys, "k0", "secret", 0), ERR_NONE);
    assert_int_equal(fake.asked, KEYS_KNOWN_MOST + 2);
}

static void
key_ids_that_nobody_can_have_are_not_asked_for(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(keys) keys = a_cache(&fake);
    char id[KEYS_ID_SIZE + 1];
    memset(id, 'k', KEYS_ID_SIZE);
    id[KEYS_ID_SIZE] = '\0';
    assert_int_equal(try(keys, id, "secret", 0), ERR_NO_KEY);
    assert_int_equal(try(keys, "", "secret", 0), ERR_NO_KEY);
    assert_int_equal(fake.asked, 0);
    id[KEYS_ID_SIZE - 1] = '\0';
    assert_int_equal(try(keys, id, "secret", 0), ERR_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_remembered_for_a_while),
        cmocka_unit_test(whether_somebody_has_an_id_needs_no_secret_and_is_remembered),
        cmocka_unit_test(a_wrong_secret_and_an_unknown_key_look_the_same),
        cmocka_unit_test(a_wrong_secret_does_not_ask_the_store_again),
        cmocka_unit_test(that_nobody_has_a_key_is_soon_forgotten),
        cmocka_unit_test(a_revoked_key_ends_when_its_answer_is_stale),
        cmocka_unit_test(a_store_that_is_away_makes_no_key_wrong),
        cmocka_unit_test(guessed_keys_do_not_push_out_those_in_use),
        cmocka_unit_test(the_oldest_of_too_many_keys_is_forgotten),
        cmocka_unit_test(key_ids_that_nobody_can_have_are_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
