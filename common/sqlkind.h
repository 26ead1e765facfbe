/* sqlkind.h - what kind one statement is, by its words. It is sqltext's other half; others read the
 * kind that sqltext stores.
 *
 * Only what the grammar fixes is looked at: words outside of quotes and, where it matters, outside
 * of parentheses. A statement that the grammar refuses may get any kind, for the database refuses
 * it as well. Pure; any thread.
 */
#ifndef COMMON_SQLKIND_H
#define COMMON_SQLKIND_H

#include "common/sqltext.h"

typedef enum {
    VERDICT_FINE,
    VERDICT_OPENS,   /* BEGIN, with nothing that asks for more than a transaction */
    VERDICT_CLOSES,  /* COMMIT or END, likewise */
    VERDICT_OPTIONS, /* BEGIN with options */
    VERDICT_CONTROL, /* any other transaction control */
    VERDICT_COPY_IN, /* COPY ... FROM STDIN */
    VERDICT_LISTENS, /* LISTEN, UNLISTEN */
} sql_verdict_t;

/* Judge `sql`, one statement; its kind and word are filled in. */
sql_verdict_t sqlkind_judge(const char *sql, statement_kind_t *kind, char word[32]);

#endif
