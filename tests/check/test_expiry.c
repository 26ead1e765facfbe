/* test_expiry.c - results whose time is over, against a real PostgreSQL: what is dropped, what is
 * moved on, and who else may be at work at that moment. The other party is played here.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tests/check/expiry_world.h"

static pg_t *other;

static int
open_world(void **unused)
{
    if (world_open(unused) != 0)
        return -1;
    other = pg_new(world_dsn, "test-other");
    return 0;
}

static int
close_world(void **unused)
{
    pg_destroy(&other);
    return world_close(unused);
}

/* Each test begins with nothing that is over. */
static int
clear_world(void **unused)
{
    (void)unused;
    tell("TRUNCATE live, job, kept, page");
    sweep();
    return 0;
}

/* A sweep on another thread, over a session that can be watched. */
static void *
sweep_apart(void *failed)
{
    err_t err;
    own(store) store = store_new(world_dsn, "test-sweep");
    expiry_t progress = { 0 };
    bool more = true;
    for (int i = 0; more && i < 100; i++) {
        if (!store_sweep_expired(store, &progress, &more, &err)) {
            print_error("%s %s\n", err.sqlstate, err.text);
            return failed;
        }
    }
    return NULL;
}

static pthread_t
begin_sweep(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sweep_apart, &other), 0);
    return thread;
}

static void
end_sweep(pthread_t thread)
{
    void *failed = NULL;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

static void
script(const char *format, const jobid_t *job)
{
    err_t err;
    char id[JOBID_TEXT_SIZE];
    const char *at = strstr(format, "%s");
    own(mem) text =
        at ? mem_format("%.*s%s%s", (int)(at - format), format, jobid_text(job, id), at + 2)
           : mem_text(format);
    CHECK(pg_script(other, text, &err));
}

/* What stands beside the pages of a result (common/page.h). */
static void
add_draft(const jobid_t *job)
{
    script("INSERT INTO page SELECT bucket, job, step, attempt, result, -1, 0, 0, format,"
           " decode(repeat('00', 32), 'hex'), 'draft' FROM page"
           " WHERE job = '%s' AND first_row = 0",
           job);
}

static const char draft_beside_pages[] =
    "SELECT count(*) || ' ' || min(convert_from(d.data, 'UTF8')) FROM page d JOIN page p"
    " ON p.bucket = d.bucket AND p.job = d.job AND p.first_row = 0"
    " WHERE d.job = '%s' AND d.first_row = -1 AND d.bucket > now()";

/* --- what is dropped, and what lives on --- */

static void
a_bucket_that_is_over_is_dropped_and_the_jobs_row_stays(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(-100);
    jobid_t later = a_done_job(100);
    add_draft(&job);
    age(&job, 3);
    assert_int_equal(old_buckets(), 1);
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_job(&job, "SELECT count(*) FROM page WHERE job = '%s'", "0");
    assert_job(&job, "SELECT expires_at < now() FROM job WHERE id = '%s'", "t");
    assert_whole(&later, RESULT_PAGES);
}

static void
a_job_that_still_runs_takes_its_pages_along(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    add_draft(&job);
    age(&job, 3);
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_job(&job, draft_beside_pages, "1 draft");
    script("DELETE FROM page WHERE job = '%s' AND first_row < 0", &job);
    assert_whole(&job, RESULT_PAGES);
    assert_true(write_page(other, &job, RESULT_ROWS));
    assert_whole(&job, RESULT_PAGES + 1);
}

static void
a_job_that_waits_to_run_again_takes_its_pages_along(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    script("UPDATE live SET state = 'pending' WHERE id = '%s'", &job);
    age(&job, 3);
    sweep();
    assert_whole(&job, RESULT_PAGES);
}

static void
a_job_that_was_renewed_goes_to_the_hour_or_the_day_behind_its_end(void **unused)
{
    (void)unused;
    jobid_t hours = a_done_job(5 * 3600);
    jobid_t days = a_done_job(5 * 86400);
    age(&hours, 3);
    age(&days, 3);
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_whole(&hours, RESULT_PAGES);
    assert_whole(&days, RESULT_PAGES);
    assert_job(&hours,
               "SELECT bucket - expires_at BETWEEN '0 s' AND '1 hour' FROM job"
               " WHERE id = '%s'",
               "t");
    assert_job(&days,
               "SELECT bucket - expires_at BETWEEN '0 s' AND '1 day'"
               " AND extract(hour FROM bucket AT TIME ZONE 'UTC') = 0 FROM job WHERE id = '%s'",
               "t");
}

static void
a_kept_job_takes_its_pages_along(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(3600);
    age(&job, 3);
    tell("WITH g AS (DELETE FROM job RETURNING *) INSERT INTO kept SELECT * FROM g");
    sweep();
    assert_whole(&job, RESULT_PAGES);
}

static void
a_bucket_without_a_partition_is_given_one(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(200 * 86400);
    age(&job, 3);
    sweep();
    assert_whole(&job, RESULT_PAGES);
    tell("TRUNCATE job, page");
}

static void
a_large_result_is_moved_whole(void **unused)
{
    (void)unused;
    enum { PAGES = 1000 };
    jobid_t job = a_running_job();
    script("INSERT INTO page SELECT bucket, job, 0, 1, 0, n, 1, 1, 1, hash, data FROM page,"
           " generate_series(100, 1096) n WHERE job = '%s' AND first_row = 0",
           &job);
    add_draft(&job);
    age(&job, 3);
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_whole(&job, PAGES + 1);
    assert_job(&job, draft_beside_pages, "1 draft");
    assert_job(&job, "SELECT count(*) FROM page WHERE job = '%s'", "1001");
}

static void
many_jobs_are_looked_at_in_parts(void **unused)
{
    (void)unused;
    jobid_t first = a_running_job();
    age(&first, 3);
    tell("INSERT INTO page SELECT bucket, gen_random_uuid(), 0, 1, 0, 0, 1, 1, 1, hash, data"
         " FROM page, generate_series(1, 1200) WHERE first_row = 0");
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_whole(&first, RESULT_PAGES);
    own(mem) left = ask("SELECT count(*) FROM page");
    assert_string_equal(left, "3");
}

/* --- others at the same moment --- */

static void
a_page_that_is_being_written_is_moved_too(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    age(&job, 3);
    script("BEGIN", NULL);
    assert_true(write_page(other, &job, RESULT_ROWS));
    pthread_t thread = begin_sweep();
    await_blocked("test-sweep");
    script("COMMIT", NULL);
    end_sweep(thread);
    assert_whole(&job, RESULT_PAGES + 1);
    assert_int_equal(old_buckets(), 0);
}

typedef struct {
    jobid_t job;
    bool written;
} writing_t;

static void *
write_apart(void *arg)
{
    writing_t *writing = (writing_t *)arg;
    pg_t *pg = pg_new(world_dsn, "test-writer");
    writing->written = write_page(pg, &writing->job, RESULT_ROWS);
    pg_destroy(&pg);
    return NULL;
}

static void
a_page_that_waits_for_the_move_goes_to_the_new_bucket(void **unused)
{
    (void)unused;
    writing_t writing = { .job = a_running_job() };
    pthread_t thread;
    age(&writing.job, 3);
    script("BEGIN", NULL);
    script("SELECT page_move(id, bucket, page_bucket(60)) FROM live WHERE id = '%s'", &writing.job);
    assert_int_equal(pthread_create(&thread, NULL, write_apart, &writing), 0);
    await_blocked("test-writer");
    script("COMMIT", NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(writing.written);
    assert_whole(&writing.job, RESULT_PAGES + 1);
    sweep();
    assert_whole(&writing.job, RESULT_PAGES + 1);
}

static void
a_job_that_ends_at_this_moment_is_moved(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    age(&job, 3);
    script("BEGIN; WITH g AS (DELETE FROM live WHERE id = '%s' RETURNING *)"
           " INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps,"
           " retention_s, state, attempt, tries, ended_at, expires_at, bucket, rows, bytes, pages,"
           " planning_us, executing_us, storing_us)"
           " SELECT id, tenant, source, dialect, priority, created_at, sql, steps, retention_s,"
           " 'done', attempt, tries, now(), now() + interval '1 hour', bucket, 1, 1, 3, 1, 1, 1"
           " FROM g",
           &job);
    pthread_t thread = begin_sweep();
    await_blocked("test-sweep");
    script("COMMIT", NULL);
    end_sweep(thread);
    assert_whole(&job, RESULT_PAGES);
    assert_int_equal(old_buckets(), 0);
}

static void
a_job_that_is_renewed_at_this_moment_is_moved(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(-10);
    age(&job, 3);
    script("BEGIN; UPDATE job SET expires_at = now() + interval '1 hour' WHERE id = '%s'", &job);
    pthread_t thread = begin_sweep();
    await_blocked("test-sweep");
    script("COMMIT", NULL);
    end_sweep(thread);
    assert_whole(&job, RESULT_PAGES);
}

static void
a_job_that_is_removed_at_this_moment_is_no_hindrance(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(3600);
    age(&job, 3);
    script("BEGIN; DELETE FROM job WHERE id = '%s'", &job);
    pthread_t thread = begin_sweep();
    await_blocked("test-sweep");
    script("COMMIT", NULL);
    end_sweep(thread);
    assert_int_equal(old_buckets(), 0);
    assert_job(&job, "SELECT count(*) FROM job WHERE id = '%s'", "0");
}

static void
what_a_transaction_from_before_may_add_is_waited_for(void **unused)
{
    (void)unused;
    err_t err;
    static const struct {
        const char *begin;
        const char *end;
        bool waits;
    } cases[] = { { "BEGIN; SELECT 1", "COMMIT", true }, { "SELECT 1", "SELECT 1", false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        own(pg_result) result = NULL;
        own(pg_result) clock = NULL;
        own(pg_params) params = pg_params_new();
        pg_t *pg = pg_new(world_dsn, "test-look");
        script(cases[i].begin, NULL);
        CHECK(pg_run(pg, SQL_clock, NULL, &clock, &err));
        pg_param_time(params, pg_get_time(clock, 0, 0)); /* a bucket that was over just now */
        CHECK(pg_run(pg, SQL_expire_writers, params, &result, &err));
        assert_int_equal(pg_get_bool(result, 0, 0), cases[i].waits);
        script(cases[i].end, NULL);
        pg_destroy(&pg);
    }
}

/* --- two at once, and what was cut --- */

static void
one_sweeps_at_a_time(void **unused)
{
    (void)unused;
    err_t err;
    bool more = true;
    expiry_t progress = { 0 };
    jobid_t job = a_done_job(-100);
    age(&job, 3);
    script("SELECT pg_advisory_lock(hashtext('millrace expiry'))", NULL);
    CHECK(store_sweep_expired(world_store, &progress, &more, &err));
    assert_false(more);
    assert_int_equal(old_buckets(), 1);
    script("SELECT pg_advisory_unlock(hashtext('millrace expiry'))", NULL);
    sweep();
    assert_int_equal(old_buckets(), 0);
}

static void
two_that_sweep_at_once_lose_nothing(void **unused)
{
    (void)unused;
    enum { JOBS = 12 };
    jobid_t jobs[JOBS];
    pthread_t threads[3];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = i % 2 ? a_running_job() : a_done_job(3600);
        age(&jobs[i], 2 + i % 3);
    }
    for (int i = 0; i < 3; i++)
        threads[i] = begin_sweep();
    for (int i = 0; i < 3; i++)
        end_sweep(threads[i]);
    sweep();
    assert_int_equal(old_buckets(), 0);
    for (int i = 0; i < JOBS; i++)
        assert_whole(&jobs[i], RESULT_PAGES);
}

static void
a_partition_that_somebody_reads_is_dropped_the_next_time(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(3600);
    age(&job, 3);
    script("BEGIN; SELECT count(*) FROM page", NULL);
    sweep(); /* gives up after its lock timeout */
    assert_int_equal(old_buckets(), 1);
    assert_whole(&job, RESULT_PAGES);
    script("ROLLBACK", NULL);
    own(mem) pending = ask("SELECT count(*) FROM pg_inherits WHERE inhdetachpending");
    assert_string_equal(pending, "1");
    sweep();
    assert_int_equal(old_buckets(), 0);
    assert_whole(&job, RESULT_PAGES);
}

static void
a_partition_that_was_detached_and_not_dropped_is_dropped(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(-100);
    age(&job, 3);
    own(mem) text = ask("SELECT format('ALTER TABLE page DETACH PARTITION %I', min(relname)::text)"
                        " FROM pg_class WHERE relkind = 'r' AND relname ~ '^page_[0-9]{10}$'");
    tell(text);
    assert_int_equal(old_buckets(), 1);
    sweep();
    assert_int_equal(old_buckets(), 0);
}

static void
a_copy_that_was_cut_is_made_whole(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(3600);
    age(&job, 3);
    script("INSERT INTO page SELECT page_bucket_until(j.expires_at), p.job, p.step, p.attempt,"
           " p.result, p.first_row, p.rows, p.raw_bytes, p.format, p.hash, p.data"
           " FROM page p JOIN job j ON j.id = p.job WHERE p.job = '%s' AND p.first_row = 4",
           &job);
    sweep();
    assert_whole(&job, RESULT_PAGES);
    assert_int_equal(old_buckets(), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bucket_that_is_over_is_dropped_and_the_jobs_row_stays),
        TEST(a_job_that_still_runs_takes_its_pages_along),
        TEST(a_job_that_waits_to_run_again_takes_its_pages_along),
        TEST(a_job_that_was_renewed_goes_to_the_hour_or_the_day_behind_its_end),
        TEST(a_kept_job_takes_its_pages_along),
        TEST(a_bucket_without_a_partition_is_given_one),
        TEST(a_large_result_is_moved_whole),
        TEST(many_jobs_are_looked_at_in_parts),
        TEST(a_page_that_is_being_written_is_moved_too),
        TEST(a_page_that_waits_for_the_move_goes_to_the_new_bucket),
        TEST(a_job_that_ends_at_this_moment_is_moved),
        TEST(a_job_that_is_renewed_at_this_moment_is_moved),
        TEST(a_job_that_is_removed_at_this_moment_is_no_hindrance),
        TEST(what_a_transaction_from_before_may_add_is_waited_for),
        TEST(one_sweeps_at_a_time),
        TEST(two_that_sweep_at_once_lose_nothing),
        TEST(a_partition_that_somebody_reads_is_dropped_the_next_time),
        TEST(a_partition_that_was_detached_and_not_dropped_is_dropped),
        TEST(a_copy_that_was_cut_is_made_whole),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
