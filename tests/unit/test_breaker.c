/* test_breaker.c - when a source is tried again. */
#include "broker/breaker.h"
#include "tests/unit/unit.h"

enum { T0 = 1000000, MIDDLE = BREAKER_FIRST_MS / 4 };

/* Open since T0, for BREAKER_FIRST_MS exactly. */
static breaker_t
an_open_breaker(void)
{
    breaker_t breaker = { 0 };
    assert_true(breaker_fail(&breaker, T0, T0, MIDDLE));
    return breaker;
}

/* Its probe went out at the moment it was ripe. */
static void
probe_when_ripe(breaker_t *breaker)
{
    int64_t now_ms = breaker->until_ms;
    assert_true(breaker_turn(breaker, now_ms));
    breaker_probe(breaker, now_ms);
}

static void
a_new_breaker_is_closed_and_stays_so(void **unused)
{
    (void)unused;
    breaker_t breaker = { 0 };
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_false(breaker_turn(&breaker, T0));
}

static void
the_first_failure_opens_it_for_a_second_give_or_take_a_quarter(void **unused)
{
    (void)unused;
    for (uint32_t random = 0; random < 2000; random++) {
        breaker_t breaker = { 0 };
        assert_true(breaker_fail(&breaker, T0, T0, random));
        assert_int_equal(breaker.state, BREAKER_OPEN);
        assert_in_range(breaker.until_ms - T0, 750, 1250);
    }
}

static void
it_is_ripe_when_its_time_is_over_and_not_before(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    assert_false(breaker_turn(&breaker, T0 + BREAKER_FIRST_MS - 1));
    assert_true(breaker_turn(&breaker, T0 + BREAKER_FIRST_MS));
    assert_int_equal(breaker.state, BREAKER_RIPE);
    assert_false(breaker_turn(&breaker, T0 + BREAKER_FIRST_MS));
}

static void
each_lost_probe_doubles_the_wait_up_to_the_most(void **unused)
{
    (void)unused;
    static const int64_t waits_ms[] = { 2000, 4000, 8000, 16000, 30000, 30000 };
    breaker_t breaker = an_open_breaker();
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        probe_when_ripe(&breaker);
        int64_t now_ms = breaker.until_ms - BREAKER_PROBE_MS;
        breaker_lost(&breaker, now_ms, (uint32_t)(waits_ms[i] / 4));
        assert_int_equal(breaker.state, BREAKER_OPEN);
        assert_int_equal(breaker.until_ms - now_ms, waits_ms[i]);
    }
}

static void
a_good_probe_closes_it_and_the_wait_begins_anew(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    probe_when_ripe(&breaker);
    breaker_lost(&breaker, T0 + 2000, 0);
    probe_when_ripe(&breaker);
    breaker_good(&breaker, T0 + 9000);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_true(breaker_fail(&breaker, T0 + 9001, T0 + 9002, MIDDLE));
    assert_int_equal(breaker.until_ms, T0 + 9002 + BREAKER_FIRST_MS);
}

static void
more_failures_while_it_is_open_change_nothing(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    assert_false(breaker_fail(&breaker, T0, T0 + 500, 0));
    assert_int_equal(breaker.until_ms, T0 + BREAKER_FIRST_MS);
}

static void
a_failure_that_set_out_before_it_closed_is_old_news(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    probe_when_ripe(&breaker);
    breaker_good(&breaker, T0 + 1000);
    assert_false(breaker_fail(&breaker, T0 - 10, T0 + 1500, 0));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void
a_probe_that_says_nothing_for_long_has_got_through(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    probe_when_ripe(&breaker);
    int64_t out_ms = T0 + BREAKER_FIRST_MS;
    assert_false(breaker_turn(&breaker, out_ms + BREAKER_PROBE_MS - 1));
    assert_true(breaker_turn(&breaker, out_ms + BREAKER_PROBE_MS));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void
a_ripe_one_that_nobody_needs_is_forgotten(void **unused)
{
    (void)unused;
    breaker_t breaker = an_open_breaker();
    assert_true(breaker_turn(&breaker, T0 + 1000));
    assert_true(breaker_turn(&breaker, T0 + 1000 + BREAKER_IDLE_MS));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_breaker_is_closed_and_stays_so),
        cmocka_unit_test(the_first_failure_opens_it_for_a_second_give_or_take_a_quarter),
        cmocka_unit_test(it_is_ripe_when_its_time_is_over_and_not_before),
        cmocka_unit_test(each_lost_probe_doubles_the_wait_up_to_the_most),
        cmocka_unit_test(a_good_probe_closes_it_and_the_wait_begins_anew),
        cmocka_unit_test(more_failures_while_it_is_open_change_nothing),
        cmocka_unit_test(a_failure_that_set_out_before_it_closed_is_old_news),
        cmocka_unit_test(a_probe_that_says_nothing_for_long_has_got_through),
        cmocka_unit_test(a_ripe_one_that_nobody_needs_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
