/* world.c - a store, and a look into its database. */
#include "tests/check/world.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

const char *world_dsn;
store_t *world_store;
static PGconn *admin;

char *
ask(const char *sql)
{
    PGresult *result = PQexec(admin, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    bool row = status == PGRES_TUPLES_OK && PQntuples(result) > 0;
    char *text = mem_text(row ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return text;
}

void
tell(const char *sql)
{
    free(ask(sql));
}

void
assert_job(const jobid_t *job, const char *sql, const char *expected)
{
    char id[JOBID_TEXT_SIZE];
    char query[512];
    (void)jobid_text(job, id);
    const char *at = strstr(sql, "%s");
    (void)snprintf(query, sizeof query, "%.*s%s%s", (int)(at - sql), sql, id, at + 2);
    own(mem) answer = ask(query);
    assert_string_equal(answer, expected);
}

jobid_t
a_submitted_job(void)
{
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    submit_t submit = { .id = jobid_make(ms, 0),
                        .tenant = "demo",
                        .source = "main",
                        .dialect = "test",
                        .priority = 5,
                        .retention_s = 3600,
                        .sql = "SELECT 1" };
    submit_t *list[] = { &submit };
    CHECK(store_submit(world_store, list, 1, &err));
    assert_int_equal(submit.err.kind, ERR_NONE);
    return submit.id;
}

find_t
found(const jobid_t *job, const char *tenant)
{
    err_t err;
    find_t find = { .id = *job, .tenant = tenant, .whole = true };
    find_t *list[] = { &find };
    CHECK(store_find(world_store, list, 1, &err));
    return find;
}

void
enroll(const char *name, int64_t incarnation, int64_t lease_ms)
{
    err_t err;
    own(mem) key = mem_format("key of %s/%d", name, (int)incarnation);
    node_t node = { .name = name,
                    .incarnation = incarnation,
                    .role = "executor",
                    .public_key = key,
                    .lease_ms = lease_ms };
    CHECK(store_node_enroll(world_store, &node, &err));
}

int
world_open(void **unused)
{
    (void)unused;
    err_t err;
    world_dsn = getenv("MILLRACE_TEST_STORE");
    if (!world_dsn || !*world_dsn) {
        print_error("MILLRACE_TEST_STORE is not set: the DSN of an empty database\n");
        return -1;
    }
    admin = PQconnectdb(world_dsn);
    PQclear(PQexec(admin, "SET client_min_messages = warning"));
    world_store = store_new(world_dsn, "test");
    if (!store_migrate(world_store, &err)) {
        print_error("%s %s\n", err.sqlstate, err.text);
        return -1;
    }
    return 0;
}

int
world_close(void **unused)
{
    (void)unused;
    store_destroy(&world_store);
    PQfinish(admin);
    return 0;
}
