/* engine.h - the job engine as dialects see it: submit, find, wait, run, rows.
 *
 * A dialect translates between HTTP and these calls and knows nothing below them. Calls block the
 * worker thread that makes them; what they need of the store is gathered with what other workers
 * need at that moment (gather.h), and what they wait for arrives over the bus (courier.h) or is
 * re-read every 2 s at the latest. When four fifths of the worker threads wait for a job's end, who
 * comes next does not wait: there is always a thread left to answer. Any number of threads.
 *
 * Errors: ERR_UNAVAILABLE when the store is away; others as said.
 */
#ifndef API_ENGINE_H
#define API_ENGINE_H

#include "api/bucket.h"
#include "common/conf.h"
#include "common/job.h"
#include "common/page.h"

typedef struct engine engine_t;

/* Who asks: a valid key's owner. */
typedef struct {
    char tenant[64];
    char key_id[64];
    char role[8];    /* "read", "write", "admin" */
    char source[64]; /* the tenant's default source, "" when it has none */
} caller_t;

/* One step of an order; a NUL stands behind the sql_size bytes of `sql`. */
typedef struct {
    const char *sql;
    size_t sql_size;
    const char *when;   /* plan.h; NULL: in its turn */
    int64_t timeout_ms; /* of each of its statements; 0: the order's */
    bool is_template;   /* fill.h; like a `when`, only in orders of several steps */
} order_step_t;

enum { ORDER_STEPS_MOST = 1000 };
enum { ORDER_NOTE_MOST = 64 << 10 }; /* bytes */

/* One parameter of an order. All of them have names (params.h says which), or none has; a NUL
 * stands behind the value's bytes. */
typedef struct {
    const char *name;  /* NULL: known by its number, from 1 */
    const char *type;  /* a word of sqltype.h; NULL: the source infers it from where it stands */
    const char *value; /* as the source reads it; NULL: null */
    size_t size;       /* of the value */
} order_param_t;

/* A job to be made. Texts are borrowed. A number that is 0 means the default, which is the tenant's
 * or the cluster's; numbers over a cap of the tenant or the source count as the cap. */
typedef struct {
    const char *dialect;
    const order_step_t *steps;
    uint32_t step_count;  /* at least 1 */
    bool one_transaction; /* make one step of all; none of them has a `when` or a timeout */
    const char *source;   /* alias of one of the tenant's logins, or its source; NULL: the first */
    int32_t priority;     /* 0 to 9; -1: the default */
    int64_t statement_timeout_ms;
    int64_t queue_timeout_ms;
    int64_t deadline_ms;
    int32_t max_attempts;
    autocommit_t autocommit;
    bool read_only;
    int32_t retention_s;
    int64_t max_rows;         /* of all results together */
    int64_t max_bytes;        /* the same, of msgpack before compression */
    bool truncate;            /* leave out what is beyond; else the job fails */
    const char *client_token; /* idempotency key; NULL: none */
    size_t client_token_size;
    const order_param_t *params; /* bound to what the texts have in their places; NULL: none */
    uint32_t param_count;
    const char
        *queue_key; /* of the tenant's jobs with the same one runs one at a time; NULL: none */
    size_t queue_key_size; /* a NUL stands behind them */
    uint32_t queue_most;   /* it is refused when so many jobs with its queue key wait; 0: never */
    const char *note; /* kept with the job, for the dialect alone: UTF-8, at most ORDER_NOTE_MOST;
                         NULL: none */
} order_t;

/* An order of one text with nothing but defaults. `step` is borrowed, too. */
order_t order_of(const char *dialect, const order_step_t *step);

/* Asked while a call waits: has the client gone? Then it waits no longer. */
typedef struct {
    bool (*gone)(void *arg);
    void *arg;
} patience_t;

/* Start the API node's rooms: store lanes, bus, keeper. `url` is what this node serves. Keeps conf.
 * Caller owns the result. */
engine_t *engine_new(const conf_t *conf, const char *url, err_t *err) MUST_USE;
void engine_destroy(engine_t **self_p);

/* Can jobs be taken right now? Asks the store. Otherwise `err` says why. */
bool engine_ready(engine_t *self, err_t *err) MUST_USE;

/* Who has this key id and secret (both as given)? ERR_NO_KEY when nobody. */
bool engine_caller(engine_t *self, const char *key_id, const char *secret, caller_t *caller,
                   err_t *err) MUST_USE;

/* Who has this key of this tenant? The key is any that is the tenant's: a generated one, whole or
 * its secret alone, or one that the operator gave. ERR_NO_KEY when it is none of the tenant's, or
 * there is no such tenant: which of the two cannot be told apart. */
bool engine_caller_of(engine_t *self, const char *tenant, const char *key, caller_t *caller,
                      err_t *err) MUST_USE;

/* Is there such a tenant? ERR_NOT_FOUND when there is none. */
bool engine_tenant(engine_t *self, const char *name, err_t *err) MUST_USE;

/* A setting that is yes or no, for a dialect to follow. It must be in the table (settings.h). */
bool engine_flag(const engine_t *self, const char *setting) MUST_USE;

/* One more call of somebody, who is known by any text (a key's id, say): is it within the rate that
 * the settings rate_limit_per_s and rate_limit_burst allow each? For dialects that have such a
 * limit; never waits. */
rate_t engine_rate(engine_t *self, const char *who) MUST_USE;

/* Make a job durable, then tell the broker. With a client token that the same order had before, *id
 * is that job's and nothing is made. Fails with ERR_DENIED for read-only keys; ERR_INVALID when the
 * tenant has no such source, a text holds a NUL or invalid UTF-8, or an option is out of its range
 * (the message names it); ERR_CONFLICT when another order had this token; ERR_LIMIT when the
 * order's queue_most jobs wait already. */
bool engine_submit(engine_t *self, const caller_t *caller, const order_t *order, jobid_t *id,
                   err_t *err) MUST_USE;

/* A job of the caller's tenant; ERR_NOT_FOUND, ERR_DENIED (another tenant's). With `whole`, its
 * manifest too. Caller owns the result. */
job_t *engine_find(engine_t *self, const caller_t *caller, const jobid_t *id, bool whole,
                   err_t *err) MUST_USE;

/* The same, but return only when the job is final or `wait_ms` is over (more than the cap counts as
 * the cap). ERR_TIMEOUT when the client has gone. A final state may be told from the event that
 * announced it: such a job_t holds id, tenant, state, attempt, times (expires_ms, too) and rows,
 * and is only given for done jobs when `whole` is false. */
job_t *engine_wait(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms,
                   bool whole, const patience_t *patience, err_t *err) MUST_USE;

/* Submit and wait up to the cap, with the manifest: the waiter stands before the job is committed.
 * When the cap is over, the client has gone or too many wait, the job may not be final. Caller owns
 * the result. */
job_t *engine_run(engine_t *self, const caller_t *caller, const order_t *order,
                  const patience_t *patience, err_t *err) MUST_USE;

/* Stop a job, and wait until it is known what became of it, or `wait_ms` is over (more than the cap
 * counts as the cap). *never_started: no executor had taken it up. The job as it is then: whatever
 * final state won; not final when that is still being decided. ERR_DENIED for read-only keys, else
 * as engine_find(). Caller owns the result. */
job_t *engine_cancel(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms,
                     const patience_t *patience, bool *never_started, err_t *err) MUST_USE;

/* Replace the texts of a job that waits to be taken up, and its note: of `order` its steps and its
 * note count, as engine_submit() would take them; all else stays, also the place in its line. Who
 * takes the job up at this moment runs either all that it had or all that it has now. ERR_INVALID
 * as engine_submit(); ERR_CONFLICT when it waits no more, or has begun (a step of it is over, say,
 * or may have taken effect); else as engine_cancel(). */
bool engine_edit(engine_t *self, const caller_t *caller, const jobid_t *id, const order_t *order,
                 err_t *err) MUST_USE;

/* Keep a final job's results for `retention_s` from now on (0: its retention again).
 * ERR_CONFLICT when it is not final, ERR_GONE when they have expired, else as engine_cancel(). */
bool engine_renew(engine_t *self, const caller_t *caller, const jobid_t *id, int32_t retention_s,
                  int64_t *expires_ms, err_t *err) MUST_USE;

/* Remove a final job and its results. ERR_CONFLICT when it is not final, else as engine_cancel().
 */
bool engine_remove(engine_t *self, const caller_t *caller, const jobid_t *id, err_t *err) MUST_USE;

/* --- lists of jobs --- */

enum { JOBS_MOST = 1000 };

/* Which of the jobs of the caller's tenant. */
typedef struct {
    const char *dialect; /* that they came by */
    bool running;        /* only those that an executor has just now */
    uint32_t most;       /* the newest of them; at least 1, at most JOBS_MOST */
} job_filter_t;

/* The newest first, found whole but for their manifests; those whose results have expired are left
 * out. Older ones may be missing behind 10,000 newer ones that have expired, or that wait without a
 * queue key, and behind 32 MiB of steps' texts. Caller owns the result. */
jobs_t *engine_list(engine_t *self, const caller_t *caller, const job_filter_t *filter, err_t *err)
    MUST_USE;

/* --- rows of a result --- */

typedef struct rows rows_t;

/* Rows that stand together in one page. */
typedef struct {
    int64_t first_row;
    uint32_t rows;
    const uint8_t *data;  /* their msgpack arrays, one after another; NULL with `stored` */
    size_t size;          /* from the first of them to the end of the page */
    bool more;            /* other rows stand behind them there */
    const page_t *stored; /* the whole page, as the store has it; else NULL */
} run_t;

/* Read a result of a job that was found whole, from row `offset` on. Stored pages are read a few at
 * a time, by short statements, while those in hand are used; inflated ones may be shared with other
 * readers. With `stored`, runs that are whole pages come as they are stored. Fails with ERR_GONE
 * when the pages have expired. `job` must outlive it. Caller owns the result. */
rows_t *engine_rows(engine_t *self, const job_t *job, const result_t *result, int64_t offset,
                    bool stored, err_t *err) MUST_USE;
void rows_destroy(rows_t **self_p);

/* Put what a job that is not final has stored so far into its manifest: the results of its done
 * steps, and behind them those of the step at work, as far as their pages are stored. These may
 * still be rolled back, or come anew under another attempt. `job` was found whole. */
bool engine_stored(engine_t *self, job_t *job, err_t *err) MUST_USE;

/* The pages of a result, from the first one on that begins at `first_row` or behind it: at most
 * `most` of them, in order, into `entries`. A result that stands in its job's row is one page.
 * Fails as engine_rows(). */
bool engine_pages(engine_t *self, const job_t *job, const result_t *result, int64_t first_row,
                  uint32_t most, page_entry_t *entries, uint32_t *count, err_t *err) MUST_USE;

/* The next rows, at most `most` of them; false at the end (err->kind is ERR_NONE) or on failure.
 * The run points into self, until the next call. */
bool rows_run(rows_t *self, int64_t most, run_t *run, err_t *err) MUST_USE;

/* Who reads `rows`, a rows_t, is going to wait for somebody else, a slow client say: have nothing
 * under way that keeps a connection of the store. Fits reply_stall(). */
void rows_settle(void *rows);

/* The run's bytes without the rows that stand behind it. Fails with ERR_INTERNAL when they are no
 * rows; those of a page to its end are not walked over. */
bool run_trim(run_t *run, err_t *err) MUST_USE;

#endif
