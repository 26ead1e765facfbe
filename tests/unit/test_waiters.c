#include "tests/unit/unit.h"

#include <stdlib.h>

#include "api/waiters.h"
#include "common/job.h"

typedef struct {
    waiter_t waiter;
    int told;
    wire_change_t change;
} listener_t;

static void
note(waiter_t *waiter, const wire_change_t *change)
{
    listener_t *self = (listener_t *)waiter;
    self->told++;
    self->change = *change;
}

static listener_t
a_listener(const jobid_t *id)
{
    return (listener_t){ .waiter = { .id = *id, .tell = note } };
}

static wire_change_t
news(const jobid_t *id, job_state_t state)
{
    return (wire_change_t){ .job = *id, .attempt = 3, .state = state, .rows = 7 };
}

static void
everybody_who_waits_for_a_job_is_told(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    jobid_t id = jobid_make(1000, 0);
    listener_t a = a_listener(&id);
    listener_t b = a_listener(&id);
    waiters_add(waiters, &a.waiter);
    waiters_add(waiters, &b.waiter);
    wire_change_t change = news(&id, JOB_DONE);
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 1);
    assert_int_equal(a.change.attempt, 3);
    assert_int_equal(a.change.rows, 7);
    waiters_remove(waiters, &a.waiter);
    waiters_remove(waiters, &b.waiter);
}

static void
repeated_news_is_told_once(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    jobid_t id = jobid_make(1000, 0);
    listener_t a = a_listener(&id);
    waiters_add(waiters, &a.waiter);
    wire_change_t change = news(&id, JOB_FAILED);
    waiters_tell(waiters, &change);
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 1);
    waiters_remove(waiters, &a.waiter);
}

static void
news_of_other_jobs_goes_by(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    jobid_t id = jobid_make(1000, 0);
    listener_t a = a_listener(&id);
    waiters_add(waiters, &a.waiter);
    jobid_t other = id;
    other.bytes[0] ^= 1; /* the same bucket */
    wire_change_t change = news(&other, JOB_DONE);
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 0);
    waiters_remove(waiters, &a.waiter);
}

static void
only_final_states_are_told(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    jobid_t id = jobid_make(1000, 0);
    listener_t a = a_listener(&id);
    waiters_add(waiters, &a.waiter);
    wire_change_t change = news(&id, JOB_RUNNING);
    waiters_tell(waiters, &change);
    change.state = 4000000000U; /* no state at all */
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 0);
    change.state = JOB_CANCELLED;
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 1);
    waiters_remove(waiters, &a.waiter);
}

static void
who_has_left_is_not_told(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    jobid_t id = jobid_make(1000, 0);
    listener_t a = a_listener(&id);
    listener_t b = a_listener(&id);
    waiters_add(waiters, &a.waiter);
    waiters_add(waiters, &b.waiter);
    waiters_remove(waiters, &a.waiter);
    wire_change_t change = news(&id, JOB_DONE);
    waiters_tell(waiters, &change);
    assert_int_equal(a.told, 0);
    assert_int_equal(b.told, 1);
    waiters_remove(waiters, &b.waiter);
}

static void
a_new_leader_can_be_told_of_all_that_still_wait(void **unused)
{
    (void)unused;
    own(waiters) waiters = waiters_new();
    enum { COUNT = 3000 };
    static listener_t all[COUNT];
    for (int i = 0; i < COUNT; i++) {
        jobid_t id = jobid_make(1000 + i, 0);
        all[i] = a_listener(&id);
        waiters_add(waiters, &all[i].waiter);
    }
    wire_change_t change = news(&all[0].waiter.id, JOB_DONE);
    waiters_tell(waiters, &change);

    uint32_t count;
    jobid_t *ids = waiters_ids(waiters, &count);
    assert_int_equal(count, COUNT - 1);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += jobid_ms(&ids[i]) - 1000;
    assert_int_equal(sum, (int64_t)COUNT * (COUNT - 1) / 2);
    free(ids);
    for (int i = 0; i < COUNT; i++)
        waiters_remove(waiters, &all[i].waiter);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_who_waits_for_a_job_is_told),
        cmocka_unit_test(repeated_news_is_told_once),
        cmocka_unit_test(news_of_other_jobs_goes_by),
        cmocka_unit_test(only_final_states_are_told),
        cmocka_unit_test(who_has_left_is_not_told),
        cmocka_unit_test(a_new_leader_can_be_told_of_all_that_still_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
