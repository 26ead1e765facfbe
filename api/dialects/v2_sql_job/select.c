/* select.c - what the synchronous API is asked: a text, and a window over its rows. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"
#include "common/sqlscan.h"

enum { FILENAME_MOST = 255, CLAUSES_SIZE = 512 };

/* --- parameters --- */

static const char *
text_of(const json_doc_t *asked, const char *name)
{
    size_t size = 0;
    const char *text = json_doc_text(asked, name, &size);
    return text && size > 0 ? text : NULL;
}

/* A number, however it was sent; what is none counts as not given. */
static bool
number_of(const json_doc_t *asked, const char *name, int64_t *number)
{
    *number = json_doc_int(asked, name);
    if (json_doc_kind(asked, name) == JSON_KIND_INTEGER)
        return *number >= 0;
    const char *text = text_of(asked, name);
    if (!text || !isdigit((unsigned char)text[0]))
        return false;
    *number = strtoll(text, NULL, 10);
    return true;
}

static bool
check_format(const json_doc_t *asked, err_t *err)
{
    const char *format = text_of(asked, "format");
    return !format || strcasecmp(format, "json") == 0
           || err_set(err, ERR_INVALID, "Invalid format: %.100s", format);
}

/* --- the window --- */

/* Does a query change something here? INSERT and MERGE have an INTO, and so has what makes a table.
 */
static bool
changes(const piece_t *before, const piece_t *piece)
{
    bool begins = piece_is_sign(before, '(') || piece_is_sign(before, ')');
    return piece_is(piece, "INTO")
           || (begins && (piece_is(piece, "UPDATE") || piece_is(piece, "DELETE")));
}

/* Only a query can be looked at through a window: one statement that gives rows and changes
 * nothing. *size is its own, without a semicolon. */
static bool
is_query(const char *sql, size_t *size)
{
    sqlscan_t scan = { .at = sql };
    piece_t before = sqlscan_token(&scan);
    while (piece_is_sign(&before, '('))
        before = sqlscan_token(&scan);
    if (!piece_is(&before, "SELECT") && !piece_is(&before, "WITH"))
        return false;
    piece_t piece = sqlscan_token(&scan);
    for (; piece.kind != PIECE_END && !piece_is_sign(&piece, ';'); piece = sqlscan_token(&scan)) {
        if (piece.is_open || changes(&before, &piece))
            return false;
        before = piece;
    }
    *size = (size_t)(piece.at - sql);
    return piece.kind == PIECE_END || sqlscan_token(&scan).kind == PIECE_END;
}

/* The name of a column, quoted. */
static size_t
put_name(char *out, const char *name, size_t most)
{
    size_t used = 0;
    out[used++] = '"';
    for (; *name && used + 3 < most; name++) {
        if (*name == '"')
            out[used++] = '"';
        out[used++] = *name;
    }
    out[used++] = '"';
    out[used] = '\0';
    return used;
}

/* " ORDER BY ... LIMIT ...": empty when nothing was asked for. */
static void
clauses(const json_doc_t *asked, char out[CLAUSES_SIZE])
{
    const char *order = text_of(asked, "order_by");
    const char *way = text_of(asked, "sort_order");
    int64_t rows = 0;
    int64_t page = 0;
    size_t used = 0;
    out[0] = '\0';
    if (order) {
        used = (size_t)snprintf(out, CLAUSES_SIZE, " ORDER BY ");
        used += put_name(out + used, order, CLAUSES_SIZE / 2);
    }
    if (order && way && (strcasecmp(way, "asc") == 0 || strcasecmp(way, "desc") == 0))
        used += (size_t)snprintf(out + used, CLAUSES_SIZE - used, " %s", way);
    if (number_of(asked, "rows_per_page", &rows) && number_of(asked, "page", &page)
        && rows <= INT32_MAX && page <= INT32_MAX)
        snprintf(out + used, CLAUSES_SIZE - used, " LIMIT %" PRId64 " OFFSET %" PRId64, rows,
                 rows * page);
}

/* The text, as it is to be run. A comment at its end must not reach the window. Caller owns the
 * result. */
static char *
windowed(const char *sql, const json_doc_t *asked)
{
    char window[CLAUSES_SIZE];
    size_t size = 0;
    clauses(asked, window);
    if (!window[0] || !is_query(sql, &size) || size > INT32_MAX)
        return mem_text(sql);
    return mem_format("SELECT * FROM (%.*s\n) AS cdbq_1%s", (int)size, sql, window);
}

/* --- all of it --- */

/* What a file is called by a name that somebody chose: no folder, no ending, and nothing but what
 * may stand in a header. Caller owns the result. */
static char *
filename_of(const json_doc_t *asked)
{
    const char *name = text_of(asked, "filename");
    const char *slash = name ? strrchr(name, '/') : NULL;
    if (slash)
        name = slash + 1;
    if (!name || !name[0])
        return mem_text("cartodb-query");
    const char *dot = strrchr(name, '.');
    size_t size = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    char *made = mem_copy(name, size < FILENAME_MOST ? size : FILENAME_MOST);
    for (char *c = made; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            *c = '_';
    }
    return made;
}

bool
v2_select_read(v2_select_t *self, const json_doc_t *asked, err_t *err)
{
    *self = (v2_select_t){ .sql = NULL };
    const char *sql = text_of(asked, "q");
    if (!sql)
        return err_set(err, ERR_INVALID, "You must indicate a sql query");
    if (!check_format(asked, err))
        return false;
    self->sql = windowed(sql, asked);
    self->filename = filename_of(asked);
    self->is_file = text_of(asked, "filename") || text_of(asked, "format");
    self->skipped = json_doc_part(asked, "skipfields");
    return true;
}

void
v2_select_clear(v2_select_t *self)
{
    free(self->sql);
    free(self->filename);
}

static bool
lists(json_part_t part, const char *name)
{
    const char *at = json_part_text(part, NULL);
    size_t size = strlen(name);
    while (at && *at) {
        size_t piece = strcspn(at, ",");
        if (piece == size && strncmp(at, name, size) == 0)
            return true;
        at += piece + (at[piece] == ',');
    }
    return false;
}

bool
v2_select_skips(const v2_select_t *self, const char *name)
{
    if (lists(self->skipped, name))
        return true;
    for (uint32_t i = 0; i < json_part_count(self->skipped); i++) {
        if (lists(json_part_item(self->skipped, i), name))
            return true;
    }
    return false;
}
