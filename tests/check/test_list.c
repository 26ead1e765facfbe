/* test_list.c - the jobs of a tenant, the newest first, wherever they are. */
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

enum { MOST = 10 };

static int64_t now_ms; /* a moment ago */

static int
list_open(void **unused)
{
    err_t err;
    tell("DELETE FROM live");
    tell("DELETE FROM job");
    tell("DELETE FROM kept");
    CHECK(store_clock(world_store, &now_ms, &err));
    return lane_open(unused);
}

#define LIST_TEST(claim) cmocka_unit_test_setup_teardown(claim, list_open, lane_close)

/* A job of "demo" that came by "test" so long ago. */
static submit_t
an_old_order(int64_t ago_ms)
{
    submit_t order = an_order();
    order.id = jobid_make(now_ms - ago_ms, 0);
    return order;
}

static jobid_t
put(submit_t order)
{
    assert_int_equal(submit(&order), ERR_NONE);
    return order.id;
}

/* It ends as the executor would end it. */
static void
end(const jobid_t *job)
{
    a_claim(0, job);
    run(1);
    const write_t *write = a_finish(0, job, 1);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
}

/* What its day's end does to one that is to live on. */
static void
keep(const jobid_t *job)
{
    assert_job(job,
               "WITH gone AS (DELETE FROM job WHERE id = '%s' RETURNING *), put AS"
               " (INSERT INTO kept SELECT * FROM gone), steps AS (DELETE FROM step s USING gone"
               " WHERE s.job = gone.id RETURNING s.*), put_steps AS (INSERT INTO kept_step"
               " SELECT * FROM steps) SELECT count(*) FROM gone",
               "1");
}

static jobs_t *
listed(const char *dialect, uint32_t most, bool running)
{
    err_t err;
    listing_t list = { .tenant = "demo", .dialect = dialect, .most = most, .running = running };
    jobs_t *jobs = store_list(world_store, &list, &err);
    if (!jobs)
        fail_msg("%s %s", err.sqlstate, err.text);
    return jobs;
}

/* These are listed, in this order. */
static void
assert_listed(const jobid_t *ids, uint32_t count)
{
    own(jobs) jobs = listed("test", MOST, false);
    assert_int_equal(jobs->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(jobid_equal(&jobs->list[i]->id, &ids[i]));
}

static void
the_newest_come_first_wherever_they_are(void **unused)
{
    (void)unused;
    submit_t keyed = an_old_order(20);
    keyed.queue_key = "k";
    jobid_t ids[5] = { put(an_old_order(10)), put(keyed), put(an_old_order(30)),
                       put(an_old_order(40)), put(an_old_order(50)) };
    end(&ids[2]);
    end(&ids[4]);
    keep(&ids[4]);
    assert_listed(ids, 5);
}

static void
what_waits_is_found_on_each_source_and_under_each_priority(void **unused)
{
    (void)unused;
    static const char *const sources[] = { "main", "depot", "shop", "main", "depot" };
    static const int32_t priorities[] = { 0, 9, 5, 9, 3 };
    jobid_t ids[5];
    for (int i = 0; i < 5; i++) {
        submit_t order = an_old_order(10 * (i + 1));
        order.source = sources[i];
        order.priority = priorities[i];
        ids[i] = put(order);
    }
    assert_listed(ids, 5);
}

static void
only_the_newest_are_given(void **unused)
{
    (void)unused;
    jobid_t ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = put(an_old_order(10 * (i + 1)));
    end(&ids[0]);
    end(&ids[3]);
    own(jobs) jobs = listed("test", 2, false);
    assert_int_equal(jobs->count, 2);
    assert_true(jobid_equal(&jobs->list[0]->id, &ids[0]));
    assert_true(jobid_equal(&jobs->list[1]->id, &ids[1]));
}

static void
other_tenants_and_dialects_have_lists_of_their_own(void **unused)
{
    (void)unused;
    const char *const tenants[] = { "demo", "other", "demo", "other" };
    const char *const keys[] = { NULL, NULL, "k", "k" };
    for (int i = 0; i < 8; i++) {
        submit_t order = an_old_order(10 * (i + 1));
        order.tenant = tenants[i % 4];
        order.dialect = order.tenant[0] == 'd' ? "v1_job" : "test";
        order.queue_key = keys[i % 4];
        jobid_t id = put(order);
        if (i >= 4)
            end(&id);
    }
    assert_listed(NULL, 0);
    own(jobs) jobs = listed("v1_job", MOST, false);
    assert_int_equal(jobs->count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(jobs->list[i]->tenant, "demo");
}

static void
a_job_whose_results_have_expired_is_left_out(void **unused)
{
    (void)unused;
    jobid_t ids[4];
    for (int i = 0; i < 4; i++) {
        ids[i] = put(an_old_order(10 * (i + 1)));
        end(&ids[i]);
    }
    keep(&ids[1]);
    keep(&ids[3]);
    assert_job(&ids[0], "UPDATE job SET expires_at = now() WHERE id = '%s' RETURNING 1", "1");
    assert_job(&ids[3], "UPDATE kept SET expires_at = now() WHERE id = '%s' RETURNING 1", "1");
    assert_listed(ids + 1, 2);
    own(jobs) newest = listed("test", 1, false);
    assert_int_equal(newest->count, 1);
    assert_true(jobid_equal(&newest->list[0]->id, &ids[1]));
}

static void
jobs_are_listed_as_they_are_found_whole_but_for_manifests(void **unused)
{
    (void)unused;
    submit_t order = an_old_order(10);
    order.options = "{\"note\":\"n\\\"1\",\"edited_ms\":5}";
    jobid_t single = put(order);
    submit_t several = an_order_of_steps();
    several.id = jobid_make(now_ms - 20, 0);
    several.options = "{\"note\":\"n2\"}";
    jobid_t stepped = put(several);
    for (int i = 0; i < 3; i++) { /* live, job, kept */
        own(jobs) jobs = listed("test", MOST, false);
        assert_int_equal(jobs->count, 2);
        const job_t *first = jobs->list[0];
        const job_t *second = jobs->list[1];
        assert_string_equal(first->note, "n\"1");
        assert_int_equal(first->edited_ms, 5);
        assert_string_equal(first->source, "main");
        assert_int_equal(first->state, i ? JOB_DONE : JOB_PENDING);
        assert_int_equal(first->rows, i ? 3 : 0);
        assert_null(first->manifest);
        assert_string_equal(second->note, "n2");
        assert_int_equal(second->edited_ms, 0);
        assert_int_equal(second->steps, 3);
        assert_string_equal(second->step[1].condition, "done:0");
        assert_string_equal(second->step[2].sql, "SELECT 2");
        assert_null(second->step[0].manifest);
        if (i == 0) {
            end(&single);
            end(&stepped);
            tell("UPDATE job SET manifest = 'no manifest'");
            tell("UPDATE step SET manifest = 'no manifest'");
        }
        if (i == 1) {
            keep(&single);
            keep(&stepped);
        }
    }
}

/* As it is seen when it is removed between two looks. */
static void
a_job_without_its_steps_is_left_out(void **unused)
{
    (void)unused;
    submit_t several = an_order_of_steps();
    several.id = jobid_make(now_ms - 20, 0);
    jobid_t ids[] = { put(an_old_order(10)), put(several), put(an_old_order(30)) };
    end(&ids[1]);
    tell("DELETE FROM step");
    own(jobs) jobs = listed("test", MOST, false);
    assert_int_equal(jobs->count, 2);
    assert_true(jobid_equal(&jobs->list[1]->id, &ids[2]));
}

static void
a_list_ends_before_its_texts_take_too_much_memory(void **unused)
{
    (void)unused;
    enum { LONG = 9 << 20 };
    own(mem) text = mem_new(LONG + 1);
    memset(text, ' ', LONG);
    const submit_step_t steps[] = { { .sql = text }, { .sql = text } };
    jobid_t ids[4];
    for (int i = 0; i < 4; i++) {
        submit_t order = an_old_order(10 * (i + 1));
        order.sql = i == 3 ? "SELECT 1" : "";
        order.steps = i == 3 ? NULL : steps;
        order.step_count = i == 3 ? 0 : 2;
        ids[i] = put(order);
    }
    assert_listed(ids, 2);
}

static void
those_that_run_are_the_ones_that_an_executor_has(void **unused)
{
    (void)unused;
    jobid_t ids[5];
    for (int i = 0; i < 5; i++) {
        submit_t order = an_old_order(10 * (i + 1));
        order.dialect = i == 4 ? "v1_job" : "test";
        order.queue_key = i == 1 ? "k" : NULL;
        ids[i] = put(order);
    }
    for (int i = 1; i < 5; i++) {
        a_claim(0, &ids[i]);
        run(1);
    }
    enroll("twin", 1, 60000); /* whose claims of the same jobs came to nothing */
    tell("UPDATE node SET jobs = (SELECT n.jobs FROM node n WHERE n.name = 'exec'"
         " ORDER BY n.incarnation DESC LIMIT 1) WHERE name = 'twin'");
    assert_job(&ids[3], "UPDATE live SET recovering = true WHERE id = '%s' RETURNING 1", "1");
    own(jobs) jobs = listed("test", MOST, true);
    assert_int_equal(jobs->count, 2);
    assert_true(jobid_equal(&jobs->list[0]->id, &ids[1]));
    assert_true(jobid_equal(&jobs->list[1]->id, &ids[2]));
    assert_int_equal(jobs->list[0]->state, JOB_RUNNING);
    jobs_destroy(&jobs);
    jobs = listed("test", 1, true);
    assert_int_equal(jobs->count, 1);
    tell("DELETE FROM node");
    jobs_destroy(&jobs);
    jobs = listed("test", MOST, true);
    assert_int_equal(jobs->count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LIST_TEST(the_newest_come_first_wherever_they_are),
        LIST_TEST(what_waits_is_found_on_each_source_and_under_each_priority),
        LIST_TEST(only_the_newest_are_given),
        LIST_TEST(other_tenants_and_dialects_have_lists_of_their_own),
        LIST_TEST(a_job_whose_results_have_expired_is_left_out),
        LIST_TEST(jobs_are_listed_as_they_are_found_whole_but_for_manifests),
        LIST_TEST(a_job_without_its_steps_is_left_out),
        LIST_TEST(a_list_ends_before_its_texts_take_too_much_memory),
        LIST_TEST(those_that_run_are_the_ones_that_an_executor_has),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
