/* state_schema: one step a version. PRAGMA user_version says how many a file has. The tables of version 1 were made
 * without that number, so the first step makes only what is missing. */
#include "adapters/state_schema.h"

#include <stdio.h>

static const char *const steps[] = {
    "CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, delivered INTEGER NOT NULL, last_success_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, symbol TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,"
    " detail TEXT NOT NULL, json TEXT NOT NULL, created_us INTEGER NOT NULL, retry INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX IF NOT EXISTS dead_letters_once ON dead_letters (position, signal_id);"
    "CREATE TABLE IF NOT EXISTS dropped (id INTEGER PRIMARY KEY, signal_id TEXT NOT NULL, reason TEXT NOT NULL,"
    " dropped_us INTEGER NOT NULL);",

    /* A place in the log; letters known by signal and hash; what went by the log; tallies. */
    "ALTER TABLE progress RENAME COLUMN signal_id TO mark;"
    "ALTER TABLE progress ADD COLUMN log_position INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE progress ADD COLUMN log_mark TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE dead_letters ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dead_letters ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';"
    "UPDATE dead_letters SET sha256 = lower(coalesce(json_extract(json, '$.sha256'), '')) WHERE json_valid(json);"
    "DELETE FROM dead_letters WHERE signal_id <> '' AND id NOT IN"
    " (SELECT max(id) FROM dead_letters GROUP BY signal_id, sha256);"
    "DROP INDEX dead_letters_once;"
    "CREATE UNIQUE INDEX dead_letters_signal ON dead_letters (signal_id, sha256) WHERE signal_id <> '';"
    "CREATE UNIQUE INDEX dead_letters_place ON dead_letters (origin, position, sha256) WHERE signal_id = '';"
    "CREATE INDEX dead_letters_retry ON dead_letters (id) WHERE retry;"
    "CREATE TABLE sent (n INTEGER PRIMARY KEY, signal_id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,"
    " position INTEGER);"
    "CREATE INDEX sent_position ON sent (position) WHERE position IS NOT NULL;"
    "CREATE TABLE tallies (block INTEGER PRIMARY KEY, row_count INTEGER NOT NULL, sum INTEGER NOT NULL);",

    /* Letters are counted by reason without reading them. */
    "CREATE INDEX dead_letters_reason ON dead_letters (reason);",
};

enum { STEPS = sizeof steps / sizeof *steps };

/* What the program reads; preparing it shows whether the tables are there. */
static const char *const samples[] = {
    "SELECT one, position, mark, log_position, log_mark, delivered, last_success_us FROM progress",
    "SELECT id, origin, position, signal_id, sha256, symbol, action, reason, detail, json FROM dead_letters",
    "SELECT created_us, retry FROM dead_letters",
    "SELECT id, signal_id, reason, dropped_us FROM dropped",
    "SELECT n, signal_id, sha256, position FROM sent",
    "SELECT block, row_count, sum FROM tallies",
};

static int fail(sqlite3 *db, struct err *err)
{
    return err_set(err, "%s", sqlite3_errmsg(db));
}

static int read_version(sqlite3 *db, int *version, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
        return fail(db, err);
    int status = sqlite3_step(statement);
    *version = status == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
    if (status != SQLITE_ROW)
        fail(db, err);
    (void)sqlite3_finalize(statement);
    return status == SQLITE_ROW ? 0 : -1;
}

static int run(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, err);
}

static int run_steps(sqlite3 *db, int version, struct err *err)
{
    char set_version[64];
    (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d; COMMIT", STEPS);
    if (run(db, "BEGIN IMMEDIATE", err))
        return -1;
    for (int i = version; i < STEPS; i++)
        if (run(db, steps[i], err))
            return -1; /* closing the database rolls it back */
    return run(db, set_version, err);
}

static int check_tables(sqlite3 *db, struct err *err)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(db, samples[i], -1, &statement, NULL) != SQLITE_OK)
            return fail(db, err);
        (void)sqlite3_finalize(statement);
    }
    return 0;
}

/* The file stays as it is: an older sender may be at work on it. */
static int replace_by_copy(sqlite3 **db, struct err *err)
{
    sqlite3 *copy = NULL;
    sqlite3_backup *backup = NULL;
    if (sqlite3_open(":memory:", &copy) == SQLITE_OK)
        backup = sqlite3_backup_init(copy, "main", *db, "main");
    bool copied = backup && sqlite3_backup_step(backup, -1) == SQLITE_DONE;
    if (sqlite3_backup_finish(backup) != SQLITE_OK || !copied) {
        err_set(err, "cannot be read: %s", sqlite3_errmsg(copy));
        (void)sqlite3_close(copy);
        return -1;
    }
    (void)sqlite3_close(*db);
    *db = copy;
    return 0;
}

int state_schema_prepare(sqlite3 **db, bool may_write, bool only_look, struct err *err)
{
    int version = 0;
    if (read_version(*db, &version, err))
        return -1;
    if (version > STEPS)
        return err_set(err, "has schema version %d, newer than this program's %d: upgrade it", version, STEPS);
    if (version < STEPS && !may_write && !only_look)
        return err_set(err, "is from an older version: the next run or sync brings it up to date");
    if (version < STEPS && !may_write && replace_by_copy(db, err))
        return -1;
    if (version < STEPS && run_steps(*db, version, err))
        return -1;
    return check_tables(*db, err);
}
