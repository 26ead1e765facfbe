/* test_moves.c - every move that a job or a step could make, against every statement that makes
 * one: what job_may_move() forbids changes nothing.
 */
#include <stdlib.h>

#include "tests/check/lane_world.h"

enum { STEP_ATTEMPT = 1 };

static job_state_t
state_of(const jobid_t *job)
{
    find_t find = found(job, "demo");
    assert_int_equal(find.verdict, FIND_FOUND);
    job_state_t state = find.job->state;
    job_destroy(&find.job);
    return state;
}

/* A job in this state. */
static jobid_t
a_job_that_is(job_state_t state)
{
    jobid_t job = state == JOB_PENDING ? a_submitted_job() : a_claimed_job();
    if (!job_state_final(state))
        return job;
    write_t *finish = a_finish(0, &job, 1);
    finish->in.ending.state = state;
    run(1);
    assert_int_equal(finish->verdict, WRITE_DONE);
    assert_int_equal(state_of(&job), state);
    return job;
}

/* The attempt that a state of a_job_that_is() has. */
static int32_t
attempt_of(job_state_t state)
{
    return state == JOB_PENDING ? 0 : 1;
}

/* It is where it was, or where it may be; and it moved if it said so. */
static void
assert_move(const jobid_t *job, job_state_t from, job_state_t to, bool said)
{
    job_state_t now = state_of(job);
    if (now != from && !(now == to && job_may_move(from, to)))
        fail_msg("from %s to %s", job_state_word(from), job_state_word(now));
    if (said && !job_may_move(from, to))
        fail_msg("%s to %s was answered as done", job_state_word(from), job_state_word(to));
    if (!said)
        assert_int_equal(now, from);
}

#define EACH_STATE(state) for (job_state_t state = JOB_PENDING; state < JOB_SKIPPED; state++)

/* --- jobs --- */

static void
a_claim_takes_only_what_waits(void **unused)
{
    (void)unused;
    EACH_STATE(from)
    {
        jobid_t job = a_job_that_is(from);
        if (from == JOB_RUNNING)
            tell("UPDATE live SET owner = 'another/1' WHERE state = 'running'");
        write_t *claim = a_claim(0, &job);
        run(1);
        bool taken = claim->verdict == WRITE_DONE;
        assert_int_equal(taken, from == JOB_PENDING);
        assert_move(&job, from, JOB_RUNNING, taken);
    }
}

static void
a_finish_ends_only_what_runs(void **unused)
{
    (void)unused;
    EACH_STATE(from)
    {
        EACH_STATE(to)
        {
            if (!job_state_final(to))
                continue;
            jobid_t job = a_job_that_is(from);
            write_t *finish = a_finish(0, &job, attempt_of(from));
            finish->in.ending.state = to;
            run(1);
            /* A repeat of what took effect is answered as that. */
            bool repeat = from == to;
            assert_int_equal(finish->verdict == WRITE_DONE, from == JOB_RUNNING || repeat);
            assert_move(&job, from, to, finish->verdict == WRITE_DONE && !repeat);
        }
    }
}

static void
an_unclaim_hands_back_only_what_runs(void **unused)
{
    (void)unused;
    EACH_STATE(from)
    {
        jobid_t job = a_job_that_is(from);
        write_t *unclaim = a_write(0, WRITE_UNCLAIM, &job, attempt_of(from));
        run(1);
        assert_int_equal(unclaim->verdict == WRITE_DONE, from == JOB_RUNNING);
        assert_move(&job, from, JOB_PENDING, unclaim->verdict == WRITE_DONE);
    }
}

static void
a_cancel_ends_only_what_waits_and_asks_only_what_runs(void **unused)
{
    (void)unused;
    err_t err;
    EACH_STATE(from)
    {
        cancel_verdict_t verdict = CANCEL_NONE;
        jobid_t job = a_job_that_is(from);
        CHECK(store_cancel(world_store, &job, "demo", &verdict, &err));
        assert_int_equal(verdict, from == JOB_PENDING   ? CANCEL_OVER
                                  : from == JOB_RUNNING ? CANCEL_ASKED
                                                        : CANCEL_NONE);
        assert_move(&job, from, JOB_CANCELLED, verdict == CANCEL_OVER);
    }
}

static void
no_clock_ends_what_runs_or_is_over(void **unused)
{
    (void)unused;
    err_t err;
    EACH_STATE(from)
    {
        uint32_t ended = 0;
        tell("DELETE FROM live");
        jobid_t job = a_job_that_is(from);
        tell("UPDATE live SET deadline_at = now() - interval '1 s', queue_until = now()");
        CHECK(store_sweep_overdue(world_store, 1000, 10, &ended, &err));
        assert_int_equal(ended, from == JOB_PENDING ? 1 : 0);
        assert_move(&job, from, JOB_TIMED_OUT, ended == 1);
    }
}

static void
an_earlier_attempt_moves_nothing(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    tell("UPDATE live SET attempt = 2 WHERE state = 'running'");
    EACH_STATE(to)
    {
        if (!job_state_final(to))
            continue;
        a_finish(0, &job, 1)->in.ending.state = to;
        run(1);
        assert_int_equal(world.writes[0].verdict, WRITE_FENCED);
    }
    a_write(0, WRITE_UNCLAIM, &job, 1);
    a_write(1, WRITE_UNCLAIM, &job, 1)->undecided = true;
    run(2);
    assert_int_equal(world.writes[0].verdict, WRITE_FENCED);
    assert_int_equal(world.writes[1].verdict, WRITE_FENCED);
    assert_job(&job, "SELECT state || attempt FROM live WHERE id = '%s'", "running2");
}

static void
what_was_ended_by_a_cancel_is_neither_claimed_nor_finished(void **unused)
{
    (void)unused;
    err_t err;
    cancel_verdict_t verdict = CANCEL_NONE;
    jobid_t job = a_submitted_job();
    CHECK(store_cancel(world_store, &job, "demo", &verdict, &err));
    a_claim(0, &job);
    a_finish(1, &job, 1);
    a_write(2, WRITE_UNCLAIM, &job, 0);
    run(3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.writes[i].verdict, WRITE_FENCED);
    assert_int_equal(state_of(&job), JOB_CANCELLED);
}

/* --- steps --- */

/* Put the only step of the job that runs into this state. */
static void
set_step(const jobid_t *job, job_state_t state)
{
    char id[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format("INSERT INTO step (job, step, sql, state, attempt) "
                              "VALUES ('%s', 0, '', '%s', %d) ON CONFLICT (job, step) "
                              "DO UPDATE SET state = excluded.state, attempt = excluded.attempt",
                              jobid_text(job, id), job_state_word(state),
                              state == JOB_PENDING ? 0 : STEP_ATTEMPT);
    tell(sql);
}

static write_verdict_t
move_step(const jobid_t *job, int32_t fence, job_state_t from, job_state_t to)
{
    write_t *write = a_write(0, WRITE_STEP, job, fence);
    write->in.step.from = from;
    write->in.step.to.state = to;
    write->in.step.attempt = STEP_ATTEMPT;
    run(1);
    return write->verdict;
}

/* One move of the table, from every state that a step may really be in. */
static void
try_move(const jobid_t *job, job_state_t from, job_state_t to)
{
    for (job_state_t real = JOB_PENDING; real <= JOB_SKIPPED; real++) {
        set_step(job, real);
        bool moved = move_step(job, 1, from, to) == WRITE_DONE;
        bool expected = real == from || (real == to && to != JOB_PENDING);
        if (moved != expected)
            fail_msg("%s to %s, being %s: %d", job_state_word(from), job_state_word(to),
                     job_state_word(real), moved);
        assert_job(job, "SELECT state FROM step WHERE job = '%s'",
                   job_state_word(moved ? to : real));
    }
}

static void
a_step_moves_only_from_where_it_is(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    for (job_state_t from = JOB_PENDING; from <= JOB_SKIPPED; from++) {
        for (job_state_t to = JOB_PENDING; to <= JOB_SKIPPED; to++) {
            if (job_may_move(from, to))
                try_move(&job, from, to);
        }
    }
}

static void
a_step_moves_only_under_the_jobs_attempt(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    set_step(&job, JOB_PENDING);
    assert_int_equal(move_step(&job, 2, JOB_PENDING, JOB_RUNNING), WRITE_FENCED);
    tell("UPDATE live SET recovering = true WHERE state = 'running'");
    assert_int_equal(move_step(&job, 1, JOB_PENDING, JOB_RUNNING), WRITE_FENCED);
    tell("UPDATE live SET recovering = false, state = 'pending' WHERE state = 'running'");
    assert_int_equal(move_step(&job, 1, JOB_PENDING, JOB_RUNNING), WRITE_FENCED);
    assert_job(&job, "SELECT state FROM step WHERE job = '%s'", "pending");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_claim_takes_only_what_waits),
        LANE_TEST(a_finish_ends_only_what_runs),
        LANE_TEST(an_unclaim_hands_back_only_what_runs),
        LANE_TEST(a_cancel_ends_only_what_waits_and_asks_only_what_runs),
        LANE_TEST(no_clock_ends_what_runs_or_is_over),
        LANE_TEST(an_earlier_attempt_moves_nothing),
        LANE_TEST(what_was_ended_by_a_cancel_is_neither_claimed_nor_finished),
        LANE_TEST(a_step_moves_only_from_where_it_is),
        LANE_TEST(a_step_moves_only_under_the_jobs_attempt),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
