/* locals.h - what a script's own text tells of the settings that it changes. Pure.
 *
 * A source cannot say, while the transaction is open, whether SET or SET LOCAL changed a setting;
 * the text mostly can. A setting counts as local when some statement sets it with SET LOCAL, and
 * none with SET. What functions set is not seen here, and so counts as the session's.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_LOCALS_H
#define EXECUTOR_DRIVERS_POSTGRES_LOCALS_H

#include <stdbool.h>

#include "common/sqltext.h"

/* Their names in lower case, as the text of an array. NULL has none. Caller owns the result. */
char *locals_array(const statements_t *statements) MUST_USE;

/* Does the text, as far as it can be read, set something for the session that the source does not
 * list: a setting of nobody's ("my.own"), or one whose name is an argument of set_config()? */
bool locals_hidden(const statements_t *statements) MUST_USE;

#endif
