/* test_executor.c - the executor against a real store and a real source, with this test as leader.
 */
#include <stdlib.h>

#include "tests/check/floor.h"

/* --- what a result is --- */

static cell_t
next_cell(opened_t *reader)
{
    err_t err;
    cell_t cell = { 0 };
    CHECK(page_reader_cell(&reader->walk, &cell, &err));
    return cell;
}

static void
assert_text(opened_t *reader, const char *expected)
{
    cell_t cell = next_cell(reader);
    assert_int_equal(cell.kind, UNPACK_TEXT);
    assert_int_equal(cell.bytes.size, strlen(expected));
    assert_memory_equal(cell.bytes.data, expected, cell.bytes.size);
}

static void
values_become_cells_of_their_kind(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT true, 42::int8 AS n, -1.5::float8, 'NaN'::float8, 12.50::numeric,"
                       " '\\x00ff'::bytea, 'ä'::text, NULL::date, '2024-05-06'::date, ARRAY[1,2]");
    const result_t *result = result_of(job);
    own(opened) reader = inline_rows(result);
    uint32_t cells = 0;
    err_t err;
    CHECK(page_reader_row(&reader->walk, &cells, &err));
    assert_int_equal(cells, 10);
    assert_true(next_cell(reader).boolean);
    assert_int_equal(next_cell(reader).number, 42);
    assert_true(next_cell(reader).real == -1.5);
    assert_text(reader, "NaN");
    assert_text(reader, "12.50");
    cell_t bytes = next_cell(reader);
    assert_int_equal(bytes.kind, UNPACK_BINARY);
    assert_memory_equal(bytes.bytes.data, "\x00\xff", 2);
    assert_text(reader, "ä");
    assert_int_equal(next_cell(reader).kind, UNPACK_NIL);
    assert_text(reader, "2024-05-06");
    assert_text(reader, "{1,2}");
}

static void
columns_have_their_names_and_types(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT 1 AS a, 'x'::varchar(3) AS b, ARRAY['y']::text[] AS c, "
                       "NULL::information_schema.yes_or_no AS d");
    const result_t *result = result_of(job);
    assert_int_equal(result->column_count, 4);
    assert_string_equal(result->columns[0].name, "a");
    assert_string_equal(result->columns[0].type, "integer");
    assert_string_equal(result->columns[1].type, "character varying");
    assert_string_equal(result->columns[2].type, "text[]");
    assert_string_equal(result->columns[3].name, "d");
    assert_string_equal(result->columns[3].type, "character varying");
    assert_string_equal(result->tag, "SELECT 1");
}

static void
types_that_are_no_built_ins_are_asked_for(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TYPE mood AS ENUM ('fine')");
    assert_int_equal(made->state, JOB_DONE);
    own(job) job = ran("SELECT 'fine'::mood, 'fine'::mood, ARRAY['fine'::mood]");
    const result_t *result = result_of(job);
    assert_string_equal(result->columns[0].type, "mood");
    assert_string_equal(result->columns[1].type, "mood");
    assert_string_equal(result->columns[2].type, "mood[]");
    own(job) gone = ran("DROP TYPE mood");
    assert_int_equal(gone->state, JOB_DONE);
}

static void
a_large_result_is_whole_and_chained(void **unused)
{
    (void)unused;
    err_t err;
    own(job) job = ran("SELECT i, md5(i::text) FROM generate_series(1, 100000) i");
    const result_t *result = result_of(job);
    assert_int_equal(result->rows, 100000);
    assert_null(result->inlined);
    assert_true(result->pages > 10);
    page_key_t key = { .job = job->id, .bucket_us = job->bucket_us, .attempt = job->attempt };
    uint8_t hash[PAGE_HASH_SIZE] = { 0 };
    int64_t row = 0;
    for (uint32_t i = 0; i < result->pages; i++) {
        own(page) page = store_page(world_store, &key, row, PAGE_RAW_MOST, &err);
        if (!page)
            fail_msg("page at row %lld: %s", (long long)row, err.text);
        assert_int_equal(page->first_row, row);
        page_chain(hash, page->data, page->size, hash);
        row += page->rows;
    }
    assert_int_equal(row, 100000);
    assert_memory_equal(hash, result->hash, PAGE_HASH_SIZE);
}

static void
no_rows_are_one_empty_page(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT 1 WHERE false");
    const result_t *result = result_of(job);
    assert_true(result->has_columns);
    assert_int_equal(result->rows, 0);
    assert_non_null(result->inlined);
}

static void
first_rows_of_a_slow_statement_come_early(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT i, pg_sleep(CASE WHEN i = 600 THEN 2 ELSE 0 END),"
                       " repeat('x', 1000) FROM generate_series(1, 601) i");
    dispatch(&id);
    wait_until("SELECT count(*) > 0 FROM page WHERE attempt = 1 AND first_row = 0"
               " AND job = (SELECT id FROM live ORDER BY id DESC LIMIT 1)",
               "t");
    own(job) job = ended(&id);
    assert_int_equal(job->rows, 601);
}

/* Too few for a page: the source sends some eight thousand bytes at a time, which take less time
 * than rows wait at most. */
static void
rows_that_trickle_come_in_pages_too(void **unused)
{
    (void)unused;
    own(mem) sql = mem_format(
        "SELECT generate_series(1, 40), repeat('x', 1500), pg_sleep(%d / 8e3)", FLOOR_PAGE_MS);
    jobid_t id = a_job(sql);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->rows, 40);
    assert_job(&id, "SELECT sum(rows) FROM page WHERE job = '%s'", "40");
    assert_job(&id, "SELECT count(*) BETWEEN 3 AND 12 FROM page WHERE job = '%s'", "t");
}

/* --- failures --- */

static void
a_failing_statement_says_why_and_where(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT nothing_of_this_name");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "42703");
    assert_int_equal(job->error_position, 8);
    assert_non_null(strstr(job->error, "nothing_of_this_name"));
}

static void
several_statements_each_have_a_result(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT 1; CREATE TEMP TABLE t (n int); SELECT 2, 3");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->manifest->count, 3);
    assert_string_equal(job->manifest->results[1].tag, "CREATE TABLE");
    assert_false(job->manifest->results[1].has_columns);
    assert_int_equal(job->manifest->results[2].ordinal, 2);
    assert_int_equal(job->manifest->results[2].column_count, 2);
    assert_int_equal(job->rows, 2);
}

static void
pages_of_several_results_are_apart(void **unused)
{
    (void)unused;
    own(job) job = ran("SELECT i, md5(i::text) FROM generate_series(1, 20000) i;"
                       "SELECT i, md5(i::text) FROM generate_series(1, 30000) i");
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->rows, 50000);
    for (uint32_t k = 0; k < 2; k++) {
        const result_t *result = &job->manifest->results[k];
        assert_int_equal(result->rows, 20000 + 10000 * k);
        assert_int_equal(result->attempt, 1);
        char text[JOBID_TEXT_SIZE];
        own(mem) sql = mem_format("SELECT sum(rows) FROM page WHERE job = '%s' AND result = %u",
                                  jobid_text(&job->id, text), k);
        own(mem) rows = ask(sql);
        assert_string_equal(rows, k == 0 ? "20000" : "30000");
    }
}

static void
transaction_control_is_refused(void **unused)
{
    (void)unused;
    own(job) job = ran(" /* a */ ; commit");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "0A000");
    assert_non_null(strstr(job->error, "COMMIT"));
    own(job) empty = ran("-- nothing");
    assert_int_equal(empty->state, JOB_FAILED);
}

static void
a_deferred_constraint_fails_the_job_at_commit(void **unused)
{
    (void)unused;
    own(job) made = ran("CREATE TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    assert_int_equal(made->state, JOB_DONE);
    own(job) job = ran("INSERT INTO once SELECT 1 FROM generate_series(1, 2)");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "23505");
    own(job) after = ran("SELECT 1");
    assert_int_equal(after->state, JOB_DONE);
    own(job) gone = ran("DROP TABLE once");
    assert_int_equal(gone->state, JOB_DONE);
}

static void
a_row_beyond_the_limit_fails_its_job_alone(void **unused)
{
    (void)unused;
    jobid_t large = a_job("SELECT repeat('x', 100000000)");
    jobid_t small = a_job("SELECT count(*) FROM generate_series(1, 1000000)");
    dispatch(&large);
    dispatch(&small);
    own(job) failed = ended(&large);
    assert_int_equal(failed->state, JOB_FAILED);
    assert_string_equal(failed->sqlstate, "54000");
    own(job) done = ended(&small);
    assert_int_equal(done->state, JOB_DONE);
    own(job) bit_large = ran("SELECT repeat('y', 1100000)");
    assert_string_equal(bit_large->sqlstate, "54000");
}

/* A table as wide as they come, for the jobs of a test. */
static void
have_wide_tables(void)
{
    tell("DROP TABLE IF EXISTS floor_role.wide;"
         "DO $$ BEGIN EXECUTE 'CREATE TABLE floor_role.wide (' ||"
         " (SELECT string_agg(format('%I int', rpad('c' || i, 60, 'x')), ', ')"
         "  FROM generate_series(1, 1500) i) || ')'; END $$;"
         "ALTER TABLE floor_role.wide OWNER TO floor_role");
}

/* That often the widest select there is; owned by the caller. */
static char *
wide_selects(int count)
{
    char *text = mem_text("");
    for (int i = 0; i < count; i++) {
        char *longer = mem_format("%sSELECT * FROM wide;", text);
        free(text);
        text = longer;
    }
    return text;
}

static void
results_of_too_many_columns_fail_their_job_before_commit(void **unused)
{
    (void)unused;
    have_wide_tables();
    own(mem) few = wide_selects(10);
    own(mem) many = wide_selects(900);
    own(mem) writing = mem_format("CREATE TABLE kept (n int); %s", many);
    own(job) good = ran(few);
    assert_int_equal(good->state, JOB_DONE);
    assert_int_equal(good->manifest->count, 10);
    own(job) failed = ran(writing);
    assert_int_equal(failed->state, JOB_FAILED);
    assert_string_equal(failed->sqlstate, "54000");
    assert_non_null(strstr(failed->error, "too many columns"));
    own(mem) kept = ask("SELECT to_regclass('floor_role.kept') IS NULL");
    assert_string_equal(kept, "t");
}

static void
a_jobs_steps_share_a_bound_for_their_columns(void **unused)
{
    (void)unused;
    enum { STEPS = 8 };
    have_wide_tables();
    own(mem) text = wide_selects(18);
    submit_step_t steps[STEPS];
    for (int i = 0; i < STEPS; i++)
        steps[i] = (submit_step_t){ .sql = text };
    own(job) job = ran_steps(steps, STEPS);
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "54000");
    assert_non_null(strstr(job->error, "job's steps"));
    own(mem) sum = ask("SELECT sum(octet_length(manifest)) FROM step");
    assert_in_range(strtoll(sum, NULL, 10), MANIFESTS_MOST / 2, MANIFESTS_MOST);
}

static void
text_that_is_not_utf8_fails_the_job(void **unused)
{
    (void)unused;
    own(job) job = ran(
        "SELECT set_config('client_encoding', 'LATIN1', false), convert_from('\\xe9', 'LATIN1')");
    assert_int_equal(job->state, JOB_FAILED);
    own(job) after = ran("SELECT current_setting('client_encoding')");
    assert_int_equal(after->state, JOB_DONE);
}

static void
a_tenant_without_a_login_is_told(void **unused)
{
    (void)unused;
    tell("DELETE FROM login WHERE tenant = 'demo'");
    own(job) job = ran("SELECT 1");
    assert_int_equal(job->state, JOB_FAILED);
    assert_non_null(strstr(job->error, "login"));
}

static void
a_refused_login_fails_the_job(void **unused)
{
    (void)unused;
    tell("ALTER ROLE floor_role NOLOGIN");
    own(job) job = ran("SELECT 1");
    tell("ALTER ROLE floor_role LOGIN");
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->sqlstate, "28000");
}

static void
a_source_that_is_away_is_tried_later(void **unused)
{
    (void)unused;
    tell("UPDATE source SET dsn = 'host=/nowhere port=1' WHERE name = 'floor'");
    jobid_t id = a_job("SELECT 1");
    dispatch(&id);
    heard_t *heard = wait_released(&id);
    tell("DELETE FROM login; DELETE FROM source WHERE name = 'floor'");
    assert_int_equal(heard->verdict, RELEASE_AWAY);
    assert_job(&id, "SELECT state || attempt FROM live WHERE id = '%s'", "pending0");
}

static void
a_job_whose_line_is_not_free_is_left_for_later(void **unused)
{
    (void)unused;
    submit_t first = { .sql = "SELECT 1", .queue_key = "line" };
    submit_t second = { .sql = "SELECT 2", .queue_key = "line" };
    jobid_t before = submitted(&first);
    jobid_t behind = submitted(&second);
    if (jobid_compare(&before, &behind) > 0) {
        jobid_t other = before;
        before = behind;
        behind = other;
    }
    dispatch_of(&behind, "line");
    assert_int_equal(wait_released(&behind)->verdict, RELEASE_LINE);
    assert_job(&behind, "SELECT state || attempt FROM live WHERE id = '%s'", "pending0");
    dispatch_of(&before, "line");
    (void)wait_changed(&before);
    dispatch_of(&behind, "line");
    own(job) job = ended(&behind);
    assert_int_equal(job->state, JOB_DONE);
}

/* Others on it may be well: it must not count as away. */
static void
a_source_without_room_for_the_tenant_is_not_away(void **unused)
{
    (void)unused;
    tell("ALTER ROLE floor_role CONNECTION LIMIT 0");
    jobid_t id = a_job("SELECT 1");
    dispatch(&id);
    heard_t *heard = wait_released(&id);
    tell("ALTER ROLE floor_role CONNECTION LIMIT -1");
    assert_int_equal(heard->verdict, RELEASE_LATER);
    assert_job(&id, "SELECT state || attempt FROM live WHERE id = '%s'", "pending0");
}

/* --- sessions --- */

static void
nothing_of_a_job_is_left_for_the_next(void **unused)
{
    (void)unused;
    own(job) first = ran("SELECT set_config('my.secret', 'x', false), pg_advisory_lock(17),"
                         " set_config('TimeZone', 'Asia/Tokyo', false)");
    assert_int_equal(first->state, JOB_DONE);
    own(job) temp = ran("CREATE TEMP TABLE leftover (n int)");
    assert_int_equal(temp->state, JOB_DONE);
    own(job) job = ran("SELECT coalesce(current_setting('my.secret', true), ''),"
                       " current_setting('TimeZone'),"
                       " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
                       " coalesce(to_regclass('leftover')::text, '')");
    own(opened) reader = inline_rows(result_of(job));
    uint32_t cells = 0;
    err_t err;
    CHECK(page_reader_row(&reader->walk, &cells, &err));
    assert_text(reader, "");
    assert_text(reader, "UTC");
    assert_int_equal(next_cell(reader).number, 0);
    assert_text(reader, "");
}

static void
a_warm_session_serves_again_even_after_an_error(void **unused)
{
    (void)unused;
    own(job) first = ran("SELECT pg_backend_pid()");
    own(job) failed = ran("SELECT 1 / 0");
    assert_int_equal(failed->state, JOB_FAILED);
    own(job) second = ran("SELECT pg_backend_pid()");
    assert_int_equal(number_in(first), number_in(second));
}

static void
a_lost_session_gives_the_job_back(void **unused)
{
    (void)unused;
    jobid_t id = a_job("SELECT pg_sleep(20)");
    dispatch(&id);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
               " AND usename = 'floor_role' AND state = 'active'",
               "1");
    tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'floor_role'");
    assert_int_equal(wait_released(&id)->verdict, RELEASE_LATER);
    wait_until("SELECT count(*) FROM live WHERE state = 'pending' AND attempt = 1 AND tries = 1",
               "1");
    tell("DELETE FROM live");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(values_become_cells_of_their_kind),
        HERE(columns_have_their_names_and_types),
        HERE(types_that_are_no_built_ins_are_asked_for),
        HERE(a_large_result_is_whole_and_chained),
        HERE(no_rows_are_one_empty_page),
        HERE(first_rows_of_a_slow_statement_come_early),
        HERE(rows_that_trickle_come_in_pages_too),
        HERE(a_failing_statement_says_why_and_where),
        HERE(several_statements_each_have_a_result),
        HERE(pages_of_several_results_are_apart),
        HERE(transaction_control_is_refused),
        HERE(a_deferred_constraint_fails_the_job_at_commit),
        HERE(a_row_beyond_the_limit_fails_its_job_alone),
        HERE(results_of_too_many_columns_fail_their_job_before_commit),
        HERE(a_jobs_steps_share_a_bound_for_their_columns),
        HERE(text_that_is_not_utf8_fails_the_job),
        HERE(a_tenant_without_a_login_is_told),
        HERE(a_refused_login_fails_the_job),
        HERE(a_source_that_is_away_is_tried_later),
        HERE(a_job_whose_line_is_not_free_is_left_for_later),
        HERE(a_source_without_room_for_the_tenant_is_not_away),
        HERE(nothing_of_a_job_is_left_for_the_next),
        HERE(a_warm_session_serves_again_even_after_an_error),
        HERE(a_lost_session_gives_the_job_back),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
