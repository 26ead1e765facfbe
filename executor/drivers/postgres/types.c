/* types.c - the table. */
#include "executor/drivers/postgres/types.h"

#include <stddef.h>

typedef struct {
    uint32_t oid;
    uint32_t array; /* oid of its array type; 0: none */
    const char *name;
    cell_kind_t kind;
} type_t;

static const type_t types[] = {
    { 16, 1000, "boolean", CELL_BOOLEAN },
    { 17, 1001, "bytea", CELL_BINARY },
    { 19, 1003, "name", CELL_TEXT },
    { 20, 1016, "bigint", CELL_INTEGER },
    { 21, 1005, "smallint", CELL_INTEGER },
    { 23, 1007, "integer", CELL_INTEGER },
    { 24, 1008, "regproc", CELL_TEXT },
    { 25, 1009, "text", CELL_TEXT },
    { 26, 1028, "oid", CELL_INTEGER },
    { 28, 1011, "xid", CELL_TEXT },
    { 114, 199, "json", CELL_TEXT },
    { 142, 143, "xml", CELL_TEXT },
    { 600, 1017, "point", CELL_TEXT },
    { 601, 1018, "lseg", CELL_TEXT },
    { 602, 1019, "path", CELL_TEXT },
    { 603, 1020, "box", CELL_TEXT },
    { 604, 1027, "polygon", CELL_TEXT },
    { 628, 629, "line", CELL_TEXT },
    { 650, 651, "cidr", CELL_TEXT },
    { 700, 1021, "real", CELL_REAL },
    { 701, 1022, "double precision", CELL_FLOAT },
    { 718, 719, "circle", CELL_TEXT },
    { 774, 775, "macaddr8", CELL_TEXT },
    { 790, 791, "money", CELL_TEXT },
    { 829, 1040, "macaddr", CELL_TEXT },
    { 869, 1041, "inet", CELL_TEXT },
    { 1042, 1014, "character", CELL_TEXT },
    { 1043, 1015, "character varying", CELL_TEXT },
    { 1082, 1182, "date", CELL_TEXT },
    { 1083, 1183, "time without time zone", CELL_TEXT },
    { 1114, 1115, "timestamp without time zone", CELL_TEXT },
    { 1184, 1185, "timestamp with time zone", CELL_TEXT },
    { 1186, 1187, "interval", CELL_TEXT },
    { 1266, 1270, "time with time zone", CELL_TEXT },
    { 1560, 1561, "bit", CELL_TEXT },
    { 1562, 1563, "bit varying", CELL_TEXT },
    { 1700, 1231, "numeric", CELL_NUMERIC },
    { 2202, 2207, "regprocedure", CELL_TEXT },
    { 2203, 2208, "regoper", CELL_TEXT },
    { 2204, 2209, "regoperator", CELL_TEXT },
    { 2205, 2210, "regclass", CELL_TEXT },
    { 2206, 2211, "regtype", CELL_TEXT },
    { 2249, 2287, "record", CELL_TEXT },
    { 2278, 0, "void", CELL_TEXT },
    { 2950, 2951, "uuid", CELL_TEXT },
    { 2970, 2949, "txid_snapshot", CELL_TEXT },
    { 3220, 3221, "pg_lsn", CELL_TEXT },
    { 3614, 3643, "tsvector", CELL_TEXT },
    { 3615, 3645, "tsquery", CELL_TEXT },
    { 3734, 3735, "regconfig", CELL_TEXT },
    { 3769, 3770, "regdictionary", CELL_TEXT },
    { 3802, 3807, "jsonb", CELL_TEXT },
    { 3904, 3905, "int4range", CELL_TEXT },
    { 3906, 3907, "numrange", CELL_TEXT },
    { 3908, 3909, "tsrange", CELL_TEXT },
    { 3910, 3911, "tstzrange", CELL_TEXT },
    { 3912, 3913, "daterange", CELL_TEXT },
    { 3926, 3927, "int8range", CELL_TEXT },
    { 4072, 4073, "jsonpath", CELL_TEXT },
    { 4089, 4090, "regnamespace", CELL_TEXT },
    { 4096, 4097, "regrole", CELL_TEXT },
    { 4191, 4192, "regcollation", CELL_TEXT },
    { 4451, 6150, "int4multirange", CELL_TEXT },
    { 4532, 6151, "nummultirange", CELL_TEXT },
    { 4533, 6152, "tsmultirange", CELL_TEXT },
    { 4534, 6153, "tstzmultirange", CELL_TEXT },
    { 4535, 6155, "datemultirange", CELL_TEXT },
    { 4536, 6157, "int8multirange", CELL_TEXT },
    { 5038, 5039, "pg_snapshot", CELL_TEXT },
    { 5069, 271, "xid8", CELL_TEXT },
};

enum { TYPES = sizeof types / sizeof types[0] };

bool
types_name(uint32_t oid, const char **name, bool *array)
{
    for (size_t i = 0; i < TYPES && oid != 0; i++) {
        if (types[i].oid == oid || types[i].array == oid) {
            *name = types[i].name;
            *array = types[i].array == oid;
            return true;
        }
    }
    return false;
}

cell_kind_t
types_kind(uint32_t oid)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (types[i].oid == oid)
            return types[i].kind;
    }
    return CELL_TEXT;
}
