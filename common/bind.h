/* bind.h - statements and the parameters that they take.
 *
 * A placeholder is :name or $name where the job's parameters have names, else $1, $2 ...; it is
 * only seen outside of quotes, dollar quotes and comments. `::` is a cast. :name counts only when
 * there is such a parameter, for a colon has other uses (a slice, a[1:n]); a $ has none outside of
 * quotes, so that $name or $3 without a value is an error.
 *
 * The source wants exactly the values that a statement takes. So in each statement the placeholders
 * are numbered anew, $1 to $count, in the order in which they first stand there; nothing else of it
 * changes, but for a space where a placeholder would run into what is before it. What the source
 * then says about $1, or about a place in the text, is led back to what the user wrote.
 *
 * Pure, no recursion, linear in the text; any thread.
 */
#ifndef COMMON_BIND_H
#define COMMON_BIND_H

#include "common/params.h"
#include "common/sqltext.h"

/* What the statements of one text carry of values beyond each value once. One flight holds all of
 * it. */
enum { BINDS_BYTES_MOST = 16 << 20 };

/* One statement's. */
typedef struct {
    char *sql; /* what is sent; NULL: the statement as it stands, which takes no parameter */
    uint32_t count;
    uint16_t *takes; /* indexes of the job's parameters: what $1 to $count are */
} bind_t;

/* Those of a text's statements, in their order. */
typedef struct binds {
    const params_t *params;
    uint32_t count;
    bind_t *list;
} binds_t;

/* Bind all statements of a text. Fails with ERR_INVALID and a SQLSTATE: a placeholder without a
 * value (*position: its character in the text, from 1; else 0), or more bytes than BINDS_BYTES_MOST
 * allows. Keeps params; they must outlive it. Caller owns the result. */
binds_t *binds_make(const statements_t *statements, const params_t *params, int32_t *position,
                    err_t *err) MUST_USE;
void binds_destroy(binds_t **self_p);

/* A place in a statement. */
typedef struct {
    uint32_t position;   /* character in it as the user wrote it, from 1 */
    const char *written; /* the placeholder that stands there, as written; NULL: none does */
    size_t size;
} place_t;

/* Where is the character `position` (from 1) of what was sent? `sql` is the statement as the user
 * wrote it, and `params` what it was bound to. Points into `sql`. */
place_t bind_locate(const char *sql, const params_t *params, uint32_t position);

#endif
