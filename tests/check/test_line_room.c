/* test_line_room.c - orders that are refused when too many jobs with their queue key wait. */
#include <pthread.h>

#include "common/pg.h"
#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

enum { THREADS = 8, EACH = 4, ROOM = 5 };

static int
room_open(void **unused)
{
    tell("DELETE FROM live");
    tell("DELETE FROM dedup");
    return lane_open(unused);
}

#define ROOM_TEST(claim) cmocka_unit_test_setup_teardown(claim, room_open, lane_close)

/* One that must find fewer than `most` jobs waiting with its key. */
static submit_t
an_order_behind(const char *key, uint32_t most)
{
    submit_t order = an_order();
    order.queue_key = key;
    order.queue_most = most;
    return order;
}

static err_kind_t
come(const char *key, uint32_t most)
{
    submit_t order = an_order_behind(key, most);
    return submit(&order);
}

static void
assert_live(const char *count)
{
    own(mem) jobs = ask("SELECT count(*) FROM live");
    assert_string_equal(jobs, count);
}

static void
an_order_is_refused_when_so_many_wait_already(void **unused)
{
    (void)unused;
    submit_t orders[4];
    for (int i = 0; i < 3; i++) {
        orders[i] = an_order_behind("k", 3);
        assert_int_equal(submit(&orders[i]), ERR_NONE);
    }
    orders[3] = an_order_behind("k", 3);
    assert_int_equal(submit(&orders[3]), ERR_LIMIT);
    assert_string_equal(orders[3].err.text, "3 jobs with this queue key wait already");
    assert_live("3");
    err_t err;
    cancel_verdict_t verdict;
    CHECK(store_cancel(world_store, &orders[1].id, "demo", &verdict, &err));
    assert_int_equal(submit(&orders[3]), ERR_NONE);
}

static void
only_what_waits_with_its_key_counts(void **unused)
{
    (void)unused;
    submit_t runs = an_order_behind("k", 1);
    assert_int_equal(submit(&runs), ERR_NONE);
    assert_int_equal(come("k", 1), ERR_LIMIT);
    assert_int_equal(come("other", 1), ERR_NONE);
    submit_t others = an_order_behind("k", 1);
    others.tenant = "other";
    assert_int_equal(submit(&others), ERR_NONE);
    const write_t *write = a_claim(0, &runs.id);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_int_equal(come("k", 1), ERR_NONE);
    assert_int_equal(come("k", 1), ERR_LIMIT);
}

static void
who_asks_for_no_such_limit_is_taken_and_counted(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        assert_int_equal(come("k", 0), ERR_NONE);
    assert_int_equal(come("k", 3), ERR_LIMIT);
    assert_int_equal(come("k", 4), ERR_NONE);
    assert_int_equal(come("k", 0), ERR_NONE);
}

static void
those_that_arrive_together_are_each_answered(void **unused)
{
    (void)unused;
    err_t err;
    submit_t orders[] = { an_order_behind("k", 1), an_order_behind("k", 1), an_order() };
    submit_t *list[] = { &orders[0], &orders[1], &orders[2] };
    CHECK(store_submit(world_store, list, 3, &err));
    assert_int_equal(orders[0].err.kind + orders[1].err.kind, ERR_LIMIT);
    assert_int_equal(orders[2].err.kind, ERR_NONE);
    assert_live("2");
}

typedef struct {
    submit_t orders[EACH];
    uint32_t taken;
    bool good;
} comer_t;

static void *
come_again_and_again(void *arg)
{
    err_t err;
    comer_t *comer = (comer_t *)arg;
    own(store) store = store_new(world_dsn, "test-comer");
    comer->good = true;
    for (int i = 0; i < EACH; i++) {
        submit_t *list[] = { &comer->orders[i] };
        bool told = store_submit(store, list, 1, &err);
        err_kind_t kind = comer->orders[i].err.kind;
        comer->taken += kind == ERR_NONE;
        comer->good = comer->good && told && (kind == ERR_NONE || kind == ERR_LIMIT);
    }
    return NULL;
}

static void
of_orders_at_once_no_more_are_taken_than_may_wait(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    comer_t comers[THREADS] = { 0 };
    uint32_t taken = 0;
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < EACH; k++)
            comers[i].orders[k] = an_order_behind("k", ROOM);
        assert_int_equal(pthread_create(&threads[i], NULL, come_again_and_again, &comers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(comers[i].good);
        taken += comers[i].taken;
    }
    assert_int_equal(taken, ROOM);
    assert_live("5");
}

/* As long as an order looks at a line, no other is told that there is room; claims do not care. */
static void
a_claim_waits_for_no_order_that_looks_at_its_line(void **unused)
{
    (void)unused;
    err_t err;
    submit_t first = an_order_behind("k", 2);
    assert_int_equal(submit(&first), ERR_NONE);
    own(pg) node = pg_new(world_dsn, "test-node");
    CHECK(pg_script(node, "BEGIN; SELECT queue_key_room('demo', 'k', 2, gen_random_uuid())", &err));
    assert_int_equal(come("k", 2), ERR_UNAVAILABLE);
    const write_t *write = a_claim(0, &first.id);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    CHECK(pg_script(node, "ROLLBACK", &err));
    assert_int_equal(come("k", 2), ERR_NONE);
}

static void
a_job_whose_answer_was_lost_is_not_counted_against_itself(void **unused)
{
    (void)unused;
    static const char *const answers[] = { "BEGIN", "INSERT", "COMMIT" };
    static const char *const keys[] = { "k1", "k2", "k3" };
    for (int i = 0; i < 3; i++) {
        submit_t order = an_order_behind(keys[i], 1);
        submit_cut(&order, answers[i]);
        assert_job(&order.id, "SELECT count(*) FROM live WHERE id = '%s'", "1");
        assert_int_equal(come(keys[i], 1), ERR_LIMIT);
    }
    assert_live("3");
}

/* Between the lost answer and its repeat the job was taken up, and another came. */
static void
a_job_that_was_stored_is_answered_so_however_many_wait_by_now(void **unused)
{
    (void)unused;
    submit_t order = an_order_behind("k", 1);
    assert_int_equal(submit(&order), ERR_NONE);
    tell("UPDATE live SET state = 'running'");
    assert_int_equal(come("k", 1), ERR_NONE);
    assert_int_equal(submit(&order), ERR_NONE);
    assert_live("2");
    const write_t *write = a_finish(0, &order.id, 0);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_job(&order.id, "SELECT queue_key_room('demo', 'k', 1, '%s')", "t");
    own(mem) nobody = ask("SELECT queue_key_room('demo', 'k', 1, gen_random_uuid())");
    assert_string_equal(nobody, "f");
}

static void
who_asks_again_under_an_idempotency_key_needs_no_room(void **unused)
{
    (void)unused;
    submit_t first = a_keyed_order(1, 1);
    first.queue_key = "k";
    first.queue_most = 1;
    submit_t second = first;
    second.id = an_order().id;
    assert_int_equal(submit(&first), ERR_NONE);
    assert_int_equal(submit(&second), ERR_NONE);
    assert_true(second.existed);
    assert_true(jobid_equal(&first.id, &second.id));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(an_order_is_refused_when_so_many_wait_already),
        ROOM_TEST(only_what_waits_with_its_key_counts),
        ROOM_TEST(who_asks_for_no_such_limit_is_taken_and_counted),
        ROOM_TEST(those_that_arrive_together_are_each_answered),
        ROOM_TEST(of_orders_at_once_no_more_are_taken_than_may_wait),
        ROOM_TEST(a_claim_waits_for_no_order_that_looks_at_its_line),
        ROOM_TEST(a_job_whose_answer_was_lost_is_not_counted_against_itself),
        ROOM_TEST(a_job_that_was_stored_is_answered_so_however_many_wait_by_now),
        ROOM_TEST(who_asks_again_under_an_idempotency_key_needs_no_room),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
