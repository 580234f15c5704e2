/* store_params: the parameters of a statement over many rows: one array for each column. */
#ifndef ALPINE_RECEIVER_STORE_PARAMS_H
#define ALPINE_RECEIVER_STORE_PARAMS_H

#include "adapters/pg_conn.h"
#include "adapters/store_columns.h"

enum { STORE_PARAMS_MAX = STORE_COLUMNS_MAX + 2 };

/* Zero-initialise it ({0}). */
struct store_params {
    struct buf arrays[STORE_PARAMS_MAX]; /* and of what is none, the text */
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
/* Adds an array with the hash of the row before each row: NULL for the first. -1 when out of memory. */
MUST_CHECK int store_params_add_previous(struct store_params *params, struct store_row **rows, size_t count);
/* Adds one number, an int4. -1 when out of memory. */
MUST_CHECK int store_params_add_number(struct store_params *params, size_t number);

/* Borrowed from params, until it changes. */
struct pg_params store_params_view(const struct store_params *params);

#endif
