/* test_expiry_days.c - days of jobs that are long past, and jobs that are kept, against a real
 * PostgreSQL.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check/expiry_world.h"

enum { LONG_AGO = 30, RECENT = 8, KEPT_MANY = 1200 }; /* days; jobs */

/* Each test begins with nothing that is over. */
static int
clear_world(void **unused)
{
    (void)unused;
    tell("TRUNCATE live, job, step, kept, kept_step, page, dedup, tag");
    sweep();
    assert_int_equal(old_days(), 0);
    return 0;
}

/* Partitions of the day that is so long ago. */
static void
make_day(int days)
{
    static const char *const tables[] = { "job", "step" };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        own(mem) sql = mem_format(
            "SELECT partition_make('%s', '%s_' || to_char(d, 'YYYYMMDD'), partition_edge(d)::text,"
            " partition_edge(d + 1)::text)"
            " FROM (SELECT (now() AT TIME ZONE 'UTC')::date - %d AS d) x",
            tables[i], tables[i], days);
        tell(sql);
    }
}

/* A done job of that day, with a step, a key and a tag, which expires in so many days (they may be
 * below 0). */
static jobid_t
a_past_job(int days, int expires_days)
{
    char old_id[JOBID_TEXT_SIZE];
    char new_id[JOBID_TEXT_SIZE];
    jobid_t today = a_done_job(60);
    jobid_t job = today;
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | job.bytes[i];
    ms -= (uint64_t)days * 86400000;
    for (int i = 5; i >= 0; i--, ms >>= 8)
        job.bytes[i] = (uint8_t)ms;
    own(mem) sql = mem_format(
        "UPDATE job SET id = '%s', expires_at = now() + interval '%d days' WHERE id = '%s'",
        jobid_text(&job, new_id), expires_days, jobid_text(&today, old_id));
    tell(sql);
    own(mem) pages = mem_format("UPDATE page SET job = '%s' WHERE job = '%s'", new_id, old_id);
    tell(pages);
    own(mem) keyed =
        mem_format("INSERT INTO dedup VALUES ('demo', 'token', '%s', '', '%s')", new_id, new_id);
    own(mem) tagged = mem_format("INSERT INTO tag VALUES ('demo', 'name', 'value', '%s')", new_id);
    own(mem) stepped =
        mem_format("INSERT INTO step (job, step, sql) VALUES ('%s', 0, 'x')", new_id);
    tell(keyed);
    tell(tagged);
    tell(stepped);
    return job;
}

/* Is all that the store knows of the job in these places, and nowhere else? */
static void
assert_stands(const jobid_t *job, const char *places)
{
    assert_job(job,
               "SELECT (SELECT count(*) FROM job WHERE id = i) || ' '"
               " || (SELECT count(*) FROM step WHERE job = i) || ' '"
               " || (SELECT count(*) FROM kept WHERE id = i) || ' '"
               " || (SELECT count(*) FROM kept_step WHERE job = i) || ' '"
               " || (SELECT count(*) FROM dedup WHERE job = i) || ' '"
               " || (SELECT count(*) FROM tag WHERE job = i) FROM (SELECT uuid '%s' AS i) x",
               places);
}

static void
a_day_whose_jobs_are_over_is_dropped(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t job = a_past_job(LONG_AGO, -8);
    assert_stands(&job, "1 1 0 0 1 1");
    sweep();
    assert_stands(&job, "0 0 0 0 0 0");
    assert_int_equal(old_days(), 0);
}

static void
a_job_that_lives_on_is_kept_with_all_that_names_it(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t readable = a_past_job(LONG_AGO, 5);
    jobid_t expired = a_past_job(LONG_AGO, -5);
    jobid_t over = a_past_job(LONG_AGO, -8);
    sweep();
    assert_int_equal(old_days(), 0);
    assert_stands(&readable, "0 0 1 1 1 1");
    assert_stands(&expired, "0 0 1 1 1 1");
    assert_stands(&over, "0 0 0 0 0 0");
    assert_whole(&readable, RESULT_PAGES);
    find_t find = found(&readable, "demo");
    assert_int_equal(find.verdict, FIND_FOUND);
    assert_false(find.job->expired);
    assert_int_equal(find.job->retention_s, 3600);
    job_destroy(&find.job);
    find = found(&expired, "demo");
    assert_true(find.job->expired);
    job_destroy(&find.job);
    assert_int_equal(found(&over, "demo").verdict, FIND_MISSING);
}

static void
a_day_that_is_not_long_past_stays(void **unused)
{
    (void)unused;
    make_day(RECENT);
    jobid_t job = a_past_job(RECENT, -8);
    sweep();
    assert_stands(&job, "1 1 0 0 1 1");
    assert_int_equal(old_days(), 2);
    tell("TRUNCATE job");
    own(mem) drop =
        ask("SELECT format('DROP TABLE job_%s, step_%s', d, d) FROM"
            " (SELECT to_char((now() AT TIME ZONE 'UTC')::date - 8, 'YYYYMMDD') AS d) x");
    tell(drop);
}

static void
a_day_of_a_job_that_is_not_final_stays_and_later_ones_go(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    make_day(LONG_AGO - 1);
    jobid_t job = a_past_job(LONG_AGO, -8);
    jobid_t later = a_past_job(LONG_AGO - 1, -8);
    tell("INSERT INTO live (id, tenant, source, dialect, sql, retention_s)"
         " SELECT id_edge(created), 'demo', 'main', 'test', '', 60"
         " FROM (SELECT date_trunc('day', now()) - interval '29.5 days' AS created) x");
    sweep();
    assert_stands(&job, "1 1 0 0 1 1");
    assert_stands(&later, "0 0 0 0 0 0");
    assert_int_equal(old_days(), 2);
    tell("TRUNCATE live");
    sweep();
    assert_int_equal(old_days(), 0);
}

static void
a_day_of_many_jobs_is_looked_at_in_parts(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t job = a_past_job(LONG_AGO, 5);
    tell("INSERT INTO job SELECT (jsonb_populate_record(j, jsonb_build_object('id',"
         " left(j.id::text, 24) || lpad(to_hex(n), 12, '0')))).*"
         " FROM job j, generate_series(1, 1200) n");
    tell("UPDATE job SET expires_at = now() - interval '8 days'"
         " WHERE get_byte(uuid_send(id), 15) % 2 = 0");
    sweep();
    assert_int_equal(old_days(), 0);
    own(mem) kept = ask("SELECT count(*) BETWEEN 600 AND 601 FROM kept");
    assert_string_equal(kept, "t");
    (void)job;
}

static void
a_kept_job_that_is_over_is_removed(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t over = a_past_job(LONG_AGO, 5);
    jobid_t job = a_past_job(LONG_AGO, 5);
    sweep();
    char id[JOBID_TEXT_SIZE];
    own(mem) sql =
        mem_format("UPDATE kept SET expires_at = now() - interval '8 days' WHERE id = '%s'",
                   jobid_text(&over, id));
    tell(sql);
    sweep();
    assert_stands(&over, "0 0 0 0 0 0");
    assert_stands(&job, "0 0 1 1 1 1");
}

static void
pages_that_were_kept_for_ever_go_with_their_job(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t job = a_past_job(LONG_AGO, -8);
    tell("UPDATE page SET bucket = 'infinity'");
    tell("INSERT INTO page SELECT bucket, job, 0, 1, 0, n, 1, 1, 1, hash, data"
         " FROM page, generate_series(100, 400) n WHERE first_row = 0");
    tell("UPDATE job SET bucket = 'infinity'");
    sweep();
    assert_stands(&job, "0 0 0 0 0 0");
    own(mem) left = ask("SELECT count(*) FROM page_forever");
    assert_string_equal(left, "0");
}

static void
all_kept_jobs_are_looked_at_in_the_end(void **unused)
{
    (void)unused;
    jobid_t job = a_done_job(60);
    own(mem) sql =
        mem_format("INSERT INTO kept SELECT (jsonb_populate_record(j, jsonb_build_object('id',"
                   " gen_random_uuid(), 'expires_at', now() - interval '8 days'))).*"
                   " FROM job j, generate_series(1, %d) n",
                   (int)KEPT_MANY);
    tell(sql);
    tell("INSERT INTO kept SELECT * FROM job");
    sweep();
    own(mem) left = ask("SELECT count(*) FROM kept");
    assert_string_equal(left, "1");
    (void)job;
}

static void
a_day_that_was_half_detached_is_dropped(void **unused)
{
    (void)unused;
    make_day(LONG_AGO);
    jobid_t job = a_past_job(LONG_AGO, 5);
    err_t err;
    pg_t *other = pg_new(world_dsn, "test-other");
    CHECK(pg_script(other, "BEGIN; SELECT count(*) FROM job", &err));
    sweep(); /* gives up after its lock timeout */
    assert_int_equal(old_days(), 2);
    assert_stands(&job, "0 0 1 1 1 1");
    CHECK(pg_script(other, "ROLLBACK", &err));
    pg_destroy(&other);
    sweep();
    assert_int_equal(old_days(), 0);
    assert_stands(&job, "0 0 1 1 1 1");
}

#define TEST(name) cmocka_unit_test_setup(name, clear_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_day_whose_jobs_are_over_is_dropped),
        TEST(a_job_that_lives_on_is_kept_with_all_that_names_it),
        TEST(a_day_that_is_not_long_past_stays),
        TEST(a_day_of_a_job_that_is_not_final_stays_and_later_ones_go),
        TEST(a_day_of_many_jobs_is_looked_at_in_parts),
        TEST(a_kept_job_that_is_over_is_removed),
        TEST(pages_that_were_kept_for_ever_go_with_their_job),
        TEST(all_kept_jobs_are_looked_at_in_the_end),
        TEST(a_day_that_was_half_detached_is_dropped),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
