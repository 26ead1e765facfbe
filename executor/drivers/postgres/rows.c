/* rows.c - cells, columns, and COPY's lines as rows of one column. */
#include <libpq-fe.h>

#include "executor/drivers/postgres/cells.h"
#include "executor/drivers/postgres/channel.h"

enum { OID_BYTEA = 17, OID_TEXT = 25 };

result_t *
rows_result(channel_t *self)
{
    if (self->begun)
        return &self->manifest->results[self->manifest->count - 1];
    self->begun = true;
    self->row = 0;
    result_t *result = manifest_add(self->manifest);
    result->step = self->script.step;
    result->ordinal = self->ordinal;
    return result;
}

void
rows_columns(channel_t *self, const PGresult *answer)
{
    result_t *result = rows_result(self);
    if (result->has_columns)
        return;
    int count = PQnfields(answer);
    result_columns(result, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        column_t *column = &result->columns[i];
        column->name = failure_text(PQfname(answer, i));
        names_column(&self->names, PQftype(answer, i), column);
    }
}

turn_t
rows_oversize(const channel_t *self, failure_t *failure)
{
    failure_say(failure, "54000", "row %lld of the result is larger than %u bytes (row_bytes)",
                (long long)self->row + 1, self->row_bytes);
    return TURN_BROKEN;
}

turn_t
rows_no_room(const channel_t *self, failure_t *failure)
{
    failure_say(failure, "54000",
                "a row of the result is too large for this executor (memory limit %u MiB)",
                self->memory_mib);
    return TURN_BROKEN;
}

static turn_t
close_row(channel_t *self, const column_t *bad, failure_t *failure)
{
    allowance_t *allowance = self->script.allowance;
    uint32_t size = page_row_bytes(self->rows);
    if (allowance && size > allowance->bytes) {
        page_row_drop(self->rows);
        return rows_left_out(self);
    }
    if (!page_row_close(self->rows))
        return page_writer_starved(self->rows) ? rows_no_room(self, failure)
                                               : rows_oversize(self, failure);
    self->row++;
    if (allowance) {
        allowance->rows--;
        allowance->bytes -= size;
    }
    if (bad) {
        failure_say(failure, "22021", "column \"%s\" of row %lld is not valid UTF-8", bad->name,
                    (long long)self->row);
        return TURN_BROKEN;
    }
    return page_writer_full(self->rows) ? TURN_FULL : TURN_WAIT;
}

/* One value. False: text that is not UTF-8; nil stands in its place. */
static bool
take_cell(page_writer_t *rows, cell_kind_t kind, const PGresult *answer, int at)
{
    int size = PQgetlength(answer, 0, at);
    if (size > 0 || !PQgetisnull(answer, 0, at)) {
        if (cells_put(rows, kind, PQgetvalue(answer, 0, at), (size_t)size))
            return true;
        page_cell_nil(rows);
        return false;
    }
    page_cell_nil(rows);
    return true;
}

turn_t
rows_take(channel_t *self, PGresult *answer, failure_t *failure)
{
    const result_t *result = rows_result(self);
    if (!result->has_columns)
        rows_columns(self, answer);
    if (rows_spent(self))
        return rows_left_out(self);
    page_writer_t *rows = self->rows;
    const column_t *columns = result->columns;
    uint32_t count = result->column_count;
    const column_t *bad = NULL;
    page_row_open(rows, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!take_cell(rows, columns[i].kind, answer, (int)i))
            bad = &columns[i];
    }
    return close_row(self, bad, failure);
}

/* --- COPY --- */

void
rows_copy(channel_t *self, const PGresult *answer)
{
    result_t *result = rows_result(self);
    result_columns(result, 1);
    result->columns[0].name = mem_text("copy");
    names_column(&self->names, PQbinaryTuples(answer) ? OID_BYTEA : OID_TEXT, &result->columns[0]);
    self->copying = true;
}

static turn_t
copy_line(channel_t *self, char *line, size_t size, failure_t *failure)
{
    const column_t *column = &rows_result(self)->columns[0];
    page_row_open(self->rows, 1);
    if (column->kind == CELL_BINARY) {
        page_cell_binary(self->rows, line, size);
        return close_row(self, NULL, failure);
    }
    if (size > 0 && line[size - 1] == '\n')
        line[--size] = '\0';
    bool good = cells_put(self->rows, CELL_TEXT, line, size);
    if (!good)
        page_cell_nil(self->rows);
    return close_row(self, good ? NULL : column, failure);
}

turn_t
rows_copied(channel_t *self, failure_t *failure)
{
    char *line = NULL;
    int size = PQgetCopyData(self->conn, &line, 1);
    self->starved = size == 0;
    if (size == 0)
        return TURN_WAIT;
    self->stalled = false;
    if (size == -2)
        return answer_lost(self, failure);
    if (size < 0) {
        self->copying = false; /* how it ended is the statement's answer */
        return TURN_WAIT;
    }
    turn_t turn =
        rows_spent(self) ? rows_left_out(self) : copy_line(self, line, (size_t)size, failure);
    PQfreemem(line);
    return turn;
}
