/* test_edit_race.c - edits at the moment when others look at the job: who claims or reads it has
 * all that it had, or all that it has now. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

enum { ENOUGH = 300, STEPS = 4, SOON_MS = 60000 };

/* Do so many sessions wait for locks soon? */
static bool
wait_soon(int sessions)
{
    int64_t until_ms = clock_mono_ms() + SOON_MS;
    for (;;) {
        own(mem) waiting = ask("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
        if (strtol(waiting, NULL, 10) >= sessions)
            return true;
        if (clock_mono_ms() > until_ms)
            return false;
    }
}

static jobid_t
a_job_of_steps(void)
{
    submit_t order = an_order_of_steps();
    assert_int_equal(submit(&order), ERR_NONE);
    return order.id;
}

/* --- one edit --- */

static const submit_step_t two_steps[2] = { { .sql = "SELECT 7" }, { .sql = "SELECT 8" } };

typedef struct {
    jobid_t job;
    bool good;
    bool edited;
    find_t find;
    jobs_t *jobs;
} other_t;

static void *
edit_alone(void *arg)
{
    err_t err;
    other_t *other = (other_t *)arg;
    own(store) store = store_new(world_dsn, "test-editor");
    edit_t edit = {
        .id = other->job, .tenant = "demo", .steps = two_steps, .step_count = 2, .edited_ms = 5
    };
    other->good = store_edit(store, &edit, &other->edited, &err);
    return NULL;
}

static void *
find_alone(void *arg)
{
    err_t err;
    other_t *other = (other_t *)arg;
    find_t *one = &other->find;
    own(store) store = store_new(world_dsn, "test-reader");
    other->find = (find_t){ .id = other->job, .tenant = "demo", .whole = true };
    other->good = store_find(store, &one, 1, &err);
    return NULL;
}

static void *
list_alone(void *arg)
{
    err_t err;
    other_t *other = (other_t *)arg;
    listing_t list = { .tenant = "demo", .dialect = "test", .most = 1 };
    own(store) store = store_new(world_dsn, "test-lister");
    other->jobs = store_list(store, &list, &err);
    other->good = other->jobs != NULL;
    return NULL;
}

/* What another does while `sql` is not yet committed, with the job's id for its %s; it must wait
 * for that. */
static void
while_it_waits(other_t *other, void *(*act)(void *), const char *sql)
{
    pthread_t thread;
    tell("BEGIN");
    assert_job(&other->job, sql, "1");
    assert_int_equal(pthread_create(&thread, NULL, act, other), 0);
    assert_true(wait_soon(1));
    tell("COMMIT");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(other->good);
}

static void
an_edit_that_comes_behind_a_claim_changes_nothing(void **unused)
{
    (void)unused;
    other_t other = { .job = a_job_of_steps() };
    while_it_waits(&other, edit_alone,
                   "UPDATE live SET state = 'running', attempt = 1, owner = 'exec/1'"
                   " WHERE id = '%s' RETURNING 1");
    assert_false(other.edited);
    assert_job(&other.job, "SELECT steps FROM live WHERE id = '%s'", "3");
    assert_job(&other.job, "SELECT count(*) FROM step WHERE job = '%s'", "3");
}

/* Claimed, one step done, and handed back, all since the edit began to look. */
static void
an_edit_that_comes_behind_a_claim_and_what_it_did_changes_nothing(void **unused)
{
    (void)unused;
    other_t other = { .job = a_job_of_steps() };
    while_it_waits(&other, edit_alone,
                   "WITH l AS (UPDATE live SET attempt = 1 WHERE id = '%s' RETURNING id)"
                   " UPDATE step s SET state = 'done' FROM l WHERE s.job = l.id AND s.step = 0"
                   " RETURNING 1");
    assert_false(other.edited);
    assert_job(&other.job, "SELECT count(*) FROM step WHERE job = '%s'", "3");
}

static void *
commit_when_two_wait(void *good)
{
    bool two = wait_soon(2);
    tell("COMMIT");
    return two ? good : NULL;
}

/* The edit has the job, and waits for one of its steps; the claim waits for the edit. */
static void
a_claim_that_comes_behind_an_edit_has_all_the_new_texts(void **unused)
{
    (void)unused;
    pthread_t editor;
    pthread_t committer;
    void *good = NULL;
    other_t other = { .job = a_job_of_steps() };
    tell("BEGIN");
    assert_job(&other.job, "SELECT count(*) FROM (SELECT FROM step WHERE job = '%s' FOR SHARE) s",
               "3");
    assert_int_equal(pthread_create(&editor, NULL, edit_alone, &other), 0);
    assert_true(wait_soon(1));
    assert_int_equal(pthread_create(&committer, NULL, commit_when_two_wait, &other), 0);
    const write_t *claim = a_claim(0, &other.job);
    run(1);
    assert_int_equal(pthread_join(editor, NULL), 0);
    assert_int_equal(pthread_join(committer, &good), 0);
    assert_non_null(good);
    assert_true(other.good && other.edited);
    assert_int_equal(claim->verdict, WRITE_DONE);
    assert_int_equal(claim->claimed.steps, 2);
    assert_job(&other.job, "SELECT string_agg(sql, ';' ORDER BY step) FROM step WHERE job = '%s'",
               "SELECT 7;SELECT 8");
}

/* Between the look at the job and that at its steps it has one less. */
static const char one_less[] =
    "WITH l AS (UPDATE live SET steps = 2 WHERE id = '%s' RETURNING id)"
    " DELETE FROM step s USING l WHERE s.job = l.id AND s.step = 2 RETURNING 1";

static void
while_steps_are_locked(other_t *other, void *(*act)(void *))
{
    pthread_t thread;
    tell("BEGIN; LOCK TABLE step IN ACCESS EXCLUSIVE MODE");
    assert_int_equal(pthread_create(&thread, NULL, act, other), 0);
    assert_true(wait_soon(1));
    assert_job(&other->job, one_less, "1");
    tell("COMMIT");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(other->good);
}

static void
who_finds_a_job_that_is_edited_meanwhile_finds_it_as_it_is_then(void **unused)
{
    (void)unused;
    other_t other = { .job = a_job_of_steps() };
    while_steps_are_locked(&other, find_alone);
    assert_int_equal(other.find.job->steps, 2);
    assert_non_null(other.find.job->step);
    job_destroy(&other.find.job);
}

static void
who_lists_a_job_that_is_edited_meanwhile_has_it_as_it_is_then(void **unused)
{
    (void)unused;
    tell("DELETE FROM live");
    other_t other = { .job = a_job_of_steps() };
    while_steps_are_locked(&other, list_alone);
    assert_int_equal(other.jobs->count, 1);
    assert_int_equal(other.jobs->list[0]->steps, 2);
    assert_non_null(other.jobs->list[0]->step);
    jobs_destroy(&other.jobs);
}

/* --- many --- */

typedef struct {
    jobid_t job;
    _Atomic bool over;
    _Atomic int claims;
    bool good;
    int edited;
} editor_t;

static uint32_t
steps_of(int version)
{
    return 1 + (uint32_t)version % STEPS;
}

/* Until enough edits have met the job waiting, and enough claims were made: version after version,
 * each with its own number in every text, and a number of steps that it tells. */
static void *
edit_again_and_again(void *arg)
{
    editor_t *editor = (editor_t *)arg;
    own(store) store = store_new(world_dsn, "test-editor");
    editor->good = true;
    int64_t until_ms = clock_mono_ms() + SOON_MS;
    for (int version = 0; (editor->edited < ENOUGH || editor->claims < ENOUGH) && editor->good;
         version++) {
        err_t err;
        bool edited = false;
        own(mem) sql = mem_format("SELECT %d", version);
        const submit_step_t step = { .sql = sql };
        const submit_step_t steps[STEPS] = { step, step, step, step };
        edit_t edit = { .id = editor->job,
                        .tenant = "demo",
                        .steps = steps,
                        .step_count = steps_of(version),
                        .edited_ms = version + 1 };
        editor->good = store_edit(store, &edit, &edited, &err) && clock_mono_ms() < until_ms;
        editor->edited += edited;
    }
    editor->over = true;
    return NULL;
}

static int
version_of(const char *sql)
{
    int version = -1;
    assert_int_equal(sscanf(sql, "SELECT %d", &version), 1);
    return version;
}

/* Claim it, read what there is to be run, and hand it back. Returns the version. */
static int
claim_and_hand_back(const jobid_t *job)
{
    write_t *claim = a_claim(0, job);
    run(1);
    assert_int_equal(claim->verdict, WRITE_DONE);
    int32_t attempt = claim->claimed.attempt;
    uint32_t count = claim->claimed.steps;
    int version = count == 1 ? version_of(claim->claimed.sql) : -1;
    if (count > 1) {
        write_t *look = a_write(0, WRITE_LOOK, job, attempt);
        look->in.steps = count;
        run(1);
        assert_int_equal(look->verdict, WRITE_DONE);
        version = version_of(look->look.steps[0].sql);
        for (uint32_t i = 1; i < count; i++)
            assert_int_equal(version_of(look->look.steps[i].sql), version);
    }
    assert_int_equal(count, steps_of(version));
    write_t *unclaim = a_write(0, WRITE_UNCLAIM, job, attempt);
    run(1);
    assert_int_equal(unclaim->verdict, WRITE_DONE);
    return version;
}

static void
whoever_claims_while_texts_are_replaced_has_those_of_one_edit(void **unused)
{
    (void)unused;
    pthread_t thread;
    submit_t order = an_order();
    order.sql = "SELECT 0";
    assert_int_equal(submit(&order), ERR_NONE);
    editor_t editor = { .job = order.id };
    int versions = 0;
    int last = -1;
    assert_int_equal(pthread_create(&thread, NULL, edit_again_and_again, &editor), 0);
    while (!editor.over) {
        int version = claim_and_hand_back(&order.id);
        assert_true(version >= last);
        versions += version > last;
        editor.claims++;
        last = version;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(editor.good);
    assert_true(versions > 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(an_edit_that_comes_behind_a_claim_changes_nothing),
        LANE_TEST(an_edit_that_comes_behind_a_claim_and_what_it_did_changes_nothing),
        LANE_TEST(a_claim_that_comes_behind_an_edit_has_all_the_new_texts),
        LANE_TEST(who_finds_a_job_that_is_edited_meanwhile_finds_it_as_it_is_then),
        LANE_TEST(who_lists_a_job_that_is_edited_meanwhile_has_it_as_it_is_then),
        LANE_TEST(whoever_claims_while_texts_are_replaced_has_those_of_one_edit),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
