/* test_exchange_lines.c - jobs with queue keys between API nodes, executors and the sweep. */
#include "tests/unit/exchange_world.h"

static void
say_offer_of(world_t *world, uint8_t n, const char *queue_key)
{
    wire_offer_t offer = offer_of(n, "a");
    offer.queue_key = wire_text(queue_key);
    say(world, 10, (wire_t){ .tag = WIRE_offers, .offers = { .jobs = &offer, .jobs_count = 1 } });
}

static void
say_change(world_t *world, uint8_t n, job_state_t state)
{
    wire_change_t change = { .job = id_of(n), .attempt = 1, .state = state };
    say(world, 1, (wire_t){ .tag = WIRE_changes, .changes = { .jobs = &change, .jobs_count = 1 } });
}

static void
a_dispatch_tells_the_queue_key(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer_of(world, 1, "line");
    turn(world);
    const wire_offer_t *job = &last_sent(world)->dispatch.jobs[0];
    assert_int_equal(job->queue_key.size, 4);
    assert_memory_equal(job->queue_key.data, "line", 4);
}

static void
news_of_an_end_lets_the_next_job_of_a_line_out_in_the_same_turn(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    say_offer_of(world, 1, "line");
    say_offer_of(world, 2, "line");
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
    say_change(world, 1, JOB_RUNNING);
    say_release(world, 1, (wire_release_t){ .job = id_of(1), .verdict = RELEASE_FINISHED }, T0);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 1);
    say_change(world, 1, JOB_FAILED);
    turn(world);
    assert_int_equal(dispatched_to(world, 1), 2);
}

static void
a_claim_that_was_refused_has_the_line_looked_at_soon_and_not_all_the_time(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    (void)exchange_wants_sweep(world->exchange, T0); /* a new leader's first */
    say_offer_of(world, 1, "line");
    turn(world);
    assert_false(exchange_wants_lines(world->exchange, T0 + 1000));
    say_release(world, 1, (wire_release_t){ .job = id_of(1), .verdict = RELEASE_LINE }, T0);
    assert_true(exchange_wants_lines(world->exchange, T0 + 1000));
    assert_false(exchange_wants_lines(world->exchange, T0 + 2000));
    say_offer_of(world, 2, "other");
    turn(world);
    say_release(world, 1, (wire_release_t){ .job = id_of(2), .verdict = RELEASE_LINE }, T0);
    assert_false(exchange_awaits_sweep(world->exchange));
    assert_false(exchange_wants_lines(world->exchange, T0 + 1000 + EXCHANGE_LINES_GAP_MS - 1));
    assert_true(exchange_awaits_sweep(world->exchange));
    assert_true(exchange_wants_lines(world->exchange, T0 + 1000 + EXCHANGE_LINES_GAP_MS));
}

static void
what_the_sweep_says_of_a_line_counts_for_a_leader(void **state)
{
    world_t *world = a_cluster(state, 1, 4);
    waiting_t jobs[] = {
        { .id = id_of(3), .tenant = "a", .source = "demo", .queue_key = "line" },
        { .id = id_of(4), .tenant = "a", .source = "demo", .queue_key = "line" },
    };
    line_name_t name = { .tenant = "a", .queue_key = "line" };
    line_report_t report = { .name = &name, .jobs = jobs, .count = 2 };
    exchange_lead(world->exchange, 0);
    exchange_line(world->exchange, &report, T0);
    exchange_lines_told(world->exchange, "a", true, T0);
    assert_int_equal(queue_waiting(exchange_queue(world->exchange)), 0);
    exchange_lead(world->exchange, EPOCH);
    exchange_line(world->exchange, &report, T0);
    assert_int_equal(queue_waiting(exchange_queue(world->exchange)), 2);
}

int
main(void)
{
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        CLAIM(a_dispatch_tells_the_queue_key),
        CLAIM(news_of_an_end_lets_the_next_job_of_a_line_out_in_the_same_turn),
        CLAIM(a_claim_that_was_refused_has_the_line_looked_at_soon_and_not_all_the_time),
        CLAIM(what_the_sweep_says_of_a_line_counts_for_a_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
