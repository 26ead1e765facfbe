#include "tests/unit/unit.h"

#include "api/mint.h"

enum { HOUR_MS = 3600 * 1000 };

#define T0 INT64_C(1700000000000)

static int64_t
id_ms(mint_t *mint, int64_t mono_ms)
{
    jobid_t id = mint_id(mint, mono_ms);
    return jobid_ms(&id);
}

static void
ids_follow_the_stores_clock(void **unused)
{
    (void)unused;
    own(mint) mint = mint_new(5);
    mint_measured(mint, T0, 100);
    assert_int_equal(id_ms(mint, 100), T0);
    assert_int_equal(id_ms(mint, 1600), T0 + 1500);
    mint_measured(mint, T0 + 9000, 2000);
    assert_int_equal(id_ms(mint, 2000), T0 + 9000);
    assert_int_equal(mint_now_ms(mint, 2001), T0 + 9001);
}

static void
ids_never_go_back_in_time(void **unused)
{
    (void)unused;
    own(mint) mint = mint_new(0);
    mint_measured(mint, T0, 0);
    assert_int_equal(id_ms(mint, 5000), T0 + 5000);
    mint_measured(mint, T0 + 1000, 5000); /* the store's clock was set back */
    assert_int_equal(id_ms(mint, 5001), T0 + 5000);
    assert_int_equal(id_ms(mint, 9500), T0 + 5500);
}

static void
ids_are_never_far_from_what_the_store_said(void **unused)
{
    (void)unused;
    own(mint) mint = mint_new(0);
    mint_measured(mint, T0, 0);
    assert_int_equal(id_ms(mint, INT64_C(5) * HOUR_MS), T0 + HOUR_MS);
    mint_measured(mint, T0 - INT64_C(9) * HOUR_MS, 0); /* set back by far: it is right, not we */
    assert_int_equal(id_ms(mint, 0), T0 - INT64_C(8) * HOUR_MS);
}

static void
no_two_ids_are_the_same(void **unused)
{
    (void)unused;
    own(mint) mint = mint_new(0);
    mint_measured(mint, T0, 0);
    jobid_t a = mint_id(mint, 0);
    jobid_t b = mint_id(mint, 0);
    assert_false(jobid_equal(&a, &b));
}

static void
each_id_stands_behind_the_one_before_it(void **unused)
{
    (void)unused;
    own(mint) mint = mint_new(7);
    mint_measured(mint, T0, 0);
    jobid_t last = mint_id(mint, 0);
    for (int i = 1; i < 3000; i++) {
        if (i == 2000) /* the store's clock was set back */
            mint_measured(mint, T0 - 500, 0);
        jobid_t next = mint_id(mint, i / 100);
        assert_true(jobid_compare(&last, &next) < 0);
        last = next;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_follow_the_stores_clock),
        cmocka_unit_test(ids_never_go_back_in_time),
        cmocka_unit_test(ids_are_never_far_from_what_the_store_said),
        cmocka_unit_test(no_two_ids_are_the_same),
        cmocka_unit_test(each_id_stands_behind_the_one_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
