#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdio.h>

#include "api/terms.h"

static atomic_int asked;
static bool away;

/* "none" is nobody's; the others keep results for as many seconds as questions were asked. */
static bool
find(void *arg, const char *tenant, const char *alias, terms_t *terms, err_t *err)
{
    (void)arg;
    int count = atomic_fetch_add(&asked, 1) + 1;
    if (away)
        return err_set(err, ERR_UNAVAILABLE, "the job store does not answer");
    if (strcmp(alias, "none") == 0)
        return err_set(err, ERR_NOT_FOUND, "no such login");
    *terms = (terms_t){ .retention_s = count };
    snprintf(terms->source, sizeof terms->source, "%.20s-%.20s", tenant, alias);
    return true;
}

static terms_cache_t *
a_cache(int64_t fresh_ms)
{
    err_t err;
    atomic_store(&asked, 0);
    away = false;
    return terms_cache_new(fresh_ms, find, NULL, &err);
}

static void
an_answer_serves_until_it_is_old(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    terms_t terms;
    err_t err;
    assert_true(terms_of(cache, "demo", "", 5000, &terms, &err));
    assert_string_equal(terms.source, "demo-");
    assert_true(terms_of(cache, "demo", "", 5999, &terms, &err));
    assert_int_equal(atomic_load(&asked), 1);
    assert_true(terms_of(cache, "demo", "", 6000, &terms, &err));
    assert_int_equal(terms.retention_s, 2);
}

static void
tenants_and_aliases_are_told_apart(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    static const char *const pairs[][2] = {
        { "a", "bc" }, { "ab", "c" }, { "a", "" }, { "b", "" }
    };
    err_t err;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 4; i++) {
            terms_t terms;
            char wanted[64];
            assert_true(terms_of(cache, pairs[i][0], pairs[i][1], 5000, &terms, &err));
            snprintf(wanted, sizeof wanted, "%s-%s", pairs[i][0], pairs[i][1]);
            assert_string_equal(terms.source, wanted);
        }
    }
    assert_int_equal(atomic_load(&asked), 4);
}

static void
what_is_refused_is_asked_again(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    terms_t terms;
    err_t err;
    for (int i = 0; i < 2; i++) {
        assert_false(terms_of(cache, "demo", "none", 5000, &terms, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
    }
    assert_int_equal(atomic_load(&asked), 2);
}

static void
a_name_that_is_too_long_is_nobodys(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    char name[65];
    memset(name, 'a', 64);
    name[64] = '\0';
    terms_t terms;
    err_t err;
    assert_false(terms_of(cache, "demo", name, 5000, &terms, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(atomic_load(&asked), 0);
}

static void
a_store_that_is_away_is_no_refusal(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    terms_t terms;
    err_t err;
    away = true;
    assert_false(terms_of(cache, "demo", "", 5000, &terms, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void
more_tenants_than_places_are_all_served(void **unused)
{
    (void)unused;
    own(terms_cache) cache = a_cache(1000);
    err_t err;
    for (int i = 0; i < 20000; i++) {
        terms_t terms;
        char name[16];
        char wanted[32];
        snprintf(name, sizeof name, "t%d", i);
        snprintf(wanted, sizeof wanted, "t%d-", i);
        assert_true(terms_of(cache, name, "", 5000, &terms, &err));
        assert_string_equal(terms.source, wanted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_serves_until_it_is_old),
        cmocka_unit_test(tenants_and_aliases_are_told_apart),
        cmocka_unit_test(what_is_refused_is_asked_again),
        cmocka_unit_test(a_name_that_is_too_long_is_nobodys),
        cmocka_unit_test(a_store_that_is_away_is_no_refusal),
        cmocka_unit_test(more_tenants_than_places_are_all_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
