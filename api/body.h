/* body.h - what a request brings, as one tree: a JSON object, a form, or the parts of one.
 *
 * Some dialects' clients send the same members in any of these. What was read is a json_doc_t,
 * whichever it came from: dialect code asks json.h's questions of it. A body of JSON has values of
 * all kinds; forms have texts, in the arrays and objects that their names make (json_form.h).
 *
 * A body gets here only when it is whole (http.h). Reading takes a time and memory linear in its
 * size. Contract: schemas/http/bodies.md. Pure; any thread.
 */
#ifndef API_BODY_H
#define API_BODY_H

#include "api/http.h"
#include "api/json.h"

typedef enum {
    BODY_JSON,      /* application/json, or any type that ends in +json */
    BODY_FORM,      /* application/x-www-form-urlencoded */
    BODY_MULTIPART, /* multipart/form-data */
    BODY_OTHER,     /* another type, or none: the dialect says what it is */
} body_kind_t;

/* By the header Content-Type; NULL is BODY_OTHER. */
body_kind_t body_kind(const char *content_type);

/* Read a body by its type. `other` says what a body of another type is taken for; BODY_OTHER: for
 * nothing at all. Nothing, and a body of no bytes, is an empty object. Fails with ERR_INVALID, in
 * one sentence, when it is not what its type says (json_parse(), json_form.h, multipart.h), with
 * ERR_UNAVAILABLE when there is no memory. Caller owns the result. */
json_doc_t *body_read(const char *content_type, body_kind_t other, const char *body, size_t size,
                      err_t *err) MUST_USE;

/* The request's query as a form: what a body lacks may be there (json_doc_merge). Fails as
 * body_read() does. Caller owns the result. */
json_doc_t *body_read_query(const request_t *request, err_t *err) MUST_USE;

#endif
