#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "api/bucket.h"

enum { T0 = 1000000, THREADS = 4, CALLS = 1000 };

static buckets_t *
some_buckets(uint32_t per_s, uint32_t burst, uint32_t most)
{
    buckets_limits_t limits = { .per_s = per_s, .burst = burst, .most = most };
    return buckets_new(&limits);
}

/* How many calls in a row are allowed? */
static uint32_t
calls(buckets_t *buckets, const char *who, int64_t now_ms)
{
    uint32_t count = 0;
    while (buckets_take(buckets, who, now_ms).allowed)
        count++;
    return count;
}

static void
a_burst_is_allowed_and_then_so_many_a_second(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(10, 50, 100);
    assert_int_equal(calls(buckets, "a", T0), 50);
    assert_int_equal(calls(buckets, "a", T0 + 99), 0);
    assert_int_equal(calls(buckets, "a", T0 + 100), 1);
    assert_int_equal(calls(buckets, "a", T0 + 1100), 10);
    assert_int_equal(calls(buckets, "a", T0 + 1000000), 50);
    assert_int_equal(calls(buckets, "a", T0 + 2), 0); /* time does not go back */
}

static void
each_has_a_bucket_of_its_own(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(1, 3, 100);
    assert_int_equal(calls(buckets, "a", T0), 3);
    assert_int_equal(calls(buckets, "b", T0), 3);
    assert_int_equal(calls(buckets, "a", T0), 0);
}

static void
a_call_is_told_what_is_left(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(2, 4, 100);
    rate_t rate = buckets_take(buckets, "a", T0);
    assert_true(rate.allowed);
    assert_int_equal(rate.limit, 4);
    assert_int_equal(rate.remaining, 3);
    assert_int_equal(rate.reset_s, 1);
    assert_int_equal(rate.retry_s, 0);
    assert_int_equal(buckets_take(buckets, "a", T0).retry_s, 0);
    assert_int_equal(buckets_take(buckets, "a", T0).retry_s, 0);
    rate = buckets_take(buckets, "a", T0);
    assert_true(rate.allowed);
    assert_int_equal(rate.remaining, 0);
    assert_int_equal(rate.retry_s, 1);
    rate = buckets_take(buckets, "a", T0);
    assert_false(rate.allowed);
    assert_int_equal(rate.remaining, 0);
    assert_int_equal(rate.reset_s, 2);
    assert_int_equal(rate.retry_s, 1);
}

static void
a_slow_refill_says_how_long_it_takes(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(1, 3600, 100);
    (void)calls(buckets, "a", T0);
    assert_int_equal(buckets_take(buckets, "a", T0).reset_s, 3600);
    assert_int_equal(buckets_take(buckets, "a", T0 + 500).reset_s, 3600);
    assert_int_equal(buckets_take(buckets, "a", T0 + 999).retry_s, 1);
    assert_true(buckets_take(buckets, "a", T0 + 1000).allowed);
    assert_int_equal(buckets_take(buckets, "a", T0 + 2999).retry_s, 1);
    assert_int_equal(buckets_take(buckets, "a", T0 + 5000).retry_s, 0);
}

static void
who_called_longest_ago_is_forgotten_first(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(1, 2, 3);
    assert_int_equal(calls(buckets, "a", T0), 2);
    assert_int_equal(calls(buckets, "b", T0), 2);
    assert_int_equal(calls(buckets, "c", T0), 2);
    assert_int_equal(calls(buckets, "a", T0), 0);
    assert_int_equal(calls(buckets, "d", T0), 2); /* instead of b */
    assert_int_equal(calls(buckets, "a", T0), 0);
    assert_int_equal(calls(buckets, "c", T0), 0);
    assert_int_equal(calls(buckets, "b", T0), 2); /* instead of d */
    assert_int_equal(calls(buckets, "d", T0), 2);
}

static void
many_more_callers_than_places_are_served(void **unused)
{
    (void)unused;
    own(buckets) buckets = some_buckets(1, 1, 7);
    for (int i = 0; i < 1000; i++) {
        char who[16];
        snprintf(who, sizeof who, "key %d", i % 100);
        assert_true(buckets_take(buckets, who, T0).allowed);
        assert_false(buckets_take(buckets, who, T0).allowed);
    }
}

static buckets_t *shared;
static atomic_int allowed;

static void *
call_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < CALLS; i++)
        atomic_fetch_add(&allowed, buckets_take(shared, "a", T0).allowed);
    return NULL;
}

static void
threads_share_a_bucket(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    shared = some_buckets(1, 700, 10);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&allowed), 700);
    buckets_destroy(&shared);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_so_many_a_second),
        cmocka_unit_test(each_has_a_bucket_of_its_own),
        cmocka_unit_test(a_call_is_told_what_is_left),
        cmocka_unit_test(a_slow_refill_says_how_long_it_takes),
        cmocka_unit_test(who_called_longest_ago_is_forgotten_first),
        cmocka_unit_test(many_more_callers_than_places_are_served),
        cmocka_unit_test(threads_share_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
