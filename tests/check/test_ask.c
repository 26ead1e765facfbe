/* test_ask.c - queries that are asked, and answered later. */
#include <stdlib.h>

#include "tests/check/expiry_world.h"

enum { KEPT = 64 }; /* partitions that a connection keeps plans of */

#define ASKER "test-ask"

static pg_t *pg;
static pg_t *locker;

static int
open_all(void **unused)
{
    int good = world_open(unused);
    pg = pg_new(world_dsn, ASKER);
    locker = pg_new(world_dsn, "test-lock");
    return good;
}

static int
close_all(void **unused)
{
    pg_destroy(&pg);
    pg_destroy(&locker);
    return world_close(unused);
}

/* For page_next: all pages of a running job. Caller owns the result. */
static pg_params_t *
params_of(const jobid_t *job)
{
    find_t find = found(job, "demo");
    pg_params_t *params = pg_params_new();
    pg_param_time(params, find.job->bucket_us);
    pg_param_uuid(params, job);
    pg_param_int2(params, 0);
    pg_param_int4(params, 1);
    pg_param_int2(params, 0);
    pg_param_int8(params, 0);
    pg_param_int4(params, PAGE_RAW_MOST);
    pg_param_int8(params, RESULT_PAGES + 1);
    job_destroy(&find.job);
    return params;
}

static bool
ask_in(pg_t *from, const char *partition, const jobid_t *job, err_t *err)
{
    own(pg_params) params = params_of(job);
    return pg_ask_in(from, SQL_page_next, "page", partition, params, err);
}

static void
assert_rows(pg_t *from, int rows)
{
    err_t err;
    own(pg_result) result = NULL;
    CHECK(pg_answer(from, &result, &err));
    assert_int_equal(pg_rows(result), rows);
}

static void
assert_fails(pg_t *from, err_kind_t kind, const char *sqlstate)
{
    err_t err;
    own(pg_result) result = NULL;
    assert_false(pg_answer(from, &result, &err));
    assert_int_equal(err.kind, kind);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_null(result);
}

static void
assert_usable(const char *partition, const jobid_t *job)
{
    err_t err;
    CHECK(ask_in(pg, partition, job, &err));
    assert_rows(pg, RESULT_PAGES);
}

/* The server's process of a connection. Caller owns the result. */
static char *
backend_of(const char *who)
{
    own(mem) sql = mem_format(
        "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = '%s'",
        who);
    return ask(sql);
}

static void
assert_same(const pg_result_t *a, const pg_result_t *b)
{
    assert_int_equal(pg_rows(a), pg_rows(b));
    assert_int_equal(pg_columns(a), pg_columns(b));
    for (int i = 0; i < pg_rows(a) * pg_columns(a); i++) {
        int row = i / pg_columns(a);
        int column = i % pg_columns(a);
        view_t cell = pg_get_bytes(a, row, column);
        view_t other = pg_get_bytes(b, row, column);
        assert_int_equal(pg_is_null(a, row, column), pg_is_null(b, row, column));
        assert_int_equal(cell.size, other.size);
        assert_memory_equal(cell.data, other.data, cell.size);
    }
}

static void
an_answer_is_what_it_would_be_at_once(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    own(pg_params) params = params_of(&job);
    own(pg_result) at_once = NULL;
    own(pg_result) later = NULL;
    CHECK(pg_run_in(pg, SQL_page_next, "page", partition, params, &at_once, &err));
    CHECK(pg_ask_in(pg, SQL_page_next, "page", partition, params, &err));
    CHECK(pg_answer(pg, &later, &err));
    assert_int_equal(pg_rows(later), RESULT_PAGES);
    assert_same(at_once, later);
}

static void
an_answer_that_nobody_wants_is_dropped(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    CHECK(ask_in(pg, partition, &job, &err));
    CHECK(pg_answer(pg, NULL, &err));
    assert_usable(partition, &job);
}

/* What was asked and what it was asked with may go before the answer is taken, and other
 * connections may be asked meanwhile. */
static void
other_work_may_be_done_between_question_and_answer(void **unused)
{
    (void)unused;
    enum { OTHERS = 3 };
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    pg_t *others[OTHERS];
    CHECK(ask_in(pg, partition, &job, &err));
    for (int i = 0; i < OTHERS; i++) {
        others[i] = pg_new(world_dsn, "test-other");
        CHECK(ask_in(others[i], i == 1 ? "page_forever" : partition, &job, &err));
    }
    jobid_t second = a_running_job();
    for (int i = OTHERS - 1; i >= 0; i--) {
        assert_rows(others[i], i == 1 ? 0 : RESULT_PAGES);
        pg_destroy(&others[i]);
    }
    assert_rows(pg, RESULT_PAGES);
    assert_usable(partition, &second);
}

/* Nobody gets at the partition before it is unlocked. */
static void
lock(const char *partition)
{
    err_t err;
    own(mem) sql = mem_format("BEGIN; LOCK TABLE %s", partition);
    CHECK(pg_script(locker, sql, &err));
}

static void
unlock(void)
{
    err_t err;
    CHECK(pg_script(locker, "COMMIT", &err));
}

static void
who_asks_does_not_wait(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    assert_usable(partition, &job);
    lock(partition);
    CHECK(ask_in(pg, partition, &job, &err));
    await_blocked(ASKER);
    unlock();
    assert_rows(pg, RESULT_PAGES);
}

static void
an_answer_that_does_not_come_in_time_costs_the_connection(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    lock(partition);
    CHECK(ask_in(pg, partition, &job, &err));
    pg_limit(pg, 1);
    assert_fails(pg, ERR_UNAVAILABLE, "");
    assert_false(pg_was_cut(pg));
    pg_limit(pg, 10000);
    unlock();
    assert_usable(partition, &job);
}

static void
a_partition_that_is_not_there_is_an_answer_too(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    assert_usable(partition, &job);
    own(mem) before = backend_of(ASKER);
    for (int i = 0; i < 2; i++) {
        CHECK(ask_in(pg, "page_1999010100", &job, &err));
        assert_fails(pg, ERR_SQL, "42P01");
        assert_usable(partition, &job);
    }
    tell("SELECT page_partition('1999-01-01 00:00:00+00')");
    CHECK(ask_in(pg, "page_1999010100", &job, &err));
    assert_rows(pg, 0);
    tell("DROP TABLE page_1999010100");
    own(mem) after = backend_of(ASKER);
    assert_string_equal(after, before);
}

static void
a_server_that_goes_before_the_answer_is_replaced_by_the_next_question(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    assert_usable(partition, &job);
    own(mem) before = backend_of(ASKER);
    lock(partition);
    CHECK(ask_in(pg, partition, &job, &err));
    await_blocked(ASKER);
    tell("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
         " WHERE application_name = '" ASKER "'");
    unlock();
    own(pg_result) result = NULL;
    assert_false(pg_answer(pg, &result, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_null(result);
    assert_true(pg_was_cut(pg));
    assert_usable(partition, &job);
    assert_false(pg_was_cut(pg));
    own(mem) after = backend_of(ASKER);
    assert_string_not_equal(after, before);
}

static void
the_65th_partition_is_asked_over_a_new_connection(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    pg_destroy(&pg); /* of which it is not known how many it keeps */
    pg = pg_new(world_dsn, ASKER);
    assert_usable(partition, &job);
    own(mem) before = backend_of(ASKER);
    for (int i = 1; i < KEPT; i++) {
        own(mem) name = mem_format("page_19990101%02d", i);
        CHECK(ask_in(pg, name, &job, &err));
        assert_fails(pg, ERR_SQL, "42P01");
    }
    assert_usable(partition, &job);
    own(mem) full = backend_of(ASKER);
    assert_string_equal(full, before);

    CHECK(ask_in(pg, "page_forever", &job, &err));
    assert_rows(pg, 0);
    assert_usable(partition, &job);
    for (int64_t i = 0; i < 1000000; i++) { /* until the old one is gone, too */
        own(mem) after = backend_of(ASKER);
        if (strchr(after, ' '))
            continue;
        assert_string_not_equal(after, before);
        return;
    }
    fail_msg("the old connection is still there");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_what_it_would_be_at_once),
        cmocka_unit_test(an_answer_that_nobody_wants_is_dropped),
        cmocka_unit_test(other_work_may_be_done_between_question_and_answer),
        cmocka_unit_test(who_asks_does_not_wait),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_costs_the_connection),
        cmocka_unit_test(a_partition_that_is_not_there_is_an_answer_too),
        cmocka_unit_test(a_server_that_goes_before_the_answer_is_replaced_by_the_next_question),
        cmocka_unit_test(the_65th_partition_is_asked_over_a_new_connection),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
