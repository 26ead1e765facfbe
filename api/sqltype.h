/* sqltype.h - the words for the types of parameters.
 *
 * The names that PostgreSQL has for its built-in types, short and long, whose oids are the same
 * everywhere; and, with [] behind them, for their arrays. Only whole names count: no modifiers, no
 * schema. Pure; any thread.
 */
#ifndef API_SQLTYPE_H
#define API_SQLTYPE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t oid;
    bool is_array;
    bool is_json;   /* it, or what it is an array of, is json or jsonb */
    char delimiter; /* between an array's items */
} sqltype_t;

/* Which type is this, in any case? False: no built-in one. */
bool sqltype_find(const char *word, sqltype_t *type);

#endif
