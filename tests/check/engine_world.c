#include "tests/check/engine_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/settings.h"
#include "common/bus.h"
#include "common/clock.h"

static const char *dsn;
static int worlds;

bool
world_ready(void)
{
    dsn = getenv("MILLRACE_TEST_STORE");
    if (!dsn || !*dsn) {
        fprintf(stderr, "MILLRACE_TEST_STORE must name a database for this test\n");
        return false;
    }
    err_t err;
    if (!bus_init(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    return true;
}

const char *
world_dsn(void)
{
    return dsn;
}

/* Whoever calls owns *conf, too. */
static engine_t *
an_engine(conf_t **conf, const char *reread_ms, const char *wait_cap_ms)
{
    static const setting_t *const tables[] = { conf_node_settings, api_settings, NULL };
    char store[512];
    char name[64];
    char reread[64];
    char cap[64];
    snprintf(store, sizeof store, "store=%s", dsn);
    snprintf(name, sizeof name, "name=api-test-%d", worlds);
    snprintf(reread, sizeof reread, "reread_ms=%s", reread_ms);
    snprintf(cap, sizeof cap, "wait_cap_ms=%s", wait_cap_ms);
    char program[] = "test";
    char set[] = "--set";
    char *arguments[] = { program, set, store, set, name, set, reread, set, cap, NULL };
    err_t err;
    *conf = conf_load("test", tables, 9, arguments, &err);
    if (!*conf)
        fail_msg("%s", err.text);
    engine_t *engine = engine_new(*conf, "http://127.0.0.1:1", &err);
    if (!engine)
        fail_msg("%s", err.text);
    return engine;
}

static caller_t
a_tenant(world_t *world, const char *name, const char *role)
{
    err_t err;
    if (!store_tenant_add(world->store, name, &err)
        || !store_login_add(world->store, name, "main", "shop", name, (const uint8_t *)"x", 1,
                            &err))
        fail_msg("%s", err.text);
    apikey_t key = key_make();
    assert_true(store_key_add(world->store, name, &key, role, 0, &err));
    caller_t caller;
    if (!engine_caller(world->engine, key.id, key.secret, &caller, &err))
        fail_msg("%s", err.text);
    return caller;
}

void
world_begin(world_t *world, const char *reread_ms, const char *wait_cap_ms)
{
    err_t err;
    *world = (world_t){ .number = ++worlds };
    world->engine = an_engine(&world->conf, reread_ms, wait_cap_ms);
    world->store = store_new(dsn, "test");
    world->pg = pg_new(dsn, "test");
    if (!store_sweep_partitions(world->store, 3, &err))
        fail_msg("%s", err.text);
    if (!store_source_add(world->store, "shop", "postgres", "dbname=shop", &err))
        assert_int_equal(err.kind, ERR_CONFLICT); /* from the test before */
    char name[64];
    int64_t now_ms = clock_wall_ms();
    snprintf(name, sizeof name, "t%" PRId64 "-%d-a", now_ms, world->number);
    world->caller = a_tenant(world, name, "write");
    snprintf(name, sizeof name, "t%" PRId64 "-%d-b", now_ms, world->number);
    world->stranger = a_tenant(world, name, "write");
}

void
world_end(world_t *world)
{
    engine_destroy(&world->engine);
    conf_destroy(&world->conf);
    store_destroy(&world->store);
    pg_destroy(&world->pg);
}

static const order_step_t step_1 = { .sql = "SELECT 1", .sql_size = 8 };
const order_t select_1 = { .dialect = "v1_job", .steps = &step_1, .step_count = 1, .priority = -1 };

jobid_t
world_job(world_t *world)
{
    jobid_t id;
    err_t err;
    if (!engine_submit(world->engine, &world->caller, &select_1, &id, &err))
        fail_msg("%s", err.text);
    return id;
}

void
world_finish(world_t *world, const jobid_t *id, const char *state, const char *manifest)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) bytes = manifest ? mem_format("'\\x%s'::bytea", manifest) : mem_text("NULL");
    own(mem) script = mem_format(
        "WITH gone AS (DELETE FROM live WHERE id = '%s' RETURNING *)"
        " INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps, options,"
        " retention_s, state, attempt, tries, started_at, ended_at, expires_at, rows, bytes, pages,"
        " planning_us, executing_us, storing_us, manifest)"
        " SELECT id, tenant, source, dialect, priority, created_at, sql, steps, options,"
        " retention_s, '%s',"
        " 1, 1, now(), now(), now() + interval '1 day', 1, 1, 0, 1, 1, 1, %s FROM gone",
        jobid_text(id, text), state, bytes);
    err_t err;
    if (!pg_script(world->pg, script, &err))
        fail_msg("%s", err.text);
}
