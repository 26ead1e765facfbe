/* expiry_world.c - jobs with results, and time that has passed. */
#include "tests/check/expiry_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/manifest.h"

enum { PATIENCE = 100000, CALLS_MOST = 1000 };

static void
tell_job(const jobid_t *job, const char *sql)
{
    char id[JOBID_TEXT_SIZE];
    const char *at = strstr(sql, "%s");
    own(mem) text = mem_format("%.*s%s%s", (int)(at - sql), sql, jobid_text(job, id), at + 2);
    tell(text);
}

static page_t *
next_page(page_writer_t *writer, int64_t first, int rows)
{
    err_t err;
    for (int i = 0; i < rows; i++) {
        page_row_open(writer, 1);
        page_cell_int(writer, first + i);
        assert_true(page_row_close(writer));
    }
    page_t *page = page_writer_close(writer, &err);
    assert_non_null(page);
    return page;
}

static bool
put(pg_t *pg, const jobid_t *job, const page_t *page)
{
    err_t err;
    own(pg_params) params = pg_params_new();
    own(pg_result) result = NULL;
    pg_param_uuid(params, job);
    pg_param_int4(params, 1);
    if (page->first_row == 0)
        CHECK(pg_run(pg, SQL_page_open, params, NULL, &err));
    pg_param_int2(params, 0);
    pg_param_int2(params, 0);
    pg_param_int8(params, page->first_row);
    pg_param_int4(params, (int32_t)page->rows);
    pg_param_int4(params, (int32_t)page->raw_bytes);
    pg_param_int2(params, PAGE_FORMAT);
    pg_param_bytes(params, page->hash, sizeof page->hash);
    pg_param_bytes(params, page->data, page->size);
    CHECK(pg_run(pg, SQL_page_put, params, &result, &err));
    return pg_rows(result) > 0;
}

bool
write_page(pg_t *pg, const jobid_t *job, int64_t first_row)
{
    page_writer_t *writer = page_writer_new(1000, 100, 1000);
    page_t *page = next_page(writer, first_row, 1);
    page->first_row = first_row;
    bool good = put(pg, job, page);
    page_destroy(&page);
    page_writer_destroy(&writer);
    return good;
}

/* The pages of the one result that all jobs here have, one after another. */
static void
each_page(void (*fn)(void *arg, const page_t *page), void *arg)
{
    page_writer_t *writer = page_writer_new(1000, 100, 1000);
    for (int n = 0; n < RESULT_PAGES; n++) {
        page_t *page = next_page(writer, (int64_t)n * PAGE_ROWS, PAGE_ROWS);
        fn(arg, page);
        page_destroy(&page);
    }
    page_writer_destroy(&writer);
}

typedef struct {
    pg_t *pg;
    jobid_t job;
} putting_t;

static void
put_page(void *arg, const page_t *page)
{
    putting_t *putting = (putting_t *)arg;
    assert_true(put(putting->pg, &putting->job, page));
}

jobid_t
a_running_job(void)
{
    putting_t putting = { .pg = pg_new(world_dsn, "test-put"), .job = a_submitted_job() };
    tell_job(&putting.job, "UPDATE live SET state = 'running', attempt = 1, tries = 1,"
                           " started_at = now() WHERE id = '%s'");
    each_page(put_page, &putting);
    pg_destroy(&putting.pg);
    return putting.job;
}

static void
add_page(void *arg, const page_t *page)
{
    result_t *result = (result_t *)arg;
    result->pages++;
    result->rows += page->rows;
    result->bytes += page->size;
    result->raw_bytes += page->raw_bytes;
    memcpy(result->hash, page->hash, PAGE_HASH_SIZE);
}

/* The manifest of it, in hex. */
static char *
manifest_hex(void)
{
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    size_t size = 0;
    result->has_columns = true;
    result_columns(result, 1);
    each_page(add_page, result);
    own(mem) packed = (mem_t *)manifest_pack(manifest, &size);
    const uint8_t *bytes = (const uint8_t *)packed;
    char *text = (char *)mem_array(2 * size + 1, 1);
    for (size_t i = 0; i < size; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    return text;
}

void
end_job(const jobid_t *job, int expires_s)
{
    char id[JOBID_TEXT_SIZE];
    own(mem) manifest = manifest_hex();
    own(mem) sql = mem_format(
        "WITH g AS (DELETE FROM live WHERE id = '%s' RETURNING *)"
        " INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps, options,"
        " retention_s, state, attempt, tries, started_at, first_page_at, ended_at, expires_at,"
        " bucket, rows, bytes, pages, planning_us, executing_us, storing_us, manifest)"
        " SELECT id, tenant, source, dialect, priority, created_at, sql, steps, options,"
        " retention_s, 'done', attempt, tries, started_at, first_page_at, now(),"
        " now() + make_interval(secs => %d), bucket, %d, 1, %d, 1, 1, 1, '\\x%s' FROM g",
        jobid_text(job, id), expires_s, RESULT_ROWS, RESULT_PAGES, manifest);
    tell(sql);
}

jobid_t
a_done_job(int expires_s)
{
    jobid_t job = a_running_job();
    end_job(&job, expires_s);
    return job;
}

void
age(const jobid_t *job, int hours)
{
    static const char *const tables[] = { "live", "job", "kept" };
    char id[JOBID_TEXT_SIZE];
    (void)jobid_text(job, id);
    own(mem) bucket = mem_format("date_trunc('hour', now()) - interval '%d hours'", hours);
    own(mem) make = mem_format("SELECT page_partition(%s)", bucket);
    tell(make);
    own(mem) pages = mem_format("UPDATE page SET bucket = %s WHERE job = '%s'", bucket, id);
    tell(pages);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        own(mem) row =
            mem_format("UPDATE %s SET bucket = %s WHERE id = '%s'", tables[i], bucket, id);
        tell(row);
    }
}

static int
count(const char *sql)
{
    own(mem) text = ask(sql);
    return (int)strtol(text, NULL, 10);
}

int
old_buckets(void)
{
    return count(
        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^page_[0-9]{10}$'"
        " AND relname <= 'page_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24')");
}

int
old_days(void)
{
    return count("SELECT count(*) FROM pg_class WHERE relkind = 'r'"
                 " AND relname ~ '^(job|step)_[0-9]{8}$' AND right(relname, 8) <"
                 " to_char((now() AT TIME ZONE 'UTC') - interval '2 days', 'YYYYMMDD')");
}

void
sweep(void)
{
    err_t err;
    expiry_t progress = { 0 };
    bool more = true;
    int calls = 0;
    for (; more && calls < CALLS_MOST; calls++)
        CHECK(store_sweep_expired(world_store, &progress, &more, &err));
    assert_true(calls < CALLS_MOST);
}

void
await_blocked(const char *who)
{
    own(mem) sql = mem_format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s'"
                              " AND wait_event_type = 'Lock'",
                              who);
    for (int i = 0; i < PATIENCE; i++) {
        if (count(sql) > 0)
            return;
    }
    fail_msg("%s does not wait", who);
}

void
assert_whole(const jobid_t *job, int pages)
{
    char id[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format(
        "SELECT count(DISTINCT p.first_row) FROM page p JOIN (SELECT id, bucket FROM live"
        " UNION ALL SELECT id, bucket FROM job UNION ALL SELECT id, bucket FROM kept) j"
        " ON j.id = p.job AND j.bucket = p.bucket AND j.bucket > now() WHERE j.id = '%s'",
        jobid_text(job, id));
    assert_int_equal(count(sql), pages);
}

char *
partition_of_pages(const jobid_t *job)
{
    char id[JOBID_TEXT_SIZE];
    own(mem) sql = mem_format("SELECT DISTINCT tableoid::regclass FROM page WHERE job = '%s'",
                              jobid_text(job, id));
    return ask(sql);
}
