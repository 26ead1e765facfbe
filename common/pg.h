/* pg.h - libpq made small: connect, run a named query, SQLSTATE into err_t.
 *
 * A query is a "-- name: x" block of schemas/sql, known here as SQL_x; it is prepared on each
 * connection when first used. Parameters and results are binary. Only parameters, never pasted
 * text. A pg_t belongs to one thread at a time.
 *
 * A lost connection is ERR_UNAVAILABLE and is mended by the next call; an error of the server is
 * ERR_SQL with its SQLSTATE. Texts in err never hold host names.
 */
#ifndef COMMON_PG_H
#define COMMON_PG_H

#include <stdint.h>

#include "common/err.h"
#include "common/jobid.h"
#include "common/unpack.h"

typedef struct pg pg_t;
typedef struct pg_params pg_params_t;
typedef struct pg_result pg_result_t;

typedef enum {
#define SQL(name, text) SQL_##name,
#include "sql.inc"
#undef SQL
    SQL_COUNT
} sql_t;

/* The query's name and text. Static. */
const char *sql_name(sql_t query);
const char *sql_text(sql_t query);

/* --- parameters: built in order, one call a parameter --- */

/* Caller owns the result; one may be reused after pg_params_clear(). */
pg_params_t *pg_params_new(void) MUST_USE;
void pg_params_destroy(pg_params_t **self_p);
void pg_params_clear(pg_params_t *self);

/* Scalars are copied. NULL text or bytes are SQL NULL. */
void pg_param_null(pg_params_t *self);
void pg_param_bool(pg_params_t *self, bool value);
void pg_param_int2(pg_params_t *self, int16_t value);
void pg_param_int4(pg_params_t *self, int32_t value);
void pg_param_int8(pg_params_t *self, int64_t value);
void pg_param_text(pg_params_t *self, const char *text);
void pg_param_uuid(pg_params_t *self, const jobid_t *id);
void pg_param_time(pg_params_t *self, int64_t us); /* timestamptz from microseconds since 1970 */
/* Borrowed until the query was sent: pages are large. */
void pg_param_bytes(pg_params_t *self, const void *bytes, size_t size);

/* An array parameter: opened with its element type, then elements of that type, then closed. */
typedef enum { PG_BOOL, PG_INT2, PG_INT4, PG_INT8, PG_TEXT, PG_UUID, PG_BYTEA } pg_type_t;
void pg_array_open(pg_params_t *self, pg_type_t type);
void pg_array_null(pg_params_t *self);
void pg_array_bool(pg_params_t *self, bool value);
void pg_array_int2(pg_params_t *self, int16_t value);
void pg_array_int4(pg_params_t *self, int32_t value);
void pg_array_int8(pg_params_t *self, int64_t value);
void pg_array_text(pg_params_t *self, const char *text); /* NULL is SQL NULL */
void pg_array_uuid(pg_params_t *self, const jobid_t *id);
void pg_array_bytes(pg_params_t *self, const void *bytes, size_t size); /* NULL is SQL NULL */
void pg_array_close(pg_params_t *self);

/* A whole array parameter of one-argument elements: `value` is said in terms of its index `i`. */
#define PG_COLUMN(params, type, add, count, value)                                                 \
    do {                                                                                           \
        pg_array_open(params, type);                                                               \
        for (uint32_t i = 0; i < (count); i++)                                                     \
            add(params, value);                                                                    \
        pg_array_close(params);                                                                    \
    } while (0)

/* --- results --- */

void pg_result_destroy(pg_result_t **self_p);
int pg_rows(const pg_result_t *self);
int pg_columns(const pg_result_t *self);
bool pg_is_null(const pg_result_t *self, int row, int column);
/* Values of the column's own type; NULL reads as 0, false, "" or an empty view. Views and texts
 * point into self. */
bool pg_get_bool(const pg_result_t *self, int row, int column);
int16_t pg_get_int2(const pg_result_t *self, int row, int column);
int32_t pg_get_int4(const pg_result_t *self, int row, int column);
int64_t pg_get_int8(const pg_result_t *self, int row, int column);
const char *pg_get_text(const pg_result_t *self, int row, int column);
jobid_t pg_get_uuid(const pg_result_t *self, int row, int column);
int64_t pg_get_time(const pg_result_t *self, int row, int column); /* us since 1970; 0 for NULL */
view_t pg_get_bytes(const pg_result_t *self, int row, int column);
/* An int8[] (one dimension): its element count, and element i. */
uint32_t pg_get_count(const pg_result_t *self, int row, int column);
int64_t pg_get_element(const pg_result_t *self, int row, int column, uint32_t i);

/* Any value as a person reads it: times as ISO 8601, numbers in decimal, text as it is; NULL for
 * SQL NULL. The result is in `text` or points into self. */
enum { PG_SHOWN_SIZE = 32 };
const char *pg_get_shown(const pg_result_t *self, int row, int column, char text[PG_SHOWN_SIZE]);

/* --- waiting: for programs and threads that may block --- */

/* Remember where to connect; `who` becomes application_name. Connects at the first query; connect
 * takes at most 3 s, and sessions run in UTC with the planner settings of jobs.sql. Caller owns. */
pg_t *pg_new(const char *dsn, const char *who) MUST_USE;
void pg_destroy(pg_t **self_p);

/* Run a query and wait. A connection found dead is opened anew and the query sent again only if
 * nothing of it had been sent. `result` may be NULL. Caller owns *result. */
bool pg_run(pg_t *self, sql_t query, const pg_params_t *params, pg_result_t **result, err_t *err)
    MUST_USE;

/* The same with one partition in the place of its table, which is called `table` wherever the query
 * reads from it: the server then opens and locks nothing of the others. Plans for a partition are
 * kept as long as the connection is, which is opened anew once too many have been asked for: not in
 * a transaction. A partition that is not there fails with ERR_SQL and 42P01. */
bool pg_run_in(pg_t *self, sql_t query, const char *table, const char *partition,
               const pg_params_t *params, pg_result_t **result, err_t *err) MUST_USE;

/* The same in two steps: ask, do something else, and take the answer. Nothing else may be asked
 * over this connection between them. When asking fails there is no answer to take. */
bool pg_ask_in(pg_t *self, sql_t query, const char *table, const char *partition,
               const pg_params_t *params, err_t *err) MUST_USE;
bool pg_answer(pg_t *self, pg_result_t **result, err_t *err) MUST_USE;

/* Wait at most so long for each answer from now on, instead of 10 s. A call that waits longer gives
 * the connection up and fails with ERR_UNAVAILABLE. */
void pg_limit(pg_t *self, int64_t ms);

/* After pg_run() or pg_script() failed with ERR_UNAVAILABLE: was it cut off under way, so that its
 * effect is not known and repeating it at once can help? */
bool pg_was_cut(const pg_t *self);

/* After a call that was cut: see to it, over a new connection, that nothing of it takes effect from
 * now on. Ends the session that was cut and waits until it is gone: behind that, what was asked
 * there is either done, for everybody to see, or never will be. Fails with ERR_UNAVAILABLE, also
 * when the session does not go in time. */
bool pg_settle(pg_t *self, err_t *err) MUST_USE;

/* Run plain SQL text (migrations, BEGIN, COMMIT): no parameters, several statements allowed. */
bool pg_script(pg_t *self, const char *text, err_t *err) MUST_USE;

/* --- not waiting: for event loops. One pipeline of queries at a time. --- */

/* Begin to connect, closing a connection that was lost; then turn it with pg_turn() when its
 * descriptor is ready for pg_wants(). How long connecting may take is for the caller to bound. */
bool pg_start(pg_t *self, err_t *err) MUST_USE;

typedef enum {
    PG_CONNECTING,
    PG_READY, /* connected, nothing under way */
    PG_BUSY,  /* a pipeline is under way */
    PG_LOST,  /* no connection; err says why; pg_start() begins again */
} pg_state_t;

/* Make progress: connect, send, receive. Never blocks. */
pg_state_t pg_turn(pg_t *self, err_t *err);

/* -1 when there is none. May change in pg_turn() while connecting, and is closed by pg_start() and
 * pg_destroy() only: whoever watches it stops before these. */
int pg_fd(const pg_t *self);
unsigned pg_wants(const pg_t *self); /* LOOP_READ and LOOP_WRITE bits of loop.h */

/* Queue a query in the pipeline (and its Parse, when it is new on this connection); nothing is sent
 * before pg_flush. */
bool pg_queue(pg_t *self, sql_t query, const pg_params_t *params, err_t *err) MUST_USE;
/* BEGIN and COMMIT, as queries of the pipeline. */
bool pg_queue_begin(pg_t *self, err_t *err) MUST_USE;
bool pg_queue_commit(pg_t *self, err_t *err) MUST_USE;
/* End the pipeline with one Sync and send what can be sent: state becomes PG_BUSY. */
bool pg_flush(pg_t *self, err_t *err) MUST_USE;

typedef enum {
    PG_WAIT,    /* nothing complete yet: turn again when readable */
    PG_RESULT,  /* *result: the next query's answer, in the order they were queued */
    PG_FAILED,  /* the next query failed (err); the ones behind it up to the Sync did not run */
    PG_SKIPPED, /* the next query did not run, because one before it failed */
    PG_SYNCED,  /* the pipeline is over; PG_READY again */
    PG_DEAD,    /* the connection is lost (err): which queries took effect is not known */
} pg_step_t;

/* The next answer of the pipeline, in order; Parse answers are not shown. Caller owns *result. */
pg_step_t pg_next(pg_t *self, pg_result_t **result, err_t *err) MUST_USE;

#endif
