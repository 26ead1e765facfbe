/* json.h - a streaming JSON writer over a reply, and the one door to jansson for reading.
 *
 * The writer puts commas and escapes, has no error path, and allocates nothing. Reading refuses
 * bodies nested deeper than 64 before jansson (which recurses, on a worker's 100 KiB stack) sees
 * them, and duplicate members. No name here may be one of jansson's: they are functions of one
 * program, and the library would find ours instead of its own.
 */
#ifndef API_JSON_H
#define API_JSON_H

#include <stdint.h>

#include "api/http.h"
#include "common/err.h"

/* --- writing --- */

typedef struct {
    reply_t *reply;
    bool comma; /* a comma is due before the next value or member */
} json_t;

void json_init(json_t *self, reply_t *reply);

void json_begin(json_t *self);      /* { */
void json_end(json_t *self);        /* } */
void json_begin_list(json_t *self); /* [ */
void json_end_list(json_t *self);   /* ] */

/* The name of the next member. */
void json_name(json_t *self, const char *name);

/* Values: members' values or elements. NULL text is null. */
void json_text(json_t *self, const char *text); /* bytes that are no UTF-8 become U+FFFD */
void json_bytes(json_t *self, const char *text, size_t size); /* valid UTF-8 */
void json_int(json_t *self, int64_t value);
void json_seconds(json_t *self, int64_t us); /* microseconds as seconds with a fraction */
void json_bool(json_t *self, bool value);
void json_nil(json_t *self);
void json_raw(json_t *self, const char *text, size_t size); /* JSON already, and one value */

/* Members: name and value. */
void json_member_text(json_t *self, const char *name, const char *text);
void json_member_int(json_t *self, const char *name, int64_t value);
void json_member_bool(json_t *self, const char *name, bool value);
void json_member_seconds(json_t *self, const char *name, int64_t us);
void json_member_nil(json_t *self, const char *name);

/* A name that is written again and again, made once: `"name":`. Caller owns the result. */
char *json_key(const char *name) MUST_USE;

/* --- reading --- */

/* A parsed JSON object; hides jansson's json_t (whose name ours takes). */
typedef struct json_doc json_doc_t;

/* Parse a body that must be one JSON object. Fails with ERR_INVALID saying what and where: no
 * object, malformed, duplicate member, nested deeper than 64, a NUL or invalid UTF-8. Caller owns
 * the result. */
json_doc_t *json_parse(const char *body, size_t size, err_t *err) MUST_USE;
void json_doc_destroy(json_doc_t **self_p);

typedef enum {
    JSON_KIND_MISSING,
    JSON_KIND_NULL,
    JSON_KIND_TEXT,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_BOOL,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
} json_kind_t;

/* What a member is; its text (points into self; NULL unless it is JSON_KIND_TEXT) and the text's
 * size
 * (`size` may be NULL); its number (0 unless it is JSON_KIND_INTEGER). */
json_kind_t json_doc_kind(const json_doc_t *self, const char *member);
const char *json_doc_text(const json_doc_t *self, const char *member, size_t *size);
int64_t json_doc_int(const json_doc_t *self, const char *member);

/* The first member that is not in the NULL-terminated list `known`, or NULL. Points into self. */
const char *json_doc_unknown(const json_doc_t *self, const char *const *known);

/* Add the members of `under` that are not there yet; both documents then belong to one thread.
 * False when there is no memory. */
bool json_doc_merge(json_doc_t *self, const json_doc_t *under) MUST_USE;

/* A value inside a parsed document: points into it, and is valid as long. */
typedef struct {
    void *at; /* NULL: it is missing */
} json_part_t;

json_part_t json_doc_root(const json_doc_t *self);
json_part_t json_doc_part(const json_doc_t *self, const char *member);
json_kind_t json_part_kind(json_part_t self);
const char *json_part_text(json_part_t self, size_t *size); /* NULL unless it is a text */
int64_t json_part_int(json_part_t self);                    /* 0 unless it is an integer */
double json_part_real(json_part_t self);                    /* 0 unless it is a real */
bool json_part_bool(json_part_t self);                      /* false unless it is true */
uint32_t json_part_count(json_part_t self);                 /* of items or members; else 0 */
json_part_t json_part_item(json_part_t self, uint32_t i);
json_part_t json_part_member(json_part_t self, const char *member);
const char *json_part_unknown(json_part_t self, const char *const *known); /* as json_doc_unknown */

/* Where a walk over an object's members is. Starts as { 0 }. */
typedef struct {
    void *at;
    const char *name; /* of the member, and its value */
    json_part_t value;
} json_member_t;

/* The next member of an object, in the order of the text; false: there is none. */
bool json_part_next(json_part_t self, json_member_t *member);

#endif
