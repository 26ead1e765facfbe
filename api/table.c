#include "api/table.h"

#include <stdlib.h>
#include <string.h>

struct table {
    const result_t *result;
    uint32_t count;
    char **names;
};

static bool
name_taken(const table_t *self, const char *name)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (strcmp(self->names[i], name) == 0)
            return true;
    }
    for (uint32_t i = self->count + 1; i < self->result->column_count; i++) {
        if (strcmp(self->result->columns[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Has an earlier column the name that `column` was given? Returns how many. */
static unsigned
earlier(const result_t *result, uint32_t column)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < column; i++)
        count += strcmp(result->columns[i].name, result->columns[column].name) == 0;
    return count;
}

/* The next column's name. Caller owns the result. */
static char *
next_name(const table_t *self)
{
    const char *given = self->result->columns[self->count].name;
    unsigned before = earlier(self->result, self->count);
    if (before == 0)
        return mem_text(given);
    char *name = mem_format("%s_%u", given, before + 1);
    for (unsigned n = before + 2; name_taken(self, name); n++) {
        free(name);
        name = mem_format("%s_%u", given, n);
    }
    return name;
}

table_t *
table_new(const result_t *result)
{
    table_t *self = mem_new(sizeof *self);
    self->result = result;
    self->names = mem_array(result->column_count, sizeof *self->names);
    while (self->count < result->column_count) {
        char *name = next_name(self);
        self->names[self->count++] = name;
    }
    return self;
}

void
table_destroy(table_t **self_p)
{
    table_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        free(self->names[i]);
    free(self->names);
    free(self);
}

const char *
table_name(const table_t *self, uint32_t column)
{
    return self->names[column];
}

static void
write_upper(json_t *json, const char *text)
{
    own(mem) upper = mem_text(text);
    for (char *at = upper; *at; at++) {
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    }
    json_text(json, upper);
}

void
table_schema(const table_t *self, json_t *json, bool told_apart)
{
    json_begin_list(json);
    for (uint32_t i = 0; i < self->count; i++) {
        json_begin(json);
        json_member_text(json, "name", told_apart ? self->names[i] : self->result->columns[i].name);
        json_name(json, "type");
        write_upper(json, self->result->columns[i].type);
        json_end(json);
    }
    json_end_list(json);
}
