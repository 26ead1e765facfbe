/* json_read.c - the door to jansson. Its json_t is called jansson_t here. */
#define json_t jansson_t
#include <jansson.h>
#undef json_t

#include <string.h>

#include "api/json_inner.h"
#include "common/utf8.h"

enum { DEPTH_MOST = 64 };

struct json_doc {
    jansson_t *root;
};

/* Behind the string that begins at `at`, a quote. */
static size_t
skip_text(const char *body, size_t size, size_t at)
{
    for (at++; at < size && body[at] != '"'; at++) {
        if (body[at] == '\\')
            at++;
    }
    return at;
}

/* Is the deepest nesting within bounds? Whether it is JSON at all is jansson's question. */
static bool
shallow(const char *body, size_t size)
{
    int depth = 0;
    for (size_t at = 0; at < size; at++) {
        switch (body[at]) {
        case '"': at = skip_text(body, size, at); break;
        case '{':
        case '[':
            if (++depth > DEPTH_MOST)
                return false;
            break;
        case '}':
        case ']': depth--; break;
        default: break;
        }
    }
    return true;
}

json_doc_t *
json_parse(const char *body, size_t size, err_t *err)
{
    if (!shallow(body, size)) {
        err_set(err, ERR_INVALID, "the body is nested deeper than %d", DEPTH_MOST);
        return NULL;
    }
    if (size == 0) {
        err_set(err, ERR_INVALID, "the body is empty: it must be a JSON object");
        return NULL;
    }
    if (!utf8_valid(body, size)) {
        err_set(err, ERR_INVALID, "the body is not UTF-8");
        return NULL;
    }
    json_error_t error = { 0 };
    jansson_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_numeric_overflow) {
        err_set(err, ERR_INVALID,
                "the body is JSON with a number that is too large: line %d, column %d; as a "
                "parameter, give it as a text with a type",
                error.line, error.column);
        return NULL;
    }
    if (!root) {
        err_set(err, ERR_INVALID, "the body is not JSON: line %d, column %d: %s", error.line,
                error.column, error.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        err_set(err, ERR_INVALID, "the body must be a JSON object");
        return NULL;
    }
    return json_doc_new((json_part_t){ root });
}

json_doc_t *
json_doc_new(json_part_t root)
{
    json_doc_t *self = mem_new(sizeof *self);
    self->root = root.at;
    return self;
}

void
json_doc_destroy(json_doc_t **self_p)
{
    json_doc_t *self = take(*self_p);
    if (!self)
        return;
    json_decref(self->root);
    free(self);
}

static jansson_t *
value(json_part_t part)
{
    return part.at;
}

json_part_t
json_doc_root(const json_doc_t *self)
{
    return (json_part_t){ self->root };
}

bool
json_doc_merge(json_doc_t *self, const json_doc_t *under)
{
    return json_object_update_missing(self->root, under->root) == 0;
}

json_part_t
json_doc_part(const json_doc_t *self, const char *member)
{
    return (json_part_t){ json_object_get(self->root, member) };
}

json_kind_t
json_part_kind(json_part_t self)
{
    if (!self.at)
        return JSON_KIND_MISSING;
    switch (json_typeof(value(self))) {
    case JSON_OBJECT: return JSON_KIND_OBJECT;
    case JSON_ARRAY: return JSON_KIND_ARRAY;
    case JSON_STRING: return JSON_KIND_TEXT;
    case JSON_INTEGER: return JSON_KIND_INTEGER;
    case JSON_REAL: return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE: return JSON_KIND_BOOL;
    case JSON_NULL: break;
    }
    return JSON_KIND_NULL;
}

const char *
json_part_text(json_part_t self, size_t *size)
{
    if (size)
        *size = json_string_length(value(self));
    return json_string_value(value(self));
}

int64_t
json_part_int(json_part_t self)
{
    return json_integer_value(value(self));
}

double
json_part_real(json_part_t self)
{
    return json_real_value(value(self));
}

bool
json_part_bool(json_part_t self)
{
    return json_is_true(value(self));
}

uint32_t
json_part_count(json_part_t self)
{
    return (uint32_t)(json_is_object(value(self)) ? json_object_size(value(self))
                                                  : json_array_size(value(self)));
}

json_part_t
json_part_item(json_part_t self, uint32_t i)
{
    return (json_part_t){ json_array_get(value(self), i) };
}

json_part_t
json_part_member(json_part_t self, const char *member)
{
    return (json_part_t){ json_object_get(value(self), member) };
}

json_kind_t
json_doc_kind(const json_doc_t *self, const char *member)
{
    return json_part_kind(json_doc_part(self, member));
}

const char *
json_doc_text(const json_doc_t *self, const char *member, size_t *size)
{
    return json_part_text(json_doc_part(self, member), size);
}

int64_t
json_doc_int(const json_doc_t *self, const char *member)
{
    return json_part_int(json_doc_part(self, member));
}

static bool
listed(const char *const *known, const char *name)
{
    for (; *known; known++) {
        if (strcmp(*known, name) == 0)
            return true;
    }
    return false;
}

const char *
json_part_unknown(json_part_t self, const char *const *known)
{
    const char *name = NULL;
    jansson_t *member = NULL;
    json_object_foreach(value(self), name, member)
    {
        if (!listed(known, name))
            return name;
    }
    return NULL;
}

bool
json_part_next(json_part_t self, json_member_t *member)
{
    member->at =
        member->at ? json_object_iter_next(value(self), member->at) : json_object_iter(value(self));
    member->name = json_object_iter_key(member->at);
    member->value = (json_part_t){ json_object_iter_value(member->at) };
    return member->at != NULL;
}

const char *
json_doc_unknown(const json_doc_t *self, const char *const *known)
{
    return json_part_unknown((json_part_t){ self->root }, known);
}
