/* test_sql.c - every query of the store, prepared and planned on an empty migrated database.
 *
 * Plans must not depend on statistics: what is fast on an empty store must be the plan that is fast
 * on a full one. So the generic plan of every block is looked at, under the settings that nodes
 * have, and none may read a hot table but by index: from its first column on, since a condition on
 * a later one alone walks through all of it.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/pg_inner.h"
#include "common/store.h"

/* Nodes that cannot be looked for by index, in tables that hold a row a node: these read them
 * whole. Their sweep does once a second, by one broker. */
static const char *const scanners[] = {
    "brokers", /* lists the table */
    "sweep_expired_lanes",
    "sweep_expired_nodes", /* lease_until changes with every renewal: no index stands on it */
    "sweep_empty_nodes",
    "sweep_dead_node",
    "jobs_running", /* whoever has jobs, whichever node he is */
};

/* Whole indexes that may be read. */
static const struct {
    const char *query;
    const char *index;
} walkers[] = {
    { "sweep_overdue", "live_cancelled" }, /* it holds nothing but what is looked for */
};

/* What no plan may hold. */
static const char *const words[] = { "Seq Scan",   "Bitmap",      "Hash Join",  "Merge Join",
                                     "Hash Right", "Materialize", "Merge Left", "Memoize" };

static const char *
dsn(void)
{
    const char *text = getenv("MILLRACE_TEST_STORE");
    if (!text || !*text)
        fail_msg("MILLRACE_TEST_STORE is not set: the DSN of an empty database");
    return text;
}

static bool
is_scanner(const char *name, const char *line)
{
    if (!strstr(line, " node"))
        return false;
    for (size_t i = 0; i < sizeof scanners / sizeof scanners[0]; i++) {
        if (strcmp(scanners[i], name) == 0)
            return true;
    }
    return false;
}

/* Does a plan's line name a hot table? Lists of tenants, keys, sources and logins may be read
 * whole. */
static bool
is_hot(const char *line)
{
    static const char *const tables[] = { " live", " job",   " page", " outcome", " kept",
                                          " step", " dedup", " tag",  " node",    " queue_holder" };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strstr(line, tables[i]))
            return true;
    }
    return false;
}

/* The queue's index is for the sweep, and for lists: by it, one job is found among all of its
 * tenant. */
static bool
is_walk(const char *name, const char *line)
{
    return strstr(line, "live_queue") && strncmp(name, "sweep_", 6) != 0
           && strcmp(name, "jobs_newest") != 0;
}

static bool
is_forbidden(const char *line)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strstr(line, words[i]);
        if (at && (is_hot(line) || strcmp(words[i], "Seq Scan") != 0))
            return true;
    }
    return false;
}

static bool
is_walker(const char *query, const char *index, const char *line)
{
    for (size_t i = 0; i < sizeof walkers / sizeof walkers[0]; i++) {
        if (strcmp(walkers[i].query, query) == 0 && strcmp(walkers[i].index, index) == 0)
            return true;
    }
    return is_scanner(query, line);
}

/* The index that a plan's line reads a hot table by; NULL when it reads none so. Caller owns it. */
static char *
index_of(const char *line)
{
    const char *at = strstr(line, "Scan using ");
    const char *on = strstr(line, "Scan Backward using ");
    at = at ? at + strlen("Scan using ") : on ? on + strlen("Scan Backward using ") : NULL;
    on = at ? strstr(at, " on ") : NULL;
    return on && is_hot(on) ? mem_format("%.*s", (int)(on - at), at) : NULL;
}

/* Its columns, in order: the result is the caller's. */
static PGresult *
index_columns(PGconn *connection, const char *index)
{
    const char *values[] = { index };
    return PQexecParams(connection,
                        "SELECT regexp_replace(pg_get_indexdef(attrelid, attnum, false),"
                        " '^\\((.*)\\)$', '\\1') FROM pg_attribute "
                        "WHERE attrelid = quote_ident($1)::regclass AND attnum > 0 ORDER BY attnum",
                        1, NULL, values, NULL, NULL, 0);
}

/* Does an index condition say anything of a column, alone or in a row of several? */
static bool
is_said(const char *condition, const char *column)
{
    static const char *const forms[] = { "(%s ", "ROW(%s,", ", %s,", ", %s)" };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const char *at = strstr(forms[i], "%s");
        own(mem) text =
            mem_format("%.*s%s%s", (int)(at - forms[i]), forms[i], column, at + strlen("%s"));
        if (strstr(condition, text))
            return true;
    }
    return false;
}

/* Does the plan read an index of a hot table here, and not from its first column on, one behind
 * the other? What is said of a column behind one of which nothing is said picks out rows only when
 * all of them are read. The condition is the line behind that of the scan. */
static bool
is_weak(PGconn *connection, const PGresult *plan, int row, const char *name)
{
    own(mem) index = index_of(PQgetvalue(plan, row, 0));
    if (!index || is_walker(name, index, PQgetvalue(plan, row, 0)))
        return false;
    const char *next = row + 1 < PQntuples(plan) ? PQgetvalue(plan, row + 1, 0) : "";
    const char *condition = strstr(next, "Index Cond: ");
    PGresult *columns = index_columns(connection, index);
    bool gap = false;
    bool weak = !condition || !is_said(condition, PQgetvalue(columns, 0, 0));
    for (int i = 0; !weak && i < PQntuples(columns); i++) {
        bool said = is_said(condition, PQgetvalue(columns, i, 0));
        weak = gap && said;
        gap = gap || !said;
    }
    PQclear(columns);
    return weak;
}

/* Statements that are no queries have no plan. */
static bool
is_planned(const char *text)
{
    return strncmp(text, "CREATE", 6) != 0;
}

/* What stands for a parameter: by an id and by a moment partitions are chosen, and with NULL there
 * would be none in the plan. */
static const char *
value_of(Oid type)
{
    switch (type) {
    case 2950: return "partition_edge((now() AT TIME ZONE 'UTC')::date)";
    case 1184: return "date_trunc('hour', now()) + interval '2 hours'";
    default: return "NULL";
    }
}

static char *
explain_text(const char *name, const PGresult *described)
{
    int params = PQnparams(described);
    char *list = mem_text("");
    for (int i = 0; i < params; i++) {
        char *more = mem_format("%s%s%s", list, i ? ", " : "", value_of(PQparamtype(described, i)));
        free(list);
        list = more;
    }
    char *text =
        mem_format("EXPLAIN EXECUTE %s%s%s%s", name, params ? "(" : "", list, params ? ")" : "");
    free(list);
    return text;
}

static int
plan_faults(PGconn *connection, const PGresult *plan, const char *name)
{
    int faults = 0;
    for (int row = 0; row < PQntuples(plan); row++) {
        const char *line = PQgetvalue(plan, row, 0);
        if (getenv("SHOW_PLANS"))
            print_message("%-16s %s\n", name, line);
        if (!is_walk(name, line) && (is_scanner(name, line) || !is_forbidden(line))
            && !is_weak(connection, plan, row, name))
            continue;
        print_error("%s: %s\n", name, line);
        faults++;
    }
    return faults;
}

static int
query_faults(PGconn *connection, const char *name, const char *text)
{
    PGresult *prepared = PQprepare(connection, name, text, 0, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) {
        print_error("%s: %s", name, PQresultErrorMessage(prepared));
        PQclear(prepared);
        return 1;
    }
    PQclear(prepared);
    if (!is_planned(text))
        return 0;
    PGresult *described = PQdescribePrepared(connection, name);
    own(mem) explain = explain_text(name, described);
    PQclear(described);
    PGresult *plan = PQexec(connection, explain);
    int faults = PQresultStatus(plan) == PGRES_TUPLES_OK ? plan_faults(connection, plan, name) : 1;
    if (PQresultStatus(plan) != PGRES_TUPLES_OK)
        print_error("%s: %s", name, PQresultErrorMessage(plan));
    PQclear(plan);
    return faults;
}

/* A connection with the settings that nodes have. */
static PGconn *
connect_as_node(void)
{
    const char *keys[] = { "dbname", "options", NULL };
    const char *values[] = { dsn(), PG_SESSION, NULL };
    PGconn *connection = PQconnectdbParams(keys, values, 1);
    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(connection));
    return connection;
}

static void
every_query_is_prepared_and_reaches_hot_tables_by_index_only(void **unused)
{
    (void)unused;
    err_t err;
    own(store) store = store_new(dsn(), "test");
    if (!store_migrate(store, &err))
        fail_msg("%s", err.text);
    PGconn *connection = connect_as_node();
    int faults = 0;
    for (int i = 0; i < SQL_COUNT; i++)
        faults += query_faults(connection, sql_name((sql_t)i), sql_text((sql_t)i));
    PQfinish(connection);
    assert_int_equal(faults, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_is_prepared_and_reaches_hot_tables_by_index_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
