/* order_engine.h - an engine that only knows terms, and orders that become jobs on it. */
#ifndef TESTS_UNIT_ORDER_ENGINE_H
#define TESTS_UNIT_ORDER_ENGINE_H

#include <stdio.h>

#include "api/engine_inner.h"

static engine_t engine;
static terms_t terms; /* what the store says */
static const caller_t caller = { .tenant = "demo", .role = "write", .source = "shop" };

static inline bool
find(void *arg, const char *tenant, const char *alias, terms_t *found, err_t *err)
{
    (void)arg;
    assert_string_equal(tenant, "demo");
    if (strcmp(alias, "nowhere") == 0)
        return err_set(err, ERR_NOT_FOUND, "no such login");
    *found = terms;
    snprintf(found->source, sizeof found->source, "%s", alias[0] ? "depot" : "shop");
    return true;
}

static inline int
setup(void **unused)
{
    (void)unused;
    err_t err;
    terms = (terms_t){ .retention_s = 0 };
    engine =
        (engine_t){ .retention_s = 86400, .deadline_ms = 1000000, .deadline_most_ms = 7000000 };
    engine.mint = mint_new(0);
    mint_measured(engine.mint, 1650566950000, 0);
    engine.terms = terms_cache_new(0, find, NULL, &err);
    return engine.terms ? 0 : -1;
}

static inline int
teardown(void **unused)
{
    (void)unused;
    terms_cache_destroy(&engine.terms);
    mint_destroy(&engine.mint);
    return 0;
}

#define STEP(text) ((order_step_t){ .sql = (text), .sql_size = sizeof(text) - 1 })

static inline order_t
an_order(const order_step_t *steps, uint32_t count)
{
    order_t order = order_of("v1_job", steps);
    order.step_count = count;
    return order;
}

static const order_step_t select_1 = { .sql = "SELECT 1", .sql_size = 8 };

/* In its place: its job points into it. */
static inline void
place(placing_t *placing, const order_t *order)
{
    err_t err;
    if (!placing_make(placing, &engine, &caller, order, &err))
        fail_msg("%s", err.text);
}

static inline void
refused(const order_t *order, const char *text)
{
    placing_t placing;
    err_t err;
    assert_false(placing_make(&placing, &engine, &caller, order, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, text))
        fail_msg("no %s in %s", text, err.text);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
