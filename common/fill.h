/* fill.h - a step's text as a template: `<%= job_id %>` and `<%= error_message %>`.
 *
 * A value goes in so that it stays a value wherever the placeholder stands: inside a quoted text
 * its quotes are doubled (and its backslashes, in an E-string), inside a quoted name its double
 * quotes; inside a dollar quote it stands as it is, unless it holds the closing tag, which is then
 * left out; outside of all quotes it becomes a quoted text of its own. In comments nothing is
 * filled in. Other placeholders stay as they are, and so does one that a backslash hides. The
 * filled text has as many statements as the template, whatever the values are.
 *
 * A quote that holds code (behind DO, AS, EXECUTE or LANGUAGE with its name) is a template of its
 * own, by the same rules: a message is a stranger's text, and stays one in a routine's body. Where
 * it cannot be told what it would become nothing is filled in: in code in a quote in which a
 * backslash means something, and in what carries on a text of code on another line.
 * What a routine puts together by itself and runs then is its own business.
 * Pure; any thread.
 */
#ifndef COMMON_FILL_H
#define COMMON_FILL_H

#include "common/mem.h"

typedef struct {
    const char *job_id;
    const char *error_message; /* of the step that failed; "" when none did */
} fill_values_t;

/* The text with its placeholders filled in. Caller owns the result. */
char *fill_template(const char *sql, const fill_values_t *values) MUST_USE;

#endif
