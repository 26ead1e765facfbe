/* An order becomes a job to be submitted: what is refused, and what is capped. */
#include "tests/unit/unit.h"

#include "api/option.h"
#include "tests/unit/order_engine.h"

static void
an_order_of_one_text_has_nothing_but_defaults(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    placing_t placing;
    place(&placing, &order);
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
what_is_over_a_cap_counts_as_the_cap(void **unused)
{
    (void)unused;
    terms = (terms_t){ .statement_timeout_ms = 500, .queue_timeout_ms = 600, .deadline_ms = 700 };
    order_step_t steps[2] = { STEP("a"), STEP("b") };
    steps[0].timeout_ms = 9000;
    steps[1].timeout_ms = 90;
    order_t order = an_order(steps, 2);
    for (int round = 0; round < 2; round++) {
        placing_t placing;
        place(&placing, &order);
        assert_string_equal(placing.job.options, "{\"statement_timeout_ms\":500}");
        assert_int_equal(placing.job.queue_timeout_ms, 600);
        assert_int_equal(placing.job.deadline_ms, 700);
        assert_int_equal(placing.job.steps[0].timeout_ms, 500);
        assert_int_equal(placing.job.steps[1].timeout_ms, 90);
        placing_clear(&placing);
        order.statement_timeout_ms = order.queue_timeout_ms = order.deadline_ms = 800;
    }
    order.statement_timeout_ms = order.queue_timeout_ms = order.deadline_ms = 50;
    placing_t placing;
    place(&placing, &order);
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
    placing_t placing;
    place(&placing, &order);
    assert_int_equal(placing.job.deadline_ms, 7000000);
    placing_clear(&placing);
    terms.deadline_ms = 2000000;
    order.deadline_ms = 0;
    place(&placing, &order);
    assert_int_equal(placing.job.deadline_ms, 0); /* the default is below */
    placing_clear(&placing);
}

static void
retention_is_the_jobs_the_tenants_or_the_clusters(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    terms.retention_s = 60;
    placing_t placing;
    place(&placing, &order);
    assert_int_equal(placing.job.retention_s, 60);
    placing_clear(&placing);
    order.retention_s = 90;
    place(&placing, &order);
    assert_int_equal(placing.job.retention_s, 90);
    placing_clear(&placing);
}

static void
a_source_is_found_by_its_alias(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.source = "warehouse";
    placing_t placing;
    place(&placing, &order);
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
    placing_t placing;
    place(&placing, &order);
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
    placing_t placing;
    place(&placing, &order);
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
    placing_t placing;
    place(&placing, &order);
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

static void
a_note_is_text_of_64_kib_at_most(void **unused)
{
    (void)unused;
    own(mem) note = mem_new(ORDER_NOTE_MOST + 2);
    memset(note, 'x', ORDER_NOTE_MOST);
    order_t order = order_of("v1_job", &select_1);
    order.note = note;
    placing_t placing;
    place(&placing, &order);
    placing_clear(&placing);
    note[ORDER_NOTE_MOST] = 'x';
    refused(&order, "note has at most 65536 bytes");
    order.note = "a\xff";
    refused(&order, "note is not valid UTF-8");
}

static void
only_a_job_with_a_queue_key_waits_behind_so_many(void **unused)
{
    (void)unused;
    order_t order = order_of("v1_job", &select_1);
    order.queue_most = 64;
    refused(&order, "queue key");
}

static void
a_queue_key_is_a_short_text(void **unused)
{
    (void)unused;
    char key[OPTION_QUEUE_KEY_MOST + 2];
    memset(key, 'k', sizeof key);
    order_t order = order_of("v1_job", &select_1);
    order.queue_key = key;
    order.queue_key_size = OPTION_QUEUE_KEY_MOST + 1;
    refused(&order, "option 'queue_key' must have 1 to 128 bytes");
    order.queue_key_size = 0;
    refused(&order, "option 'queue_key' must have 1 to 128 bytes");
    order.queue_key = "a\0b";
    order.queue_key_size = 3;
    refused(&order, "option 'queue_key' holds a NUL byte");
    order.queue_key = "a\xff";
    order.queue_key_size = 2;
    refused(&order, "option 'queue_key' is not valid UTF-8");
    key[OPTION_QUEUE_KEY_MOST] = '\0';
    order.queue_key = key;
    order.queue_key_size = OPTION_QUEUE_KEY_MOST;
    placing_t placing;
    place(&placing, &order);
    assert_string_equal(placing.job.queue_key, key);
    placing_clear(&placing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(an_order_of_one_text_has_nothing_but_defaults),
        CLAIM(what_is_over_a_cap_counts_as_the_cap),
        CLAIM(nobodys_deadline_is_over_the_clusters),
        CLAIM(retention_is_the_jobs_the_tenants_or_the_clusters),
        CLAIM(a_source_is_found_by_its_alias),
        CLAIM(steps_go_as_they_are),
        CLAIM(one_transaction_makes_one_text_of_all),
        CLAIM(a_text_that_would_swallow_the_next_is_refused),
        CLAIM(texts_that_cannot_be_stored_are_refused),
        CLAIM(conditions_that_cannot_come_true_are_refused),
        CLAIM(options_out_of_range_or_at_odds_are_refused),
        CLAIM(who_may_only_read_orders_nothing),
        CLAIM(a_note_is_text_of_64_kib_at_most),
        CLAIM(only_a_job_with_a_queue_key_waits_behind_so_many),
        CLAIM(a_queue_key_is_a_short_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
