/* state_db: see state_db.h. WAL mode with synchronous=NORMAL, and FULL for what has to be durable: the WAL keeps
 * their order, so what is flushed never stands before what is not. */
#include "adapters/state_db.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "adapters/state_schema.h"
#include "base/clock.h"

/* The one that sends must not wait for long; another program has time. */
enum { OWN_BUSY_LIMIT_MS = 200, BUSY_LIMIT_MS = 2000 };
#define BLOCKED_PAUSE_NS (900 * NS_PER_MS)

/* --- failing ----------------------------------------------------------------------------------------------- */

static bool is_damage(int code)
{
    return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
}

/* While it is opened, an error in the program's own SQL means that the tables are not what they should be. */
static bool is_damage_at_opening(int code)
{
    return is_damage(code) || (code & 0xFF) == SQLITE_ERROR;
}

static void roll_back(struct state_db *db)
{
    if (db->in_transaction)
        (void)sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_exec(db->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    db->generation += db->in_transaction;
    db->in_transaction = false;
}

static int fail(struct state_db *db, struct err *err)
{
    int code = sqlite3_errcode(db->db);
    err_set(err, "state.db: %s", sqlite3_errmsg(db->db));
    roll_back(db);
    if ((code & 0xFF) == SQLITE_BUSY && db->own)
        db->blocked_ns = clock_monotonic_ns() + BLOCKED_PAUSE_NS;
    if (is_damage(code) || (code & 0xFF) == SQLITE_IOERR)
        state_db_close(db);
    return -1;
}

static int execute(struct state_db *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, err);
}

/* --- opening ----------------------------------------------------------------------------------------------- */

static int file_path(const struct state_db *db, const char *suffix, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/state.db%s", db->directory, suffix) < PATH_MAX ? 0 : -1;
}

/* A rename is durable only after an fsync of the directory. */
static void sync_directory(const struct state_db *db)
{
    int fd = open(db->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

/* Under a name that tells when, with the files that belong to it. */
static int move_aside(struct state_db *db, struct err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char from[PATH_MAX];
    char to[PATH_MAX];
    char name[64];
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(name, sizeof name, ".damaged-%lld%s", (long long)now_us, suffixes[i]);
        if (file_path(db, suffixes[i], from) || file_path(db, name, to))
            return err_set(err, "the path %s is too long", db->directory);
        if (rename(from, to) && i == 0)
            return err_set_errno(err, "state.db is damaged, and cannot be moved aside");
        if (i == 0 && db->damaged)
            db->damaged(db->context, to);
    }
    sync_directory(db);
    return 0;
}

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool sound = false;
    if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
        return !is_damage(sqlite3_errcode(db));
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        sound = sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    else
        sound = !is_damage(status);
    (void)sqlite3_finalize(statement);
    return sound;
}

/* Returns 1 if what is there is damaged. */
static int try_open(struct state_db *db, struct err *err)
{
    char path[PATH_MAX];
    int flags = db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (file_path(db, "", path))
        return err_set(err, "the path %s is too long", db->directory);
    if (sqlite3_open_v2(path, &db->db, db->own ? flags | SQLITE_OPEN_CREATE : flags, NULL) != SQLITE_OK) {
        err_set(err, "cannot open %s: %s", path, sqlite3_errmsg(db->db));
        return is_damage(sqlite3_errcode(db->db)) ? 1 : -1;
    }
    (void)sqlite3_busy_timeout(db->db, db->own ? OWN_BUSY_LIMIT_MS : BUSY_LIMIT_MS);
    (void)sqlite3_exec(db->db, "PRAGMA cache_size = -1024", NULL, NULL, NULL);
    if (db->own && !is_sound(db->db)) {
        err_set(err, "%s is damaged", path);
        return 1;
    }
    struct err reason = {0};
    if (state_schema_prepare(&db->db, db->own, db->read_only, &reason)) {
        err_set(err, "%s: %s", path, reason.message);
        return is_damage_at_opening(sqlite3_errcode(db->db)) ? 1 : -1;
    }
    if (db->own && sqlite3_exec(db->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK) {
        err_set(err, "%s: %s", path, sqlite3_errmsg(db->db));
        return is_damage(sqlite3_errcode(db->db)) ? 1 : -1;
    }
    (void)sqlite3_exec(db->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return 0;
}

int state_db_open(struct state_db *db, struct err *err)
{
    if (db->blocked_ns && clock_monotonic_ns() < db->blocked_ns)
        return err_set(err, "state.db: another process keeps it locked");
    db->blocked_ns = 0;
    if (db->db)
        return 0;
    int status = try_open(db, err);
    if (status)
        state_db_close(db);
    if (status == 1 && db->own && !move_aside(db, err)) {
        status = try_open(db, err);
        if (status)
            state_db_close(db);
    }
    db->generation += status == 0;
    return status ? -1 : 0;
}

void state_db_close(struct state_db *db)
{
    for (int i = 0; i < STATE_DB_STATEMENTS; i++) {
        (void)sqlite3_finalize(db->statements[i].statement);
        db->statements[i].sql = NULL;
        db->statements[i].statement = NULL;
    }
    (void)sqlite3_close(db->db);
    db->db = NULL;
    db->in_transaction = false;
}

/* --- statements -------------------------------------------------------------------------------------------- */

static sqlite3_stmt *find_statement(struct state_db *db, const char *sql)
{
    int i = 0;
    while (i + 1 < STATE_DB_STATEMENTS && db->statements[i].sql && db->statements[i].sql != sql)
        i++;
    if (db->statements[i].sql == sql)
        return db->statements[i].statement;
    (void)sqlite3_finalize(
        db->statements[i].statement); /* more than there is room for take turns in the last one */
    db->statements[i].statement = NULL;
    db->statements[i].sql = NULL;
    if (sqlite3_prepare_v2(db->db, sql, -1, &db->statements[i].statement, NULL) != SQLITE_OK)
        return NULL;
    db->statements[i].sql = sql;
    return db->statements[i].statement;
}

sqlite3_stmt *state_db_prepare(struct state_db *db, struct err *err, const char *sql, const char *types, ...)
{
    va_list args;
    if (state_db_open(db, err))
        return NULL;
    sqlite3_stmt *statement = find_statement(db, sql);
    if (!statement) {
        fail(db, err);
        return NULL;
    }
    va_start(args, types);
    for (int i = 1; types[i - 1]; i++) {
        if (types[i - 1] == 'i')
            (void)sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        else
            (void)sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
    }
    va_end(args);
    return statement;
}

void state_db_end(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

int state_db_step(struct state_db *db, sqlite3_stmt *statement, struct err *err)
{
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        return 1;
    state_db_end(statement); /* which keeps the error */
    return status == SQLITE_DONE ? 0 : fail(db, err);
}

int state_db_run(struct state_db *db, sqlite3_stmt *statement, struct err *err)
{
    int status = 1;
    while (statement && status > 0)
        status = state_db_step(db, statement, err);
    return statement ? status : -1;
}

const char *state_db_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

/* --- transactions ------------------------------------------------------------------------------------------ */

int state_db_begin(struct state_db *db, struct err *err)
{
    if (state_db_open(db, err))
        return -1;
    if (db->in_transaction)
        return 0;
    if (execute(db, "BEGIN IMMEDIATE", err))
        return -1;
    db->in_transaction = true;
    return 0;
}

int state_db_commit(struct state_db *db, struct err *err)
{
    if (!db->in_transaction)
        return 0;
    if (execute(db, "COMMIT", err))
        return -1;
    db->in_transaction = false;
    return 0;
}

int state_db_begin_durable(struct state_db *db, struct err *err)
{
    if (state_db_open(db, err) || state_db_commit(db, err) || execute(db, "PRAGMA synchronous = FULL", err))
        return -1;
    return state_db_begin(db, err);
}

int state_db_commit_durable(struct state_db *db, struct err *err)
{
    int failed = state_db_commit(db, err);
    if (db->db)
        (void)sqlite3_exec(db->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return failed;
}
