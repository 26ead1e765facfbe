/* An order becomes a job to be submitted: what is refused, what is capped, what is hashed. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "api/engine_inner.h"
#include "common/params.h"

static engine_t engine;
static terms_t terms; /* what the store says */
static const caller_t caller = { .tenant = "demo", .role = "write", .source = "shop" };

static bool
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

static int
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

static int
teardown(void **unused)
{
    (void)unused;
    terms_cache_destroy(&engine.terms);
    mint_destroy(&engine.mint);
    return 0;
}

#define STEP(text) ((order_step_t){ .sql = (text), .sql_size = sizeof(text) - 1 })

static order_t
an_order(const order_step_t *steps, uint32_t count)
{
    order_t order = order_of("v1_job", steps);
    order.step_count = count;
    return order;
}

static const order_step_t select_1 = { .sql = "SELECT 1", .sql_size = 8 };

static placing_t
placed(const order_t *order)
{
    placing_t placing;
    err_t err;
    if (!placing_make(&placing, &engine, &caller, order, &err))
        fail_msg("%s", err.text);
    return placing;
}

static void
refused(const order_t *order, const char *text)
{
    placing_t placing;
    err_t err;
    assert_false(placing_make(&placing, &engine, &caller, order, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, text))
        fail_msg("no %s in %s", text, err.text);
}

static void
an_order_of_one_text_has_nothing_but_defaults(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.sql, "SELECT 1");
    assert_string_equal(placing.job.source, "shop");
    assert_string_equal(placing.job.tenant, "demo");
    assert_int_equal(placing.job.priority, 5);
    assert_int_equal(placing.job.retention_s, 86400);
    assert_null(placing.job.options);
    assert_null(placing.job.steps);
    assert_int_equal(placing.job.queue_timeout_ms, 0);
    assert_int_equal(placing.job.deadline_ms, 0);
    assert_false(placing.job.keyed);
    placing_clear(&placing);
}

static void
options_that_differ_are_written_down(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.statement_timeout_ms = 2592000000;
    order.max_attempts = 100;
    order.autocommit = AUTOCOMMIT_ALWAYS;
    placing_t placing = placed(&order);
    assert_string_equal(
        placing.job.options,
        "{\"statement_timeout_ms\":2592000000,\"max_attempts\":100,\"autocommit\":\"always\"}");
    placing_clear(&placing);
    order = order_of("v1_job", &select_1);
    order.read_only = true;
    placing = placed(&order);
    assert_string_equal(placing.job.options, "{\"read_only\":true}");
    placing_clear(&placing);
}

static void
parameters_are_written_down_packed(void **unused)
{
    (void)unused;
    const order_param_t given = { .name = "id", .type = "int8", .value = "\"42", .size = 3 };
    const param_t stored = { .name = "id", .oid = 20, .value = "\"42", .size = 3 };
    order_t order = order_of("v1_job", &select_1);
    order.params = &given;
    order.param_count = 1;
    order.max_attempts = 2;
    placing_t placing = placed(&order);
    own(mem) packed = params_pack(&stored, 1);
    own(mem) expected = mem_format("{\"max_attempts\":2,\"params\":\"%s\"}", packed);
    assert_string_equal(placing.job.options, expected);
    placing_clear(&placing);
}

static void
assert_options(const order_t *order, const char *options)
{
    placing_t placing = placed(order);
    if (options)
        assert_string_equal(placing.job.options, options);
    else
        assert_null(placing.job.options);
    placing_clear(&placing);
}

static void
long_parameters_are_written_down_whole(void **unused)
{
    (void)unused;
    enum { LONG = 1 << 20 };
    own(mem) value = mem_new(LONG + 1);
    memset(value, 'x', LONG);
    const order_param_t given = { .value = value, .size = LONG };
    order_t order = order_of("v1_job", &select_1);
    order.params = &given;
    order.param_count = 1;
    placing_t placing = placed(&order);
    assert_true(strlen(placing.job.options) > LONG);
    assert_string_equal(placing.job.options + strlen(placing.job.options) - 2, "\"}");
    placing_clear(&placing);
}

static void
limits_are_written_down_with_whose_they_are(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.truncate = true;
    assert_options(&order, NULL); /* there is nothing to be cut */
    order.max_rows = 10;
    assert_options(&order, "{\"max_rows\":10,\"on_limit\":\"truncate\"}");
    order.truncate = false;
    terms.max_rows = (limit_t){ .most = 10, .owner = LIMIT_OF_SOURCE };
    terms.max_bytes = (limit_t){ .most = 500, .owner = LIMIT_OF_TENANT };
    assert_options(&order, "{\"max_rows\":10,\"max_bytes\":500,\"max_bytes_of\":\"tenant\"}");
    order.max_rows = 11;
    order.max_bytes = 499;
    assert_options(&order, "{\"max_rows\":10,\"max_rows_of\":\"source\",\"max_bytes\":499}");
    order = order_of("v1_job", &select_1);
    assert_options(&order, "{\"max_rows\":10,\"max_rows_of\":\"source\",\"max_bytes\":500,"
                           "\"max_bytes_of\":\"tenant\"}");
}

static void
all_options_at_their_longest_find_room(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.statement_timeout_ms = 2592000000;
    order.max_attempts = 100;
    order.autocommit = AUTOCOMMIT_NEEDED;
    order.read_only = true;
    order.truncate = true;
    const limit_t cap = { .most = INT64_MAX, .owner = LIMIT_OF_TENANT };
    terms.max_rows = terms.max_bytes = cap;
    placing_t placing = placed(&order);
    assert_non_null(strstr(placing.job.options, "\"on_limit\":\"truncate\"}"));
    placing_clear(&placing);
}

static void
what_is_over_a_cap_counts_as_the_cap(void **unused)
{
    (void)unused;
    terms = (terms_t){ .statement_timeout_ms = 500, .queue_timeout_ms = 600, .deadline_ms = 700 };
    order_step_t steps[2] = { STEP("a"), STEP("b") };
    steps[0].timeout_ms = 9000;
    steps[1].timeout_ms = 90;
    order_t order = an_order(steps, 2);
    for (int round = 0; round < 2; round++) {
        placing_t placing = placed(&order);
        assert_string_equal(placing.job.options, "{\"statement_timeout_ms\":500}");
        assert_int_equal(placing.job.queue_timeout_ms, 600);
        assert_int_equal(placing.job.deadline_ms, 700);
        assert_int_equal(placing.job.steps[0].timeout_ms, 500);
        assert_int_equal(placing.job.steps[1].timeout_ms, 90);
        placing_clear(&placing);
        order.statement_timeout_ms = order.queue_timeout_ms = order.deadline_ms = 800;
    }
    order.statement_timeout_ms = order.queue_timeout_ms = order.deadline_ms = 50;
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.options, "{\"statement_timeout_ms\":50}");
    assert_int_equal(placing.job.queue_timeout_ms, 50);
    assert_int_equal(placing.job.deadline_ms, 50);
    placing_clear(&placing);
}

static void
nobodys_deadline_is_over_the_clusters(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.deadline_ms = 8000000;
    placing_t placing = placed(&order);
    assert_int_equal(placing.job.deadline_ms, 7000000);
    placing_clear(&placing);
    terms.deadline_ms = 2000000;
    order.deadline_ms = 0;
    placing = placed(&order);
    assert_int_equal(placing.job.deadline_ms, 0); /* the default is below */
    placing_clear(&placing);
}

static void
retention_is_the_jobs_the_tenants_or_the_clusters(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    terms.retention_s = 60;
    placing_t placing = placed(&order);
    assert_int_equal(placing.job.retention_s, 60);
    placing_clear(&placing);
    order.retention_s = 90;
    placing = placed(&order);
    assert_int_equal(placing.job.retention_s, 90);
    placing_clear(&placing);
}

static void
a_source_is_found_by_its_alias(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.source = "warehouse";
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.source, "depot");
    placing_clear(&placing);
    order.source = "nowhere";
    refused(&order, "option 'source': the tenant has no login 'nowhere'");
}

static void
steps_go_as_they_are(void **unused)
{
    (void)unused;
    order_step_t steps[2] = { STEP("SELECT 1"), STEP("SELECT '<%= job_id %>'") };
    steps[1].when = "failed:0";
    steps[1].is_template = true;
    order_t order = an_order(steps, 2);
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.sql, "");
    assert_int_equal(placing.job.step_count, 2);
    assert_string_equal(placing.job.steps[0].sql, "SELECT 1");
    assert_null(placing.job.steps[0].condition);
    assert_string_equal(placing.job.steps[1].condition, "failed:0");
    assert_true(placing.job.steps[1].is_template);
    placing_clear(&placing);
}

static void
one_transaction_makes_one_text_of_all(void **unused)
{
    (void)unused;
    const order_step_t steps[3] = { STEP("SELECT 1 -- one"), STEP("SELECT 2;"), STEP("SELECT 3") };
    order_t order = an_order(steps, 3);
    order.one_transaction = true;
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.sql, "SELECT 1 -- one\n;\nSELECT 2;\n;\nSELECT 3");
    assert_null(placing.job.steps);
    placing_clear(&placing);
}

static void
a_text_that_would_swallow_the_next_is_refused(void **unused)
{
    (void)unused;
    const order_step_t quote[2] = { STEP("SELECT 1"), STEP("SELECT 'x") };
    order_t order = an_order(quote, 2);
    order.one_transaction = true;
    refused(&order, "sql[1]: ");
    const order_step_t comment[2] = { STEP("SELECT 1 /* x"), STEP("SELECT 2 */") };
    order = an_order(comment, 2);
    order.one_transaction = true;
    refused(&order, "sql[0]: ");
    order.one_transaction = false; /* judged when it runs */
    placing_t placing = placed(&order);
    placing_clear(&placing);
}

static void
texts_that_cannot_be_stored_are_refused(void **unused)
{
    (void)unused;
    order_step_t steps[2] = { STEP("SELECT 1"), STEP("a\0b") };
    order_t order = an_order(steps, 2);
    refused(&order, "sql[1]: the SQL text holds a NUL byte");
    steps[1] = STEP("a\xff");
    refused(&order, "sql[1]: the SQL text is not valid UTF-8");
    steps[1] = STEP("");
    refused(&order, "sql[1]: the SQL text is empty");
    order = order_of("v1_job", &steps[1]);
    refused(&order, "the SQL text is empty");
}

static void
conditions_that_cannot_come_true_are_refused(void **unused)
{
    (void)unused;
    order_step_t steps[2] = { STEP("SELECT 1"), STEP("SELECT 2") };
    order_t order = an_order(steps, 2);
    steps[1].when = "perhaps";
    refused(&order, "sql[1].when: ");
    steps[1].when = "done:1";
    refused(&order, "sql[1].when: ");
    steps[1].when = "done";
    order.one_transaction = true;
    refused(&order, "sql[1].when: a step of one transaction has no condition");
    order = order_of("v1_job", &steps[1]);
    refused(&order, "sql[0].when: a job of one step has no condition");
    steps[0].timeout_ms = 5;
    order = an_order(steps, 1);
    order.one_transaction = true;
    refused(&order, "sql[0].timeout_ms: a step of one transaction has no timeout of its own");
}

static void
the_timeout_of_a_jobs_only_step_is_the_jobs(void **unused)
{
    (void)unused;
    order_step_t step = STEP("SELECT 1");
    step.timeout_ms = 5;
    order_t order = order_of("v1_job", &step);
    order.statement_timeout_ms = 900;
    placing_t placing = placed(&order);
    assert_string_equal(placing.job.options, "{\"statement_timeout_ms\":5}");
    placing_clear(&placing);
}

static void
options_out_of_range_or_at_odds_are_refused(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.priority = 10;
    refused(&order, "option 'priority'");
    order = order_of("v1_job", &select_1);
    order.deadline_ms = -1;
    refused(&order, "option 'deadline_ms'");
    order = order_of("v1_job", &select_1);
    order.max_rows = -1;
    refused(&order, "option 'max_rows'");
    order = order_of("v1_job", &select_1);
    order.max_bytes = INT64_MAX;
    refused(&order, "option 'max_bytes'");
    order = order_of("v1_job", &select_1);
    order.autocommit = AUTOCOMMIT_ALWAYS;
    order.read_only = true;
    refused(&order, "option 'autocommit' cannot stand beside 'read_only'");
    order.read_only = false;
    order.one_transaction = true;
    refused(&order, "option 'autocommit' cannot stand beside 'transaction'");
    order = order_of("v1_job", &select_1);
    const order_param_t unknown = { .name = "id", .type = "mood", .value = "" };
    order.params = &unknown;
    order.param_count = 1;
    refused(&order, "parameter 'id': 'mood' is not");
    order = order_of("v1_job", &select_1);
    order.client_token = "";
    refused(&order, "option 'client_token' must have 1 to 255 bytes");
    char token[256];
    memset(token, 'a', sizeof token);
    order.client_token = token;
    order.client_token_size = sizeof token;
    refused(&order, "option 'client_token' must have 1 to 255 bytes");
}

static void
who_may_only_read_orders_nothing(void **unused)
{
    (void)unused;
    caller_t reader = caller;
    memcpy(reader.role, "read", 5);
    placing_t placing;
    err_t err;
    order_t order = order_of("v1_job", &select_1);
    assert_false(placing_make(&placing, &engine, &reader, &order, &err));
    assert_int_equal(err.kind, ERR_DENIED);
}

/* --- idempotency --- */

static void
request_of(const order_t *order, uint8_t hash[TOKEN_HASH_SIZE])
{
    placing_t placing = placed(order);
    assert_true(placing.job.keyed);
    memcpy(hash, placing.job.request_hash, TOKEN_HASH_SIZE);
    placing_clear(&placing);
}

static void
the_same_order_is_the_same_request_whatever_the_caps(void **unused)
{
    (void)unused;
    uint8_t first[TOKEN_HASH_SIZE];
    uint8_t second[TOKEN_HASH_SIZE];
    order_t order = order_of("v1_job", &select_1);
    order.client_token = "t";
    order.client_token_size = 1;
    request_of(&order, first);
    terms = (terms_t){ .statement_timeout_ms = 500, .retention_s = 4 };
    request_of(&order, second);
    assert_memory_equal(first, second, TOKEN_HASH_SIZE);
}

static void
whatever_differs_makes_another_request(void **unused)
{
    (void)unused;
    order_step_t steps[2] = { STEP("SELECT 1"), STEP("SELECT 2") };
    order_step_t changed[2] = { STEP("SELECT 1"), STEP("SELECT 2") };
    changed[1].when = "done";
    order_t base = an_order(steps, 2);
    base.client_token = "t";
    base.client_token_size = 1;
    order_t others[12];
    for (size_t i = 0; i < 12; i++)
        others[i] = base;
    others[0].step_count = 1;
    others[1].steps = changed;
    others[2].source = "warehouse";
    others[3].priority = 5;
    others[4].max_attempts = 3;
    others[5].read_only = true;
    others[6].one_transaction = true;
    others[7].retention_s = 77;
    others[8].deadline_ms = 77;
    others[9].max_rows = 77;
    others[10].max_bytes = 77;
    others[11].truncate = true;
    uint8_t hash[TOKEN_HASH_SIZE];
    uint8_t other[TOKEN_HASH_SIZE];
    request_of(&base, hash);
    for (size_t i = 0; i < 12; i++) {
        request_of(&others[i], other);
        assert_memory_not_equal(hash, other, TOKEN_HASH_SIZE);
    }
}

static void
parameters_that_differ_make_another_request(void **unused)
{
    (void)unused;
    const order_param_t variants[] = {
        { .name = "a", .type = "int4", .value = "1", .size = 1 },
        { .name = "b", .type = "int4", .value = "1", .size = 1 },
        { .name = NULL, .type = "int4", .value = "1", .size = 1 },
        { .name = "a", .type = "int8", .value = "1", .size = 1 },
        { .name = "a", .type = NULL, .value = "1", .size = 1 },
        { .name = "a", .type = "int4", .value = "2", .size = 1 },
        { .name = "a", .type = "int4", .value = "", .size = 0 },
        { .name = "a", .type = "int4", .value = NULL, .size = 0 },
    };
    enum { VARIANTS = sizeof variants / sizeof variants[0] };
    uint8_t hashes[VARIANTS + 1][TOKEN_HASH_SIZE];
    order_t order = order_of("v1_job", &select_1);
    order.client_token = "t";
    order.client_token_size = 1;
    request_of(&order, hashes[VARIANTS]);
    order.param_count = 1;
    for (size_t i = 0; i < VARIANTS; i++) {
        order.params = &variants[i];
        request_of(&order, hashes[i]);
    }
    for (size_t i = 0; i <= VARIANTS; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(hashes[i], hashes[k], TOKEN_HASH_SIZE);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(an_order_of_one_text_has_nothing_but_defaults),
        CLAIM(options_that_differ_are_written_down),
        CLAIM(parameters_are_written_down_packed),
        CLAIM(long_parameters_are_written_down_whole),
        CLAIM(limits_are_written_down_with_whose_they_are),
        CLAIM(all_options_at_their_longest_find_room),
        CLAIM(what_is_over_a_cap_counts_as_the_cap),
        CLAIM(nobodys_deadline_is_over_the_clusters),
        CLAIM(retention_is_the_jobs_the_tenants_or_the_clusters),
        CLAIM(a_source_is_found_by_its_alias),
        CLAIM(steps_go_as_they_are),
        CLAIM(one_transaction_makes_one_text_of_all),
        CLAIM(a_text_that_would_swallow_the_next_is_refused),
        CLAIM(texts_that_cannot_be_stored_are_refused),
        CLAIM(conditions_that_cannot_come_true_are_refused),
        CLAIM(the_timeout_of_a_jobs_only_step_is_the_jobs),
        CLAIM(options_out_of_range_or_at_odds_are_refused),
        CLAIM(who_may_only_read_orders_nothing),
        CLAIM(the_same_order_is_the_same_request_whatever_the_caps),
        CLAIM(whatever_differs_makes_another_request),
        CLAIM(parameters_that_differ_make_another_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
