/* rowtext.h - rows as text: JSON objects, JSON arrays, lines of either, CSV; in one pass from the
 * msgpack of a page into the reply's buffer.
 *
 * What a cell looks like: integers, floats and `numeric` are JSON numbers with all their digits;
 * with NUMBERS_STRING those of columns whose type may exceed a double (bigint, numeric) are
 * strings. NaN and the infinities are strings, bytea is \x hex in a string, booleans and null are
 * JSON's own; every other type is a string of its text. In CSV a cell is what the database prints:
 * booleans t and f, null nothing, an empty text "". Objects cannot hold two members of one name:
 * the second `a` becomes `a_2` (table.h); arrays and CSV have no names, or those of the source.
 *
 * A rowtext belongs to one thread. It keeps no memory but its columns' names, whatever it writes.
 */
#ifndef API_ROWTEXT_H
#define API_ROWTEXT_H

#include "api/engine.h"
#include "api/http.h"

typedef enum {
    ROWTEXT_OBJECTS, /* {"a":1},{"a":2}: elements of a list */
    ROWTEXT_ARRAYS,  /* [1],[2] */
    ROWTEXT_LINES,   /* NDJSON: objects, a line each */
    ROWTEXT_CSV,     /* lines that end in CR LF */
} rowtext_form_t;

typedef enum { NUMBERS_EXACT, NUMBERS_STRING } numbers_t;

typedef struct rowtext rowtext_t;

/* Keeps result. Caller owns the result. */
rowtext_t *rowtext_new(const result_t *result, rowtext_form_t form, numbers_t numbers) MUST_USE;
void rowtext_destroy(rowtext_t **self_p);

/* What a column's cells look like in JSON where that is not what is said above. A text that is not
 * of its shape stays the string it is. */
typedef enum {
    ROWTEXT_AS_IT_IS,
    ROWTEXT_HIDDEN,      /* not there at all */
    ROWTEXT_AS_JSON,     /* json, jsonb: the value itself */
    ROWTEXT_AS_DATE,     /* date, timestamp (taken for UTC's), timestamptz: "2012-02-06T22:50:35Z",
                            the second that it is in, from the year 1 to 9999; "Infinity" */
    ROWTEXT_AS_NUMBERS,  /* an array: a list of numbers */
    ROWTEXT_AS_BOOLEANS, /* of true and false */
    ROWTEXT_AS_TEXTS,    /* of strings */
    ROWTEXT_AS_DATES,    /* of dates, as above */
    ROWTEXT_AS_JSONS,    /* of JSON values */
} rowtext_shape_t;

/* For forms of JSON, before the first row. */
void rowtext_shape(rowtext_t *self, uint32_t column, rowtext_shape_t shape);

/* What stands before the first row: CSV's header; nothing for the others. */
void rowtext_head(const rowtext_t *self, reply_t *reply);

/* What is written next is a list of its own: its first row stands behind no comma. */
void rowtext_anew(rowtext_t *self);

/* Write at most `limit` rows from `rows` (NULL: none), as many as there are. *count says how many.
 * Fails as rows_run() does, and with ERR_TIMEOUT when the client is gone; what was written of the
 * reply then ends somewhere. */
bool rowtext_write(rowtext_t *self, reply_t *reply, rows_t *rows, int64_t limit, int64_t *count,
                   err_t *err) MUST_USE;

#endif
