#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/recent.h"
#include "common/job.h"

enum { NOW = 100000 };

static outbox_offer_t
an_offer(int64_t ms)
{
    outbox_offer_t offer = { .id = jobid_make(ms, 0), .priority = 5, .retention_s = 60 };
    snprintf(offer.tenant, sizeof offer.tenant, "demo");
    return offer;
}

static wire_change_t
an_end(const jobid_t *id, job_state_t state)
{
    return (wire_change_t){ .job = *id, .attempt = 2, .state = state, .ended_ms = 70, .rows = 3 };
}

/* A table that heard of one offered job. */
static recent_t *
with_one(outbox_offer_t *offer)
{
    recent_t *recent = recent_new();
    recent_leader(recent);
    *offer = an_offer(1);
    recent_offered(recent, offer, 1);
    return recent;
}

static void
a_job_that_was_offered_is_open(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    jobid_t other = jobid_make(1, 0);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_OPEN);
    assert_int_equal(recent_look(recent, &other, "demo", NOW, &news), RECENT_UNKNOWN);
}

static void
its_end_is_kept(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_DONE);
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_DONE);
    assert_int_equal(news.change.attempt, 2);
    assert_int_equal(news.change.rows, 3);
}

static void
an_end_is_believed_for_a_short_time(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_DONE);
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW + RECENT_MS - 1, &news),
                     RECENT_DONE);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW + RECENT_MS, &news),
                     RECENT_UNKNOWN);
}

static void
a_job_of_several_steps_is_not_kept(void **unused)
{
    (void)unused;
    recent_news_t news;
    own(recent) recent = recent_new();
    recent_leader(recent);
    outbox_offer_t offer = an_offer(1);
    offer.several = true;
    recent_offered(recent, &offer, 1);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_UNKNOWN);
}

static void
how_long_it_is_kept_is_known(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_OPEN);
    assert_int_equal(news.retention_s, 60);
}

static void
the_first_end_stays(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_DONE);
    recent_tell(recent, &end, NOW);
    end.rows = 99;
    recent_tell(recent, &end, NOW);
    recent_look(recent, &offer.id, "demo", NOW, &news);
    assert_int_equal(news.change.rows, 3);
}

static void
a_job_that_ended_otherwise_is_forgotten(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_FAILED);
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_UNKNOWN);
}

static void
so_is_a_done_job_of_which_there_is_more_to_tell(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_DONE);
    end.more = true;
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_UNKNOWN);
}

static void
news_of_a_job_that_runs_changes_nothing(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t change = an_end(&offer.id, JOB_RUNNING);
    recent_tell(recent, &change, NOW);
    change.state = 4711;
    recent_tell(recent, &change, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "demo", NOW, &news), RECENT_OPEN);
}

static void
another_tenant_learns_nothing(void **unused)
{
    (void)unused;
    outbox_offer_t offer;
    recent_news_t news;
    own(recent) recent = with_one(&offer);
    wire_change_t end = an_end(&offer.id, JOB_DONE);
    assert_int_equal(recent_look(recent, &offer.id, "demo2", NOW, &news), RECENT_UNKNOWN);
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &offer.id, "dem", NOW, &news), RECENT_UNKNOWN);
    assert_int_equal(recent_look(recent, &offer.id, NULL, NOW, &news), RECENT_DONE);
}

static void
a_new_leader_knows_of_no_open_job(void **unused)
{
    (void)unused;
    outbox_offer_t offers[2] = { an_offer(1), an_offer(2) };
    recent_news_t news;
    own(recent) recent = recent_new();
    recent_leader(recent);
    recent_offered(recent, offers, 2);
    wire_change_t end = an_end(&offers[0].id, JOB_DONE);
    recent_tell(recent, &end, NOW);
    recent_leader(recent);
    assert_int_equal(recent_look(recent, &offers[0].id, "demo", NOW, &news), RECENT_DONE);
    assert_int_equal(recent_look(recent, &offers[1].id, "demo", NOW, &news), RECENT_UNKNOWN);
}

static void
the_end_of_a_job_that_was_not_offered_is_not_kept(void **unused)
{
    (void)unused;
    recent_news_t news;
    own(recent) recent = recent_new();
    jobid_t zero = { { 0 } };
    wire_change_t end = an_end(&zero, JOB_DONE);
    recent_tell(recent, &end, NOW);
    assert_int_equal(recent_look(recent, &zero, "", NOW, &news), RECENT_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_was_offered_is_open),
        cmocka_unit_test(its_end_is_kept),
        cmocka_unit_test(an_end_is_believed_for_a_short_time),
        cmocka_unit_test(a_job_of_several_steps_is_not_kept),
        cmocka_unit_test(how_long_it_is_kept_is_known),
        cmocka_unit_test(the_first_end_stays),
        cmocka_unit_test(a_job_that_ended_otherwise_is_forgotten),
        cmocka_unit_test(so_is_a_done_job_of_which_there_is_more_to_tell),
        cmocka_unit_test(news_of_a_job_that_runs_changes_nothing),
        cmocka_unit_test(another_tenant_learns_nothing),
        cmocka_unit_test(a_new_leader_knows_of_no_open_job),
        cmocka_unit_test(the_end_of_a_job_that_was_not_offered_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
