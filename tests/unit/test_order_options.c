/* An order becomes a job to be submitted: what is written down with it, and what makes it another
 * one. */
#include "tests/unit/unit.h"

#include "common/params.h"
#include "tests/unit/order_engine.h"

static void
options_that_differ_are_written_down(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.statement_timeout_ms = 2592000000;
    order.max_attempts = 100;
    order.autocommit = AUTOCOMMIT_ALWAYS;
    placing_t placing;
    place(&placing, &order);
    assert_string_equal(
        placing.job.options,
        "{\"statement_timeout_ms\":2592000000,\"max_attempts\":100,\"autocommit\":\"always\"}");
    placing_clear(&placing);
    order = order_of("v1_job", &select_1);
    order.read_only = true;
    place(&placing, &order);
    assert_string_equal(placing.job.options, "{\"read_only\":true}");
    placing_clear(&placing);
}

static void
assert_options(const order_t *order, const char *options)
{
    placing_t placing;
    place(&placing, order);
    if (options)
        assert_string_equal(placing.job.options, options);
    else
        assert_null(placing.job.options);
    placing_clear(&placing);
}

static void
the_timeout_of_a_jobs_only_step_is_the_jobs(void **unused)
{
    (void)unused;
    order_step_t step = STEP("SELECT 1");
    step.timeout_ms = 9000;
    order_t order = order_of("v1_job", &step);
    assert_options(&order, "{\"order_timeout_ms\":0,\"statement_timeout_ms\":9000}");
    terms.statement_timeout_ms = 5000;
    order.statement_timeout_ms = 4000;
    assert_options(&order, "{\"order_timeout_ms\":4000,\"statement_timeout_ms\":5000}");
    order.statement_timeout_ms = 6000;
    assert_options(&order, "{\"order_timeout_ms\":5000,\"statement_timeout_ms\":5000}");
    const order_step_t steps[] = { step, STEP("SELECT 2") };
    order.steps = steps;
    order.step_count = 2;
    assert_options(&order, "{\"statement_timeout_ms\":5000}");
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
    placing_t placing;
    place(&placing, &order);
    own(mem) packed = params_pack(&stored, 1);
    own(mem) expected = mem_format("{\"max_attempts\":2,\"params\":\"%s\"}", packed);
    assert_string_equal(placing.job.options, expected);
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
    placing_t placing;
    place(&placing, &order);
    assert_true(strlen(placing.job.options) > LONG);
    assert_string_equal(placing.job.options + strlen(placing.job.options) - 2, "\"}");
    placing_clear(&placing);
}

static void
a_note_is_written_down_escaped(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.note = "{\"q\":[\"a\\b\"],\n\"\xc3\xa4\"}";
    order.max_attempts = 2;
    assert_options(&order, "{\"max_attempts\":2,"
                           "\"note\":\"{\\\"q\\\":[\\\"a\\\\b\\\"],\\n\\\"\xc3\xa4\\\"}\"}");
    order = order_of("v1_job", &select_1);
    order.note = "";
    assert_options(&order, "{\"note\":\"\"}");
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
    placing_t placing;
    place(&placing, &order);
    assert_non_null(strstr(placing.job.options, "\"on_limit\":\"truncate\"}"));
    placing_clear(&placing);
}

/* --- idempotency --- */

static void
request_of(const order_t *order, uint8_t hash[TOKEN_HASH_SIZE])
{
    placing_t placing;
    place(&placing, order);
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
    order_t others[15];
    for (size_t i = 0; i < 15; i++)
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
    others[12].queue_key = "k";
    others[12].queue_key_size = 1;
    others[13].note = "n";
    others[14].note = "";
    uint8_t hash[TOKEN_HASH_SIZE];
    uint8_t other[TOKEN_HASH_SIZE];
    request_of(&base, hash);
    for (size_t i = 0; i < 15; i++) {
        request_of(&others[i], other);
        assert_memory_not_equal(hash, other, TOKEN_HASH_SIZE);
    }
}

static void
how_many_may_wait_makes_no_other_request(void **unused)
{
    (void)unused;
    uint8_t first[TOKEN_HASH_SIZE];
    uint8_t second[TOKEN_HASH_SIZE];
    order_t order = order_of("v1_job", &select_1);
    order.client_token = order.queue_key = "t";
    order.client_token_size = order.queue_key_size = 1;
    request_of(&order, first);
    order.queue_most = 64;
    request_of(&order, second);
    assert_memory_equal(first, second, TOKEN_HASH_SIZE);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(options_that_differ_are_written_down),
        CLAIM(the_timeout_of_a_jobs_only_step_is_the_jobs),
        CLAIM(parameters_are_written_down_packed),
        CLAIM(long_parameters_are_written_down_whole),
        CLAIM(a_note_is_written_down_escaped),
        CLAIM(limits_are_written_down_with_whose_they_are),
        CLAIM(all_options_at_their_longest_find_room),
        CLAIM(the_same_order_is_the_same_request_whatever_the_caps),
        CLAIM(whatever_differs_makes_another_request),
        CLAIM(how_many_may_wait_makes_no_other_request),
        CLAIM(parameters_that_differ_make_another_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
