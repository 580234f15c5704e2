/* source_sqlite: opens read-only, notices another file or another schema, reads after a place. */
#include "adapters/source_sqlite.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sqlite_row.h"

struct source_sqlite {
    struct source source;
    char *path;
    char *uri;
    int busy_limit_ms;
    sqlite3 *db;    /* NULL: not open */
    bool immutable; /* opened so, because nothing else works without rights and without a -wal */
    struct stat opened;
    struct sqlite_row_map map;
    sqlite3_stmt *select;
    sqlite3_stmt *find;
    sqlite3_stmt *version; /* PRAGMA data_version: moves on every foreign commit */
    int64_t seen_version;
    int64_t schema_version;
};

/* --- opening ----------------------------------------------------------------------------------------------- */

static void close_file(struct source_sqlite *sqlite)
{
    (void)sqlite3_finalize(sqlite->select);
    (void)sqlite3_finalize(sqlite->find);
    (void)sqlite3_finalize(sqlite->version);
    (void)sqlite3_close(sqlite->db);
    sqlite->select = NULL;
    sqlite->find = NULL;
    sqlite->version = NULL;
    sqlite->db = NULL;
    sqlite->seen_version = -1;
}

int source_sqlite_check_rights(const char *path, struct err *err)
{
    struct stat file;
    char copy[PATH_MAX];
    uid_t user = geteuid();
    if (user == 0 || stat(path, &file) || file.st_uid == user)
        return 0; /* root's SQLite gives the files that it makes to the owner of the database */
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy || access(dirname(copy), W_OK))
        return 0;
    return err_set(
        err,
        "%s belongs to another user (uid %u), and this one (uid %u) may write in its directory: reading it "
        "could lock its owner out. Run as the same user, or take away the right to write there",
        path, (unsigned)file.st_uid, (unsigned)user);
}

static int prepare(struct source_sqlite *sqlite, const char *sql, sqlite3_stmt **statement, struct err *err)
{
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, statement, NULL) == SQLITE_OK)
        return 0;
    return err_set(err, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->db));
}

static int64_t step_number(sqlite3_stmt *statement)
{
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    (void)sqlite3_reset(statement);
    return number;
}

static int64_t pragma_number(struct source_sqlite *sqlite, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    struct err ignored;
    if (prepare(sqlite, sql, &statement, &ignored))
        return -1;
    int64_t number = step_number(statement);
    (void)sqlite3_finalize(statement);
    return number;
}

static int prepare_statements(struct source_sqlite *sqlite, struct err *err)
{
    struct buf sql = {0};
    struct err reason = {0};
    if (sqlite_row_map(sqlite->db, &sqlite->map, &reason))
        return err_set(err, "%s: %s", sqlite->path, reason.message);
    sqlite_row_select(&sqlite->map, &sql);
    int failed = sql.failed || prepare(sqlite, sql.data, &sqlite->select, err) ||
                 prepare(sqlite, "SELECT signal_id FROM signals WHERE rowid = ?", &sqlite->find, err) ||
                 prepare(sqlite, "PRAGMA data_version", &sqlite->version, err);
    buf_clear(&sql);
    if (failed)
        return -1;
    sqlite->schema_version = pragma_number(sqlite, "PRAGMA schema_version");
    return 0;
}

static int open_as(struct source_sqlite *sqlite, bool immutable, struct err *err)
{
    char uri[PATH_MAX + 64];
    sqlite->immutable = immutable;
    (void)snprintf(uri, sizeof uri, "%s?mode=ro%s", sqlite->uri, immutable ? "&immutable=1" : "");
    if (stat(sqlite->path, &sqlite->opened))
        return err_set_errno(err, "%s", sqlite->path);
    if (sqlite3_open_v2(uri, &sqlite->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
        return err_set(err, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->db));
    (void)sqlite3_busy_timeout(sqlite->db, sqlite->busy_limit_ms);
    return prepare_statements(sqlite, err);
}

static bool has_wal(const struct source_sqlite *sqlite)
{
    char wal[PATH_MAX + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", sqlite->path);
    return !access(wal, F_OK);
}

/* A database in WAL mode whose writer is gone cannot be opened without the right to make its -shm. As long as there
 * is no -wal its content is all in the file, which can then be read as it is. */
static int open_file(struct source_sqlite *sqlite, struct err *err)
{
    if (source_sqlite_check_rights(sqlite->path, err))
        return -1;
    if (!open_as(sqlite, false, err))
        return 0;
    int code = sqlite->db ? sqlite3_errcode(sqlite->db) & 0xFF : SQLITE_OK;
    close_file(sqlite);
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || has_wal(sqlite))
        return -1;
    if (!open_as(sqlite, true, err))
        return 0;
    close_file(sqlite);
    return -1;
}

/* True if the path leads to another file by now, or (when it cannot tell by itself) to a changed one. */
static bool file_changed(const struct source_sqlite *sqlite)
{
    struct stat now;
    if (stat(sqlite->path, &now) || now.st_ino != sqlite->opened.st_ino || now.st_dev != sqlite->opened.st_dev)
        return true;
    if (sqlite->immutable && has_wal(sqlite))
        return true; /* a writer has come: what is new stands there */
    return sqlite->immutable &&
           (now.st_size != sqlite->opened.st_size || now.st_mtim.tv_sec != sqlite->opened.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != sqlite->opened.st_mtim.tv_nsec);
}

static int make_ready(struct source_sqlite *sqlite, struct err *err)
{
    if (sqlite->db &&
        (file_changed(sqlite) || sqlite->schema_version != pragma_number(sqlite, "PRAGMA schema_version")))
        close_file(sqlite);
    return sqlite->db ? 0 : open_file(sqlite, err);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

/* Is the row at this place the one that was there when the place was noted? */
static bool place_holds(struct source_sqlite *sqlite, const struct place *after)
{
    bool holds = false;
    if (!after->position || !after->signal_id[0])
        return true;
    (void)sqlite3_bind_int64(sqlite->find, 1, after->position);
    if (sqlite3_step(sqlite->find) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(sqlite->find, 0);
        holds = id && !strcmp(id, after->signal_id);
    }
    (void)sqlite3_reset(sqlite->find);
    return holds;
}

static bool give_row(struct source_sqlite *sqlite, source_take *take, void *taker)
{
    struct signal signal = {0};
    struct source_item item = {.position = sqlite3_column_int64(sqlite->select, 0), .signal = &signal};
    bool taken = !sqlite_row_read(&sqlite->map, sqlite->select, &signal) && take(taker, &item);
    signal_clear(&signal);
    return taken;
}

static enum source_status read_rows(struct source_sqlite *sqlite, int64_t after, source_take *take, void *taker,
                                    struct err *err)
{
    int status;
    (void)sqlite3_bind_int64(sqlite->select, 1, after);
    while ((status = sqlite3_step(sqlite->select)) == SQLITE_ROW)
        if (!give_row(sqlite, take, taker))
            break;
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        err_set(err, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->db));
    (void)sqlite3_reset(sqlite->select);
    if (status == SQLITE_ROW)
        return SOURCE_STOPPED;
    return status == SQLITE_DONE ? SOURCE_END : SOURCE_AWAY;
}

static enum source_status source_read(void *self, const struct place *after, source_take *take, void *taker,
                                      struct err *err)
{
    struct source_sqlite *sqlite = self;
    if (make_ready(sqlite, err))
        return SOURCE_AWAY;
    /* The version is noted before the snapshot is taken: a commit in between is looked at twice, never missed. */
    int64_t version = step_number(sqlite->version);
    if (sqlite3_exec(sqlite->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK) {
        err_set(err, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->db));
        return SOURCE_AWAY;
    }
    enum source_status status = SOURCE_REPLACED;
    if (place_holds(sqlite, after))
        status = read_rows(sqlite, after->position, take, taker, err);
    else if (sqlite3_errcode(sqlite->db) != SQLITE_OK && sqlite3_errcode(sqlite->db) != SQLITE_DONE &&
             sqlite3_errcode(sqlite->db) != SQLITE_ROW) {
        err_set(err, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->db));
        status = SOURCE_AWAY;
    }
    (void)sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
    if (status == SOURCE_END)
        sqlite->seen_version = version;
    if (status == SOURCE_AWAY)
        close_file(sqlite);
    return status;
}

static bool source_changed(void *self)
{
    struct source_sqlite *sqlite = self;
    if (!sqlite->db || file_changed(sqlite))
        return true;
    return !sqlite->immutable && step_number(sqlite->version) != sqlite->seen_version;
}

static int64_t source_count_after(void *self, int64_t position)
{
    struct source_sqlite *sqlite = self;
    sqlite3_stmt *statement = NULL;
    struct err ignored;
    if (make_ready(sqlite, &ignored) ||
        prepare(sqlite, "SELECT count(*) FROM signals WHERE rowid > ?", &statement, &ignored))
        return -1;
    (void)sqlite3_bind_int64(statement, 1, position);
    int64_t count = step_number(statement);
    (void)sqlite3_finalize(statement);
    return count;
}

/* --- life -------------------------------------------------------------------------------------------------- */

/* "file:" and the path, with what a URI would read otherwise escaped. */
static char *make_uri(const char *path)
{
    struct buf uri = {0};
    buf_add_text(&uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            buf_add_format(&uri, "%%%02X", (unsigned char)*path);
        else
            buf_add_char(&uri, *path);
    }
    return buf_take(&uri, NULL);
}

static const struct source_ops ops = {
    .read = source_read,
    .changed = source_changed,
    .count_after = source_count_after,
};

struct source *source_sqlite_new(const char *path, int busy_limit_ms)
{
    struct source_sqlite *sqlite = calloc(1, sizeof *sqlite);
    if (!sqlite)
        return NULL;
    sqlite->source = (struct source){&ops, sqlite};
    sqlite->path = strdup(path);
    sqlite->uri = make_uri(path);
    sqlite->busy_limit_ms = busy_limit_ms;
    sqlite->seen_version = -1;
    if (sqlite->path && sqlite->uri)
        return &sqlite->source;
    source_sqlite_free(&sqlite->source);
    return NULL;
}

void source_sqlite_free(struct source *source)
{
    if (!source)
        return;
    struct source_sqlite *sqlite = source->self;
    close_file(sqlite);
    free(sqlite->path);
    free(sqlite->uri);
    free(sqlite);
}
