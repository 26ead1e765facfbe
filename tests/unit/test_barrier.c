/* test_barrier.c - who shares which barrier. */
#include "executor/barrier.h"
#include "tests/unit/source_fake.h"

static struct {
    barriers_t *barriers;
    barrier_wait_t waits[3];
    int told[3];
    barrier_verdict_t verdict;
} world;

static void
on_done(void *user, barrier_verdict_t verdict)
{
    int *told = user;
    (*told)++;
    world.verdict = verdict;
}

static int
open_world(void **unused)
{
    (void)unused;
    memset(&world, 0, sizeof world);
    source_open();
    static const holder_t job = { 0 };
    source.session.holder = &job; /* runs something */
    world.barriers = barriers_new(source.loop, NULL, NULL, 2);
    for (int i = 0; i < 3; i++)
        world.waits[i] = (barrier_wait_t){
            .pid = 40 + i, .start_us = 1, .done = on_done, .user = &world.told[i]
        };
    return 0;
}

static int
close_world(void **unused)
{
    (void)unused;
    barriers_destroy(&world.barriers);
    loop_destroy(&source.loop);
    return 0;
}

static void
ask_for(int wait)
{
    barriers_ask(world.barriers, "demo", "main", &world.waits[wait]);
}

static void
answer(fate_t fate)
{
    source.fate = fate;
    turn_of(&source.reserve, TURN_ANSWERED);
}

static void
those_that_come_in_one_turn_share_one(void **unused)
{
    (void)unused;
    ask_for(0);
    ask_for(1);
    loop_for(0);
    assert_string_equal(source.story, "barrier");
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[0] + world.told[1], 2);
    assert_int_equal(world.verdict, BARRIER_DURABLE);
    assert_null(source.reserve.holder);
}

/* What was written after the barrier was sent is not behind it. */
static void
one_that_comes_later_has_the_next(void **unused)
{
    (void)unused;
    ask_for(0);
    loop_for(0);
    ask_for(1);
    ask_for(2);
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[0], 1);
    assert_int_equal(world.told[1] + world.told[2], 0);
    assert_string_equal(source.story, "barrier barrier");
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[1] + world.told[2], 2);
}

static void
a_source_without_one_is_told_apart(void **unused)
{
    (void)unused;
    ask_for(0);
    loop_for(0);
    answer(FATE_UNTOLD);
    assert_int_equal(world.verdict, BARRIER_REFUSED);
}

static void
it_asks_for_the_sessions_that_wait(void **unused)
{
    (void)unused;
    ask_for(1);
    loop_for(0);
    assert_int_equal(source.pair_count, 1);
    assert_int_equal(source.pairs[0], 41);
    assert_int_equal(source.pairs[1], 1);
}

/* The source was started anew before the barrier came, and nobody has heard of it yet. */
static void
a_barrier_behind_lost_sessions_is_none(void **unused)
{
    (void)unused;
    ask_for(0);
    ask_for(1);
    loop_for(0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world.told[0] + world.told[1], 0);
        source.left = 1;
        answer(FATE_COMMITTED);
    }
    assert_int_equal(world.told[0] + world.told[1], 2);
    assert_int_equal(world.verdict, BARRIER_AWAY);
    assert_string_equal(source.story, "barrier barrier barrier");
}

static void
whoever_left_takes_nobody_along(void **unused)
{
    (void)unused;
    ask_for(0);
    ask_for(1);
    loop_for(0);
    barriers_forget(world.barriers, &world.waits[0]);
    source.left = 1;
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[1], 0);
    assert_int_equal(source.pair_count, 1);
    answer(FATE_COMMITTED);
    assert_int_equal(world.verdict, BARRIER_DURABLE);
}

static void
a_session_that_cannot_be_told_apart_has_no_barrier(void **unused)
{
    (void)unused;
    world.waits[0].start_us = 0;
    ask_for(0);
    loop_for(0);
    assert_int_equal(source.pair_count, 0);
    answer(FATE_COMMITTED);
    assert_int_equal(world.verdict, BARRIER_REFUSED);
}

static void
more_than_fit_share_the_next(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        ask_for(i);
    loop_for(0);
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[0] + world.told[1] + world.told[2], 2);
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[0] + world.told[1] + world.told[2], 3);
}

static void
a_lost_session_is_tried_for_again_and_then_given_up(void **unused)
{
    (void)unused;
    ask_for(0);
    loop_for(0);
    turn_of(&source.reserve, TURN_LOST);
    assert_int_equal(world.told[0], 0);
    loop_for(80);
    turn_of(&source.reserve, TURN_LOST);
    loop_for(80);
    assert_string_equal(source.story, "barrier barrier barrier");
    turn_of(&source.reserve, TURN_LOST);
    assert_int_equal(world.told[0], 1);
    assert_int_equal(world.verdict, BARRIER_AWAY);
}

static void
one_that_finds_no_room_waits_for_it(void **unused)
{
    (void)unused;
    source.no_reserve = true;
    ask_for(0);
    loop_for(300);
    assert_int_equal(world.told[0], 0);
    source.no_reserve = false;
    loop_for(100);
    assert_string_equal(source.story, "barrier");
    answer(FATE_COMMITTED);
    assert_int_equal(world.verdict, BARRIER_DURABLE);
}

static void
one_that_never_finds_room_is_told_so(void **unused)
{
    (void)unused;
    source.no_reserve = true;
    ask_for(0);
    for (int i = 0; i < 50 && world.told[0] == 0; i++)
        loop_for(100);
    assert_int_equal(world.told[0], 1);
    assert_int_equal(world.verdict, BARRIER_FULL);
}

static void
who_forgot_is_not_told(void **unused)
{
    (void)unused;
    ask_for(0);
    ask_for(1);
    loop_for(0);
    barriers_forget(world.barriers, &world.waits[0]);
    answer(FATE_COMMITTED);
    assert_int_equal(world.told[0], 0);
    assert_int_equal(world.told[1], 1);
}

static void
it_waits_for_a_session_that_is_not_clean_yet(void **unused)
{
    (void)unused;
    source.reserve.clean = false;
    ask_for(0);
    loop_for(0);
    assert_string_equal(source.story, "");
    turn_of(&source.reserve, TURN_CLEAN);
    assert_string_equal(source.story, "barrier");
}

static void
it_waits_for_the_login(void **unused)
{
    (void)unused;
    source.login = LOGIN_ASKED;
    ask_for(0);
    loop_for(0);
    source.login = LOGIN_KNOWN;
    barriers_login_answered(world.barriers);
    assert_string_equal(source.story, "barrier");
}

#define BARRIER_TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BARRIER_TEST(those_that_come_in_one_turn_share_one),
        BARRIER_TEST(one_that_comes_later_has_the_next),
        BARRIER_TEST(a_source_without_one_is_told_apart),
        BARRIER_TEST(it_asks_for_the_sessions_that_wait),
        BARRIER_TEST(a_barrier_behind_lost_sessions_is_none),
        BARRIER_TEST(whoever_left_takes_nobody_along),
        BARRIER_TEST(a_session_that_cannot_be_told_apart_has_no_barrier),
        BARRIER_TEST(more_than_fit_share_the_next),
        BARRIER_TEST(a_lost_session_is_tried_for_again_and_then_given_up),
        BARRIER_TEST(one_that_finds_no_room_waits_for_it),
        BARRIER_TEST(one_that_never_finds_room_is_told_so),
        BARRIER_TEST(who_forgot_is_not_told),
        BARRIER_TEST(it_waits_for_a_session_that_is_not_clean_yet),
        BARRIER_TEST(it_waits_for_the_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
