/* test_store.c - the store against a real PostgreSQL: schema, jobs, administration, nodes. */
#include <pthread.h>

#include "common/pg.h"
#include "tests/check/world.h"

/* --- the connection --- */

static void
a_silent_server_is_given_up_and_the_next_call_connects_anew(void **unused)
{
    (void)unused;
    err_t err;
    own(pg) pg = pg_new(world_dsn, "test-slow");
    pg_limit(pg, 100);
    tell("SELECT count(pg_advisory_lock(hashtext('millrace schema')))");
    bool got = pg_run(pg, SQL_schema_lock, NULL, NULL, &err);
    tell("SELECT count(pg_advisory_unlock(hashtext('millrace schema')))");
    assert_false(got);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_false(pg_was_cut(pg));
    CHECK(pg_run(pg, SQL_clock, NULL, NULL, &err));
}

static void
nothing_of_a_transaction_runs_outside_of_it_after_a_loss(void **unused)
{
    (void)unused;
    err_t err;
    own(pg) pg = pg_new(world_dsn, "test-block");
    CHECK(pg_script(pg, "BEGIN", &err));
    tell("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
         "WHERE application_name = 'test-block' AND datname = current_database()");
    assert_false(pg_run(pg, SQL_clock, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    CHECK(pg_run(pg, SQL_clock, NULL, NULL, &err));
}

static void
a_server_that_is_not_there_is_unavailable_and_not_named(void **unused)
{
    (void)unused;
    err_t err;
    own(pg) pg = pg_new("host=/nowhere/at/all dbname=x", "test");
    assert_false(pg_run(pg, SQL_clock, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_null(strstr(err.text, "nowhere"));
    own(pg) wrong = pg_new("this is no DSN", "test");
    assert_false(pg_run(wrong, SQL_clock, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

/* --- schema --- */

/* The store's DSN with another schema in front. Caller owns the result. */
static char *
dsn_of_schema(const char *schema)
{
    own(mem) sql = mem_format("DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s", schema, schema);
    tell(sql);
    return mem_format("%s options='-c search_path=%s'", world_dsn, schema);
}

static void
a_second_migration_changes_nothing(void **unused)
{
    (void)unused;
    err_t err;
    static const char look[] = "SELECT string_agg(number || ' ' || applied_at, ',') "
                               "FROM schema_migration";
    own(mem) before = ask(look);
    CHECK(store_migrate(world_store, &err));
    own(mem) after = ask(look);
    assert_string_equal(before, after);
}

static void *
migrate(void *dsn)
{
    err_t err;
    own(store) store = store_new((const char *)dsn, "test");
    if (store_migrate(store, &err))
        return NULL;
    print_error("%s %s\n", err.sqlstate, err.text);
    return dsn;
}

static void
two_nodes_that_migrate_at_once_both_succeed(void **unused)
{
    (void)unused;
    own(mem) dsn = dsn_of_schema("race");
    pthread_t threads[2];
    void *failed[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate, dsn), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &failed[i]), 0);
    assert_null(failed[0]);
    assert_null(failed[1]);
    tell("DROP SCHEMA race CASCADE");
}

static void
assert_refused(const char *change, const char *said)
{
    err_t err;
    own(mem) dsn = dsn_of_schema("other");
    own(store) store = store_new(dsn, "test");
    CHECK(store_migrate(store, &err));
    tell(change);
    assert_false(store_migrate(store, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, said));
    tell("DROP SCHEMA other CASCADE");
}

static void
a_newer_schema_is_refused(void **unused)
{
    (void)unused;
    assert_refused("INSERT INTO other.schema_migration VALUES (99, 'x', '')", "version 99");
}

static void
a_migration_of_another_text_is_refused(void **unused)
{
    (void)unused;
    assert_refused("UPDATE other.schema_migration SET hash = 'x'", "another build");
}

/* --- jobs --- */

static void
a_submitted_job_is_found_by_its_tenant_only(void **unused)
{
    (void)unused;
    jobid_t job = a_submitted_job();
    find_t mine = found(&job, "demo");
    assert_int_equal(mine.verdict, FIND_FOUND);
    assert_int_equal(mine.job->state, JOB_PENDING);
    assert_string_equal(mine.job->source, "main");
    job_destroy(&mine.job);
    assert_int_equal(found(&job, "other").verdict, FIND_DENIED);
    job.bytes[15] ^= 1;
    assert_int_equal(found(&job, "demo").verdict, FIND_MISSING);
}

static void
one_bad_job_of_a_batch_fails_alone(void **unused)
{
    (void)unused;
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    submit_t jobs[3];
    submit_t *list[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] = (submit_t){ .id = jobid_make(ms, 0),
                              .tenant = "demo",
                              .source = "main",
                              .dialect = "test",
                              .retention_s = 60,
                              .sql = "SELECT 1" };
        list[i] = &jobs[i];
    }
    jobs[1].sql = "SELECT '\xff'";
    CHECK(store_submit(world_store, list, 3, &err));
    assert_int_equal(jobs[0].err.kind, ERR_NONE);
    assert_int_equal(jobs[1].err.kind, ERR_SQL);
    assert_string_equal(jobs[1].err.sqlstate, "22021");
    assert_int_equal(jobs[2].err.kind, ERR_NONE);
    assert_job(&jobs[2].id, "SELECT count(*) FROM live WHERE id = '%s'", "1");
}

static void
long_texts_go_in_statements_of_their_own(void **unused)
{
    (void)unused;
    enum { JOBS = 3, SIZE = 5 << 20 };
    err_t err;
    int64_t ms = 0;
    submit_t jobs[JOBS];
    submit_t *list[JOBS];
    own(mem) memory = (mem_t *)mem_array(SIZE + 1, 1);
    char *sql = (char *)memory;
    memset(sql, 'x', SIZE);
    CHECK(store_clock(world_store, &ms, &err));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (submit_t){ .id = jobid_make(ms, 0),
                              .tenant = "demo",
                              .source = "main",
                              .dialect = "test",
                              .priority = 5,
                              .retention_s = 60,
                              .sql = sql };
        list[i] = &jobs[i];
    }
    own(mem) options = mem_format("{\"params\":\"%s\"}", sql);
    jobs[1].sql = "SELECT 1";
    jobs[1].options = options;
    CHECK(store_submit(world_store, list, JOBS, &err));
    own(mem) said = ask("SELECT count(*) || ' ' || count(DISTINCT xmin::text) FROM live "
                        "WHERE length(sql) > 1000000 OR length(options::text) > 1000000");
    assert_string_equal(said, "3 3");
}

static void
a_store_that_lost_its_connection_mends_itself(void **unused)
{
    (void)unused;
    jobid_t job = a_submitted_job();
    tell("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
         "WHERE application_name = 'test' AND datname = current_database()");
    find_t find = found(&job, "demo");
    assert_int_equal(find.verdict, FIND_FOUND);
    job_destroy(&find.job);
}

/* --- administration --- */

static void
names_that_are_taken_missing_or_ill_formed_are_told_apart(void **unused)
{
    (void)unused;
    err_t err;
    apikey_t key = key_make();
    CHECK(store_tenant_add(world_store, "acme", &err));
    assert_false(store_tenant_add(world_store, "acme", &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_false(store_tenant_add(world_store, "No Tenant", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(store_key_add(world_store, "nobody", &key, "read", 0, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(store_key_add(world_store, "acme", &key, "king", 0, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(store_key_revoke(world_store, key.id, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
a_key_is_found_until_it_is_revoked(void **unused)
{
    (void)unused;
    err_t err;
    key_owner_t owner;
    apikey_t key = key_make();
    uint8_t hash[KEY_HASH_SIZE];
    CHECK(store_tenant_add(world_store, "keys", &err));
    CHECK(store_key_add(world_store, "keys", &key, "write", 60, &err));
    CHECK(store_key_find(world_store, key.id, &owner, &err));
    key_hash(key.secret, hash);
    assert_memory_equal(owner.hash, hash, sizeof hash);
    assert_string_equal(owner.tenant, "keys");
    assert_string_equal(owner.source, "");
    char handle[KEY_HANDLE_SIZE];
    CHECK(store_key_find(world_store, key_handle("keys", key.secret, handle), &owner, &err));
    assert_memory_equal(owner.hash, hash, sizeof hash);
    assert_false(store_key_find(world_store, key_handle("acme", key.secret, handle), &owner, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
    CHECK(store_key_revoke(world_store, key.id, &err));
    assert_false(store_key_find(world_store, key.id, &owner, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
    assert_false(store_key_find(world_store, key_handle("keys", key.secret, handle), &owner, &err));
}

static void
the_first_login_is_the_default_source(void **unused)
{
    (void)unused;
    err_t err;
    key_owner_t owner;
    apikey_t key = key_make();
    const uint8_t sealed[] = { 1, 0, 2 };
    CHECK(store_tenant_add(world_store, "logins", &err));
    CHECK(store_key_add(world_store, "logins", &key, "admin", 0, &err));
    CHECK(store_source_add(world_store, "zebra", "postgres", "dbname=z", &err));
    CHECK(store_source_add(world_store, "ant", "postgres", "dbname=a", &err));
    CHECK(store_login_add(world_store, "logins", "zebra", "zebra", "r1", sealed, 3, &err));
    CHECK(store_login_add(world_store, "logins", "ant", "ant", "r1", sealed, 3, &err));
    CHECK(store_key_find(world_store, key.id, &owner, &err));
    assert_string_equal(owner.source, "zebra");
    own(login) login = store_login_find(world_store, "logins", "ant", &err);
    assert_non_null(login);
    assert_string_equal(login->dsn, "dbname=a");
    assert_int_equal(login->sealed_size, 3);
    assert_memory_equal(login->sealed, sealed, 3);
    assert_null(store_login_find(world_store, "acme", "ant", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void
count_rows(void *arg, const char *const *cells, int count)
{
    assert_true(count == 4);
    assert_non_null(cells[0]);
    assert_string_equal(cells[1], "false");
    assert_non_null(strchr(cells[3], 'Z'));
    *(int *)arg += 1;
}

static void
a_list_shows_every_value_as_text(void **unused)
{
    (void)unused;
    err_t err;
    int rows = 0;
    CHECK(store_tenant_add(world_store, "listed", &err));
    CHECK(store_tenant_list(world_store, count_rows, &rows, &err));
    assert_true(rows >= 1);
}

/* --- nodes and the leader --- */

static void
only_one_broker_leads_until_it_is_silent(void **unused)
{
    (void)unused;
    err_t err;
    uint64_t epoch = 0;
    CHECK(store_leader_beat(world_store, "a/1", "tcp://a", 2000, &epoch, &err));
    assert_int_equal(epoch, 1);
    CHECK(store_leader_beat(world_store, "b/1", "tcp://b", 2000, &epoch, &err));
    assert_int_equal(epoch, 0);
    CHECK(store_leader_beat(world_store, "a/1", "tcp://a", 2000, &epoch, &err));
    assert_int_equal(epoch, 1);
    CHECK(store_leader_leave(world_store, "a/1", &err));
    CHECK(store_leader_beat(world_store, "b/1", "tcp://b", 2000, &epoch, &err));
    assert_int_equal(epoch, 2);
}

static void
a_node_whose_row_is_gone_cannot_renew(void **unused)
{
    (void)unused;
    err_t err;
    uint32_t nodes = 0;
    char role[64];
    char name[64];
    node_t node = { .name = "late", .incarnation = 1, .lease_ms = 60000 };
    enroll("late", 1, 60000);
    CHECK(store_node_renew(world_store, &node, &err));
    CHECK(store_node_by_key(world_store, "key of late/1", role, name, &err));
    assert_string_equal(role, "executor");
    node.lease_ms = -1;
    CHECK(store_node_renew(world_store, &node, &err));
    assert_false(store_node_by_key(world_store, "key of late/1", role, name, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    CHECK(store_sweep_nodes(world_store, NULL, NULL, &nodes, &err));
    assert_int_equal(nodes, 1);
    assert_false(store_node_renew(world_store, &node, &err));
    assert_int_equal(err.kind, ERR_GONE);
}

static void
count_waiting(void *arg, const waiting_t *job)
{
    assert_string_equal(job->tenant, "demo");
    *(int *)arg += 1;
}

static void
the_sweep_finds_who_has_jobs_and_the_head_of_what_waits(void **unused)
{
    (void)unused;
    err_t err;
    int jobs = 0;
    uint32_t count = 0;
    store_pair_t pairs[4] = { 0 };
    tell("DELETE FROM live");
    (void)a_submitted_job();
    (void)a_submitted_job();
    CHECK(store_sweep_pairs(world_store, &pairs[3], pairs, 4, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(pairs[0].tenant, "demo");
    assert_false(pairs[0].paused);
    CHECK(store_sweep_pending(world_store, &pairs[0], 1, count_waiting, &jobs, &err));
    assert_int_equal(jobs, 1);
    CHECK(store_sweep_pending(world_store, &pairs[0], 10, count_waiting, &jobs, &err));
    assert_int_equal(jobs, 3);
    CHECK(store_sweep_pairs(world_store, &pairs[0], pairs, 4, &count, &err));
    assert_int_equal(count, 0);
}

static void
the_sweep_goes_on_behind_the_pair_where_it_stopped(void **unused)
{
    (void)unused;
    err_t err;
    uint32_t count = 0;
    store_pair_t pairs[3] = { 0 };
    tell("DELETE FROM live");
    tell("INSERT INTO live (id, tenant, source, dialect, sql, retention_s) "
         "SELECT gen_random_uuid(), t, s, 'test', '', 60 "
         "FROM unnest(ARRAY['a', 'b']) t, unnest(ARRAY['x', 'y']) s, generate_series(1, 20)");
    CHECK(store_sweep_pairs(world_store, &pairs[2], pairs, 3, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(pairs[2].tenant, "b");
    assert_string_equal(pairs[2].source, "x");
    CHECK(store_sweep_pairs(world_store, &pairs[2], pairs, 3, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(pairs[0].source, "y");
    tell("DELETE FROM live");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_server_is_given_up_and_the_next_call_connects_anew),
        cmocka_unit_test(nothing_of_a_transaction_runs_outside_of_it_after_a_loss),
        cmocka_unit_test(a_server_that_is_not_there_is_unavailable_and_not_named),
        cmocka_unit_test(a_second_migration_changes_nothing),
        cmocka_unit_test(two_nodes_that_migrate_at_once_both_succeed),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(a_migration_of_another_text_is_refused),
        cmocka_unit_test(a_submitted_job_is_found_by_its_tenant_only),
        cmocka_unit_test(one_bad_job_of_a_batch_fails_alone),
        cmocka_unit_test(long_texts_go_in_statements_of_their_own),
        cmocka_unit_test(a_store_that_lost_its_connection_mends_itself),
        cmocka_unit_test(names_that_are_taken_missing_or_ill_formed_are_told_apart),
        cmocka_unit_test(a_key_is_found_until_it_is_revoked),
        cmocka_unit_test(the_first_login_is_the_default_source),
        cmocka_unit_test(a_list_shows_every_value_as_text),
        cmocka_unit_test(only_one_broker_leads_until_it_is_silent),
        cmocka_unit_test(a_node_whose_row_is_gone_cannot_renew),
        cmocka_unit_test(the_sweep_finds_who_has_jobs_and_the_head_of_what_waits),
        cmocka_unit_test(the_sweep_goes_on_behind_the_pair_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
