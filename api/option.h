/* option.h - the ranges of a job's options, under the names that all dialects know them by.
 *
 * The vocabulary itself, with meanings and defaults, is schemas/http/options.md. Pure; any thread.
 */
#ifndef API_OPTION_H
#define API_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum { OPTION_TOKEN_MOST = 255 };     /* bytes of a client_token */
enum { OPTION_QUEUE_KEY_MOST = 128 }; /* bytes of a queue_key */

/* Is this number within the range of the option `name` (which must be one that is a number)?
 * Fails with ERR_INVALID: "option 'priority' must be a whole number from 0 to 9". */
bool option_check(const char *name, int64_t number, err_t *err) MUST_USE;

/* The same failure, for a value that is no whole number at all. Returns false. */
bool option_refuse(const char *name, err_t *err);

#endif
