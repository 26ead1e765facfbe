/* json_inner.h - what json_read.c has for the other files that make documents. */
#ifndef API_JSON_INNER_H
#define API_JSON_INNER_H

#include "api/json.h"

/* A document around a jansson object, whose reference it takes. Caller owns the result. */
json_doc_t *json_doc_new(json_part_t root) MUST_USE;

#endif
