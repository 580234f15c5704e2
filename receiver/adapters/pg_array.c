/* pg_array: array_recv's format: dimensions, null flag, element type, length, lower bound, then each element with
 * its size in front, all in network order (src/backend/utils/adt/arrayfuncs.c). */
#include "adapters/pg_array.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01. */
#define POSTGRES_EPOCH_US 946684800000000LL

enum { OID_TEXT = 25, OID_FLOAT8 = 701, OID_TIMESTAMPTZ = 1184 };

const struct pg_type *pg_type_find(const char *name)
{
    static const struct pg_type types[] = {
        {"text", OID_TEXT, PG_OID_TEXT_ARRAY}, /* first: what is none of the others */
        {"int4", PG_OID_INT4, 1007},
        {"float8", OID_FLOAT8, 1022},
        {"timestamptz", OID_TIMESTAMPTZ, 1185},
    };
    for (size_t i = 1; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return &types[0];
}

static void add_32(struct buf *array, uint32_t number)
{
    uint32_t ordered = htonl(number);
    buf_add(array, &ordered, sizeof ordered);
}

static void add_64(struct buf *array, uint64_t number)
{
    uint64_t ordered = htobe64(number);
    add_32(array, sizeof ordered);
    buf_add(array, &ordered, sizeof ordered);
}

void pg_array_begin(struct buf *array, const struct pg_type *type, size_t count)
{
    add_32(array, 1);
    add_32(array, 1); /* there may be nulls */
    add_32(array, type->oid);
    add_32(array, (uint32_t)count);
    add_32(array, 1);
}

void pg_array_add(struct buf *array, const struct pg_type *type, const struct value *value)
{
    uint64_t bits;
    if (value->kind <= VALUE_NULL) {
        add_32(array, UINT32_MAX); /* -1: null */
    } else if (type->oid == OID_FLOAT8) {
        double real = value_number(value);
        memcpy(&bits, &real, sizeof bits);
        add_64(array, bits);
    } else if (type->oid == OID_TIMESTAMPTZ) {
        add_64(array, (uint64_t)(value->as.integer - POSTGRES_EPOCH_US));
    } else if (type->oid == PG_OID_INT4) {
        add_32(array, 4);
        add_32(array, (uint32_t)value->as.integer);
    } else {
        add_32(array, (uint32_t)value->as.text.len);
        buf_add(array, value->as.text.data, value->as.text.len);
    }
}
