/* store_inner.h - what the files of the store room share: store_submit.c (jobs in), store.c (jobs
 * out, keys), store_list.c (many jobs out), store_pages.c (pages out), store_steps.c (steps),
 * store_life.c (cancel, clocks, retention), store_admin.c (tenants, keys, sources, logins),
 * store_nodes.c (nodes, leader, sweep), migrate.c (schema).
 */
#ifndef COMMON_STORE_INNER_H
#define COMMON_STORE_INNER_H

#include "common/pg.h"
#include "common/store.h"

struct store {
    pg_t *pg;
    pg_params_t *params; /* of the query that is being built */
};

/* The store's parameters, emptied. Points into self. */
pg_params_t *store_params(store_t *self);

/* Run a query with the store's parameters. `result` may be NULL. Caller owns *result. */
bool store_run(store_t *self, sql_t query, pg_result_t **result, err_t *err) MUST_USE;

/* The same for what may be run twice: once more when the connection was cut under way. */
bool store_repeat(store_t *self, sql_t query, pg_result_t **result, err_t *err) MUST_USE;

/* A time as ms; 0 for NULL. */
int64_t store_ms(const pg_result_t *result, int row, int column);

/* A text, or NULL for NULL. Caller owns the result. */
char *store_text(const pg_result_t *result, int row, int column) MUST_USE;

/* Copy a text into a field, cut at a character's end when it is longer. */
void store_copy(char *to, size_t size, const char *text);

/* Read the first row of login_find; NULL when there is none. Caller owns the result. */
login_t *login_read(const pg_result_t *result) MUST_USE;

/* A row of find, find_kept or jobs_read; `at` is the column of "id". Caller owns the result. */
job_t *job_read(const pg_result_t *result, int row, int at, err_t *err) MUST_USE;

/* --- steps --- */

/* In the transaction of submit. */
bool steps_add(store_t *self, const submit_t *job, err_t *err) MUST_USE;

/* So many rows of steps_find or jobs_steps, from one on. Caller owns *steps: steps_free(). */
bool steps_read(const pg_result_t *result, int row, uint32_t count, job_step_t **steps, err_t *err)
    MUST_USE;
void steps_free(job_step_t **steps, uint32_t count);

/* Parameters for the texts, conditions, timeouts and templates of steps, an array each. */
void steps_params(pg_params_t *params, const submit_step_t *steps, uint32_t count);

/* Read a job's steps into it, and join their manifests. Without steps it is left when there are
 * none, and, if it is not final, when there are not as many as it has: then it was edited. */
bool steps_fill(store_t *self, job_t *job, err_t *err) MUST_USE;

#endif
