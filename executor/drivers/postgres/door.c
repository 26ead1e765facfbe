/* door.c - connection parameters, and reading why a login failed. */
#include "executor/drivers/postgres/door.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define CHECK_INTERVAL " -c client_connection_check_interval=1000"

/* What a job is told to have done must outlive a crash of the source, whatever the role's or the
 * database's default is. A job's own SET still wins: it then has said that it need not. How texts
 * are split hangs on standard_conforming_strings. */
static const char session_options[] =
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c bytea_output=hex"
    " -c extra_float_digits=1 -c standard_conforming_strings=on -c synchronous_commit=on";

enum { PARAMETERS_MOST = 64 }; /* libpq 15 knows 40 */

/* What a database says that holds bytes of any kind. */
static const char no_encoding[] = "SQL_ASCII";

/* Nobody reads what a source says at the login; libpq would print it. */
static void
ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

static PGconn *
start(const char *const *names, const char *const *values)
{
    PGconn *conn = PQconnectStartParams(names, values, 1);
    if (!conn)
        return NULL;
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE); /* the only way to a failed login's SQLSTATE */
    return conn;
}

/* What the DSN itself says of one parameter; "" when nothing. */
static char *
of_dsn(const PQconninfoOption *parsed, const char *name)
{
    for (const PQconninfoOption *option = parsed; option->keyword; option++) {
        if (strcmp(option->keyword, name) == 0 && option->val)
            return mem_text(option->val);
    }
    return mem_text("");
}

static PQconninfoOption *
parse(const char *dsn, err_t *err)
{
    char *why = NULL;
    PQconninfoOption *parsed = PQconninfoParse(dsn, &why);
    PQfreemem(why);
    if (!parsed)
        err_set(err, ERR_INVALID, "the source's connection string cannot be read");
    return parsed;
}

char *
door_host(const char *dsn, err_t *err)
{
    PQconninfoOption *parsed = parse(dsn, err);
    if (!parsed)
        return NULL;
    own(mem) address = of_dsn(parsed, "hostaddr");
    char *host = *address ? mem_text("") : of_dsn(parsed, "host");
    PQconninfoFree(parsed);
    return host;
}

PGconn *
door_open(const channel_login_t *login, const char *addresses, const char *hosts, err_t *err)
{
    PQconninfoOption *parsed = parse(login->dsn, err);
    if (!parsed)
        return NULL;
    own(mem) theirs = of_dsn(parsed, "options");
    PQconninfoFree(parsed);
    own(mem) options = mem_format("%s %s" CHECK_INTERVAL, theirs, session_options);

    /* The DSN may say otherwise of what stands before it, but not of what stands behind it. */
    const char *const names[] = { "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "tcp_user_timeout",
                                  "dbname",
                                  "hostaddr",
                                  "host",
                                  "user",
                                  "password",
                                  "application_name",
                                  "client_encoding",
                                  "options",
                                  NULL };
    const char *const values[] = { "5",       "2",     "3",         "15000",         login->dsn,
                                   addresses, hosts,   login->role, login->password, login->who,
                                   "UTF8",    options, NULL };
    PGconn *conn = start(names, values);
    if (!conn)
        err_set(err, ERR_LIMIT, "no memory for a connection to the source");
    return conn;
}

/* What the login says of a parameter, changed. */
static const char *
changed(PQconninfoOption *option, door_change_t change)
{
    if (change == DOOR_AS_IT_IS)
        return strcmp(option->keyword, "client_encoding") == 0 ? no_encoding : option->val;
    char *check =
        strcmp(option->keyword, "options") == 0 ? strstr(option->val, CHECK_INTERVAL) : NULL;
    if (check)
        *check = '\0'; /* it stands last */
    return option->val;
}

const char *
door_encoding(const PGconn *conn)
{
    const char *server = PQparameterStatus(conn, "server_encoding");
    return server && strcmp(server, no_encoding) == 0 ? no_encoding : "UTF8";
}

PGconn *
door_again(PGconn **conn_p, door_change_t change)
{
    PQconninfoOption *said = PQconninfo(*conn_p);
    PGconn *again = NULL;
    if (said) {
        const char *names[PARAMETERS_MOST + 1] = { NULL };
        const char *values[PARAMETERS_MOST + 1] = { NULL };
        size_t count = 0;
        for (PQconninfoOption *option = said; option->keyword; option++) {
            if (!option->val || count == PARAMETERS_MOST)
                continue;
            names[count] = option->keyword;
            values[count++] = changed(option, change);
        }
        again = start(names, values);
        PQconninfoFree(said);
    }
    PQfinish(*conn_p);
    *conn_p = NULL;
    return again;
}

static bool
is_sqlstate(const char *at)
{
    for (int i = 0; i < 5; i++) {
        if (!isdigit((unsigned char)at[i]) && !isupper((unsigned char)at[i]))
            return false;
    }
    return at[5] == ':' && at[6] == ' ';
}

/* The server's last word in libpq's text: "...FATAL:  28P01: password authentication failed". NULL
 * when no server spoke. */
static const char *
server_said(const char *text)
{
    const char *found = NULL;
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  ")) {
        if (is_sqlstate(at + 3))
            found = at + 3;
    }
    return found;
}

/* What the server said goes to whoever sent the job, but for where this executor came from. */
static void
say_refused(failure_t *failure, const char *sqlstate, const char *said)
{
    int size = (int)strcspn(said, "\n");
    bool tells = memmem(said, (size_t)size, "pg_hba", 6) != NULL;
    if (tells) {
        log_warn("source.refused", "sqlstate=%s reason=\"%.*s\"", sqlstate, size, said);
        failure_say(failure, sqlstate, "login to the source failed: it does not let this one in");
    } else {
        failure_say(failure, sqlstate, "login to the source failed: %.*s", size, said);
    }
}

door_verdict_t
door_verdict(PGconn *conn, failure_t *failure)
{
    const char *said = server_said(PQerrorMessage(conn));
    if (!said && PQconnectionNeedsPassword(conn)) {
        failure_say(failure, "28P01", "login to the source failed: it wants a password");
        return DOOR_BARRED;
    }
    if (!said) {
        failure_say(failure, "08001", "the source cannot be reached");
        return DOOR_AWAY;
    }
    char sqlstate[6] = { 0 };
    memcpy(sqlstate, said, 5);
    said += strspn(said + 6, " ") + 6;
    say_refused(failure, sqlstate, said);
    if (strcmp(sqlstate, "42704") == 0)
        return DOOR_OLD;
    bool barred = strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "3D000") == 0
                  || strcmp(sqlstate, "42501") == 0; /* no right to connect to the database */
    return barred ? DOOR_BARRED : DOOR_AWAY;
}
