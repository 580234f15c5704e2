/* sqlite_row: any subset of the known columns will do; unknown ones are not read. */
#include "adapters/sqlite_row.h"

#include <stdio.h>
#include <string.h>

static int add_column(struct sqlite_row_map *map, const char *name)
{
    struct signal probe = {0};
    if (!name || strlen(name) >= sizeof map->names[0] || !signal_slot(&probe, name, strlen(name)))
        return 0;
    if (map->count == SQLITE_ROW_COLUMNS_MAX)
        return 0;
    (void)snprintf(map->names[map->count++], sizeof map->names[0], "%s", name);
    return !strcmp(name, signal_fields[FIELD_SIGNAL_ID].name);
}

int sqlite_row_map(sqlite3 *db, struct sqlite_row_map *map, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int found_id = 0;
    int status;
    map->count = 0;
    if (sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info('signals')", -1, &statement, NULL))
        return err_set(err, "%s", sqlite3_errmsg(db));
    while ((status = sqlite3_step(statement)) == SQLITE_ROW)
        found_id |= add_column(map, (const char *)sqlite3_column_text(statement, 0));
    if (status != SQLITE_DONE)
        err_set(err, "%s", sqlite3_errmsg(db));
    else if (!found_id)
        status = err_set(err, "there is no table `signals` with a column signal_id in it");
    (void)sqlite3_finalize(statement);
    return status == SQLITE_DONE ? 0 : -1;
}

void sqlite_row_select(const struct sqlite_row_map *map, struct buf *sql)
{
    buf_add_text(sql, "SELECT rowid");
    for (int i = 0; i < map->count; i++)
        buf_add_format(sql, ", \"%s\"", map->names[i]);
    buf_add_text(sql, " FROM signals WHERE rowid >= ? ORDER BY rowid");
}

static int read_column(sqlite3_stmt *statement, int column, struct signal *signal, struct value *slot)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        *slot = value_integer(sqlite3_column_int64(statement, column));
        return 0;
    case SQLITE_FLOAT:
        *slot = value_real(sqlite3_column_double(statement, column));
        return 0;
    case SQLITE_NULL:
        *slot = (struct value){.kind = VALUE_NULL};
        return 0;
    case SQLITE_BLOB:
        *slot = (struct value){.kind = VALUE_OTHER, .as.text = {"blob", 4}};
        return 0;
    default: {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        return text ? signal_set_text(signal, slot, text, (size_t)sqlite3_column_bytes(statement, column)) : -1;
    }
    }
}

int sqlite_row_read(const struct sqlite_row_map *map, sqlite3_stmt *statement, struct signal *signal)
{
    for (int i = 0; i < map->count; i++) {
        const char *name = map->names[i];
        if (read_column(statement, i + 1, signal, signal_slot(signal, name, strlen(name))))
            return -1;
    }
    return 0;
}
