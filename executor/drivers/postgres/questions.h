/* questions.h - what the driver itself asks a source, beside the jobs' statements.
 *
 * Every function and type is named with its schema: a tenant's search_path may be anything.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_QUESTIONS_H
#define EXECUTOR_DRIVERS_POSTGRES_QUESTIONS_H

/* Which session is this: pid, start in microseconds, current_user. */
extern const char question_who[];

/* Which server is this: system identifier, and the timeline that it writes WAL on. An error while
 * the server is in recovery. What the last checkpoint says is no answer: it lags behind a
 * promotion. */
extern const char question_identity[];

/* Is there a ledger that this role may use? */
extern const char question_ledger[];

/* A query that changes nothing: behind it a read-only transaction stays so. */
extern const char question_first[];

/* Takes no snapshot, so that SET TRANSACTION may still come behind it. */
extern const char question_encoding[];

/* What would survive this transaction in the session? One letter, '-' for nothing: questions.c says
 * which. $1: current_user after the login, $2: settings that are the transaction's alone, $3: true
 * when the transaction will be rolled back. */
extern const char question_leaves[];

/* The transaction's id, if it wrote. With a ledger ($1 job, $2 step) the marker then is in, too. */
extern const char question_xid[];
extern const char question_mark[];

/* Is the marker there ($1 job, $2 step)? NULL from a standby: it may lag behind. */
extern const char question_marker[];

/* A record in the log, and its COMMIT waits until it is durable. */
extern const char question_record[];

/* How many of these sessions ($1 pids, $2 their starts) are there? */
extern const char question_alive[];

/* What became of the transaction $1? */
extern const char question_status[];

/* Stop what sessions run, or themselves: $1 pids, $2 their starts. How many there were. */
extern const char question_cancel[];
extern const char question_terminate[];

#endif
