/* test_parted.c - queries with one partition in the place of their table. */
#include <stdlib.h>

#include "tests/check/expiry_world.h"

static pg_t *pg;

static int
open_all(void **unused)
{
    int good = world_open(unused);
    pg = pg_new(world_dsn, "test-parted");
    return good;
}

static int
close_all(void **unused)
{
    pg_destroy(&pg);
    return world_close(unused);
}

/* How many rows of a running job page_get finds in a partition; below 0: none is of that name. */
static int
rows_in(const char *partition, const jobid_t *job)
{
    err_t err;
    find_t find = found(job, "demo");
    own(pg_params) params = pg_params_new();
    own(pg_result) result = NULL;
    pg_param_time(params, find.job->bucket_us);
    pg_param_uuid(params, job);
    pg_param_int2(params, 0);
    pg_param_int4(params, 1);
    pg_param_int2(params, 0);
    pg_param_int8(params, 0);
    pg_param_int4(params, PAGE_RAW_MOST);
    job_destroy(&find.job);
    if (pg_run_in(pg, SQL_page_get, "page", partition, params, &result, &err))
        return pg_rows(result);
    assert_int_equal(err.kind, ERR_SQL);
    assert_string_equal(err.sqlstate, "42P01");
    return -1;
}

static void
a_partition_is_read_and_no_other(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    own(mem) partition = partition_of_pages(&job);
    assert_int_equal(rows_in(partition, &job), 1);
    assert_int_equal(rows_in("page_forever", &job), 0);
    assert_int_equal(rows_in("page", &job), 1);
}

static void
none_is_open_or_locked_but_that(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    own(mem) partition = partition_of_pages(&job);
    CHECK(pg_script(pg, "BEGIN", &err));
    assert_int_equal(rows_in(partition, &job), 1);
    own(mem) locked =
        ask("SELECT string_agg(DISTINCT c.relname::text, ' ') FROM pg_locks l"
            " JOIN pg_stat_activity a ON a.pid = l.pid"
            " JOIN pg_class c ON c.oid = l.relation"
            " WHERE a.application_name LIKE '%test-parted' AND c.relkind IN ('r', 'p')");
    CHECK(pg_script(pg, "COMMIT", &err));
    assert_string_equal(locked, partition);
}

static void
one_that_is_not_there_may_come_and_go(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    assert_int_equal(rows_in("page_1999010100", &job), -1);
    tell("SELECT page_partition('1999-01-01 00:00:00+00')");
    assert_int_equal(rows_in("page_1999010100", &job), 0);
    tell("DROP TABLE page_1999010100");
    assert_int_equal(rows_in("page_1999010100", &job), -1);
    assert_int_equal(rows_in("page", &job), 1);
}

static void
more_than_a_connection_keeps(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    own(mem) partition = partition_of_pages(&job);
    for (int i = 0; i < 200; i++) {
        own(mem) name = mem_format("page_19990101%03d", i);
        assert_int_equal(rows_in(name, &job), -1);
        assert_int_equal(rows_in(partition, &job), 1);
    }
}

/* The table knows pages also where their partition has a name of its own. */
static void
a_partition_of_another_name_is_found(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    find_t find = found(&job, "demo");
    const page_key_t key = { .job = job, .bucket_us = find.job->bucket_us, .attempt = 1 };
    job_destroy(&find.job);
    own(mem) partition = partition_of_pages(&job);
    own(mem) away = mem_format("ALTER TABLE %s RENAME TO elsewhere", partition);
    own(mem) back = mem_format("ALTER TABLE elsewhere RENAME TO %s", partition);
    own(page) before = store_page(world_store, &key, 5, PAGE_RAW_MOST, &err);
    tell(away);
    own(page) page = store_page(world_store, &key, 5, PAGE_RAW_MOST, &err);
    tell(back);
    assert_non_null(before);
    assert_non_null(page);
    assert_int_equal(page->first_row, PAGE_ROWS);
    assert_memory_equal(page->hash, before->hash, PAGE_HASH_SIZE);
}

/* Of results that are kept for ever. */
static void
the_bucket_without_end_has_a_partition_too(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    err_t err;
    char id[JOBID_TEXT_SIZE];
    own(mem) move =
        mem_format("UPDATE page SET bucket = 'infinity' WHERE job = '%s'", jobid_text(&job, id));
    tell(move);
    tell("ALTER TABLE page RENAME TO pages"); /* so that nothing but the partition can answer */
    const page_key_t key = { .job = job, .bucket_us = INT64_MAX, .attempt = 1 };
    own(page) page = store_page(world_store, &key, 0, PAGE_RAW_MOST, &err);
    tell("ALTER TABLE pages RENAME TO page");
    assert_non_null(page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_is_read_and_no_other),
        cmocka_unit_test(none_is_open_or_locked_but_that),
        cmocka_unit_test(one_that_is_not_there_may_come_and_go),
        cmocka_unit_test(more_than_a_connection_keeps),
        cmocka_unit_test(a_partition_of_another_name_is_found),
        cmocka_unit_test(the_bucket_without_end_has_a_partition_too),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
