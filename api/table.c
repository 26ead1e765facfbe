#include "api/table.h"

#include <stdlib.h>
#include <string.h>

struct table {
    const result_t *result;
    uint32_t count;
    char **names;
};

/* --- which names there are --- */

/* A name, and the highest number that was tried behind it; 0: no column has it yet. */
typedef struct {
    const char *name; /* NULL: a free place */
    uint32_t number;
} taken_t;

typedef struct {
    taken_t *places;
    uint32_t mask;
} names_t;

/* FNV-1a. */
static uint32_t
hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

/* Where this name is, or would be. */
static taken_t *
place_of(const names_t *self, const char *name)
{
    uint32_t at = hash_of(name) & self->mask;
    while (self->places[at].name && strcmp(self->places[at].name, name) != 0)
        at = (at + 1) & self->mask;
    return &self->places[at];
}

/* The names that the source gave, and room for as many again. */
static names_t
names_given(const result_t *result)
{
    uint32_t room = 4;
    while (room < 4 * (uint64_t)result->column_count)
        room *= 2;
    names_t self = { .places = mem_array(room, sizeof(taken_t)), .mask = room - 1 };
    for (uint32_t i = 0; i < result->column_count; i++)
        place_of(&self, result->columns[i].name)->name = result->columns[i].name;
    return self;
}

/* A column's name: the first with a name keeps it. Caller owns the result. */
static char *
next_name(const names_t *names, const char *given)
{
    taken_t *base = place_of(names, given);
    if (base->number++ == 0)
        return mem_text(given);
    for (;;) {
        char *name = mem_format("%s_%u", given, (unsigned)base->number);
        taken_t *place = place_of(names, name);
        if (!place->name) {
            place->name = name;
            return name;
        }
        free(name);
        base->number++;
    }
}

table_t *
table_new(const result_t *result)
{
    table_t *self = mem_new(sizeof *self);
    names_t names = names_given(result);
    self->result = result;
    self->names = mem_array(result->column_count, sizeof *self->names);
    for (; self->count < result->column_count; self->count++)
        self->names[self->count] = next_name(&names, result->columns[self->count].name);
    free(names.places);
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
