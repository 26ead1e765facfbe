/* json_params.h - parameters of a job as JSON: what the option `params` may be.
 *
 * An object is named parameters, a list numbered ones. A plain value has the type that it would
 * have as a literal of a text: a whole number integer, or bigint where it needs that; another
 * number numeric, in its shortest form; true and false boolean; a text and null none, so that the
 * source infers it from where they stand. {"type": ..., "value": ...} names a type (sqltype.h) and
 * holds the value as a text, a number, a boolean or null; or as a list for arrays, and as anything
 * for json and jsonb. Pure; any thread.
 */
#ifndef API_JSON_PARAMS_H
#define API_JSON_PARAMS_H

#include "api/engine.h"
#include "api/json.h"

enum { JSON_PARAMS_DEEP = 6 }; /* dimensions of an array */

/* What was read, for an order_t. */
typedef struct {
    order_param_t *list; /* NULL when there is none */
    uint32_t count;
    char **made; /* values that did not stand in the document as they are, or NULL: one for each */
} json_params_t;

/* Read the value of `params`, which may be missing. Texts are borrowed of the document. Fails with
 * ERR_INVALID naming the parameter, and leaves nothing to be cleared then. What makes a parameter
 * wrong in every dialect (its name, how many there are) is the engine's to say. */
bool json_params_read(json_params_t *self, json_part_t part, err_t *err) MUST_USE;
void json_params_clear(json_params_t *self);

#endif
