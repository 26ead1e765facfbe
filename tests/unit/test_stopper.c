/* test_stopper.c - how hard a session is stopped, and when. */
#include "executor/stopper.h"
#include "tests/unit/source_fake.h"

enum { GRACE = 400 };

static struct {
    stopper_t *stopper;
    stop_t stops[2];
    int spent;
} world;

static void
on_spent(void *unused)
{
    (void)unused;
    world.spent++;
}

static int
open_world(void **unused)
{
    (void)unused;
    memset(&world, 0, sizeof world);
    source_open();
    static const holder_t job = { 0 };
    source.session.holder = &job; /* runs something */
    world.stopper = stopper_new(source.loop, NULL, NULL, 4, GRACE);
    for (int i = 0; i < 2; i++)
        world.stops[i] = (stop_t){ .pid = 7 + i, .start_us = 70 + i, .spent = on_spent };
    return 0;
}

static int
close_world(void **unused)
{
    (void)unused;
    stopper_destroy(&world.stopper);
    loop_destroy(&source.loop);
    return 0;
}

static void
stop(int which)
{
    stopper_ask(world.stopper, "demo", "main", &world.stops[which]);
}

static void
it_is_asked_to_stop_at_once(void **unused)
{
    (void)unused;
    stop(0);
    assert_string_equal(source.story, "cancel");
    assert_int_equal(source.pair_count, 1);
    assert_int_equal(source.pairs[0], 7);
    assert_int_equal(source.pairs[1], 70);
}

static void
those_that_come_while_it_asks_are_asked_together(void **unused)
{
    (void)unused;
    stop(0);
    turn_of(&source.reserve, TURN_ANSWERED);
    source.reserve.clean = false;
    stop(1);
    assert_string_equal(source.story, "cancel cancel");
    turn_of(&source.reserve, TURN_ANSWERED);
    loop_for(STOP_AGAIN_MS + 30);
    assert_string_equal(source.story, "cancel cancel cancel");
    assert_int_equal(source.pair_count, 2);
}

static void
one_that_has_stopped_is_asked_no_more_and_the_session_given_back(void **unused)
{
    (void)unused;
    stop(0);
    stopper_forget(world.stopper, &world.stops[0]);
    assert_non_null(source.reserve.holder); /* it still asks */
    turn_of(&source.reserve, TURN_ANSWERED);
    assert_null(source.reserve.holder);
    loop_for(STOP_AGAIN_MS + 30);
    assert_string_equal(source.story, "cancel");
}

static void
one_that_does_not_stop_is_ended_and_then_given_up(void **unused)
{
    (void)unused;
    stop(0);
    int64_t turns = 0;
    while (!strstr(source.story, "end") && turns++ < 20) {
        if (source.reserve.holder && !source.reserve.clean)
            turn_of(&source.reserve, TURN_ANSWERED);
        loop_for(50);
    }
    assert_non_null(strstr(source.story, "cancel end"));
    assert_int_equal(world.spent, 0);
    for (turns = 0; world.spent == 0 && turns < 20; turns++)
        loop_for(50);
    assert_int_equal(world.spent, 1);
    stopper_forget(world.stopper, &world.stops[0]);
}

/* A source that lets nobody in: closing the socket is all there is, and no reason to wait. */
static void
without_a_session_it_is_given_up_soon(void **unused)
{
    (void)unused;
    source.no_reserve = true;
    stop(0);
    loop_for(GRACE / 4 + STOP_AGAIN_MS + 50);
    assert_string_equal(source.story, "");
    assert_int_equal(world.spent, 1);
}

static void
without_a_session_whose_answer_counts_waits_for_one(void **unused)
{
    (void)unused;
    source.no_reserve = true;
    world.stops[0].patient = true;
    stop(0);
    loop_for(GRACE);
    assert_int_equal(world.spent, 0);
    loop_for(GRACE + STOP_AGAIN_MS + 50);
    assert_int_equal(world.spent, 1);
}

#define STOPPER_TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STOPPER_TEST(it_is_asked_to_stop_at_once),
        STOPPER_TEST(those_that_come_while_it_asks_are_asked_together),
        STOPPER_TEST(one_that_has_stopped_is_asked_no_more_and_the_session_given_back),
        STOPPER_TEST(one_that_does_not_stop_is_ended_and_then_given_up),
        STOPPER_TEST(without_a_session_it_is_given_up_soon),
        STOPPER_TEST(without_a_session_whose_answer_counts_waits_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
