/* names.c - from the table, from memory, or asked for. */
#include "executor/drivers/postgres/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/driver.h"
#include "executor/drivers/postgres/cells.h"
#include "executor/drivers/postgres/types.h"

const char names_question[] = "SELECT o::pg_catalog.int8, pg_catalog.format_type(o, NULL)"
                              " FROM pg_catalog.unnest($1::pg_catalog.oid[]) o";

void
names_clear(names_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        free(self->known[i].name);
    *self = (names_t){ 0 };
}

void
names_begin(names_t *self)
{
    if (self->count > NAMES_MOST / 2)
        names_clear(self);
}

static name_t *
find(names_t *self, uint32_t oid)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->known[i].oid == oid)
            return &self->known[i];
    }
    return NULL;
}

void
names_column(names_t *self, uint32_t oid, column_t *column)
{
    const char *name = NULL;
    bool array = false;
    column->oid = oid;
    column->kind = types_kind(oid);
    if (types_name(oid, &name, &array)) {
        column->type = array ? mem_format("%s[]", name) : mem_text(name);
        return;
    }
    name_t *known = find(self, oid);
    if (known && known->name)
        column->type = mem_text(known->name);
    else if (!known && self->count < NAMES_MOST)
        self->known[self->count++] = (name_t){ .oid = oid };
}

char *
names_unknown(const names_t *self)
{
    enum { NUMBER_SIZE = 12 };
    char text[NAMES_MOST * NUMBER_SIZE + 3];
    size_t size = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        if (!self->known[i].name)
            size += (size_t)snprintf(text + size, sizeof text - size, "%c%u", size > 0 ? ',' : '{',
                                     self->known[i].oid);
    }
    return size > 0 ? mem_format("%s}", text) : NULL;
}

void
names_learn(names_t *self, const char *oid, const char *name)
{
    int64_t number = 0;
    if (!cells_int(oid, strlen(oid), &number))
        return;
    name_t *known = find(self, (uint32_t)number);
    if (known && !known->name)
        known->name = failure_text(name);
}

void
names_fill(names_t *self, result_t *result)
{
    for (uint32_t i = 0; i < result->column_count; i++) {
        column_t *column = &result->columns[i];
        if (column->type)
            continue;
        const name_t *known = find(self, column->oid);
        column->type =
            known && known->name ? mem_text(known->name) : mem_format("type %u", column->oid);
    }
}
