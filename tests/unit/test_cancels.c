/* test_cancels.c - when the store is asked which jobs are to stop. Linked instead of common/lane.c.
 */
#include "executor/cancels.h"
#include "tests/unit/unit.h"

enum { MOST = 4 };

static struct {
    cancels_t *cancels;
    write_t *waiting;
    uint32_t looks;
    uint32_t count; /* jobs at hand */
    jobid_t jobs[MOST];
    uint32_t asked;
    jobid_t last;
} world;

void
lane_write(lane_t *self, write_t *write)
{
    (void)self;
    assert_null(world.waiting);
    assert_int_equal(write->kind, WRITE_CANCELS);
    world.waiting = write;
    world.looks++;
}

void
lane_forget(lane_t *self, const void *owner)
{
    (void)self;
    (void)owner;
    world.waiting = NULL;
}

void
write_clear(write_t *write)
{
    write->cancelled = NULL;
    write->cancelled_count = 0;
}

static void
answer(write_verdict_t verdict, jobid_t *cancelled, uint32_t count)
{
    write_t *write = world.waiting;
    assert_non_null(write);
    world.waiting = NULL;
    write->verdict = verdict;
    write->cancelled = cancelled;
    write->cancelled_count = count;
    write->done(write);
}

static uint32_t
at_hand(void *unused, jobid_t *ids)
{
    (void)unused;
    memcpy(ids, world.jobs, world.count * sizeof *ids);
    return world.count;
}

static void
on_asked(void *unused, const jobid_t *job)
{
    (void)unused;
    world.asked++;
    world.last = *job;
}

static int
begin(void **unused)
{
    (void)unused;
    memset(&world, 0, sizeof world);
    for (uint32_t i = 0; i < MOST; i++)
        world.jobs[i] = jobid_make(i + 1, 0);
    world.count = 2;
    const cancels_options_t options = { .most = MOST, .at_hand = at_hand, .asked = on_asked };
    world.cancels = cancels_new(&options);
    return 0;
}

static int
end(void **unused)
{
    (void)unused;
    cancels_destroy(&world.cancels);
    return 0;
}

static void
a_hint_asks_the_store_at_once_for_all_at_hand(void **unused)
{
    (void)unused;
    cancels_hint(world.cancels);
    assert_int_equal(world.looks, 1);
    assert_int_equal(world.waiting->in.cancels.count, 2);
    answer(WRITE_DONE, &world.jobs[1], 1);
    assert_int_equal(world.asked, 1);
    assert_true(jobid_equal(&world.last, &world.jobs[1]));
}

/* What was committed behind the question's back is in the next one's answer. */
static void
a_hint_while_one_is_asked_asks_again(void **unused)
{
    (void)unused;
    cancels_hint(world.cancels);
    cancels_hint(world.cancels);
    cancels_hint(world.cancels);
    assert_int_equal(world.looks, 1);
    answer(WRITE_DONE, NULL, 0);
    assert_int_equal(world.looks, 2);
    answer(WRITE_DONE, NULL, 0);
    assert_int_equal(world.looks, 2);
}

static void
without_a_hint_it_is_asked_now_and_then(void **unused)
{
    (void)unused;
    cancels_tick(world.cancels, 10 * CANCELS_MS);
    assert_int_equal(world.looks, 1);
    cancels_tick(world.cancels, INT64_MAX / 2); /* still asking */
    assert_int_equal(world.looks, 1);
    answer(WRITE_FAILED, NULL, 0);
    assert_int_equal(world.asked, 0);
    cancels_tick(world.cancels, INT64_MAX / 2);
    assert_int_equal(world.looks, 2);
}

static void
with_nothing_at_hand_nothing_is_asked(void **unused)
{
    (void)unused;
    world.count = 0;
    cancels_hint(world.cancels);
    cancels_tick(world.cancels, INT64_MAX / 2);
    assert_int_equal(world.looks, 0);
}

#define CANCELS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CANCELS_TEST(a_hint_asks_the_store_at_once_for_all_at_hand),
        CANCELS_TEST(a_hint_while_one_is_asked_asks_again),
        CANCELS_TEST(without_a_hint_it_is_asked_now_and_then),
        CANCELS_TEST(with_nothing_at_hand_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
