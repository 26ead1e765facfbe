/* rowtext.c - columns made ready, and runs of rows. */
#include "api/rowtext.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/rowtext_inner.h"
#include "api/table.h"

/* --- the place --- */

void
out_open(out_t *self, reply_t *reply)
{
    self->reply = reply;
    self->start = self->at = reply_room(reply, OUT_MOST);
    self->end = self->at + reply_left(reply);
}

void
out_close(out_t *self)
{
    reply_wrote(self->reply, (size_t)(self->at - self->start));
    self->start = self->at;
}

void
out_more(out_t *self, size_t size)
{
    out_close(self);
    self->start = self->at = reply_room(self->reply, size);
    self->end = self->at + reply_left(self->reply);
}

void
out_long(out_t *self, const char *text, size_t size)
{
    out_close(self);
    reply_write(self->reply, text, size);
    out_open(self, self->reply);
}

void
out_hex(out_t *self, const char *bytes, size_t size)
{
    while (size > 0) {
        size_t piece = size < OUT_PIECE ? size : OUT_PIECE;
        out_need(self, ESCAPE_HEX_ROOM(piece));
        self->at = escape_hex(self->at, bytes, piece);
        bytes += piece;
        size -= piece;
    }
}

/* --- columns --- */

/* Columns of these types may hold numbers that a double cannot. */
static bool
exceeds_double(const column_t *column)
{
    return column->kind == CELL_NUMERIC
           || (column->kind == CELL_INTEGER && strcmp(column->type, "bigint") == 0);
}

/* `,"name":`, the first one without its comma; or just that. */
static void
make_lead(field_t *field, const char *name, bool first)
{
    own(mem) key = name ? json_key(name) : mem_text("");
    own(mem) lead = mem_format("%s%s", first ? "" : ",", key);
    field->lead_size = strlen(lead);
    size_t room = field->lead_size > LEAD_SMALL ? field->lead_size : LEAD_SMALL;
    field->lead = mem_new(room);
    memcpy(field->lead, lead, field->lead_size);
}

rowtext_t *
rowtext_new(const result_t *result, rowtext_form_t form, numbers_t numbers)
{
    rowtext_t *self = mem_new(sizeof *self);
    self->result = result;
    self->form = form;
    self->count = result->column_count;
    self->fields = mem_array(self->count, sizeof *self->fields);
    bool named = form == ROWTEXT_OBJECTS || form == ROWTEXT_LINES;
    own(table) table = table_new(result);
    for (uint32_t i = 0; i < self->count; i++) {
        field_t *field = &self->fields[i];
        field->kind = result->columns[i].kind;
        field->quoted = numbers == NUMBERS_STRING && exceeds_double(&result->columns[i]);
        make_lead(field, named ? table_name(table, i) : NULL, i == 0);
    }
    return self;
}

void
rowtext_destroy(rowtext_t **self_p)
{
    rowtext_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        free(self->fields[i].lead);
    free(self->fields);
    free(self);
}

/* The first column that is shown stands behind no comma. */
void
rowtext_shape(rowtext_t *self, uint32_t column, rowtext_shape_t shape)
{
    self->fields[column].shape = shape;
    uint32_t first = 0;
    while (first < self->count && self->fields[first].shape == ROWTEXT_HIDDEN)
        first++;
    if (first == self->count || self->fields[first].lead[0] != ',')
        return;
    field_t *field = &self->fields[first];
    field->lead_size--;
    memmove(field->lead, field->lead + 1, field->lead_size);
}

/* --- writing --- */

/* A name may hold anything but NUL. */
static void
head_name(reply_t *reply, const char *name)
{
    size_t size = strlen(name);
    own(mem) room = mem_new(ESCAPE_CSV_ROOM(size));
    char *end = size > 0 ? escape_csv_plain(room, name, size) : NULL;
    bool quoted = !end;
    if (quoted)
        end = escape_csv(room, name, size);
    reply_write(reply, "\"", quoted ? 1 : 0);
    reply_write(reply, room, (size_t)(end - room));
    reply_write(reply, "\"", quoted ? 1 : 0);
}

void
rowtext_head(const rowtext_t *self, reply_t *reply)
{
    if (self->form != ROWTEXT_CSV || !self->result->has_columns)
        return;
    for (uint32_t i = 0; i < self->count; i++) {
        if (i > 0)
            reply_write(reply, ",", 1);
        head_name(reply, self->result->columns[i].name);
    }
    reply_write(reply, "\r\n", 2);
}

void
rowtext_anew(rowtext_t *self)
{
    self->begun = false;
}

static bool
write_run(rowtext_t *self, reply_t *reply, const run_t *run)
{
    page_reader_t in;
    out_t out;
    page_reader_init(&in, run->data, run->size);
    out_open(&out, reply);
    bool good = self->form == ROWTEXT_CSV ? rowtext_csv(self, &out, &in, run->rows)
                                          : rowtext_json(self, &out, &in, run->rows);
    out_close(&out);
    return good;
}

static bool
write_runs(rowtext_t *self, reply_t *reply, rows_t *rows, int64_t limit, int64_t *count, err_t *err)
{
    run_t run;
    while (*count < limit && rows_run(rows, limit - *count, &run, err)) {
        if (!write_run(self, reply, &run))
            return err_set(err, ERR_INTERNAL, "a stored page is damaged: its bytes are no rows");
        if (!reply_good(reply))
            return err_set(err, ERR_TIMEOUT, "the client has gone");
        *count += run.rows;
    }
    return err->kind == ERR_NONE;
}

bool
rowtext_write(rowtext_t *self, reply_t *reply, rows_t *rows, int64_t limit, int64_t *count,
              err_t *err)
{
    *count = 0;
    err_clear(err);
    if (!rows)
        return true;
    reply_stall(reply, rows_settle, rows);
    bool good = write_runs(self, reply, rows, limit, count, err);
    reply_stall(reply, NULL, NULL);
    return good;
}
