/* sqlite_file: Argo's SQLite file: opened read-only, and opened anew when it is another file or has another schema.
 *
 * One handle is used by one thread. Its members are for source_sqlite.c. */
#ifndef ALPINE_SENDER_SQLITE_FILE_H
#define ALPINE_SENDER_SQLITE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "adapters/sqlite_row.h"
#include "base/err.h"

/* Statements are prepared when the file is opened. */
enum sqlite_statement {
    STATEMENT_SELECT,  /* rows from a position on */
    STATEMENT_MARK,    /* signal_id of a position */
    STATEMENT_VERSION, /* PRAGMA data_version: moves on every foreign commit */
    STATEMENT_FIND,    /* position and hash of a signal_id */
    STATEMENT_WALK,    /* position, signal_id and hash of a range */
    STATEMENT_COUNT,
};

struct sqlite_file {
    char *path;
    char *uri;
    int busy_limit_ms;
    sqlite3 *db;    /* NULL: not open */
    bool immutable; /* opened so, because nothing else works without rights; there is no -wal and no -journal */
    struct stat opened;
    ino_t wal; /* of the -wal when it was seen first; 0: none was seen */
    struct sqlite_row_map map;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int64_t schema_version;
    int64_t
        seen_version; /* data_version when the last row was seen; -1 on a new connection: it is its own affair */
};

/* path need not exist yet. Returns -1 when out of memory; clear it in any case. */
MUST_CHECK int sqlite_file_init(struct sqlite_file *file, const char *path, int busy_limit_ms);
void sqlite_file_clear(struct sqlite_file *file);

/* Makes sure that it is open, and the file that the path leads to now. Returns -1 and the reason in err. */
MUST_CHECK int sqlite_file_make_ready(struct sqlite_file *file, struct err *err);
/* True if it is not open, or no longer the file that the path leads to. */
bool sqlite_file_is_stale(const struct sqlite_file *file);
/* After a read: from now on another -wal makes it stale. */
void sqlite_file_note_wal(struct sqlite_file *file);
void sqlite_file_close(struct sqlite_file *file);

/* The number in the first row's first column; -1 if there is none. The statement is reset. */
int64_t sqlite_file_number(sqlite3_stmt *statement);
/* Puts SQLite's message into err. Returns -1. */
int sqlite_file_fail(const struct sqlite_file *file, struct err *err);

/* Finds the mix of owner and rights with which merely reading the file can lock its owner out: a reader of another
 * user who may write in the directory creates -shm and -wal files that are its own. Returns -1 and what to do. */
MUST_CHECK int sqlite_file_check_rights(const char *path, struct err *err);

#endif
