/* pg_array: one-dimensional arrays in PostgreSQL's binary format, so that no value needs quoting. */
#ifndef ALPINE_RECEIVER_PG_ARRAY_H
#define ALPINE_RECEIVER_PG_ARRAY_H

#include <stdint.h>

#include "base/buf.h"
#include "format/signal.h"

/* PostgreSQL's fixed OIDs (src/include/catalog/pg_type.dat). */
enum { PG_OID_INT4 = 23, PG_OID_TEXT_ARRAY = 1009 };

struct pg_type {
    const char *name;
    unsigned oid;
    unsigned array_oid;
};

/* "text", "float8", "int4", "timestamptz"; an enum is sent as text. Never NULL. */
const struct pg_type *pg_type_find(const char *name);

/* Begins an array of `count` elements; then exactly count calls of pg_array_add follow. */
void pg_array_begin(struct buf *array, const struct pg_type *type, size_t count);
/* Appends an element as the type asks: text, a double, a 32-bit integer, or microseconds since 1970. Its size comes
 * first, in this many bytes. */
enum { PG_ARRAY_SIZE_LEN = 4 };
void pg_array_add(struct buf *array, const struct pg_type *type, const struct value *value);

#endif
