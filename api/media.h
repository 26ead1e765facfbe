/* media.h - a type and its parameters, as headers name them: `text/csv; header=present`.
 *
 * Content-Type and a part's Content-Disposition are of this form (RFC 9110, 5.6.6 and 8.3.1). Names
 * are compared in any case. Pure; any thread.
 */
#ifndef API_MEDIA_H
#define API_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mem.h"

/* Is it of this type, whatever its parameters? NULL is of none. */
bool media_is(const char *header, const char *type) MUST_USE;

/* Does its type end so ("+json") and begin with something else? */
bool media_ends(const char *header, const char *suffix) MUST_USE;

/* The first parameter of this name, without its quotes; within them a backslash hides a quote or a
 * backslash. NULL when there is none, or one that cannot be read stands before it. Caller owns the
 * result. */
char *media_param(const char *header, const char *name) MUST_USE;

#endif
