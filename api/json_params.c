/* json_params.c - JSON values into what a database reads. */
#include "api/json_params.h"

#include <stdlib.h>
#include <string.h>

#include "api/json_dump.h"
#include "api/order_param.h"
#include "common/params.h"

/* One parameter that is being read. */
typedef struct {
    order_param_t *param;
    uint32_t number; /* from 0 */
    sqltype_t type;
    sink_t value;
} reading_t;

static void
put(sink_t *out, const char *text)
{
    (void)sink_write(out, text, strlen(text));
}

/* --- arrays --- */

static void
put_quoted(sink_t *out, const char *text, size_t size)
{
    put(out, "\"");
    for (size_t at = 0; at < size; at++) {
        if (text[at] == '"' || text[at] == '\\')
            put(out, "\\");
        (void)sink_write(out, text + at, 1);
    }
    put(out, "\"");
}

static bool put_array(reading_t *self, json_part_t list, int depth, err_t *err);

/* Quoted, a text is never NULL, and an empty one is there. */
static bool
put_item(reading_t *self, json_part_t item, int depth, err_t *err)
{
    size_t size = 0;
    const char *text = json_part_text(item, &size);
    switch (json_part_kind(item)) {
    case JSON_KIND_ARRAY: return put_array(self, item, depth + 1, err);
    case JSON_KIND_TEXT: put_quoted(&self->value, text, size); return true;
    case JSON_KIND_OBJECT:
        if (!self->type.is_json)
            return order_param_refuse(self->param, self->number, err,
                                      "an item of an array of this type cannot be an object");
        sink_t dumped = { 0 };
        json_dump(item, &dumped);
        put_quoted(&self->value, (const char *)dumped.data, dumped.size);
        free(dumped.data);
        return true;
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: put(&self->value, "NULL"); return true;
    case JSON_KIND_INTEGER:
    case JSON_KIND_REAL:
    case JSON_KIND_BOOL: json_dump(item, &self->value); return true;
    }
    return true;
}

static bool
put_array(reading_t *self, json_part_t list, int depth, err_t *err)
{
    if (depth > JSON_PARAMS_DEEP)
        return order_param_refuse(self->param, self->number, err,
                                  "its list is nested deeper than %d", JSON_PARAMS_DEEP);
    put(&self->value, "{");
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        if (i > 0)
            (void)sink_write(&self->value, &self->type.delimiter, 1);
        if (!put_item(self, json_part_item(list, i), depth, err))
            return false;
    }
    put(&self->value, "}");
    return true;
}

/* --- values --- */

static bool
no_list(reading_t *self, const char *what, err_t *err)
{
    return order_param_refuse(self->param, self->number, err,
                              "%s is no value of this type: a list is one of an array's type, and "
                              "any JSON one of json and jsonb",
                              what);
}

/* The value of a parameter with a type. A text stands in the document as it is. */
static bool
read_value(reading_t *self, json_part_t part, err_t *err)
{
    order_param_t *param = self->param;
    switch (json_part_kind(part)) {
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: return true;
    case JSON_KIND_TEXT: param->value = json_part_text(part, &param->size); return true;
    case JSON_KIND_ARRAY:
        if (self->type.is_array)
            return put_array(self, part, 1, err);
        if (!self->type.is_json)
            return no_list(self, "a list", err);
        break;
    case JSON_KIND_OBJECT:
        if (self->type.is_array || !self->type.is_json)
            return no_list(self, "an object", err);
        break;
    case JSON_KIND_INTEGER:
    case JSON_KIND_REAL:
    case JSON_KIND_BOOL: break;
    }
    json_dump(part, &self->value);
    return true;
}

static bool
read_typed(reading_t *self, json_part_t part, err_t *err)
{
    static const char *const members[] = { "type", "value", NULL };
    order_param_t *param = self->param;
    json_part_t type = json_part_member(part, "type");
    json_part_t value = json_part_member(part, "value");
    size_t size = 0;
    if (json_part_unknown(part, members) || json_part_kind(type) == JSON_KIND_MISSING
        || json_part_kind(value) == JSON_KIND_MISSING)
        return order_param_refuse(param, self->number, err,
                                  "an object must have the members 'type' and 'value', and no "
                                  "others");
    param->type = json_part_text(type, &size);
    if (!param->type)
        return order_param_refuse(param, self->number, err, "its type must be a text");
    return order_param_type(param, self->number, &self->type, err) && read_value(self, value, err);
}

/* As the same literal in a text. */
static bool
read_plain(reading_t *self, json_part_t part, err_t *err)
{
    order_param_t *param = self->param;
    int64_t number = json_part_int(part);
    switch (json_part_kind(part)) {
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: return true;
    case JSON_KIND_TEXT: param->value = json_part_text(part, &param->size); return true;
    case JSON_KIND_INTEGER:
        param->type = number >= INT32_MIN && number <= INT32_MAX ? "integer" : "bigint";
        break;
    case JSON_KIND_REAL: param->type = "numeric"; break;
    case JSON_KIND_BOOL: param->type = "boolean"; break;
    case JSON_KIND_OBJECT: return read_typed(self, part, err);
    case JSON_KIND_ARRAY:
        return order_param_refuse(param, self->number, err,
                                  "a list needs a type: {\"type\": \"int8[]\", \"value\": [...]}");
    }
    json_dump(part, &self->value);
    return true;
}

static bool
read_one(json_params_t *self, const char *name, json_part_t part, err_t *err)
{
    uint32_t number = self->count++;
    reading_t reading = { .param = &self->list[number], .number = number };
    reading.param->name = name;
    bool good = read_plain(&reading, part, err);
    if (reading.value.size > 0) {
        reading.param->size = reading.value.size;
        (void)sink_write(&reading.value, "", 1);
        self->made[number] = (char *)reading.value.data;
        reading.param->value = self->made[number];
    }
    return good;
}

/* --- all of them --- */

static bool
read_list(json_params_t *self, json_part_t list, err_t *err)
{
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        if (!read_one(self, NULL, json_part_item(list, i), err))
            return false;
    }
    return true;
}

static bool
read_object(json_params_t *self, json_part_t object, err_t *err)
{
    json_member_t member = { 0 };
    while (json_part_next(object, &member)) {
        if (!read_one(self, member.name, member.value, err))
            return false;
    }
    return true;
}

bool
json_params_read(json_params_t *self, json_part_t part, err_t *err)
{
    json_kind_t kind = json_part_kind(part);
    uint32_t count = json_part_count(part);
    *self = (json_params_t){ .list = NULL };
    if (kind == JSON_KIND_MISSING)
        return true;
    if (kind != JSON_KIND_OBJECT && kind != JSON_KIND_ARRAY)
        return err_set(err, ERR_INVALID, "option 'params' must be an object or a list");
    if (count > PARAMS_MOST)
        return err_set(err, ERR_INVALID, "option 'params' has more than %d parameters",
                       PARAMS_MOST);
    if (count == 0)
        return true;
    self->list = mem_array(count, sizeof *self->list);
    self->made = mem_array(count, sizeof *self->made);
    if (kind == JSON_KIND_ARRAY ? read_list(self, part, err) : read_object(self, part, err))
        return true;
    json_params_clear(self);
    return false;
}

void
json_params_clear(json_params_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        free(self->made[i]);
    free(self->made);
    free(self->list);
    *self = (json_params_t){ .list = NULL };
}
