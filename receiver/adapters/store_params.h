/* store_params: the parameters of a statement: one array for each column, or of a single row plain values. */
#ifndef ALPINE_RECEIVER_STORE_PARAMS_H
#define ALPINE_RECEIVER_STORE_PARAMS_H

#include "adapters/pg_conn.h"
#include "adapters/store_columns.h"

enum { STORE_PARAMS_MAX = STORE_COLUMNS_MAX + 2 };

/* Zero-initialise it ({0}). */
struct store_params {
    struct buf bytes[STORE_PARAMS_MAX];
    Oid types[STORE_PARAMS_MAX];
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX];
    int formats[STORE_PARAMS_MAX];
    int count;
    struct arena arena;
};

void store_params_clear(struct store_params *params);

/* Adds an array with the column's value of each row. -1 when out of memory. */
MUST_CHECK int store_params_add_column(struct store_params *params, const struct store_column *column,
                                       struct store_row **rows, size_t count);
/* Adds the column's value of one row, which costs PostgreSQL almost a microsecond less than an array of one. -1
 * when out of memory. */
MUST_CHECK int store_params_add_value(struct store_params *params, const struct store_column *column,
                                      const struct store_row *row);
/* Adds an array with the hash of the row before each row: NULL for the first. -1 when out of memory. */
MUST_CHECK int store_params_add_previous(struct store_params *params, struct store_row **rows, size_t count);
/* Adds one number, an int4. -1 when out of memory. */
MUST_CHECK int store_params_add_number(struct store_params *params, size_t number);

/* Borrowed from params, until it changes. */
struct pg_params store_params_view(const struct store_params *params);

#endif
