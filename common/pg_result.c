/* pg_result.c - values out of libpq's results; SQLSTATE into err_t. */
#include "common/pg_inner.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pg_params.h"

/* Types as PostgreSQL numbers them. */
enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TIME = 1184 };

/* Where a one-dimensional array's count and elements stand. */
enum { ARRAY_COUNT_AT = 12, ARRAY_HEAD_SIZE = 20, ARRAY_INT8_SIZE = 12 };

_Static_assert((int)PG_SHOWN_SIZE >= (int)CLOCK_TEXT_SIZE, "a time fits");

/* A pg_result_t is a PGresult under our name: nothing is added to it. */
static const PGresult *
inner(const pg_result_t *self)
{
    return (const PGresult *)self;
}

pg_result_t *
pg_result_wrap(PGresult **result_p)
{
    return (pg_result_t *)take(*result_p);
}

void
pg_result_destroy(pg_result_t **self_p)
{
    PQclear((PGresult *)*self_p);
    *self_p = NULL;
}

int
pg_rows(const pg_result_t *self)
{
    return PQntuples(inner(self));
}

int
pg_columns(const pg_result_t *self)
{
    return PQnfields(inner(self));
}

bool
pg_is_null(const pg_result_t *self, int row, int column)
{
    return PQgetisnull(inner(self), row, column);
}

/* The value's bytes when it has exactly `size` of them, else NULL. */
static const char *
value(const pg_result_t *self, int row, int column, int size)
{
    bool fits = PQgetlength(inner(self), row, column) == size;
    return fits ? PQgetvalue(inner(self), row, column) : NULL;
}

static uint32_t
read32(const char *at)
{
    uint32_t big;
    memcpy(&big, at, sizeof big);
    return be32toh(big);
}

static int64_t
read64(const char *at)
{
    uint64_t big;
    memcpy(&big, at, sizeof big);
    return (int64_t)be64toh(big);
}

bool
pg_get_bool(const pg_result_t *self, int row, int column)
{
    const char *at = value(self, row, column, 1);
    return at && *at;
}

int16_t
pg_get_int2(const pg_result_t *self, int row, int column)
{
    const char *at = value(self, row, column, 2);
    uint16_t big = 0;
    if (at)
        memcpy(&big, at, sizeof big);
    return (int16_t)be16toh(big);
}

int32_t
pg_get_int4(const pg_result_t *self, int row, int column)
{
    const char *at = value(self, row, column, 4);
    return at ? (int32_t)read32(at) : 0;
}

int64_t
pg_get_int8(const pg_result_t *self, int row, int column)
{
    const char *at = value(self, row, column, 8);
    return at ? read64(at) : 0;
}

const char *
pg_get_text(const pg_result_t *self, int row, int column)
{
    return PQgetvalue(inner(self), row, column);
}

jobid_t
pg_get_uuid(const pg_result_t *self, int row, int column)
{
    jobid_t id = { 0 };
    const char *at = value(self, row, column, JOBID_SIZE);
    if (at)
        memcpy(id.bytes, at, JOBID_SIZE);
    return id;
}

int64_t
pg_get_time(const pg_result_t *self, int row, int column)
{
    const char *at = value(self, row, column, 8);
    if (!at)
        return 0;
    int64_t us = read64(at);
    bool finite = us != INT64_MAX && us != INT64_MIN;
    return finite ? us + PG_EPOCH_US : us;
}

view_t
pg_get_bytes(const pg_result_t *self, int row, int column)
{
    return (view_t){ .data = PQgetvalue(inner(self), row, column),
                     .size = (uint32_t)PQgetlength(inner(self), row, column) };
}

uint32_t
pg_get_count(const pg_result_t *self, int row, int column)
{
    view_t view = pg_get_bytes(self, row, column);
    if (view.size < ARRAY_HEAD_SIZE)
        return 0;
    uint32_t count = read32(view.data + ARRAY_COUNT_AT);
    return view.size == ARRAY_HEAD_SIZE + (uint64_t)count * ARRAY_INT8_SIZE ? count : 0;
}

int64_t
pg_get_element(const pg_result_t *self, int row, int column, uint32_t i)
{
    assert(i < pg_get_count(self, row, column));
    view_t view = pg_get_bytes(self, row, column);
    return read64(view.data + ARRAY_HEAD_SIZE + (size_t)i * ARRAY_INT8_SIZE + 4);
}

const char *
pg_get_shown(const pg_result_t *self, int row, int column, char text[PG_SHOWN_SIZE])
{
    if (pg_is_null(self, row, column))
        return NULL;
    switch (PQftype(inner(self), column)) {
    case OID_BOOL: return pg_get_bool(self, row, column) ? "true" : "false";
    case OID_INT2:
        (void)snprintf(text, PG_SHOWN_SIZE, "%d", pg_get_int2(self, row, column));
        return text;
    case OID_INT4:
        (void)snprintf(text, PG_SHOWN_SIZE, "%" PRId32, pg_get_int4(self, row, column));
        return text;
    case OID_INT8:
        (void)snprintf(text, PG_SHOWN_SIZE, "%" PRId64, pg_get_int8(self, row, column));
        return text;
    case OID_TIME: return clock_iso(pg_get_time(self, row, column) / 1000, text);
    default: return pg_get_text(self, row, column);
    }
}

/* --- errors --- */

static bool
has_class(const char *sqlstate, const char *class)
{
    return strncmp(sqlstate, class, strlen(class)) == 0;
}

/* The server goes down, is not up yet, or is a standby now; or we stood still in a transaction. */
static bool
is_lost(const char *sqlstate)
{
    return has_class(sqlstate, "08") || has_class(sqlstate, "57P") || has_class(sqlstate, "25006")
           || has_class(sqlstate, "25P03");
}

bool
pg_result_error(const PGresult *result, err_t *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!sqlstate) {
        (void)err_set(err, ERR_UNAVAILABLE, "the connection to the database was lost");
        return true;
    }
    bool lost = is_lost(sqlstate);
    bool away = lost || has_class(sqlstate, "53");
    (void)err_set(err, away ? ERR_UNAVAILABLE : ERR_SQL, "%s", message ? message : "no message");
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    return lost;
}

void
pg_connect_error(const PGconn *connection, err_t *err)
{
    const char *text = connection ? PQerrorMessage(connection) : "";
    const char *said = strstr(text, "FATAL:  ");
    if (!said) {
        (void)err_set(err, ERR_UNAVAILABLE, "the database cannot be reached");
        return;
    }
    said += strlen("FATAL:  ");
    int size = (int)strcspn(said, "\n");
    (void)err_set(err, ERR_UNAVAILABLE, "the database refuses connections: %.*s", size, said);
}
