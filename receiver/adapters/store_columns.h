/* store_columns: the columns that the receiver fills, their types, and the value of each for a row. */
#ifndef ALPINE_RECEIVER_STORE_COLUMNS_H
#define ALPINE_RECEIVER_STORE_COLUMNS_H

#include "base/arena.h"
#include "base/buf.h"
#include "seams/store.h"

enum { STORE_COLUMNS_MAX = 40 };

struct store_column {
    const char *name;
    const char *type;                                                         /* PostgreSQL's */
    enum signal_field field;                                                  /* of the signal, or … */
    struct value (*derive)(const struct store_row *row, struct arena *arena); /* … computed from the row */
};

/* Writes the columns in their order: the fields that have one, then the derived ones. Returns how many. */
size_t store_columns(struct store_column columns[STORE_COLUMNS_MAX]);

/* The value to store; texts live as long as the row's signal and the arena. */
struct value store_column_value(const struct store_column *column, const struct store_row *row,
                                struct arena *arena);

/* Appends the INSERT of rows that are new, in the order of the chain. Its parameters: one array for each column,
 * then one of the hash before each row's (NULL: the chain's tip), and before which row the turn is passed on. It
 * returns id and verification_hash of each row, in the same order; it fails with STORE_LEFT_OUT if a trigger leaves
 * a row out. With one_row it takes a plain value for each column, and no hash before it. */
#define STORE_LEFT_OUT "22012" /* division_by_zero */
void store_columns_insert_sql(const struct store_column *columns, size_t count, bool one_row, struct buf *sql);

#endif
