/* test_credit.c - what the leader is told of free slots. */
#include "executor/credit.h"
#include "tests/unit/unit.h"

enum { EPOCH = 3, T0 = 5000000, ROOM = 8 };

static credit_t credit;

static int
fresh_credit(void **unused)
{
    (void)unused;
    credit_init(&credit, 4);
    credit.beat_ms = T0;
    return 0;
}

static int
no_credit(void **unused)
{
    (void)unused;
    credit_clear(&credit);
    return 0;
}

/* Say what is to be said, and that it was sent. */
static wire_credit_t
said(uint32_t room, int64_t now_ms)
{
    wire_t message;
    assert_true(credit_message(&credit, room, EPOCH, now_ms, &message));
    assert_int_equal(message.tag, WIRE_credit);
    assert_int_equal(message.credit.epoch, EPOCH);
    credit_sent(&credit, &message);
    return message.credit;
}

static void
release(const jobid_t *job, release_verdict_t verdict, int64_t executing_ms)
{
    const wire_release_t over = {
        .job = *job, .verdict = (uint32_t)verdict, .executing_ms = executing_ms, .later_ms = 250
    };
    credit_release(&credit, &over);
}

static void
assert_silent(uint32_t room, int64_t now_ms)
{
    wire_t message;
    assert_false(credit_message(&credit, room, EPOCH, now_ms, &message));
}

static void
the_first_word_is_the_whole_count(void **unused)
{
    (void)unused;
    wire_credit_t first = said(ROOM, T0);
    assert_true(first.fresh);
    assert_int_equal(first.slots, ROOM);
    assert_silent(ROOM, T0);
}

static void
only_what_is_not_granted_yet_is_added(void **unused)
{
    (void)unused;
    (void)said(ROOM, T0);
    credit_use(&credit);
    credit_use(&credit);
    assert_silent(ROOM - 2, T0);
    wire_credit_t more = said(ROOM - 1, T0);
    assert_false(more.fresh);
    assert_int_equal(more.slots, 1);
}

static void
a_job_that_is_over_is_said_once(void **unused)
{
    (void)unused;
    jobid_t job = jobid_make(1, 0);
    (void)said(ROOM, T0);
    credit_use(&credit);
    release(&job, RELEASE_LOST, 17);
    wire_credit_t message = said(ROOM, T0);
    assert_int_equal(message.slots, 1);
    assert_int_equal(message.done_count, 1);
    assert_true(jobid_equal(&message.done[0].job, &job));
    assert_int_equal(message.done[0].verdict, RELEASE_LOST);
    assert_int_equal(message.done[0].executing_ms, 17);
    assert_int_equal(message.done[0].later_ms, 250);
    assert_silent(ROOM, T0);
}

static void
a_message_that_was_not_sent_is_said_again(void **unused)
{
    (void)unused;
    wire_t message;
    assert_true(credit_message(&credit, ROOM, EPOCH, T0, &message));
    assert_int_equal(said(ROOM, T0).slots, ROOM);
}

static void
a_sign_of_life_goes_out_each_second(void **unused)
{
    (void)unused;
    (void)said(ROOM, T0);
    for (uint32_t i = 0; i < ROOM; i++)
        credit_use(&credit);
    assert_silent(0, T0 + CREDIT_BEAT_MS - 1);
    wire_credit_t alive = said(0, T0 + CREDIT_BEAT_MS);
    assert_int_equal(alive.slots, 0);
    assert_false(alive.fresh);
    assert_silent(0, T0 + CREDIT_BEAT_MS);
}

static void
credit_that_stays_unused_for_a_second_is_stated_anew(void **unused)
{
    (void)unused;
    (void)said(ROOM, T0);
    (void)said(ROOM, T0 + CREDIT_BEAT_MS);
    wire_credit_t anew = said(ROOM, T0 + 2 * CREDIT_BEAT_MS);
    assert_true(anew.fresh);
    assert_int_equal(anew.slots, ROOM);
}

static void
credit_is_taken_back_when_there_is_less_room(void **unused)
{
    (void)unused;
    (void)said(ROOM, T0);
    wire_credit_t less = said(0, T0);
    assert_true(less.fresh);
    assert_int_equal(less.slots, 0);
}

static void
another_leader_hears_the_whole_count(void **unused)
{
    (void)unused;
    (void)said(ROOM, T0);
    credit_renew(&credit);
    wire_credit_t anew = said(ROOM - 3, T0);
    assert_true(anew.fresh);
    assert_int_equal(anew.slots, ROOM - 3);
}

static void
releases_never_outgrow_their_room(void **unused)
{
    (void)unused;
    jobid_t job = jobid_make(1, 0);
    for (int i = 0; i < 10; i++)
        release(&job, RELEASE_FINISHED, 0);
    assert_int_equal(said(ROOM, T0).done_count, 4);
    release(&job, RELEASE_FINISHED, 0);
    credit_forget(&credit);
    assert_int_equal(said(ROOM, T0).done_count, 0);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fresh_credit, no_credit)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(the_first_word_is_the_whole_count),
        FRESH(only_what_is_not_granted_yet_is_added),
        FRESH(a_job_that_is_over_is_said_once),
        FRESH(a_message_that_was_not_sent_is_said_again),
        FRESH(a_sign_of_life_goes_out_each_second),
        FRESH(credit_that_stays_unused_for_a_second_is_stated_anew),
        FRESH(credit_is_taken_back_when_there_is_less_room),
        FRESH(another_leader_hears_the_whole_count),
        FRESH(releases_never_outgrow_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
