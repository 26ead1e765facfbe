/* json_form.h - the names and values of a form as a tree, read like that of a JSON body (json.h).
 *
 * Names nest by their brackets as those of the library qs do, which Express reads forms with:
 *
 *     a=1                      {"a": "1"}
 *     a=1&a=2                  {"a": ["1", "2"]}
 *     a[b][c]=1                {"a": {"b": {"c": "1"}}}
 *     a[]=1&a[]=2              {"a": ["1", "2"]}
 *     a[1]=y&a[0]=x            {"a": ["x", "y"]}
 *     a[21]=x                  {"a": {"21": "x"}}
 *     a[0]=x&a[b]=y            {"a": {"0": "x", "b": "y"}}
 *     a[b][c][d][e][f][g]=1    {"a": {"b": {"c": {"d": {"e": {"f": {"[g]": "1"}}}}}}}
 *
 * Five brackets are looked at. Indices up to 20 make arrays, in whose order what was not given is
 * closed up. A name and an index make an object. What stands between and behind brackets is passed
 * over, and so is a parameter without a name. All values are texts, and no name is special. Where
 * this is not what qs does, schemas/decisions/0018-request-bodies.md says so.
 *
 * A tree has at most nine levels, and is made in a time linear in the form's size: arrays are never
 * made larger than what was given, and jansson's hashes have a secret seed. One thread.
 */
#ifndef API_JSON_FORM_H
#define API_JSON_FORM_H

#include "api/json.h"

enum { JSON_FORM_MOST = 1000 }; /* parameters */

typedef struct json_form json_form_t;

/* A form without parameters. Caller owns the result. */
json_form_t *json_form_new(void) MUST_USE;
void json_form_destroy(json_form_t **self_p);

/* The next parameter, decoded. Copies both. Fails with ERR_INVALID when it is one too many, when
 * either of them holds a NUL or is not UTF-8, and when the name holds a control byte. */
bool json_form_add(json_form_t *self, const char *name, size_t name_size, const char *value,
                   size_t value_size, err_t *err) MUST_USE;

/* All of it as a document. To be called once. Fails with ERR_INVALID when a name is an object and a
 * text, with ERR_UNAVAILABLE when there is no memory. Caller owns the result. */
json_doc_t *json_form_doc(json_form_t *self, err_t *err) MUST_USE;

#endif
