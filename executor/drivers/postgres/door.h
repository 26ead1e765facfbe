/* door.h - logging in to a PostgreSQL source: what is said at the door, and why it stays shut.
 *
 * Session settings travel with the login as options, which beat what the role or the database have
 * set. client_connection_check_interval lets the source notice a dead executor while a statement
 * runs; servers before 14 refuse a login that names it, so that these are asked again without.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_DOOR_H
#define EXECUTOR_DRIVERS_POSTGRES_DOOR_H

#include "executor/driver.h"

struct pg_conn;

/* The host that a DSN names, "" when it names none, or an address beside it. NULL: the DSN cannot
 * be read (err). Caller owns the result. */
char *door_host(const char *dsn, err_t *err) MUST_USE;

/* Begin to connect, without waiting. `addresses` and `hosts`, lists of one length, stand for the
 * DSN's host; "": libpq looks it up itself. NULL: the DSN cannot be read (err). Caller owns the
 * result: PQfinish. */
struct pg_conn *door_open(const channel_login_t *login, const char *addresses, const char *hosts,
                          err_t *err) MUST_USE;

typedef enum {
    DOOR_AWAY,   /* nobody there, or not now: later may help */
    DOOR_BARRED, /* this login will not get in */
    DOOR_OLD,    /* the server does not know the check interval: door_again() */
} door_verdict_t;

/* Why did this connection fail? Fills `failure`, without host names. */
door_verdict_t door_verdict(struct pg_conn *conn, failure_t *failure) MUST_USE;

/* The same login, but for one thing. Takes *conn_p. NULL when it cannot be tried. Caller owns the
 * result: PQfinish. */
typedef enum {
    DOOR_WITHOUT_CHECK, /* without the setting that old servers do not know */
    DOOR_AS_IT_IS,      /* in the database's own encoding */
} door_change_t;

struct pg_conn *door_again(struct pg_conn **conn_p, door_change_t change) MUST_USE;

/* The encoding that a session on this database must keep: UTF8; SQL_ASCII where the database has
 * none, since such a server refuses to send what is no UTF-8, and does not say where it stands.
 * Static.
 */
const char *door_encoding(const struct pg_conn *conn);

#endif
