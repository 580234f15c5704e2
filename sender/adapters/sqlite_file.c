/* sqlite_file: see sqlite_file.h. */
#include "adapters/sqlite_file.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* A column that holds no text reads '', and of a hash no more is compared than a hash has. */
#define ID_TEXT "CASE typeof(signal_id) WHEN 'text' THEN signal_id ELSE '' END"
#define HASH_TEXT                                                                                                  \
    "CASE WHEN typeof(sha256) = 'text' AND sha256 <> '' THEN"                                                      \
    " lower(CAST(substr(CAST(sha256 AS BLOB), 1, 64) AS TEXT)) ELSE '' END"

static const char *const statements_sql[STATEMENT_COUNT] = {
    [STATEMENT_SELECT] = NULL, /* depends on the columns that there are */
    [STATEMENT_MARK] = "SELECT signal_id FROM signals WHERE rowid = ?",
    [STATEMENT_VERSION] = "PRAGMA data_version",
    [STATEMENT_FIND] = "SELECT rowid, " HASH_TEXT " FROM signals WHERE signal_id = ?",
    [STATEMENT_WALK] =
        "SELECT rowid, " ID_TEXT ", " HASH_TEXT " FROM signals WHERE rowid BETWEEN ? AND ? ORDER BY rowid",
};

int sqlite_file_fail(const struct sqlite_file *file, struct err *err)
{
    return err_set(err, "%s: %s", file->path, sqlite3_errmsg(file->db));
}

void sqlite_file_close(struct sqlite_file *file)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(file->statements[i]);
        file->statements[i] = NULL;
    }
    (void)sqlite3_close(file->db);
    file->db = NULL;
    file->wal = 0;
    file->seen_version = -1;
}

int sqlite_file_check_rights(const char *path, struct err *err)
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

int64_t sqlite_file_number(sqlite3_stmt *statement)
{
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    (void)sqlite3_reset(statement);
    return number;
}

static int64_t schema_version(const struct sqlite_file *file)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(file->db, "PRAGMA schema_version", -1, &statement, NULL) != SQLITE_OK)
        return -1;
    int64_t version = sqlite_file_number(statement);
    (void)sqlite3_finalize(statement);
    return version;
}

static int prepare(struct sqlite_file *file, int index, const char *sql, struct err *err)
{
    if (sqlite3_prepare_v2(file->db, sql, -1, &file->statements[index], NULL) == SQLITE_OK)
        return 0;
    return sqlite_file_fail(file, err);
}

static int prepare_statements(struct sqlite_file *file, struct err *err)
{
    struct buf select = {0};
    struct err reason = {0};
    int failed = 0;
    if (sqlite_row_map(file->db, &file->map, &reason))
        return err_set(err, "%s: %s", file->path, reason.message);
    sqlite_row_select(&file->map, &select);
    for (int i = 0; !failed && i < STATEMENT_COUNT; i++)
        failed = select.failed || prepare(file, i, statements_sql[i] ? statements_sql[i] : select.data, err);
    buf_clear(&select);
    file->schema_version = failed ? -1 : schema_version(file);
    return failed ? -1 : 0;
}

static int open_as(struct sqlite_file *file, bool immutable, struct err *err)
{
    char uri[PATH_MAX + 64];
    file->immutable = immutable;
    (void)snprintf(uri, sizeof uri, "%s?mode=ro%s", file->uri, immutable ? "&immutable=1" : "");
    if (stat(file->path, &file->opened))
        return err_set_errno(err, "%s", file->path);
    if (!S_ISREG(file->opened.st_mode)) /* opening a FIFO would wait for its writer */
        return err_set(err, "%s is no file", file->path);
    if (sqlite3_open_v2(uri, &file->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
        return sqlite_file_fail(file, err);
    (void)sqlite3_busy_timeout(file->db, file->busy_limit_ms);
    return prepare_statements(file, err);
}

/* The inode of the file beside it whose name ends so; 0 if there is none. */
static ino_t inode_beside(const struct sqlite_file *file, const char *suffix)
{
    char path[PATH_MAX + 16];
    struct stat beside;
    (void)snprintf(path, sizeof path, "%s%s", file->path, suffix);
    return stat(path, &beside) ? 0 : beside.st_ino;
}

static ino_t wal_inode(const struct sqlite_file *file)
{
    return inode_beside(file, "-wal");
}

static bool has_wal(const struct sqlite_file *file)
{
    return wal_inode(file) != 0;
}

static bool has_journal(const struct sqlite_file *file)
{
    return inode_beside(file, "-journal") != 0;
}

void sqlite_file_note_wal(struct sqlite_file *file)
{
    if (!file->wal)
        file->wal = wal_inode(file);
}

/* A database in WAL mode whose writer is gone cannot be opened without the right to make its -shm. As long as there
 * is no -wal its content is all in the file, which can then be read as it is. With a -journal beside it it cannot:
 * half a transaction may stand in it, which only one who writes can take back. */
static int open_file(struct sqlite_file *file, struct err *err)
{
    if (sqlite_file_check_rights(file->path, err))
        return -1;
    if (!open_as(file, false, err))
        return 0;
    int code = file->db ? sqlite3_errcode(file->db) & 0xFF : SQLITE_OK;
    sqlite_file_close(file);
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || has_wal(file))
        return -1;
    if (has_journal(file))
        return err_set(err, "%s: a transaction was cut off in it (%s-journal), and Argo has not taken it back yet",
                       file->path, file->path);
    if (!open_as(file, true, err))
        return 0;
    sqlite_file_close(file);
    return -1;
}

bool sqlite_file_is_stale(const struct sqlite_file *file)
{
    struct stat now;
    if (!file->db || stat(file->path, &now) || now.st_ino != file->opened.st_ino ||
        now.st_dev != file->opened.st_dev)
        return true;
    if (!file->immutable) /* a -wal that was removed under an open connection would be read for ever */
        return file->wal && file->wal != wal_inode(file);
    if (has_wal(file))
        return true; /* a writer has come: what is new stands there */
    return now.st_size != file->opened.st_size || now.st_mtim.tv_sec != file->opened.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != file->opened.st_mtim.tv_nsec;
}

int sqlite_file_make_ready(struct sqlite_file *file, struct err *err)
{
    if (file->db && (sqlite_file_is_stale(file) || file->schema_version != schema_version(file)))
        sqlite_file_close(file);
    return file->db ? 0 : open_file(file, err);
}

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

int sqlite_file_init(struct sqlite_file *file, const char *path, int busy_limit_ms)
{
    *file = (struct sqlite_file){
        .path = strdup(path), .uri = make_uri(path), .busy_limit_ms = busy_limit_ms, .seen_version = -1};
    return file->path && file->uri ? 0 : -1;
}

void sqlite_file_clear(struct sqlite_file *file)
{
    sqlite_file_close(file);
    free(file->path);
    free(file->uri);
}
