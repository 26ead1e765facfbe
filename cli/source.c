/* source.c - data sources: add, list, and test one as a tenant would meet it. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "common/seal.h"
#include "common/store.h"

/* One row: version, and what a tenant's role should not be. */
static const char question[] =
    "SELECT current_setting('server_version'), current_user, r.rolsuper, r.rolcreaterole,"
    " r.rolreplication, r.rolbypassrls,"
    " pg_has_role('pg_execute_server_program', 'MEMBER')"
    " OR pg_has_role('pg_read_server_files', 'MEMBER')"
    " OR pg_has_role('pg_write_server_files', 'MEMBER')"
    " OR pg_has_role('pg_read_all_data', 'MEMBER')"
    " FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

/* The DSN that is stored must not carry anybody's credentials: those belong to logins. */
static bool
dsn_is_bare(const char *dsn, err_t *err)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &why);
    if (!options) {
        err_set(err, ERR_INVALID, "the DSN cannot be read: %s", why ? why : "no memory");
        PQfreemem(why);
        return false;
    }
    bool bare = true;
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (option->val
            && (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "user") == 0))
            bare = err_set(err, ERR_INVALID, "leave %s out of the DSN: logins carry it",
                           option->keyword);
    PQconninfoFree(options);
    return bare;
}

static bool
source_add(const cli_t *cli, err_t *err)
{
    if (!dsn_is_bare(cli->words[1], err))
        return false;
    own(store) store = cli_store(cli, err);
    return store && store_source_add(store, cli->words[0], "postgres", cli->words[1], err);
}

static bool
source_list(const cli_t *cli, err_t *err)
{
    const char *heading = "NAME\tDRIVER\tDSN\tCREATED";
    own(store) store = cli_store(cli, err);
    return store && store_source_list(store, cli_row, &heading, err);
}

static PGconn *
source_connect(const login_t *login, const char *password)
{
    const char *names[] = { "dbname",           "user", "password", "connect_timeout",
                            "application_name", NULL };
    const char *values[] = { login->dsn, login->role, password, "5", "millrace/cli", NULL };
    return PQconnectdbParams(names, values, 1);
}

/* Say what the server answered, and refuse roles that could reach other tenants' data. */
static bool
answer_judge(const PGresult *answer, err_t *err)
{
    static const char *const powers[] = {
        "a superuser", "allowed to make roles", "allowed to replicate", "exempt from row security",
        "a member of a role that reads server files or all data"
    };
    printf("PostgreSQL %s as %s\n", PQgetvalue(answer, 0, 0), PQgetvalue(answer, 0, 1));
    for (int i = 0; i < 5; i++)
        if (*PQgetvalue(answer, 0, i + 2) == 't')
            return err_set(err, ERR_DENIED, "the role is %s: give this tenant a plain role",
                           powers[i]);
    return true;
}

static bool
login_test(const login_t *login, const char *password, err_t *err)
{
    PGconn *connection = source_connect(login, password);
    PGresult *answer = NULL;
    bool fine = false;
    if (PQstatus(connection) != CONNECTION_OK) {
        err_set(err, ERR_UNAVAILABLE, "%s", PQerrorMessage(connection));
    } else {
        answer = PQexec(connection, question);
        fine = PQresultStatus(answer) == PGRES_TUPLES_OK && PQntuples(answer) == 1
                   ? answer_judge(answer, err)
                   : err_set(err, ERR_SQL, "%s", PQerrorMessage(connection));
    }
    PQclear(answer);
    PQfinish(connection);
    return fine;
}

static bool
source_test(const cli_t *cli, err_t *err)
{
    if (!cli->seal_key)
        return err_set(err, ERR_INVALID, "which key file opens passwords? give --seal-key FILE");
    own(store) store = cli_store(cli, err);
    if (!store)
        return false;
    seal_key_t seal;
    own(login) login =
        store_login_find(store, cli->tenant ? cli->tenant : "demo", cli->words[0], err);
    if (!login || !seal_key_read(cli->seal_key, &seal, err))
        return false;
    own(mem) password = seal_open(&seal, login->sealed, login->sealed_size, err);
    return password && login_test(login, password, err);
}

const command_t source_commands[] = {
    { "source", "add", 2, 2, source_add, "source add NAME DSN    (without user and password)" },
    { "source", "list", 0, 0, source_list, "source list" },
    { "source", "test", 1, 1, source_test, "source test NAME [--tenant NAME] --seal-key FILE" },
    { "source", "prepare", 1, 1, source_prepare,
      "source prepare NAME --as ROLE    (makes the ledger; password on standard input)" },
    { NULL, NULL, 0, 0, NULL, NULL },
};
