/* test_lines.c - jobs with queue keys: who may be claimed, and what the sweep is told of them. */
#include <libpq-fe.h>
#include <stdlib.h>

#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

static const jobid_t none;

/* A fresh pending job of this key. */
static jobid_t
a_job_of(const char *key)
{
    submit_t order = an_order();
    order.queue_key = key;
    assert_int_equal(submit(&order), ERR_NONE);
    return order.id;
}

/* Three, one behind the other. */
static void
a_line(const char *key, jobid_t jobs[3])
{
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    for (int i = 0; i < 3; i++) {
        submit_t order = an_order();
        order.id = jobid_make(ms - 30 + 10 * i, 0);
        order.queue_key = key;
        assert_int_equal(submit(&order), ERR_NONE);
        jobs[i] = order.id;
    }
}

static bool
claim(const jobid_t *job)
{
    const write_t *write = a_claim(0, job);
    run(1);
    return write->verdict == WRITE_DONE;
}

static bool
finish(const jobid_t *job, int32_t attempt)
{
    const write_t *write = a_finish(0, job, attempt);
    run(1);
    return write->verdict == WRITE_DONE;
}

static void
cancel(const jobid_t *job)
{
    err_t err;
    cancel_verdict_t verdict = CANCEL_NONE;
    CHECK(store_cancel(world_store, job, "demo", &verdict, &err));
    assert_int_equal(verdict, CANCEL_OVER);
}

/* --- claims --- */

static void
a_job_is_claimed_when_those_before_it_in_its_line_are_over(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k1", jobs);
    assert_false(claim(&jobs[1]));
    assert_true(claim(&jobs[0]));
    assert_false(claim(&jobs[1]));
    assert_true(finish(&jobs[0], 1));
    assert_false(claim(&jobs[2]));
    assert_true(claim(&jobs[1]));
}

static void
of_a_batch_only_the_first_of_a_line_is_claimed(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k2", jobs);
    for (uint32_t i = 0; i < 3; i++)
        a_claim(i, &jobs[2 - i]);
    run(3);
    assert_int_equal(world.writes[0].verdict, WRITE_FENCED);
    assert_int_equal(world.writes[1].verdict, WRITE_FENCED);
    assert_int_equal(world.writes[2].verdict, WRITE_DONE);
}

static void
a_finish_lets_the_next_one_in_within_the_same_batch(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k3", jobs);
    assert_true(claim(&jobs[0]));
    a_claim(0, &jobs[1]);
    a_finish(1, &jobs[0], 1);
    run(2);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_int_equal(world.writes[1].verdict, WRITE_DONE);
}

static void
a_job_that_clock_or_owner_ended_lets_the_next_one_in(void **unused)
{
    (void)unused;
    err_t err;
    jobid_t jobs[3];
    a_line("k4", jobs);
    cancel(&jobs[0]);
    char id[JOBID_TEXT_SIZE];
    own(mem) late = mem_format("UPDATE live SET queue_until = now() - interval '1 s' "
                               "WHERE id = '%s'",
                               jobid_text(&jobs[1], id));
    tell(late);
    assert_false(claim(&jobs[2]));
    uint32_t ended = 0;
    CHECK(store_sweep_overdue(world_store, 86400000, 100, &ended, &err));
    assert_true(ended > 0);
    assert_true(claim(&jobs[2]));
}

static void
nobody_passes_a_job_that_was_handed_back(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k5", jobs);
    assert_true(claim(&jobs[0]));
    a_write(0, WRITE_UNCLAIM, &jobs[0], 1)->tried = false;
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    assert_job(&jobs[0], "SELECT state FROM live WHERE id = '%s'", "pending");
    assert_false(claim(&jobs[1]));
    assert_true(claim(&jobs[0]));
}

static void
nobody_passes_a_job_that_is_to_be_recovered(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k6", jobs);
    assert_true(claim(&jobs[0]));
    tell("UPDATE live SET recovering = true WHERE state = 'running'");
    assert_false(claim(&jobs[1]));
    assert_true(claim(&jobs[0]));
}

static void
an_older_job_that_is_stored_late_waits_for_the_newer_one_at_work(void **unused)
{
    (void)unused;
    jobid_t older = jobid_make(jobid_ms(&none) + 1000, 0);
    jobid_t newer = a_job_of("k7");
    assert_true(claim(&newer));
    submit_t order = an_order();
    order.id = older;
    order.queue_key = "k7";
    assert_int_equal(submit(&order), ERR_NONE);
    assert_false(claim(&older));
    a_write(0, WRITE_UNCLAIM, &newer, 1)->tried = true;
    run(1);
    assert_false(claim(&older));
    assert_true(claim(&newer));
    assert_true(finish(&newer, 2));
    assert_true(claim(&older));
}

/* The store's other executor: a claim whose transaction is still open. */
static PGconn *
an_open_claim(const char *key, const jobid_t *job)
{
    char id[JOBID_TEXT_SIZE];
    PGconn *other = PQconnectdb(world_dsn);
    assert_int_equal(PQstatus(other), CONNECTION_OK);
    own(mem) text = mem_format("BEGIN; UPDATE live SET state = 'running', attempt = 1 WHERE id = "
                               "'%s' AND queue_key_take('demo', '%s', id)",
                               jobid_text(job, id), key);
    PGresult *result = PQexec(other, text);
    assert_string_equal(PQcmdTuples(result), "1");
    PQclear(result);
    return other;
}

static void
end_claim(PGconn *other, const char *how)
{
    PQclear(PQexec(other, how));
    PQfinish(other);
}

static void
a_line_that_another_claim_looks_at_is_left_alone_at_once(void **unused)
{
    (void)unused;
    jobid_t older = jobid_make(jobid_ms(&none) + 2000, 0);
    jobid_t newer = a_job_of("k8");
    PGconn *other = an_open_claim("k8", &newer);
    submit_t order = an_order();
    order.id = older;
    order.queue_key = "k8";
    assert_int_equal(submit(&order), ERR_NONE);
    assert_false(
        claim(&older)); /* it does not know of the other one's job yet, and does not wait */
    end_claim(other, "COMMIT");
    assert_false(claim(&older));
}

static void
a_claim_that_comes_to_nothing_lets_the_line_go_on(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("k9", jobs);
    PGconn *other = an_open_claim("k9", &jobs[0]);
    end_claim(other, "ROLLBACK");
    assert_false(claim(&jobs[1]));
    assert_true(claim(&jobs[0]));
}

static void
keys_are_their_tenants_own(void **unused)
{
    (void)unused;
    jobid_t first = a_job_of("k10");
    assert_true(claim(&first));
    submit_t order = an_order();
    order.tenant = "other";
    order.queue_key = "k10";
    assert_int_equal(submit(&order), ERR_NONE);
    assert_true(claim(&order.id));
}

static void
a_claim_whose_answer_was_lost_is_claimed_again(void **unused)
{
    (void)unused;
    jobid_t job = a_job_of("k11");
    cutter_arm(world.cutter, "COMMIT");
    assert_true(claim(&job));
    assert_int_equal(cutter_cuts(world.cutter), 1);
    assert_job(&job, "SELECT tries FROM live WHERE id = '%s'", "1");
}

/* --- what the sweep is told --- */

typedef struct {
    uint32_t lines;
    uint32_t count;
    jobid_t first;
    bool runs;
    bool more;
    char key[QUEUE_KEY_MOST + 1];
} told_t;

static void
on_line(void *arg, const line_report_t *report)
{
    told_t *self = arg;
    self->lines++;
    self->count = report->count;
    self->first = report->count > 0 ? report->jobs[0].id : none;
    self->runs = report->runs;
    self->more = report->more;
    (void)snprintf(self->key, sizeof self->key, "%s", report->name->queue_key);
}

static told_t
line_of(const char *key, uint32_t each)
{
    err_t err;
    told_t told = { 0 };
    line_name_t name = { .tenant = "demo" };
    (void)snprintf(name.queue_key, sizeof name.queue_key, "%s", key);
    const line_wish_t wish = { .each = each, .fn = on_line, .arg = &told };
    CHECK(store_lines_of(world_store, &name, 1, &wish, &err));
    assert_int_equal(told.lines, 1);
    return told;
}

static void
a_line_is_told_front_first_and_whether_that_one_runs(void **unused)
{
    (void)unused;
    jobid_t jobs[3];
    a_line("l1", jobs);
    told_t told = line_of("l1", 1);
    assert_true(jobid_equal(&told.first, &jobs[0]));
    assert_int_equal(told.count, 2);
    assert_true(told.more && !told.runs);
    assert_true(claim(&jobs[0]));
    told = line_of("l1", 5);
    assert_int_equal(told.count, 3);
    assert_true(told.runs && !told.more);
}

static void
the_front_is_who_was_claimed_before_the_others(void **unused)
{
    (void)unused;
    jobid_t newer = a_job_of("l2");
    assert_true(claim(&newer));
    submit_t order = an_order();
    order.id = jobid_make(3000, 0);
    order.queue_key = "l2";
    assert_int_equal(submit(&order), ERR_NONE);
    told_t told = line_of("l2", 5);
    assert_true(jobid_equal(&told.first, &newer));
    assert_int_equal(told.count, 2);
}

static void
an_empty_line_is_told_of_and_so_is_that_of_a_paused_tenant(void **unused)
{
    (void)unused;
    assert_int_equal(line_of("nothing", 5).count, 0);
    jobid_t jobs[3];
    a_line("l3", jobs);
    tell("INSERT INTO tenant (name, paused) VALUES ('demo', true)");
    assert_int_equal(line_of("l3", 5).count, 0);
    tell("DELETE FROM tenant WHERE name = 'demo'");
}

static void
lines_are_walked_by_their_keys_from_where_the_walk_stopped(void **unused)
{
    (void)unused;
    err_t err;
    jobid_t jobs[3];
    tell("DELETE FROM live");
    a_line("m1", jobs);
    a_line("m2", jobs);
    (void)a_job_of("m3");
    line_name_t after = { .tenant = "demo" };
    told_t told = { 0 };
    uint32_t count = 0;
    const line_wish_t wish = { .each = 8, .fn = on_line, .arg = &told };
    CHECK(store_lines_walk(world_store, &after, 2, &wish, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(told.key, "m2");
    assert_int_equal(told.count, 3);
    CHECK(store_lines_walk(world_store, &after, 2, &wish, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(after.queue_key, "m3");
    line_tenant_t tenants[4];
    CHECK(store_line_tenants(world_store, "", tenants, 4, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(tenants[0].tenant, "demo");
}

static void
what_is_kept_of_a_line_goes_when_it_is_over_and_not_before(void **unused)
{
    (void)unused;
    err_t err;
    tell("DELETE FROM live");
    tell("DELETE FROM queue_holder");
    jobid_t over = a_job_of("n1");
    jobid_t runs = a_job_of("n2");
    assert_true(claim(&over) && claim(&runs));
    assert_true(finish(&over, 1));
    line_name_t after = { 0 };
    uint32_t count = 0;
    CHECK(store_lines_clear(world_store, &after, 10, &count, &err));
    assert_true(count > 0);
    CHECK(store_lines_clear(world_store, &after, 10, &count, &err));
    assert_int_equal(count, 0);
    own(mem) left = ask("SELECT string_agg(queue_key, '') FROM queue_holder");
    assert_string_equal(left, "n2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_job_is_claimed_when_those_before_it_in_its_line_are_over),
        LANE_TEST(of_a_batch_only_the_first_of_a_line_is_claimed),
        LANE_TEST(a_finish_lets_the_next_one_in_within_the_same_batch),
        LANE_TEST(a_job_that_clock_or_owner_ended_lets_the_next_one_in),
        LANE_TEST(nobody_passes_a_job_that_was_handed_back),
        LANE_TEST(nobody_passes_a_job_that_is_to_be_recovered),
        LANE_TEST(an_older_job_that_is_stored_late_waits_for_the_newer_one_at_work),
        LANE_TEST(a_line_that_another_claim_looks_at_is_left_alone_at_once),
        LANE_TEST(a_claim_that_comes_to_nothing_lets_the_line_go_on),
        LANE_TEST(keys_are_their_tenants_own),
        LANE_TEST(a_claim_whose_answer_was_lost_is_claimed_again),
        LANE_TEST(a_line_is_told_front_first_and_whether_that_one_runs),
        LANE_TEST(the_front_is_who_was_claimed_before_the_others),
        LANE_TEST(an_empty_line_is_told_of_and_so_is_that_of_a_paused_tenant),
        LANE_TEST(lines_are_walked_by_their_keys_from_where_the_walk_stopped),
        LANE_TEST(what_is_kept_of_a_line_goes_when_it_is_over_and_not_before),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
