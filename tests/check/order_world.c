/* order_world.c - jobs to hand in. */
#include "tests/check/order_world.h"

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
