/* store_look_up: which rows are in the table already, and whether with the same hash. */
#ifndef ALPINE_RECEIVER_STORE_LOOK_UP_H
#define ALPINE_RECEIVER_STORE_LOOK_UP_H

#include "adapters/pg_conn.h"
#include "adapters/store_statements.h"

/* Sets id and verdict of the rows that are there to STORE_DUPLICATE or STORE_CONFLICT, and leaves the others. */
MUST_CHECK int store_look_up_rows(struct pg_conn *conn, const struct store_statements *statements,
                                  struct store_row **rows, size_t count, int64_t deadline_ns, struct err *err);

#endif
