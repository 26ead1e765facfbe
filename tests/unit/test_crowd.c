/* test_crowd.c - logins for which a source had no room. */
#include "executor/crowd.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static void
a_login_that_found_no_room_is_known_for_a_while(void **unused)
{
    (void)unused;
    crowds_t crowds = { 0 };
    crowd_note(&crowds, "demo", "main", 1000);
    assert_true(crowd_is(&crowds, "demo", "main", 1000 + CROWD_MS - 1));
    assert_false(crowd_is(&crowds, "demo", "main", 1000 + CROWD_MS));
}

static void
other_tenants_and_sources_are_not_meant(void **unused)
{
    (void)unused;
    crowds_t crowds = { 0 };
    crowd_note(&crowds, "demo", "main", 1000);
    assert_false(crowd_is(&crowds, "other", "main", 1000));
    assert_false(crowd_is(&crowds, "demo", "other", 1000));
}

static void
the_latest_are_remembered(void **unused)
{
    (void)unused;
    crowds_t crowds = { 0 };
    char tenant[CROWD_NAME_SIZE];
    for (int i = 0; i <= CROWDS_MOST; i++) {
        snprintf(tenant, sizeof tenant, "t%d", i);
        crowd_note(&crowds, tenant, "main", 1000);
        crowd_note(&crowds, tenant, "main", 1000);
    }
    assert_false(crowd_is(&crowds, "t0", "main", 1000));
    assert_true(crowd_is(&crowds, "t1", "main", 1000));
    assert_true(crowd_is(&crowds, tenant, "main", 1000));
}

static void
only_a_lack_of_connections_counts(void **unused)
{
    (void)unused;
    assert_true(crowd_says(&(failure_t){ .sqlstate = "53300" }));
    assert_false(crowd_says(&(failure_t){ .sqlstate = "57P03" }));
    assert_false(crowd_says(&(failure_t){ .sqlstate = "08001" }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_that_found_no_room_is_known_for_a_while),
        cmocka_unit_test(other_tenants_and_sources_are_not_meant),
        cmocka_unit_test(the_latest_are_remembered),
        cmocka_unit_test(only_a_lack_of_connections_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
