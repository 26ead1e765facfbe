/* prepare.c - the ledger on a data source: what lets every commit be decided (schemas/source). */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char ledger[] =
#define MIGRATION(number, name, text) text
#include "ledger.inc"
#undef MIGRATION
    ;

/* libpq's lines end; ours do not. */
static bool
refused(err_t *err, err_kind_t kind, const char *said)
{
    size_t size = strlen(said);
    while (size > 0 && said[size - 1] == '\n')
        size--;
    return err_set(err, kind, "%.*s", (int)size, said);
}

/* Several statements in one message are one transaction. */
static bool
ledger_make(PGconn *connection, err_t *err)
{
    if (PQstatus(connection) != CONNECTION_OK)
        return refused(err, ERR_UNAVAILABLE, PQerrorMessage(connection));
    PGresult *answer = PQexec(connection, ledger);
    bool made =
        PQresultStatus(answer) == PGRES_COMMAND_OK || PQresultStatus(answer) == PGRES_TUPLES_OK;
    if (!made)
        (void)refused(err, ERR_SQL, PQresultErrorMessage(answer));
    PQclear(answer);
    return made;
}

static void
notice_drop(void *arg, const PGresult *notice)
{
    (void)arg; /* "already exists, skipping" */
    (void)notice;
}

static bool
prepare_as(const cli_t *cli, const char *password, err_t *err)
{
    own(store) store = cli_store(cli, err);
    char *driver = NULL;
    char *dsn = NULL;
    if (!store || !store_source_find(store, cli->words[0], &driver, &dsn, err))
        return false;
    const char *names[] = { "dbname",           "user", "password", "connect_timeout",
                            "application_name", NULL };
    const char *values[] = { dsn, cli->as, password, "5", "millrace/cli", NULL };
    PGconn *connection = PQconnectdbParams(names, values, 1);
    PQsetNoticeReceiver(connection, notice_drop, NULL);
    bool made = ledger_make(connection, err);
    PQfinish(connection);
    free(driver);
    free(dsn);
    return made;
}

bool
source_prepare(const cli_t *cli, err_t *err)
{
    char password[CLI_PASSWORD_MOST];
    if (!cli->as)
        return err_set(err, ERR_INVALID, "who may make a schema there? give --as ROLE");
    bool made = cli_password(password, err) && prepare_as(cli, password, err);
    explicit_bzero(password, sizeof password);
    if (made)
        printf("source %s has a ledger: every commit on it can be decided\n", cli->words[0]);
    return made;
}
