/* test_queue_lines.c - jobs with queue keys: one of a line at a time, and no line in the way of
 * others. */
#include "tests/unit/queue_lines.h"

/* --- turns --- */

static void
one_job_of_a_line_goes_out_and_the_next_one_when_its_end_is_stored(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 4);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 0);
    release(queue, "a", 1, RELEASE_FINISHED, T0); /* its end is on its way */
    assert_int_equal(take_number(queue, T0), 0);
    over(queue, 1);
    assert_int_equal(take_number(queue, T0), 2);
    over(queue, 2); /* news may be faster than the executor's own release */
    release(queue, "a", 2, RELEASE_FINISHED, T0);
    assert_int_equal(take_number(queue, T0), 3);
    assert_int_equal(take_number(queue, T0), 0);
}

static void
lines_and_jobs_without_one_do_not_wait_for_each_other(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 4);
    come_many(queue, "l", 4, 6);
    offer(queue, "a", 6);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 4);
    assert_int_equal(take_number(queue, T0), 6);
    assert_int_equal(take_number(queue, T0), 0);
    assert_int_equal(queue_waiting(queue), 3);
}

static void
a_line_goes_over_all_sources_of_its_tenant_and_over_none_of_others(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come(queue, "k", 1);
    waiting_t elsewhere = a_job_in("k", 2);
    snprintf(elsewhere.source, sizeof elsewhere.source, "depot");
    queue_offer_fresh(queue, &elsewhere, T0);
    waiting_t others = a_job("b", 3, 5);
    snprintf(others.queue_key, sizeof others.queue_key, "k");
    queue_offer_fresh(queue, &others, T0);
    assert_int_equal(take_number(queue, T0), 1);
    assert_int_equal(take_number(queue, T0), 3);
    assert_int_equal(take_number(queue, T0), 0);
    over(queue, 1);
    assert_int_equal(take_number(queue, T0), 2);
}

static void
those_behind_go_by_age_however_they_came_in(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come(queue, "k", 1);
    come(queue, "k", 4);
    come(queue, "k", 2);
    waiting_t first = a_job_in("k", 3);
    first.priority = 9; /* is nothing within a line */
    queue_offer_fresh(queue, &first, T0);
    for (uint32_t n = 1; n <= 4; n++) {
        assert_int_equal(take_number(queue, T0), n);
        over(queue, n);
    }
}

static void
nobody_passes_a_front_that_is_held_back(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 3);
    take_number(queue, T0);
    release_later(queue, "a", 1, 500, T0);
    assert_int_equal(take_number(queue, T0 + 499), 0);
    assert_int_equal(take_number(queue, T0 + 500), 1);
    over(queue, 1);
    assert_int_equal(take_number(queue, T0 + 500), 2);
}

static void
an_offer_of_a_job_that_stands_in_line_is_an_echo(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 3);
    assert_int_equal(come(queue, "k", 2), QUEUE_KNOWN);
    assert_int_equal(come(queue, "k", 1), QUEUE_KNOWN);
    uint32_t runner = 0;
    jobid_t id = a_job("a", 2, 5).id;
    assert_int_equal(queue_find(queue, &id, &runner), QUEUE_WAITS);
}

/* --- when it is not known whose turn it is --- */

static void
a_claim_that_was_refused_has_the_store_asked(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 5, 7);
    take_number(queue, T0);
    release(queue, "a", 5, RELEASE_LINE, T0);
    assert_int_equal(take_number(queue, T0), 0);
    assert_true(queue_wants_lines(queue));
    queue_line_t line;
    assert_int_equal(queue_lines_wanted(queue, &line, 1), 1);
    assert_string_equal(line.tenant, "a");
    assert_string_equal(line.queue_key, "k");
    hear(queue, (told_t){ .line = "k",
                          .from = 4,
                          .to = 7,
                          .runs = true }); /* job 4, of which we did not know, runs */
    assert_int_equal(wanted(queue), 0);
    assert_int_equal(take_number(queue, T0), 0);
    over(queue, 4);
    assert_int_equal(take_number(queue, T0), 5);
    over(queue, 5);
    assert_int_equal(take_number(queue, T0), 6);
}

static void
a_line_is_asked_for_until_the_store_has_told(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come(queue, "k", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LINE, T0);
    assert_true(queue_wants_lines(queue));
    assert_false(queue_wants_lines(queue));
    assert_int_equal(wanted(queue), 1);
    hear(queue, (told_t){ .line = "k", .from = 0, .to = 0 }); /* there is none */
    assert_int_equal(wanted(queue), 0);
    assert_int_equal(queue_waiting(queue), 0);
}

static void
fresh_jobs_wait_while_nobody_knows_whose_turn_it_is(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come(queue, "k", 1);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LINE, T0);
    assert_int_equal(come(queue, "k", 2), QUEUE_TAKEN);
    assert_int_equal(take_number(queue, T0), 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3 });
    assert_int_equal(take_number(queue, T0), 1);
}

static void
a_runner_that_is_gone_leaves_its_line_in_doubt(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 3);
    take_number(queue, T0);
    queue_runner_gone(queue, RUNNER);
    assert_int_equal(take_number(queue, T0), 0);
    assert_int_equal(wanted(queue), 1);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .runs = true });
    assert_int_equal(take_number(queue, T0), 0);
    waiting_t lost = a_job_in("k", 1);
    lost.recovering = true;
    queue_offer(queue, &lost, T0);
    assert_int_equal(take_number(queue, T0), 1);
}

static void
a_job_that_is_somebody_elses_leaves_its_line_in_doubt(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 3);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LOST, T0);
    assert_int_equal(take_number(queue, T0), 0);
    assert_true(queue_wants_lines(queue));
    hear(queue, (told_t){ .line = "k", .from = 2, .to = 3 });
    assert_int_equal(take_number(queue, T0), 2);
}

/* --- what the store says --- */

static void
a_new_leader_learns_whose_turn_it_is(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .runs = true });
    hear(queue, (told_t){ .line = "l", .from = 4, .to = 6 });
    assert_int_equal(take_number(queue, T0), 4);
    assert_int_equal(take_number(queue, T0), 0);
    assert_int_equal(come(queue, "k", 3), QUEUE_TAKEN);
    over(queue, 1);
    assert_int_equal(take_number(queue, T0), 2);
}

static void
a_front_that_runs_nowhere_any_more_goes_out_again(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .runs = true });
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3 });
    assert_int_equal(take_number(queue, T0), 1);
    hear(queue,
         (told_t){ .line = "k", .from = 1, .to = 3 }); /* read before it was claimed, perhaps */
    assert_int_equal(take_number(queue, T0), 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .now_ms = T0 + QUEUE_REPEAT_MS });
    assert_int_equal(take_number(queue, T0 + QUEUE_REPEAT_MS), 1);
}

static void
a_front_whose_news_was_lost_gives_way_to_the_next_one(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 4);
    take_number(queue, T0);
    hear(queue, (told_t){ .line = "k", .from = 2, .to = 4 });
    assert_int_equal(take_number(queue, T0), 2);
    release(queue, "a", 2, RELEASE_FINISHED, T0);
    hear(queue, (told_t){ .line = "k", .from = 0, .to = 0 });
    assert_int_equal(take_number(queue, T0), 3);
}

static void
a_front_that_was_cancelled_gives_way_to_the_next_one(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 3);
    take_number(queue, T0);
    release_later(queue, "a", 1, 60000, T0);
    hear(queue, (told_t){ .line = "k", .from = 2, .to = 3 });
    assert_int_equal(take_number(queue, T0), 2);
    assert_int_equal(queue_waiting(queue), 0);
}

static void
what_the_store_said_before_a_job_was_over_is_no_news(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 4);
    take_number(queue, T0);
    over(queue, 1);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 4, .runs = true });
    assert_int_equal(take_number(queue, T0), 2);
    over(queue, 2);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .runs = true });
    assert_int_equal(take_number(queue, T0), 3);
}

static void
an_older_job_that_came_late_goes_before_those_that_wait(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come(queue, "k", 5);
    come(queue, "k", 6);
    hear(queue, (told_t){ .line = "k", .from = 4, .to = 7 });
    assert_int_equal(take_number(queue, T0), 4);
    over(queue, 4);
    assert_int_equal(take_number(queue, T0), 5);
}

static void
jobs_behind_that_the_store_has_no_more_are_forgotten(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 10);
    take_number(queue, T0);
    waiting_t jobs[2] = { a_job_in("k", 1), a_job_in("k", 8) };
    line_name_t name = { .tenant = "a", .queue_key = "k" };
    line_report_t report = { .name = &name, .jobs = jobs, .count = 2, .runs = true, .more = true };
    queue_line(queue, &report, T0);
    assert_int_equal(queue_waiting(queue), 2);
    over(queue, 1);
    assert_int_equal(take_number(queue, T0), 8);
}

/* --- room --- */

static void
a_long_line_takes_no_more_room_than_its_part(void **state)
{
    (void)state;
    own(queue) queue = a_queue(1000, 1000, 0);
    come_many(queue, "k", 1, 900);
    assert_int_equal(queue_waiting(queue), 1 + QUEUE_LINE_MOST);
    assert_int_equal(offer(queue, "a", 901), QUEUE_TAKEN);
}

static void
the_store_is_asked_for_more_when_half_of_a_line_is_over(void **state)
{
    (void)state;
    own(queue) queue = a_queue(1000, 1000, 0);
    come_many(queue, "k", 1, 900);
    uint32_t n = 1;
    for (; n < QUEUE_LINE_MOST / 2; n++) {
        assert_int_equal(take_number(queue, T0), n);
        over(queue, n);
    }
    assert_false(queue_wants_lines(queue));
    assert_int_equal(take_number(queue, T0), n);
    over(queue, n++);
    assert_true(queue_wants_lines(queue));
    assert_int_equal(come(queue, "k", 901), QUEUE_REFUSED); /* the store has older ones */
    hear(queue, (told_t){ .line = "k", .from = n, .to = n + QUEUE_LINE_MOST + 1, .more = true });
    assert_int_equal(queue_waiting(queue), 1 + QUEUE_LINE_MOST);
    for (; n < 80; n++) {
        assert_int_equal(take_number(queue, T0), n);
        over(queue, n);
    }
}

static void
a_line_that_runs_empty_is_asked_for(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 3, .more = true });
    take_number(queue, T0);
    over(queue, 1);
    take_number(queue, T0);
    over(queue, 2);
    assert_true(queue_wants_lines(queue));
    assert_int_equal(wanted(queue), 1);
    hear(queue, (told_t){ .line = "k", .from = 3, .to = 5 });
    assert_int_equal(take_number(queue, T0), 3);
}

static void
fronts_for_which_there_is_no_room_are_asked_for_when_there_is(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 10, 0);
    char key[2] = "a";
    for (uint32_t n = 1; n <= 12; n++, key[0]++)
        come(queue, key, n);
    assert_int_equal(queue_waiting(queue), 10);
    const char *tenants[2];
    for (uint32_t n = 1; n <= 5; n++) {
        assert_int_equal(queue_lines_short(queue, tenants, 2), 0);
        take_number(queue, T0);
    }
    assert_true(queue_wants_lines(queue));
    assert_int_equal(queue_lines_short(queue, tenants, 2), 1);
    assert_string_equal(tenants[0], "a");
    assert_int_equal(come(queue, "z", 20), QUEUE_REFUSED); /* others wait for longer */
    queue_lines_told(queue, "a", false, T0);
    assert_int_equal(queue_lines_short(queue, tenants, 2), 0);
    assert_int_equal(come(queue, "z", 20), QUEUE_TAKEN);
}

static void
a_front_that_gives_up_its_place_takes_its_line_along(void **state)
{
    (void)state;
    own(queue) queue = a_queue(4, 4, 0);
    come(queue, "k", 1);
    come(queue, "l", 5);
    come_many(queue, "m", 9, 12);
    assert_int_equal(queue_waiting(queue), 5);
    offer(queue, "b", 20);
    offer(queue, "b", 21); /* instead of job 9 */
    assert_int_equal(queue_waiting(queue), 4);
    for (uint32_t i = 0; i < 4; i++)
        over(queue, take_number(queue, T0));
    assert_int_equal(take_number(queue, T0), 0);
    hear(queue, (told_t){ .line = "m", .from = 9, .to = 12 });
    assert_int_equal(take_number(queue, T0), 9);
}

static void
a_source_that_is_away_takes_its_lines_along(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 4);
    come_many(queue, "l", 4, 6);
    assert_int_equal(take_number(queue, T0), 1);
    release(queue, "a", 1, RELEASE_AWAY, T0);
    assert_int_equal(queue_waiting(queue), 0);
    assert_int_equal(wanted(queue), 0);
    hear(queue, (told_t){ .line = "k", .from = 1, .to = 4 });
    assert_int_equal(queue_waiting(queue), 0);
    assert_int_equal(take_number(queue, T0), 0);
}

static void
lines_behind_have_half_a_tenants_room(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 20, 0);
    char key[2] = "a";
    for (uint32_t n = 1; n <= 25; n += 5, key[0]++)
        come_many(queue, key, n, n + 5);
    assert_int_equal(queue_waiting(queue), 5 + 10);
}

static void
a_cleared_queue_knows_no_line(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 100, 0);
    come_many(queue, "k", 1, 10);
    take_number(queue, T0);
    release(queue, "a", 1, RELEASE_LINE, T0);
    queue_clear(queue);
    assert_int_equal(queue_waiting(queue), 0);
    assert_int_equal(wanted(queue), 0);
    assert_false(queue_wants_lines(queue));
    come(queue, "k", 7);
    assert_int_equal(take_number(queue, T0), 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_job_of_a_line_goes_out_and_the_next_one_when_its_end_is_stored),
        cmocka_unit_test(lines_and_jobs_without_one_do_not_wait_for_each_other),
        cmocka_unit_test(a_line_goes_over_all_sources_of_its_tenant_and_over_none_of_others),
        cmocka_unit_test(those_behind_go_by_age_however_they_came_in),
        cmocka_unit_test(nobody_passes_a_front_that_is_held_back),
        cmocka_unit_test(an_offer_of_a_job_that_stands_in_line_is_an_echo),
        cmocka_unit_test(a_claim_that_was_refused_has_the_store_asked),
        cmocka_unit_test(a_line_is_asked_for_until_the_store_has_told),
        cmocka_unit_test(fresh_jobs_wait_while_nobody_knows_whose_turn_it_is),
        cmocka_unit_test(a_runner_that_is_gone_leaves_its_line_in_doubt),
        cmocka_unit_test(a_job_that_is_somebody_elses_leaves_its_line_in_doubt),
        cmocka_unit_test(a_new_leader_learns_whose_turn_it_is),
        cmocka_unit_test(a_front_that_runs_nowhere_any_more_goes_out_again),
        cmocka_unit_test(a_front_whose_news_was_lost_gives_way_to_the_next_one),
        cmocka_unit_test(a_front_that_was_cancelled_gives_way_to_the_next_one),
        cmocka_unit_test(what_the_store_said_before_a_job_was_over_is_no_news),
        cmocka_unit_test(an_older_job_that_came_late_goes_before_those_that_wait),
        cmocka_unit_test(jobs_behind_that_the_store_has_no_more_are_forgotten),
        cmocka_unit_test(a_long_line_takes_no_more_room_than_its_part),
        cmocka_unit_test(the_store_is_asked_for_more_when_half_of_a_line_is_over),
        cmocka_unit_test(a_line_that_runs_empty_is_asked_for),
        cmocka_unit_test(fronts_for_which_there_is_no_room_are_asked_for_when_there_is),
        cmocka_unit_test(a_front_that_gives_up_its_place_takes_its_line_along),
        cmocka_unit_test(a_source_that_is_away_takes_its_lines_along),
        cmocka_unit_test(lines_behind_have_half_a_tenants_room),
        cmocka_unit_test(a_cleared_queue_knows_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
