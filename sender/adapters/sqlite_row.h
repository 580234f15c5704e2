/* sqlite_row: which columns of Argo's table are fields of a signal, and a row of it as a signal. */
#ifndef ALPINE_SENDER_SQLITE_ROW_H
#define ALPINE_SENDER_SQLITE_ROW_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "format/signal.h"

enum { SQLITE_ROW_COLUMNS_MAX = 64 };

struct sqlite_row_map {
    int count;
    char names[SQLITE_ROW_COLUMNS_MAX][32]; /* of the columns that are fields, in the order of the SELECT */
};

/* Reads the columns of `signals`. Returns -1 if there is no such table, or it has no signal_id. */
MUST_CHECK int sqlite_row_map(sqlite3 *db, struct sqlite_row_map *map, struct err *err);
/* Appends "SELECT rowid, column, … FROM signals WHERE rowid >= ? ORDER BY rowid". */
void sqlite_row_select(const struct sqlite_row_map *map, struct buf *sql);
/* Fills an empty signal from the current row. Returns -1 when out of memory. */
MUST_CHECK int sqlite_row_read(const struct sqlite_row_map *map, sqlite3_stmt *statement, struct signal *signal);

#endif
