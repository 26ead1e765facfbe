/* pg_params.h - the parameters of one query as libpq takes them; for pg.c and tests only.
 *
 * Everything is in PostgreSQL's binary form. Scalars and arrays lie in one growing block, large
 * bytes stay where their owner has them; the lists that libpq wants are made when they are asked
 * for, because the block may move until then.
 */
#ifndef COMMON_PG_PARAMS_H
#define COMMON_PG_PARAMS_H

#include "common/pg.h"

enum { PG_PARAMS_MOST = 20 };

/* Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
#define PG_EPOCH_US INT64_C(946684800000000)

/* What PQsendQueryPrepared() takes. Points into the parameters. */
typedef struct {
    int count;
    const char *values[PG_PARAMS_MOST];
    int lengths[PG_PARAMS_MOST];
    int formats[PG_PARAMS_MOST];
} pg_wire_t;

/* Lay the parameters out; NULL stands for none. False when they are larger than a message of
 * PostgreSQL can be. */
bool pg_params_wire(const pg_params_t *self, pg_wire_t *wire) MUST_USE;

#endif
