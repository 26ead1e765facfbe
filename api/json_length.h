/* json_length.h - how long a value is as JSON, as JavaScript counts it.
 *
 * That is `JSON.stringify(value).length`: compact, in units of UTF-16, numbers as doubles (of
 * powers of two that have 17 digits, some have 16 there). A dialect holds bodies against a limit
 * that its clients know in these units, whatever form they came in. Recurses as deep as json.h lets
 * a document be. Any thread.
 */
#ifndef API_JSON_LENGTH_H
#define API_JSON_LENGTH_H

#include "api/json.h"

/* `part` must not be missing. */
size_t json_part_length(json_part_t part);

#endif
