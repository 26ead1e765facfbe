#include "tests/unit/unit.h"

#include <pthread.h>

#include "api/latch.h"
#include "common/clock.h"

enum { A = 1, B = 2 };

static void
a_flag_that_is_up_ends_the_wait_at_once(void **unused)
{
    (void)unused;
    latch_t latch;
    latch_init(&latch);
    latch_raise(&latch, A);
    assert_int_equal(latch_wait(&latch, A | B, -1), A);
}

static void
another_flag_does_not_end_the_wait(void **unused)
{
    (void)unused;
    latch_t latch;
    latch_init(&latch);
    latch_raise(&latch, B);
    int64_t began_ms = clock_mono_ms();
    assert_int_equal(latch_wait(&latch, A, 20), 0);
    assert_true(clock_mono_ms() - began_ms >= 20);
}

static void
a_marked_flag_is_seen_by_the_next_look(void **unused)
{
    (void)unused;
    latch_t latch;
    latch_init(&latch);
    assert_int_equal(latch_look(&latch, A), 0);
    latch_mark(&latch, A);
    assert_int_equal(latch_look(&latch, A), A);
    assert_int_equal(latch_wait(&latch, A, 0), A);
}

typedef struct {
    latch_t ping;
    latch_t pong;
    int value; /* written before the flag goes up, read after it was seen */
} pair_t;

static void *
echo(void *arg)
{
    pair_t *pair = arg;
    latch_wait(&pair->ping, A, -1);
    pair->value *= 2;
    latch_raise(&pair->pong, A);
    return NULL;
}

static void
a_sleeper_wakes_and_sees_what_was_written_before(void **unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        pair_t pair = { .value = i };
        latch_init(&pair.ping);
        latch_init(&pair.pong);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, echo, &pair), 0);
        latch_raise(&pair.ping, A);
        assert_int_equal(latch_wait(&pair.pong, A, -1), A);
        assert_int_equal(pair.value, 2 * i);
        pthread_join(thread, NULL);
    }
}

static void *
mark(void *arg)
{
    latch_mark(arg, A);
    return NULL;
}

/* In this order: the mark comes before the sleep, in it or behind it as it happens. */
static void
an_endless_sleep_ends_with_a_mark(void **unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++) {
        latch_t latch;
        latch_init(&latch);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, mark, &latch), 0);
        assert_int_equal(latch_wait(&latch, A, -1), A);
        pthread_join(thread, NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flag_that_is_up_ends_the_wait_at_once),
        cmocka_unit_test(another_flag_does_not_end_the_wait),
        cmocka_unit_test(a_marked_flag_is_seen_by_the_next_look),
        cmocka_unit_test(a_sleeper_wakes_and_sees_what_was_written_before),
        cmocka_unit_test(an_endless_sleep_ends_with_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
