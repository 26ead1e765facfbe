/* json_dump.h - a value of a parsed document, written as text again.
 *
 * Compact, in UTF-8, its members in their order. A number that is no integer has the shortest form
 * that reads back equal. Recurses as deep as json.h lets a document be. Any thread.
 */
#ifndef API_JSON_DUMP_H
#define API_JSON_DUMP_H

#include "api/json.h"
#include "common/sink.h"

/* Write it behind what is there. `part` must not be missing. */
void json_dump(json_part_t part, sink_t *out);

#endif
