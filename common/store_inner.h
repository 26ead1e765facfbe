/* store_inner.h - what the files of the store room share: store.c (jobs and pages), store_admin.c
 * (tenants, keys, sources, logins), store_nodes.c (nodes, leader, sweep), migrate.c (schema).
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

/* Copy a text into a field, cut at a character's end when it is longer. */
void store_copy(char *to, size_t size, const char *text);

/* Read the first row of login_find; NULL when there is none. Caller owns the result. */
login_t *login_read(const pg_result_t *result) MUST_USE;

#endif
