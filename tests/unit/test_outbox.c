#include "tests/unit/unit.h"

#include "api/outbox.h"

static submit_t
a_job(int64_t ms)
{
    return (submit_t){ .id = jobid_make(ms, 0),
                       .tenant = "demo",
                       .source = "shop",
                       .priority = 5,
                       .queue_key = ms % 2 ? "line" : NULL };
}

/* Put jobs in one by one; how many of these calls asked for the thread? */
static int
fill(outbox_t *outbox, uint32_t count)
{
    int calls = 0;
    for (uint32_t i = 0; i < count; i++) {
        submit_t job = a_job(i);
        const submit_t *jobs[] = { &job };
        calls += outbox_offer(outbox, jobs, 1);
    }
    return calls;
}

static void
only_the_first_thing_in_an_empty_box_calls_the_thread(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(100);
    jobid_t id = jobid_make(1, 0);
    assert_int_equal(fill(outbox, 5), 1);
    assert_false(outbox_watch(outbox, &id));
    outbox_take(outbox);
    assert_true(outbox_watch(outbox, &id));
    assert_int_equal(fill(outbox, 5), 0);
}

static void
what_was_put_in_is_taken_out_in_order(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(1000);
    jobid_t id = jobid_make(77, 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(fill(outbox, 200), 1);
        assert_false(outbox_watch(outbox, &id));
        const outbox_load_t *load = outbox_take(outbox);
        assert_int_equal(load->offer_count, 200);
        for (uint32_t i = 0; i < 200; i++)
            assert_int_equal(jobid_ms(&load->offers[i].id), i);
        assert_string_equal(load->offers[199].tenant, "demo");
        assert_string_equal(load->offers[199].source, "shop");
        assert_int_equal(load->offers[199].priority, 5);
        assert_string_equal(load->offers[199].queue_key, "line");
        assert_string_equal(load->offers[198].queue_key, "");
        assert_int_equal(load->watch_count, 1);
        assert_true(jobid_equal(&load->watches[0], &id));
    }
    assert_int_equal(outbox_take(outbox)->offer_count, 0);
}

static void
cancels_travel_too(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(2);
    jobid_t id = jobid_make(77, 0);
    assert_true(outbox_cancel(outbox, &id));
    assert_false(outbox_cancel(outbox, &id));
    assert_false(outbox_cancel(outbox, &id));
    const outbox_load_t *load = outbox_take(outbox);
    assert_int_equal(load->cancel_count, 2);
    assert_true(jobid_equal(&load->cancels[0], &id));
    assert_int_equal(outbox_dropped(outbox), 1);
    assert_int_equal(outbox_take(outbox)->cancel_count, 0);
}

static void
an_offer_knows_how_long_and_how_many(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(2);
    submit_step_t steps[2] = { { .sql = "a" }, { .sql = "b" } };
    submit_t one = a_job(1);
    submit_t two = a_job(2);
    one.retention_s = 60;
    two.steps = steps;
    const submit_t *jobs[] = { &one, &two };
    assert_true(outbox_offer(outbox, jobs, 2));
    const outbox_load_t *load = outbox_take(outbox);
    assert_int_equal(load->offers[0].retention_s, 60);
    assert_false(load->offers[0].several);
    assert_true(load->offers[1].several);
}

static void
what_does_not_fit_is_dropped_and_counted(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(100);
    fill(outbox, 130);
    const outbox_load_t *load = outbox_take(outbox);
    assert_int_equal(load->offer_count, 100);
    assert_int_equal(jobid_ms(&load->offers[99].id), 99);
    assert_int_equal(outbox_dropped(outbox), 30);
    fill(outbox, 1);
    assert_int_equal(outbox_take(outbox)->offer_count, 1);
}

static void
nothing_to_offer_calls_nobody(void **unused)
{
    (void)unused;
    own(outbox) outbox = outbox_new(100);
    assert_false(outbox_offer(outbox, NULL, 0));
    assert_int_equal(fill(outbox, 1), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_thing_in_an_empty_box_calls_the_thread),
        cmocka_unit_test(what_was_put_in_is_taken_out_in_order),
        cmocka_unit_test(cancels_travel_too),
        cmocka_unit_test(an_offer_knows_how_long_and_how_many),
        cmocka_unit_test(what_does_not_fit_is_dropped_and_counted),
        cmocka_unit_test(nothing_to_offer_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
