/* names.h - the names of the columns' types on one channel.
 *
 * Built-in types are in a table; of others the source is asked once a channel, within the
 * transaction that met them, and the answer is kept (a bounded number of them).
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_NAMES_H
#define EXECUTOR_DRIVERS_POSTGRES_NAMES_H

#include "common/manifest.h"

enum { NAMES_MOST = 256 };

typedef struct {
    uint32_t oid;
    char *name; /* NULL: not known yet */
} name_t;

/* Starts as { 0 }. */
typedef struct {
    name_t known[NAMES_MOST];
    uint32_t count;
} names_t;

/* One parameter, the array that names_unknown() gave; two columns for names_learn(). */
extern const char names_question[];

/* A statement begins: when there are too many names, forget all of them. */
void names_begin(names_t *self);

/* Set a column's oid and kind, and its type where the name is known; else note the oid. */
void names_column(names_t *self, uint32_t oid, column_t *column);

/* The noted oids as the text of an array; NULL when there are none. Caller owns the result. */
char *names_unknown(const names_t *self) MUST_USE;

/* What the source said. */
void names_learn(names_t *self, const char *oid, const char *name);

/* Set the types that are still missing; what nobody knows is named by its number. */
void names_fill(names_t *self, result_t *result);

void names_clear(names_t *self);

#endif
