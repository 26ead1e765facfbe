#include "tests/unit/unit.h"

#include <sodium.h>

#include "api/gate.h"
#include "tests/unit/http_fake.h"

#include "tests/unit/engine_fake.h"

/* Who asks with this Authorization header and this query (NULL: none)? */
static bool
let_in(const char *authorization, const char *query, err_t *err)
{
    static fake_request_t request;
    fake_request(&request, "GET", "/", query);
    if (authorization)
        fake_header(&request, "authorization", authorization);
    caller_t caller = { .tenant = "" };
    bool known = gate_caller(&fake, &request.request, &caller, err);
    assert_string_equal(caller.tenant[0] && known ? caller.tenant : "demo", "demo");
    return known;
}

static bool
basic(const char *credentials, err_t *err)
{
    char value[512] = "Basic ";
    sodium_bin2base64(value + 6, sizeof value - 6, (const unsigned char *)credentials,
                      strlen(credentials), sodium_base64_VARIANT_ORIGINAL);
    return let_in(value, NULL, err);
}

static void
a_bearer_is_the_whole_key(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(let_in("Bearer " FAKE_KEY, NULL, &err));
    assert_true(let_in("bearer   " FAKE_KEY, NULL, &err));
}

static void
basic_takes_three_users(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(basic(FAKE_ID ":" FAKE_SECRET, &err));
    assert_true(basic(FAKE_ID ":" FAKE_KEY, &err));
    assert_true(basic(FAKE_ID "@api:" FAKE_SECRET, &err));
    assert_true(basic(FAKE_ID "@api:" FAKE_KEY, &err));
    assert_true(basic("demo:" FAKE_KEY, &err));
    assert_true(basic("demo:" FAKE_SECRET, &err));
}

static void
a_given_key_is_good_where_its_tenant_is_named(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(basic("demo:" FAKE_GIVEN, &err));
    assert_false(basic("other:" FAKE_GIVEN, &err));
    assert_false(basic(FAKE_ID ":" FAKE_GIVEN, &err));
    assert_false(let_in("Bearer " FAKE_GIVEN, NULL, &err));
    assert_false(let_in(NULL, "api_key=let+me+in", &err));
}

static void
a_tenant_needs_a_key_of_its_own(void **unused)
{
    (void)unused;
    err_t err;
    assert_false(basic("other:" FAKE_SECRET, &err));
    assert_false(basic("demo:" FAKE_SECRET "x", &err));
    assert_false(basic("other:" FAKE_KEY, &err));
    assert_false(basic("aaaaaaaaaaaaaaaa:" FAKE_KEY, &err));
    assert_false(basic(":" FAKE_KEY, &err));
}

static void
the_query_takes_the_whole_key(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(let_in(NULL, "api_key=" FAKE_KEY, &err));
    assert_false(let_in(NULL, "api_key=" FAKE_SECRET, &err));
}

static void
authorization_wins_over_the_query(void **unused)
{
    (void)unused;
    err_t err;
    assert_false(let_in("Bearer nonsense", "api_key=" FAKE_KEY, &err));
    assert_true(let_in("Bearer " FAKE_KEY, "api_key=nonsense", &err));
}

static void
whatever_is_wrong_the_answer_is_the_same(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        NULL,
        "",
        "Bearer",
        "Bearer ",
        "Bearer" FAKE_KEY,
        "Digest " FAKE_KEY,
        "Bearer " FAKE_KEY " ",
        "Bearer " FAKE_KEY "x",
        "Bearer mr1.aaaaaaaaaaaaaaaa." FAKE_SECRET,
        "Bearer mr1." FAKE_ID ".0000000000abcdefghijklmnopqrstuvwxyzABCDEFG",
        "Basic",
        "Basic ",
        "Basic ====",
        "Basic YQ=",
        "Basic a",
        "Basic YWJj",         /* abc: no colon */
        "Basic YTpiAGM=",     /* a NUL in it */
        "Basic \xc3\xa4\xc3", /* no base64 */
        "Basic YT=i",
    };
    err_t first;
    assert_false(let_in(NULL, NULL, &first));
    assert_int_equal(first.kind, ERR_NO_KEY);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err_t err;
        assert_false(let_in(wrong[i], NULL, &err));
        assert_int_equal(err.kind, ERR_NO_KEY);
        assert_string_equal(err.text, first.text);
    }
}

static void
long_credentials_fit_nowhere(void **unused)
{
    (void)unused;
    char value[2000] = "Basic ";
    memset(value + 6, 'Y', sizeof value - 7);
    err_t err;
    for (size_t size = 8; size < sizeof value - 1; size++) {
        char kept = value[size];
        value[size] = '\0';
        assert_false(let_in(value, NULL, &err));
        value[size] = kept;
    }
}

static void
a_store_that_is_away_is_no_wrong_key(void **unused)
{
    (void)unused;
    fake.away = true;
    err_t err;
    assert_false(let_in("Bearer " FAKE_KEY, NULL, &err));
    fake.away = false;
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bearer_is_the_whole_key),
        cmocka_unit_test(basic_takes_three_users),
        cmocka_unit_test(a_given_key_is_good_where_its_tenant_is_named),
        cmocka_unit_test(a_tenant_needs_a_key_of_its_own),
        cmocka_unit_test(the_query_takes_the_whole_key),
        cmocka_unit_test(authorization_wins_over_the_query),
        cmocka_unit_test(whatever_is_wrong_the_answer_is_the_same),
        cmocka_unit_test(long_credentials_fit_nowhere),
        cmocka_unit_test(a_store_that_is_away_is_no_wrong_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
