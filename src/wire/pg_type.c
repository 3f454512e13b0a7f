/* wire/pg_type.c - the table of PostgreSQL's types, as pg_type of version 15 has them; see pg_type.h. */

#include "wire/pg_type.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

/* A type and that of its arrays: OIDs, name, SQL's name, bytes, kind, whether each has its binary format here. */
#define BOTH(oid_, array_, name_, other_, size_, kind_, binary_, array_binary_)                \
    { .oid = (oid_),                                                                           \
      .array_oid = (array_),                                                                   \
      .name = name_,                                                                           \
      .other = other_,                                                                         \
      .size = (size_),                                                                         \
      .kind = PG_KIND_##kind_,                                                                 \
      .binary = (binary_) },                                                                   \
    {                                                                                          \
        .oid = (array_), .element = (oid_), .name = name_ "[]", .other = other_ "[]",          \
        .size = -1, .kind = PG_KIND_ARRAY, .binary = (array_binary_)                           \
    }
#define CODED(oid, array, name, other, size, kind)                                             \
    BOTH(oid, array, name, other, size, kind, true, false)
#define PLAIN(oid, array, name, size) BOTH(oid, array, name, name, size, TEXT, false, false)

static const struct pg_type types[] = {
    CODED(16, 1000, "bool", "boolean", 1, BOOL),
    CODED(17, 1001, "bytea", "bytea", -1, BYTES),
    PLAIN(18, 1002, "char", 1),
    CODED(19, 1003, "name", "name", 64, TEXT),
    BOTH(20, 1016, "int8", "bigint", 8, INT, true, true),
    CODED(21, 1005, "int2", "smallint", 2, INT),
    BOTH(23, 1007, "int4", "integer", 4, INT, true, true),
    PLAIN(24, 1008, "regproc", 4),
    BOTH(25, 1009, "text", "text", -1, TEXT, true, true),
    CODED(26, 1028, "oid", "oid", 4, INT),
    PLAIN(27, 1010, "tid", 6),
    PLAIN(28, 1011, "xid", 4),
    PLAIN(29, 1012, "cid", 4),
    CODED(114, 199, "json", "json", -1, JSON),
    PLAIN(142, 143, "xml", -1),
    PLAIN(600, 1017, "point", 16),
    PLAIN(601, 1018, "lseg", 32),
    PLAIN(602, 1019, "path", -1),
    PLAIN(603, 1020, "box", 32),
    PLAIN(604, 1027, "polygon", -1),
    PLAIN(628, 629, "line", 24),
    PLAIN(650, 651, "cidr", -1),
    CODED(700, 1021, "float4", "real", 4, FLOAT),
    CODED(701, 1022, "float8", "double precision", 8, FLOAT),
    PLAIN(718, 719, "circle", 24),
    PLAIN(774, 775, "macaddr8", 8),
    PLAIN(790, 791, "money", 8),
    PLAIN(829, 1040, "macaddr", 6),
    PLAIN(869, 1041, "inet", -1),
    CODED(1042, 1014, "bpchar", "character", -1, TEXT),
    CODED(1043, 1015, "varchar", "character varying", -1, TEXT),
    CODED(1082, 1182, "date", "date", 4, TIME),
    CODED(1083, 1183, "time", "time without time zone", 8, TIME),
    CODED(1114, 1115, "timestamp", "timestamp without time zone", 8, TIME),
    CODED(1184, 1185, "timestamptz", "timestamp with time zone", 8, TIME),
    CODED(1186, 1187, "interval", "interval", 16, TIME),
    BOTH(1266, 1270, "timetz", "time with time zone", 12, TEXT, false, false),
    PLAIN(1560, 1561, "bit", -1),
    BOTH(1562, 1563, "varbit", "bit varying", -1, TEXT, false, false),
    CODED(1700, 1231, "numeric", "numeric", -1, NUMERIC),
    PLAIN(1790, 2201, "refcursor", -1),
    PLAIN(2202, 2207, "regprocedure", 4),
    PLAIN(2203, 2208, "regoper", 4),
    PLAIN(2204, 2209, "regoperator", 4),
    PLAIN(2205, 2210, "regclass", 4),
    PLAIN(2206, 2211, "regtype", 4),
    PLAIN(2249, 2287, "record", -1),
    { .oid = 705, .name = "unknown", .other = "unknown", .size = -2 },
    { .oid = 2278, .name = "void", .other = "void", .size = 4 },
    CODED(2950, 2951, "uuid", "uuid", 16, UUID),
    PLAIN(3220, 3221, "pg_lsn", 8),
    PLAIN(3614, 3643, "tsvector", -1),
    PLAIN(3615, 3645, "tsquery", -1),
    PLAIN(3734, 3735, "regconfig", 4),
    PLAIN(3769, 3770, "regdictionary", 4),
    CODED(3802, 3807, "jsonb", "jsonb", -1, JSON),
    PLAIN(3904, 3905, "int4range", -1),
    PLAIN(3906, 3907, "numrange", -1),
    PLAIN(3908, 3909, "tsrange", -1),
    PLAIN(3910, 3911, "tstzrange", -1),
    PLAIN(3912, 3913, "daterange", -1),
    PLAIN(3926, 3927, "int8range", -1),
    PLAIN(4072, 4073, "jsonpath", -1),
    PLAIN(4089, 4090, "regnamespace", 4),
    PLAIN(4096, 4097, "regrole", 4),
    PLAIN(4191, 4192, "regcollation", 4),
    PLAIN(5069, 271, "xid8", 8),
};

const struct pg_type *pg_type_of_oid(uint32_t oid)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].oid == oid)
            return &types[i];
    return NULL;
}

const struct pg_type *pg_type_at(size_t n)
{
    return n < COUNT_OF(types) ? &types[n] : NULL;
}
