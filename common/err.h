/* err.h - why a call failed, as a value that is carried up and spoken once, at the edge.
 *
 * A call that can fail returns bool or a pointer, takes `err_t *err` last (never NULL) and is
 * MUST_USE. `text` is fit to be shown to the caller of the service: no host names, no SQL of ours,
 * nothing of another tenant. No thread rule: an err_t belongs to whoever declared it.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdbool.h>

#include "common/mem.h"

/* What the caller can do about it. Everything else about a failure is in the text. */
typedef enum {
    ERR_NONE = 0,
    ERR_INVALID,     /* the request is wrong; repeating it cannot help */
    ERR_DENIED,      /* known caller, not allowed */
    ERR_NO_KEY,      /* no caller: no key, or an unknown one */
    ERR_NOT_FOUND,   /* no such thing */
    ERR_GONE,        /* it was there, and has expired */
    ERR_CONFLICT,    /* not in this state */
    ERR_LIMIT,       /* over a limit: too large, too many, too deep */
    ERR_TIMEOUT,     /* not in time */
    ERR_SQL,         /* a database refused the statement: see sqlstate */
    ERR_UNAVAILABLE, /* a part is away; repeating later can help */
    ERR_INTERNAL,    /* our own fault */
} err_kind_t;

typedef struct {
    err_kind_t kind;
    char sqlstate[6]; /* five characters, or "" where no database spoke */
    char text[250];   /* always terminated */
} err_t;

/* Fill `err`; sqlstate becomes "". Returns false, so that a failure is one line. */
bool err_set(err_t *err, err_kind_t kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Put "what: " before the text that `err` holds. Returns false. */
bool err_wrap(err_t *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Make `err` say nothing. */
void err_clear(err_t *err);

/* The kind's name in lower case, for logs and JSON. Static. */
const char *err_word(err_kind_t kind);

#endif
