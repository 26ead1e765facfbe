/* test_queue_away.c - a source that cannot be reached is left alone, but for a probe. */
#include "broker/breaker.h"
#include "tests/unit/queue_jobs.h"

static void
say(queue_t *queue, const char *tenant, uint32_t n, release_verdict_t verdict, int64_t now_ms)
{
    release(queue, tenant, n, verdict, now_ms);
}

/* Source "dead" was found away at T0 by job 1 of tenant "a"; 2 to 9 waited. */
static queue_t *
a_queue_with_a_dead_source(void)
{
    queue_t *queue = a_queue(100, 50, 0);
    for (uint32_t n = 1; n <= 9; n++)
        offer_on(queue, "dead", "a", n);
    assert_int_equal(take_number(queue, T0), 1);
    say(queue, "a", 1, RELEASE_AWAY, T0);
    return queue;
}

/* When its breaker is ripe, whatever the jitter. */
enum { RIPE = T0 + BREAKER_FIRST_MS * 5 / 4 };

/* The probe, job 2 of tenant "a", is out since RIPE. */
static queue_t *
a_probing_queue(void)
{
    queue_t *queue = a_queue_with_a_dead_source();
    assert_null(queue_head(queue, RIPE));
    assert_true(queue_wants_refill(queue));
    waiting_t job = a_job_on("dead", "a", 2, 5);
    assert_int_equal(queue_offer(queue, &job, RIPE), QUEUE_TAKEN);
    assert_int_equal(take_number(queue, RIPE), 2);
    return queue;
}

static queue_answer_t
offer_dead(queue_t *queue, const char *tenant, uint32_t n, int64_t now_ms)
{
    waiting_t job = a_job_on("dead", tenant, n, 5);
    return queue_offer(queue, &job, now_ms);
}

static void
what_waits_for_a_source_that_is_away_is_left_to_the_store(void **state)
{
    (void)state;
    own(queue) queue = a_queue_with_a_dead_source();
    assert_int_equal(queue_waiting(queue), 0);
    assert_int_equal(queue_handed_out(queue), 0);
    assert_null(queue_head(queue, T0));
    assert_false(queue_wants_refill(queue));
}

static void
it_is_away_for_every_tenant_and_other_sources_are_not(void **state)
{
    (void)state;
    own(queue) queue = a_queue_with_a_dead_source();
    assert_int_equal(offer_dead(queue, "b", 50, T0 + 1), QUEUE_REFUSED);
    waiting_t fresh = a_job_on("dead", "b", 51, 9);
    assert_int_equal(queue_offer_fresh(queue, &fresh, T0 + 1), QUEUE_REFUSED);
    assert_int_equal(offer_on(queue, "well", "a", 60), QUEUE_TAKEN);
    assert_int_equal(take_number(queue, T0 + 1), 60);
}

static void
the_sweep_is_told_to_leave_it_out_until_it_is_ripe(void **state)
{
    (void)state;
    own(queue) queue = a_queue_with_a_dead_source();
    queue_barred_t barred[4];
    assert_int_equal(queue_barred(queue, barred, 4), 1);
    assert_string_equal(barred[0].source, "dead");
    assert_false(barred[0].ripe);
    queue_head(queue, RIPE);
    assert_int_equal(queue_barred(queue, barred, 4), 1);
    assert_true(barred[0].ripe);
}

static void
one_job_of_each_pair_may_wait_for_a_ripe_source(void **state)
{
    (void)state;
    own(queue) queue = a_queue_with_a_dead_source();
    queue_head(queue, RIPE);
    assert_int_equal(offer_dead(queue, "a", 2, RIPE), QUEUE_TAKEN);
    assert_int_equal(offer_dead(queue, "a", 3, RIPE), QUEUE_REFUSED);
    assert_int_equal(offer_dead(queue, "b", 50, RIPE), QUEUE_TAKEN);
}

static void
exactly_one_probe_goes_out(void **state)
{
    (void)state;
    own(queue) queue = a_queue_with_a_dead_source();
    queue_head(queue, RIPE);
    offer_dead(queue, "a", 2, RIPE);
    offer_dead(queue, "b", 50, RIPE);
    offer_dead(queue, "c", 70, RIPE);
    assert_int_not_equal(take_number(queue, RIPE), 0);
    assert_int_equal(take_number(queue, RIPE), 0);
    assert_int_equal(queue_waiting(queue), 0);
    assert_int_equal(offer_dead(queue, "d", 80, RIPE), QUEUE_REFUSED);
}

static void
a_probe_that_got_through_closes_the_breaker_and_asks_for_the_rest(void **state)
{
    (void)state;
    static const release_verdict_t good[] = { RELEASE_FINISHED, RELEASE_LOST, RELEASE_LATER };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        own(queue) queue = a_probing_queue();
        queue_barred_t barred[4];
        say(queue, "a", 2, good[i], RIPE + 5);
        assert_int_equal(queue_barred(queue, barred, 4), 0);
        assert_true(queue_wants_refill(queue));
        assert_int_equal(offer_dead(queue, "a", 3, RIPE + 5), QUEUE_TAKEN);
        assert_int_equal(offer_dead(queue, "a", 4, RIPE + 5), QUEUE_TAKEN);
        assert_int_equal(take_number(queue, RIPE + 5), 3);
    }
}

static void
news_that_the_probe_runs_is_enough(void **state)
{
    (void)state;
    own(queue) queue = a_probing_queue();
    waiting_t probe = a_job("a", 2, 5);
    queue_runs(queue, &probe.id, RIPE + 5);
    assert_int_equal(offer_dead(queue, "a", 3, RIPE + 5), QUEUE_TAKEN);
}

static void
a_probe_that_says_nothing_runs(void **state)
{
    (void)state;
    own(queue) queue = a_probing_queue();
    assert_null(queue_head(queue, RIPE + BREAKER_PROBE_MS));
    assert_true(queue_wants_refill(queue));
    assert_int_equal(offer_dead(queue, "a", 3, RIPE + BREAKER_PROBE_MS), QUEUE_TAKEN);
    assert_int_equal(queue_handed_out(queue), 1);
}

/* Is it open again, for about twice as long? */
static void
assert_open_for_longer(queue_t *queue)
{
    assert_int_equal(queue_handed_out(queue), 0);
    queue_head(queue, RIPE + BREAKER_FIRST_MS * 3 / 2 - 1);
    assert_int_equal(offer_dead(queue, "a", 3, RIPE + 1499), QUEUE_REFUSED);
    queue_head(queue, RIPE + BREAKER_FIRST_MS * 5 / 2);
    assert_int_equal(offer_dead(queue, "a", 3, RIPE + 2500), QUEUE_TAKEN);
}

static void
a_probe_that_did_not_get_through_opens_it_for_longer(void **state)
{
    (void)state;
    own(queue) queue = a_probing_queue();
    say(queue, "a", 2, RELEASE_AWAY, RIPE);
    assert_open_for_longer(queue);
}

static void
a_probe_whose_executor_is_gone_opens_it_for_longer(void **state)
{
    (void)state;
    own(queue) queue = a_probing_queue();
    queue_runner_gone(queue, RUNNER);
    assert_open_for_longer(queue);
}

static void
only_the_probe_closes_a_breaker(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 50, 0);
    for (uint32_t n = 1; n <= 5; n++) {
        offer_on(queue, "dead", "a", n);
        take_number(queue, T0);
    }
    say(queue, "a", 1, RELEASE_AWAY, T0);
    say(queue, "a", 2, RELEASE_FINISHED, T0 + 1);
    say(queue, "a", 3, RELEASE_LATER, T0 + 1);
    say(queue, "a", 4, RELEASE_LOST, T0 + 1);
    waiting_t job = a_job("a", 5, 5);
    queue_runs(queue, &job.id, T0 + 1);
    assert_int_equal(offer_dead(queue, "a", 9, T0 + 2), QUEUE_REFUSED);
}

static void
a_held_job_of_a_source_that_is_away_does_not_go_out(void **state)
{
    (void)state;
    own(queue) queue = a_queue(100, 50, 0);
    offer_on(queue, "dead", "a", 1);
    offer_on(queue, "dead", "a", 2);
    take_number(queue, T0);
    take_number(queue, T0);
    release_later(queue, "a", 1, 100, T0);
    say(queue, "a", 2, RELEASE_AWAY, T0);
    assert_null(queue_head(queue, T0 + 100));
    assert_int_equal(queue_waiting(queue), 0);
}

static void
with_more_sources_away_than_can_be_noted_jobs_are_held_back(void **state)
{
    (void)state;
    own(queue) queue = a_queue(3000, 3000, 0);
    queue_barred_t barred[QUEUE_BARRED_MOST + 1];
    for (uint32_t n = 1; n <= QUEUE_BARRED_MOST + 1; n++) {
        char source[16];
        snprintf(source, sizeof source, "s%u", n);
        offer_on(queue, source, "a", n);
        assert_int_equal(take_number(queue, T0), n);
        say(queue, "a", n, RELEASE_AWAY, T0);
    }
    assert_int_equal(queue_barred(queue, barred, QUEUE_BARRED_MOST + 1), QUEUE_BARRED_MOST);
    assert_int_equal(queue_waiting(queue), 1);
    assert_null(queue_head(queue, T0));
}

typedef struct {
    int opened;
    int closed;
} heard_t;

static void
count_breakers(void *arg, const char *source, int64_t open_ms)
{
    heard_t *heard = arg;
    assert_string_equal(source, "dead");
    *(open_ms > 0 ? &heard->opened : &heard->closed) += 1;
}

static void
who_listens_hears_of_each_opening_and_closing(void **state)
{
    (void)state;
    own(queue) queue = a_probing_queue();
    heard_t heard = { 0 };
    queue_listen(queue, count_breakers, &heard);
    say(queue, "a", 2, RELEASE_AWAY, RIPE);
    assert_int_equal(heard.opened, 1);
    queue_head(queue, RIPE + 2500);
    offer_dead(queue, "a", 3, RIPE + 2500);
    take_number(queue, RIPE + 2500);
    assert_int_equal(heard.closed, 0);
    say(queue, "a", 3, RELEASE_FINISHED, RIPE + 2500);
    assert_int_equal(heard.closed, 1);
}

/* --- a dead source and a healthy one, for a minute, with 16 slots --- */

enum { SLOTS = 16, DEAD_MS = 20, WELL_MS = 50, DEAD_JOBS = 5000, WELL_FROM = 100001 };

typedef struct {
    queue_t *queue;
    uint32_t job[SLOTS]; /* 0: free */
    int64_t until_ms[SLOTS];
    uint32_t well_next;
    uint32_t dead_tries;
    uint32_t well_done;
} minute_t;

/* The store's answer: dead jobs of each of two tenants, and as many healthy ones as one can run. */
static void
sweep(minute_t *self, int64_t now_ms)
{
    for (uint32_t n = 1; n <= DEAD_JOBS; n++) {
        waiting_t job = a_job_on("dead", n % 2 ? "a" : "b", n, 9);
        queue_offer(self->queue, &job, now_ms);
    }
    for (uint32_t n = 0; n < 400; n++) {
        waiting_t job = a_job_on("well", "a", self->well_next + n, 1);
        queue_offer(self->queue, &job, now_ms);
    }
}

static void
end_jobs(minute_t *self, int64_t now_ms)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        uint32_t n = self->job[slot];
        if (n == 0 || now_ms < self->until_ms[slot])
            continue;
        bool well = n >= WELL_FROM;
        self->job[slot] = 0;
        say(self->queue, well || n % 2 ? "a" : "b", n, well ? RELEASE_FINISHED : RELEASE_AWAY,
            now_ms);
        self->well_done += well;
    }
}

static void
fill_slots(minute_t *self, int64_t now_ms)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        if (self->job[slot] != 0)
            continue;
        uint32_t n = take_number(self->queue, now_ms);
        bool well = n >= WELL_FROM;
        self->job[slot] = n;
        self->until_ms[slot] = now_ms + (well ? (int64_t)WELL_MS : (int64_t)DEAD_MS);
        self->dead_tries += n > 0 && !well;
        if (well && n >= self->well_next)
            self->well_next = n + 1;
    }
}

static void
jobs_of_healthy_sources_keep_the_slots(void **state)
{
    (void)state;
    own(queue) queue = a_queue(10000, 1000, 0);
    minute_t minute = { .queue = queue, .well_next = WELL_FROM };
    for (int64_t now_ms = T0; now_ms < T0 + 60000; now_ms += 10) {
        end_jobs(&minute, now_ms);
        if ((now_ms - T0) % 1000 == 0 || queue_wants_refill(queue))
            sweep(&minute, now_ms);
        fill_slots(&minute, now_ms);
    }
    /* 16 at first, then one probe after 1, 3, 7, 15, 31 s and so on, give or take. */
    assert_in_range(minute.dead_tries, SLOTS, SLOTS + 8);
    assert_in_range(minute.well_done, 60000 / WELL_MS * SLOTS * 99 / 100, UINT32_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_a_source_that_is_away_is_left_to_the_store),
        cmocka_unit_test(it_is_away_for_every_tenant_and_other_sources_are_not),
        cmocka_unit_test(the_sweep_is_told_to_leave_it_out_until_it_is_ripe),
        cmocka_unit_test(one_job_of_each_pair_may_wait_for_a_ripe_source),
        cmocka_unit_test(exactly_one_probe_goes_out),
        cmocka_unit_test(a_probe_that_got_through_closes_the_breaker_and_asks_for_the_rest),
        cmocka_unit_test(news_that_the_probe_runs_is_enough),
        cmocka_unit_test(a_probe_that_says_nothing_runs),
        cmocka_unit_test(a_probe_that_did_not_get_through_opens_it_for_longer),
        cmocka_unit_test(a_probe_whose_executor_is_gone_opens_it_for_longer),
        cmocka_unit_test(only_the_probe_closes_a_breaker),
        cmocka_unit_test(a_held_job_of_a_source_that_is_away_does_not_go_out),
        cmocka_unit_test(with_more_sources_away_than_can_be_noted_jobs_are_held_back),
        cmocka_unit_test(who_listens_hears_of_each_opening_and_closing),
        cmocka_unit_test(jobs_of_healthy_sources_keep_the_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
