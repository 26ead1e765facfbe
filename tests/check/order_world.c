/* order_world.c - jobs to hand in. */
#include "tests/check/order_world.h"

#include "tests/check/cutter.h"

const submit_step_t three_steps[3] = {
    { .sql = "SELECT 0" },
    { .sql = "SELECT 1", .condition = "done:0" },
    { .sql = "SELECT 2" },
};

submit_t
an_order(void)
{
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    return (submit_t){ .id = jobid_make(ms, 0),
                       .tenant = "demo",
                       .source = "main",
                       .dialect = "test",
                       .priority = 5,
                       .retention_s = 3600,
                       .sql = "SELECT 1" };
}

submit_t
an_order_of_steps(void)
{
    submit_t order = an_order();
    order.sql = "";
    order.steps = three_steps;
    order.step_count = 3;
    return order;
}

submit_t
a_keyed_order(uint8_t key, uint8_t request)
{
    submit_t order = an_order();
    order.keyed = true;
    memset(order.key_hash, key, sizeof order.key_hash);
    memset(order.request_hash, request, sizeof order.request_hash);
    return order;
}

err_kind_t
submit(submit_t *order)
{
    err_t err;
    submit_t *list[] = { order };
    CHECK(store_submit(world_store, list, 1, &err));
    return order->err.kind;
}

void
submit_cut(submit_t *order, const char *text)
{
    err_t err;
    int64_t ms = 0;
    cutter_t *cutter = cutter_new(world_dsn);
    store_t *store = store_new(cutter_dsn(cutter), "test-cut");
    submit_t *list[] = { order };
    CHECK(store_clock(store, &ms, &err));
    cutter_arm(cutter, text);
    CHECK(store_submit(store, list, 1, &err));
    assert_int_equal(cutter_cuts(cutter), 1);
    store_destroy(&store);
    cutter_destroy(&cutter);
    assert_int_equal(order->err.kind, ERR_NONE);
    assert_false(order->existed);
}
