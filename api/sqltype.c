/* sqltype.c - one table: as pg_type has them. */
#include "api/sqltype.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    const char *word;
    uint32_t oid;
    uint32_t array_oid;
} named_t;

static const named_t named[] = {
    { "bigint", 20, 1016 },
    { "bit", 1560, 1561 },
    { "bit varying", 1562, 1563 },
    { "bool", 16, 1000 },
    { "boolean", 16, 1000 },
    { "box", 603, 1020 },
    { "bpchar", 1042, 1014 },
    { "bytea", 17, 1001 },
    { "char", 1042, 1014 },
    { "character", 1042, 1014 },
    { "character varying", 1043, 1015 },
    { "cidr", 650, 651 },
    { "circle", 718, 719 },
    { "date", 1082, 1182 },
    { "datemultirange", 4535, 6155 },
    { "daterange", 3912, 3913 },
    { "dec", 1700, 1231 },
    { "decimal", 1700, 1231 },
    { "double precision", 701, 1022 },
    { "float", 701, 1022 },
    { "float4", 700, 1021 },
    { "float8", 701, 1022 },
    { "inet", 869, 1041 },
    { "int", 23, 1007 },
    { "int2", 21, 1005 },
    { "int4", 23, 1007 },
    { "int4multirange", 4451, 6150 },
    { "int4range", 3904, 3905 },
    { "int8", 20, 1016 },
    { "int8multirange", 4536, 6157 },
    { "int8range", 3926, 3927 },
    { "integer", 23, 1007 },
    { "interval", 1186, 1187 },
    { "json", 114, 199 },
    { "jsonb", 3802, 3807 },
    { "jsonpath", 4072, 4073 },
    { "line", 628, 629 },
    { "lseg", 601, 1018 },
    { "macaddr", 829, 1040 },
    { "macaddr8", 774, 775 },
    { "money", 790, 791 },
    { "name", 19, 1003 },
    { "numeric", 1700, 1231 },
    { "nummultirange", 4532, 6151 },
    { "numrange", 3906, 3907 },
    { "oid", 26, 1028 },
    { "path", 602, 1019 },
    { "pg_lsn", 3220, 3221 },
    { "point", 600, 1017 },
    { "polygon", 604, 1027 },
    { "real", 700, 1021 },
    { "regclass", 2205, 2210 },
    { "regtype", 2206, 2211 },
    { "smallint", 21, 1005 },
    { "text", 25, 1009 },
    { "time", 1083, 1183 },
    { "time with time zone", 1266, 1270 },
    { "time without time zone", 1083, 1183 },
    { "timestamp", 1114, 1115 },
    { "timestamp with time zone", 1184, 1185 },
    { "timestamp without time zone", 1114, 1115 },
    { "timestamptz", 1184, 1185 },
    { "timetz", 1266, 1270 },
    { "tsmultirange", 4533, 6152 },
    { "tsquery", 3615, 3645 },
    { "tsrange", 3908, 3909 },
    { "tstzmultirange", 4534, 6153 },
    { "tstzrange", 3910, 3911 },
    { "tsvector", 3614, 3643 },
    { "uuid", 2950, 2951 },
    { "varbit", 1562, 1563 },
    { "varchar", 1043, 1015 },
    { "xml", 142, 143 },
};

enum { OID_JSON = 114, OID_JSONB = 3802, OID_BOX = 603 };

static const named_t *
find(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strlen(named[i].word) == size && strncasecmp(named[i].word, word, size) == 0)
            return &named[i];
    }
    return NULL;
}

bool
sqltype_find(const char *word, sqltype_t *type)
{
    size_t size = strlen(word);
    bool is_array = size > 2 && strcmp(word + size - 2, "[]") == 0;
    const named_t *found = find(word, is_array ? size - 2 : size);
    if (!found)
        return false;
    *type = (sqltype_t){ .oid = is_array ? found->array_oid : found->oid,
                         .is_array = is_array,
                         .is_json = found->oid == OID_JSON || found->oid == OID_JSONB,
                         .delimiter = found->oid == OID_BOX ? ';' : ',' };
    return true;
}
