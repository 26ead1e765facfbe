/* fields.c - columns as the synchronous API says them.
 *
 * The numbers and names of types that every database has are those of PostgreSQL's
 * src/include/catalog/pg_type.dat.
 */
#include <stdio.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { WORD_SIZE = 80 };

static const struct {
    uint32_t oid;
    const char *name;
} types[] = {
    { 16, "bool" },       { 17, "bytea" },       { 18, "char" },          { 19, "name" },
    { 20, "int8" },       { 21, "int2" },        { 22, "int2vector" },    { 23, "int4" },
    { 24, "regproc" },    { 25, "text" },        { 26, "oid" },           { 27, "tid" },
    { 28, "xid" },        { 29, "cid" },         { 30, "oidvector" },     { 114, "json" },
    { 142, "xml" },       { 143, "_xml" },       { 199, "_json" },        { 600, "point" },
    { 601, "lseg" },      { 602, "path" },       { 603, "box" },          { 604, "polygon" },
    { 628, "line" },      { 629, "_line" },      { 650, "cidr" },         { 651, "_cidr" },
    { 700, "float4" },    { 701, "float8" },     { 705, "unknown" },      { 718, "circle" },
    { 719, "_circle" },   { 774, "macaddr8" },   { 790, "money" },        { 791, "_money" },
    { 829, "macaddr" },   { 869, "inet" },       { 1000, "_bool" },       { 1001, "_bytea" },
    { 1002, "_char" },    { 1003, "_name" },     { 1005, "_int2" },       { 1007, "_int4" },
    { 1009, "_text" },    { 1014, "_bpchar" },   { 1015, "_varchar" },    { 1016, "_int8" },
    { 1017, "_point" },   { 1018, "_lseg" },     { 1019, "_path" },       { 1020, "_box" },
    { 1021, "_float4" },  { 1022, "_float8" },   { 1027, "_polygon" },    { 1028, "_oid" },
    { 1040, "_macaddr" }, { 1041, "_inet" },     { 1042, "bpchar" },      { 1043, "varchar" },
    { 1082, "date" },     { 1083, "time" },      { 1114, "timestamp" },   { 1115, "_timestamp" },
    { 1182, "_date" },    { 1183, "_time" },     { 1184, "timestamptz" }, { 1185, "_timestamptz" },
    { 1186, "interval" }, { 1187, "_interval" }, { 1231, "_numeric" },    { 1266, "timetz" },
    { 1270, "_timetz" },  { 1560, "bit" },       { 1561, "_bit" },        { 1562, "varbit" },
    { 1563, "_varbit" },  { 1700, "numeric" },   { 2205, "regclass" },    { 2206, "regtype" },
    { 2249, "record" },   { 2950, "uuid" },      { 2951, "_uuid" },       { 3220, "pg_lsn" },
    { 3614, "tsvector" }, { 3615, "tsquery" },   { 3643, "_tsvector" },   { 3802, "jsonb" },
    { 3807, "_jsonb" },   { 3904, "int4range" }, { 3905, "_int4range" },  { 3906, "numrange" },
    { 3908, "tsrange" },  { 3910, "tstzrange" }, { 3912, "daterange" },   { 3926, "int8range" },
};

const char *
v2_type_name(const column_t *column)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].oid == column->oid)
            return types[i].name;
    }
    return NULL;
}

/* --- fields --- */

static bool
has(const char *name, const char *const *parts)
{
    for (; *parts; parts++) {
        if (strstr(name, *parts))
            return true;
    }
    return false;
}

/* The kind of a type, by its name: the words that clients know. */
static const char *
kind_word(const char *name)
{
    static const char *const numbers[] = { "int", "float", "numeric", NULL };
    static const char *const strings[] = { "text", "char", "unknown", NULL };
    static const char *const dates[] = { "date", "time", NULL };
    return strstr(name, "bool") ? "boolean"
           : has(name, numbers) ? "number"
           : has(name, strings) ? "string"
           : has(name, dates)   ? "date"
                                : name;
}

static bool
is_spatial(const char *type)
{
    return strcmp(type, "geometry") == 0 || strcmp(type, "geography") == 0
           || strcmp(type, "raster") == 0;
}

static void
write_field(json_t *json, const column_t *column)
{
    char word[WORD_SIZE];
    const char *name = v2_type_name(column);
    if (name)
        snprintf(word, sizeof word, "%s%s", kind_word(name), name[0] == '_' ? "[]" : "");
    else if (is_spatial(column->type))
        snprintf(word, sizeof word, "%s", column->type);
    else
        snprintf(word, sizeof word, "unknown(%u)", (unsigned)column->oid);
    json_begin(json);
    json_member_text(json, "type", word);
    if (name)
        json_member_text(json, "pgtype", name);
    json_end(json);
}

void
v2_fields(json_t *json, const result_t *result, const bool *hidden)
{
    own(table) table = table_new(result);
    json_begin(json);
    for (uint32_t i = 0; i < result->column_count; i++) {
        if (hidden[i])
            continue;
        json_name(json, table_name(table, i));
        write_field(json, &result->columns[i]);
    }
    json_end(json);
}

/* --- rows --- */

/* JavaScript's own values, where it has some. */
static const struct {
    const char *name;
    rowtext_shape_t shape;
} shapes[] = {
    { "json", ROWTEXT_AS_JSON },        { "jsonb", ROWTEXT_AS_JSON },
    { "_json", ROWTEXT_AS_JSONS },      { "_jsonb", ROWTEXT_AS_JSONS },
    { "date", ROWTEXT_AS_DATE },        { "timestamp", ROWTEXT_AS_DATE },
    { "timestamptz", ROWTEXT_AS_DATE }, { "_date", ROWTEXT_AS_DATES },
    { "_timestamp", ROWTEXT_AS_DATES }, { "_timestamptz", ROWTEXT_AS_DATES },
    { "_bool", ROWTEXT_AS_BOOLEANS },   { "_int2", ROWTEXT_AS_NUMBERS },
    { "_int4", ROWTEXT_AS_NUMBERS },    { "_int8", ROWTEXT_AS_NUMBERS },
    { "_oid", ROWTEXT_AS_NUMBERS },     { "_float4", ROWTEXT_AS_NUMBERS },
    { "_float8", ROWTEXT_AS_NUMBERS },  { "_numeric", ROWTEXT_AS_NUMBERS },
    { "_text", ROWTEXT_AS_TEXTS },      { "_varchar", ROWTEXT_AS_TEXTS },
    { "_bpchar", ROWTEXT_AS_TEXTS },    { "_uuid", ROWTEXT_AS_TEXTS },
    { "_time", ROWTEXT_AS_TEXTS },      { "_timetz", ROWTEXT_AS_TEXTS },
    { "_money", ROWTEXT_AS_TEXTS },     { "_inet", ROWTEXT_AS_TEXTS },
    { "_cidr", ROWTEXT_AS_TEXTS },      { "_macaddr", ROWTEXT_AS_TEXTS },
};

static rowtext_shape_t
shape_of(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].name, name) == 0)
            return shapes[i].shape;
    }
    return ROWTEXT_AS_IT_IS;
}

void
v2_shape(rowtext_t *rows, const result_t *result, const bool *hidden)
{
    for (uint32_t i = 0; i < result->column_count; i++) {
        const char *name = v2_type_name(&result->columns[i]);
        if (hidden[i])
            rowtext_shape(rows, i, ROWTEXT_HIDDEN);
        else if (name)
            rowtext_shape(rows, i, shape_of(name));
    }
}
