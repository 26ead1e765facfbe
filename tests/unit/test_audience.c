#include "tests/unit/unit.h"

#include "broker/audience.h"

enum { T0 = 1000 };

static jobid_t
id_of(uint8_t n)
{
    jobid_t id = { { n } };
    return id;
}

static uint32_t
listeners_of(const audience_t *audience, uint8_t n, uint32_t found[AUDIENCE_EACH])
{
    jobid_t id = id_of(n);
    return audience_find(audience, &id, found);
}

static void
add(audience_t *audience, uint8_t n, uint32_t listener, int64_t now_ms)
{
    jobid_t id = id_of(n);
    audience_add(audience, &id, listener, now_ms);
}

static void
listeners_are_found_by_job(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    add(audience, 1, 10, T0);
    add(audience, 1, 11, T0);
    add(audience, 1, 10, T0);
    add(audience, 2, 12, T0);
    assert_int_equal(listeners_of(audience, 1, found), 2);
    assert_int_equal(found[0], 10);
    assert_int_equal(found[1], 11);
    assert_int_equal(listeners_of(audience, 3, found), 0);
}

static void
the_ninth_listener_replaces_the_first(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    for (uint32_t i = 1; i <= 9; i++)
        add(audience, 1, i, T0);
    assert_int_equal(listeners_of(audience, 1, found), 8);
    assert_int_equal(found[0], 2);
    assert_int_equal(found[7], 9);
}

static void
the_oldest_job_makes_room(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    for (uint8_t n = 1; n <= 5; n++)
        add(audience, n, n, T0);
    assert_int_equal(listeners_of(audience, 1, found), 0);
    assert_int_equal(listeners_of(audience, 2, found), 1);
    assert_int_equal(listeners_of(audience, 5, found), 1);
}

static void
a_removed_job_has_no_listeners(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    jobid_t id = id_of(2);
    for (uint8_t n = 1; n <= 3; n++)
        add(audience, n, n, T0);
    audience_remove(audience, &id);
    audience_remove(audience, &id);
    assert_int_equal(listeners_of(audience, 2, found), 0);
    for (uint8_t n = 4; n <= 5; n++)
        add(audience, n, n, T0);
    assert_int_equal(listeners_of(audience, 1, found), 1);
    assert_int_equal(listeners_of(audience, 3, found), 1);
}

static void
a_job_that_is_too_old_is_forgotten_when_others_come(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    add(audience, 1, 1, T0);
    add(audience, 2, 2, T0 + AUDIENCE_KEEP_MS);
    assert_int_equal(listeners_of(audience, 1, found), 0);
    assert_int_equal(listeners_of(audience, 2, found), 1);
}

static void
a_cleared_audience_is_empty(void **state)
{
    (void)state;
    uint32_t found[AUDIENCE_EACH];
    own(audience) audience = audience_new(4);
    add(audience, 1, 1, T0);
    audience_clear(audience);
    assert_int_equal(listeners_of(audience, 1, found), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_are_found_by_job),
        cmocka_unit_test(the_ninth_listener_replaces_the_first),
        cmocka_unit_test(the_oldest_job_makes_room),
        cmocka_unit_test(a_removed_job_has_no_listeners),
        cmocka_unit_test(a_job_that_is_too_old_is_forgotten_when_others_come),
        cmocka_unit_test(a_cleared_audience_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
