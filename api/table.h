/* table.h - a result as JSON: its columns, and its rows as objects.
 *
 * An object cannot hold two members of one name, and a result can have two columns of one: the
 * second `a` becomes `a_2`, the third `a_3`, stepping over names that other columns have. Schema
 * and rows say the same names, in the columns' order. A table belongs to one thread.
 */
#ifndef API_TABLE_H
#define API_TABLE_H

#include "api/engine.h"
#include "api/json.h"

typedef struct table table_t;

/* Keeps result. Caller owns the result. */
table_t *table_new(const result_t *result) MUST_USE;
void table_destroy(table_t **self_p);

/* The name that a column goes by. Points into self. */
const char *table_name(const table_t *self, uint32_t column);

/* [{"name", "type"}, ...]: types in upper case. */
void table_schema(const table_t *self, json_t *json);

/* A list of at most `limit` objects, read from `rows` (NULL: none). Fails as rows_next() does, and
 * with ERR_TIMEOUT when the client is gone; the reply is then cut within the list. */
bool table_rows(const table_t *self, json_t *json, rows_t *rows, int64_t limit, err_t *err)
    MUST_USE;

#endif
