/* state_sqlite: one small database in WAL mode. A commit that keeps a dead letter is flushed (synchronous=FULL);
 * one that only moves the place is not (NORMAL): the WAL keeps their order, so a place on the disk never stands
 * behind a letter that is not. */
#include "adapters/state_sqlite.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { BUSY_LIMIT_MS = 2000 };

struct state_sqlite {
    struct state state;
    sqlite3 *db;
    int lock_fd;
};

static const char schema_sql[] =
    "PRAGMA journal_mode = WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, delivered INTEGER NOT NULL, last_success_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, symbol TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,"
    " detail TEXT NOT NULL, json TEXT NOT NULL, created_us INTEGER NOT NULL, retry INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX IF NOT EXISTS dead_letters_once ON dead_letters (position, signal_id);"
    "CREATE TABLE IF NOT EXISTS dropped (id INTEGER PRIMARY KEY, signal_id TEXT NOT NULL, reason TEXT NOT NULL,"
    " dropped_us INTEGER NOT NULL);"
    "COMMIT;";

static int fail(struct state_sqlite *sqlite, struct err *err)
{
    return err_set(err, "state.db: %s", sqlite3_errmsg(sqlite->db));
}

/* types: one letter a value: i an int64_t, s a text. */
static sqlite3_stmt *prepare(struct state_sqlite *sqlite, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    va_start(args, types);
    for (int i = 1; types[i - 1]; i++) {
        if (types[i - 1] == 'i') {
            (void)sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        } else {
            const char *text = va_arg(args, const char *);
            (void)sqlite3_bind_text(statement, i, text, -1, SQLITE_TRANSIENT);
        }
    }
    va_end(args);
    return statement;
}

static int run(struct state_sqlite *sqlite, sqlite3_stmt *statement, struct err *err)
{
    int status = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    if (status != SQLITE_DONE && status != SQLITE_ROW)
        fail(sqlite, err);
    (void)sqlite3_finalize(statement);
    return status == SQLITE_DONE || status == SQLITE_ROW ? 0 : -1;
}

static int execute(struct state_sqlite *sqlite, const char *sql, struct err *err)
{
    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(sqlite, err);
}

/* --- the seam ---------------------------------------------------------------------------------------------- */

static void column_text(sqlite3_stmt *statement, int column, char *to, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    (void)snprintf(to, size, "%s", text ? text : "");
}

static int state_load(void *self, struct state_progress *progress, struct err *err)
{
    struct state_sqlite *sqlite = self;
    *progress = (struct state_progress){0};
    sqlite3_stmt *statement =
        prepare(sqlite, "SELECT position, signal_id, delivered, last_success_us FROM progress WHERE one = 1", "");
    int status = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    if (status == SQLITE_ROW) {
        progress->place.position = sqlite3_column_int64(statement, 0);
        column_text(statement, 1, progress->place.signal_id, sizeof progress->place.signal_id);
        progress->delivered = sqlite3_column_int64(statement, 2);
        progress->last_success_us = sqlite3_column_int64(statement, 3);
    } else if (status != SQLITE_DONE) {
        fail(sqlite, err);
    }
    (void)sqlite3_finalize(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? 0 : -1;
}

static int state_save(void *self, const struct state_progress *progress, struct err *err)
{
    struct state_sqlite *sqlite = self;
    return run(sqlite,
               prepare(sqlite, "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?)", "isii",
                       progress->place.position, progress->place.signal_id, progress->delivered,
                       progress->last_success_us),
               err);
}

static int insert_letter(struct state_sqlite *sqlite, const struct dead_letter *letter, struct err *err)
{
    if (letter->id)
        return run(sqlite,
                   prepare(sqlite, "UPDATE dead_letters SET reason = ?, detail = ?, retry = 0 WHERE id = ?", "ssi",
                           letter->reason, letter->detail, letter->id),
                   err);
    /* The same one again, after a start from an older place, is no second letter. */
    return run(
        sqlite,
        prepare(sqlite,
                "INSERT INTO dead_letters (position, signal_id, symbol, action, reason, detail, json, created_us)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (position, signal_id) DO UPDATE SET"
                " reason = excluded.reason, detail = excluded.detail, json = excluded.json",
                "issssssi", letter->position, letter->signal_id, letter->symbol, letter->action, letter->reason,
                letter->detail, letter->json, letter->created_us),
        err);
}

static int state_bury(void *self, const struct dead_letter *letter, struct err *err)
{
    struct state_sqlite *sqlite = self;
    int failed = execute(sqlite, "PRAGMA synchronous = FULL", err) || insert_letter(sqlite, letter, err);
    struct err ignored;
    (void)!execute(sqlite, "PRAGMA synchronous = NORMAL", &ignored);
    return failed ? -1 : 0;
}

static int state_remove(void *self, int64_t id, struct err *err)
{
    struct state_sqlite *sqlite = self;
    return run(sqlite, prepare(sqlite, "DELETE FROM dead_letters WHERE id = ?", "i", id), err);
}

static const char *letter_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

static int walk(struct state_sqlite *sqlite, sqlite3_stmt *statement, dead_letter_visit *visit, void *visitor,
                struct err *err)
{
    int status;
    if (!statement)
        return fail(sqlite, err);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        struct dead_letter letter = {
            .id = sqlite3_column_int64(statement, 0),
            .position = sqlite3_column_int64(statement, 1),
            .signal_id = letter_text(statement, 2),
            .symbol = letter_text(statement, 3),
            .action = letter_text(statement, 4),
            .reason = letter_text(statement, 5),
            .detail = letter_text(statement, 6),
            .json = letter_text(statement, 7),
            .created_us = sqlite3_column_int64(statement, 8),
            .retry = sqlite3_column_int(statement, 9) != 0,
        };
        if (!visit(visitor, &letter))
            break;
    }
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        fail(sqlite, err);
    (void)sqlite3_finalize(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? 0 : -1;
}

#define LETTER_COLUMNS "SELECT id, position, signal_id, symbol, action, reason, detail, json, created_us, retry "

static int state_each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err)
{
    struct state_sqlite *sqlite = self;
    return walk(sqlite, prepare(sqlite, LETTER_COLUMNS "FROM dead_letters WHERE retry ORDER BY id", ""), visit,
                visitor, err);
}

/* --- for people -------------------------------------------------------------------------------------------- */

int state_sqlite_each_dead(struct state *state, const char *reason, dead_letter_visit *visit, void *visitor,
                           struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    const char *sql = LETTER_COLUMNS "FROM dead_letters WHERE ?1 = '' OR reason = ?1 ORDER BY id";
    return walk(sqlite, prepare(sqlite, sql, "s", reason ? reason : ""), visit, visitor, err);
}

int64_t state_sqlite_count_dead(struct state *state)
{
    struct state_sqlite *sqlite = state->self;
    sqlite3_stmt *statement = prepare(sqlite, "SELECT count(*) FROM dead_letters", "");
    int64_t count = statement && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    (void)sqlite3_finalize(statement);
    return count;
}

#define SELECTED "(?1 = 0 OR id = ?1) AND (?2 = '' OR reason = ?2)"

static sqlite3_stmt *prepare_selected(struct state_sqlite *sqlite, const char *sql,
                                      const struct dead_selection *selection)
{
    return prepare(sqlite, sql, "isi", selection->id, selection->reason ? selection->reason : "", clock_wall_us());
}

int64_t state_sqlite_retry_dead(struct state *state, const struct dead_selection *selection, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    if (run(sqlite, prepare_selected(sqlite, "UPDATE dead_letters SET retry = 1 WHERE " SELECTED, selection), err))
        return -1;
    return sqlite3_changes64(sqlite->db);
}

int64_t state_sqlite_drop_dead(struct state *state, const struct dead_selection *selection, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    struct err ignored;
    static const char audit[] = "INSERT OR REPLACE INTO dropped SELECT id, signal_id, reason, ?3 FROM dead_letters "
                                "WHERE " SELECTED;
    if (execute(sqlite, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE", err))
        return -1;
    if (run(sqlite, prepare_selected(sqlite, audit, selection), err) ||
        run(sqlite, prepare_selected(sqlite, "DELETE FROM dead_letters WHERE " SELECTED, selection), err)) {
        (void)!execute(sqlite, "ROLLBACK", &ignored);
        return -1;
    }
    int64_t dropped = sqlite3_changes64(sqlite->db);
    return execute(sqlite, "COMMIT", err) ? -1 : dropped;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static int lock_path(const char *directory, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/lock", directory) < PATH_MAX ? 0 : -1;
}

/* A record lock, because it can be looked at (F_GETLK tells who has it) without taking it. It goes with the
 * process, however that ends; the descriptor must not be opened a second time here, for closing either would drop
 * the lock. */
static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static pid_t lock_owner(int fd)
{
    struct flock lock = whole_file(F_WRLCK);
    return !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

static int take_lock(struct state_sqlite *sqlite, const char *directory, pid_t *owner, struct err *err)
{
    char path[PATH_MAX];
    struct flock lock = whole_file(F_WRLCK);
    if (lock_path(directory, path))
        return err_set(err, "the path %s is too long", directory);
    sqlite->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (sqlite->lock_fd < 0)
        return err_set_errno(err, "cannot open %s", path);
    if (!fcntl(sqlite->lock_fd, F_SETLK, &lock))
        return 0;
    *owner = lock_owner(sqlite->lock_fd);
    return err_set(err, "another alpine-sender (pid %ld) has the state directory %s", (long)*owner, directory);
}

pid_t state_sqlite_owner(const char *directory)
{
    char path[PATH_MAX];
    int fd = lock_path(directory, path) ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    pid_t owner = lock_owner(fd);
    (void)close(fd);
    return owner;
}

bool state_sqlite_exists(const char *directory)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/state.db", directory) < (int)sizeof path && !access(path, F_OK);
}

static int open_database(struct state_sqlite *sqlite, const char *directory, enum state_access access,
                         struct err *err)
{
    char path[PATH_MAX];
    int flags = access == STATE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (access == STATE_OWN)
        flags |= SQLITE_OPEN_CREATE;
    if (snprintf(path, sizeof path, "%s/state.db", directory) >= (int)sizeof path)
        return err_set(err, "the path %s is too long", directory);
    if (sqlite3_open_v2(path, &sqlite->db, flags, NULL) != SQLITE_OK)
        return err_set(err, "cannot open %s: %s", path, sqlite3_errmsg(sqlite->db));
    (void)sqlite3_busy_timeout(sqlite->db, BUSY_LIMIT_MS);
    if (access == STATE_OWN && execute(sqlite, schema_sql, err))
        return -1;
    return execute(sqlite, "PRAGMA synchronous = NORMAL", err);
}

static const struct state_ops ops = {
    .load = state_load,
    .save = state_save,
    .bury = state_bury,
    .remove = state_remove,
    .each_retry = state_each_retry,
};

struct state *state_sqlite_open(const char *directory, enum state_access access, pid_t *owner, struct err *err)
{
    struct state_sqlite *sqlite = calloc(1, sizeof *sqlite);
    *owner = 0;
    if (!sqlite) {
        err_set(err, "out of memory");
        return NULL;
    }
    sqlite->state = (struct state){true, &ops, sqlite};
    sqlite->lock_fd = -1;
    if (access == STATE_OWN &&
        (file_make_directory(directory, 0700, err) || take_lock(sqlite, directory, owner, err)))
        goto failed;
    if (open_database(sqlite, directory, access, err))
        goto failed;
    return &sqlite->state;
failed:
    state_sqlite_close(&sqlite->state);
    return NULL;
}

void state_sqlite_close(struct state *state)
{
    if (!state)
        return;
    struct state_sqlite *sqlite = state->self;
    (void)sqlite3_close(sqlite->db);
    if (sqlite->lock_fd >= 0)
        (void)close(sqlite->lock_fd);
    free(sqlite);
}
