/* store_insert: a batch of rows into the table and its chain, in one transaction. */
#ifndef ALPINE_RECEIVER_STORE_INSERT_H
#define ALPINE_RECEIVER_STORE_INSERT_H

#include "adapters/pg_conn.h"
#include "adapters/store_columns.h"
#include "base/outcome.h"

/* Whoever extends the chain holds this advisory lock; 'alpine' in ASCII. tests/system uses it to hold the chain. */
#define STORE_CHAIN_LOCK "107069087837797"

/* What an insert works with; borrowed for the call. */
struct store_insert {
    struct pg_conn *conn;
    const struct store_column *columns;
    size_t column_count;
    const char *sql; /* of store_columns_insert_sql */
    struct store_row **rows;
    size_t count;
    int64_t deadline_ns;
};

/* As struct store_ops' insert. */
enum outcome store_insert_rows(const struct store_insert *insert, struct err *err);

#endif
