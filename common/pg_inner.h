/* pg_inner.h - what the files of the pg room share: the connection as it is, and libpq.
 *
 * pg.c connects and turns, pg_pipe.c sends queries and takes answers, pg_wait.c waits for them,
 * pg_result.c reads values and errors. Nobody else includes this.
 */
#ifndef COMMON_PG_INNER_H
#define COMMON_PG_INNER_H

#include <libpq-fe.h>

#include "common/pg.h"

/* For every session of ours: plans as jobs.sql wants them, commits that are flushed, statements
 * that see what was committed before each of them, and an end to transactions of a process that
 * stands still. */
#define PG_SESSION                                                                                 \
    "-c TimeZone=UTC -c synchronous_commit=on -c enable_seqscan=off -c enable_bitmapscan=off "     \
    "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off "                       \
    "-c enable_memoize=off -c jit=off -c plan_cache_mode=force_generic_plan "                      \
    "-c idle_in_transaction_session_timeout=10s "                                                  \
    "-c default_transaction_isolation=read\\ committed"

enum { PG_SETTINGS_MOST = 16 };

/* Statements of our own behind those of the SQL files. */
enum { DO_BEGIN = SQL_COUNT, DO_COMMIT, DO_ROLLBACK, STATEMENTS };

/* And behind these, on each connection, queries with a partition in the place of its table. */
enum { PARTITIONS_MOST = 64, PARTITION_SIZE = 64 };

typedef enum { UNPREPARED, PREPARING, PREPARED } prepared_t;

typedef struct {
    sql_t query;
    char table[PARTITION_SIZE];
    char partition[PARTITION_SIZE];
    char name[2 * PARTITION_SIZE]; /* of the prepared statement */
} parted_t;

/* An answer that will come. */
typedef struct {
    uint16_t statement;
    bool parse;
    bool hidden;
} expected_t;

struct pg {
    char *texts[PG_SETTINGS_MOST];
    const char *keys[PG_SETTINGS_MOST + 1];
    const char *values[PG_SETTINGS_MOST + 1];
    int settings;
    bool bad_dsn;
    char *who;
    PGconn *connection;
    int32_t backend; /* the server's process of this connection, or of the one before it */
    pg_state_t state;
    PostgresPollingStatusType polling;
    bool unsent;     /* libpq still holds bytes for the server */
    bool in_block;   /* a transaction is open */
    bool cut;        /* see pg_was_cut() */
    bool complained; /* that it cannot connect: said once, until it can */
    int64_t limit_ms;
    uint8_t prepared[STATEMENTS + PARTITIONS_MOST]; /* prepared_t */
    parted_t *parted;                               /* the first `parted_count` of so many */
    uint32_t parted_count;
    expected_t *expected;
    uint32_t expected_first;
    uint32_t expected_count;
    uint32_t expected_room;
};

/* --- pg.c --- */

/* Close the connection, if there is one, and forget what was under way. */
void pg_disconnect(pg_t *self);

/* Connect and wait for it. */
bool pg_connect(pg_t *self, err_t *err) MUST_USE;

/* Give the server what it takes, take what it gives. False: the connection is lost, and so is the
 * state. */
bool pg_exchange(pg_t *self, err_t *err);

/* The state becomes PG_LOST. Returns false. */
bool pg_lost(pg_t *self, err_t *err);

/* --- pg_pipe.c --- */

/* Queue a statement: of the SQL files, one of our own, or one that pg_parted() gave. */
bool pg_send(pg_t *self, uint16_t statement, const pg_params_t *params, bool hidden, err_t *err)
    MUST_USE;

/* The statement that is a query with a partition in its table's place. False: there is no room for
 * another on this connection. */
bool pg_parted(pg_t *self, sql_t query, const char *table, const char *partition,
               uint16_t *statement) MUST_USE;

/* --- pg_result.c --- */

/* Takes the result. */
pg_result_t *pg_result_wrap(PGresult **result_p) MUST_USE;

/* Fill err from a failed result; returns true when the session is of no use any more (the server
 * goes down, or takes no writes). */
bool pg_result_error(const PGresult *result, err_t *err);

/* Fill err from a connection that could not be made: only what the server itself said is told. */
void pg_connect_error(const PGconn *connection, err_t *err);

#endif
