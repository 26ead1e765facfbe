/* table.h - the columns of a result, as JSON objects name them.
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

/* [{"name", "type"}, ...]: types in upper case. `told_apart`: the names as above, else those that
 * the source gave. */
void table_schema(const table_t *self, json_t *json, bool told_apart);

#endif
