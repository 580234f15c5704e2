/* state_db: state.db as a database: opening, its schema, statements, transactions, and what to do when it fails.
 * Knows nothing of what is kept in it.
 *
 * What is noted gathers in one transaction until state_db_commit. Statements that fail roll it back. When another
 * process keeps it locked, every call fails at once for a while: the caller's loop must not wait for each. After an
 * input/output error the file is closed, and opened anew by the next call: what an fsync that failed has left on
 * the disk is known only then. A file that is damaged is moved aside, and a fresh one begun. */
#ifndef ALPINE_SENDER_STATE_DB_H
#define ALPINE_SENDER_STATE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { STATE_DB_STATEMENTS = 24 };

struct state_db {
    const char *directory; /* borrowed */
    bool own;              /* may create, migrate, and move aside */
    bool read_only;
    /* Told when a damaged file was moved aside: where it is now. May be NULL. */
    void (*damaged)(void *context, const char *moved_to);
    void *context;

    sqlite3 *db;        /* NULL: to be opened by the next call */
    int64_t blocked_ns; /* until then it counts as locked */
    bool in_transaction;
    struct {
        const char *sql; /* a literal: known by its address */
        sqlite3_stmt *statement;
    } statements[STATE_DB_STATEMENTS];
    int generation; /* moves when it is opened or rolled back: what was known of its content is to be read anew */
};

/* Opens it, if it is not open. Returns -1 and the reason in err. */
MUST_CHECK int state_db_open(struct state_db *db, struct err *err);
void state_db_close(struct state_db *db);

/* A statement with its values bound: types has a letter for each, i an int64_t, s a text. sql must be a literal.
 * NULL and the reason in err on failure. Step it with state_db_step until that says 0, or end it by state_db_end.
 */
sqlite3_stmt *state_db_prepare(struct state_db *db, struct err *err, const char *sql, const char *types, ...);
/* 1: a row; 0: the end; -1: it failed. The statement is ended with 0 and -1. */
int state_db_step(struct state_db *db, sqlite3_stmt *statement, struct err *err);
void state_db_end(sqlite3_stmt *statement);
/* Runs a prepared statement to its end. NULL is a failure already said. */
MUST_CHECK int state_db_run(struct state_db *db, sqlite3_stmt *statement, struct err *err);

/* Begins a transaction if none is open. */
MUST_CHECK int state_db_begin(struct state_db *db, struct err *err);
/* Commits it; none is fine. Not flushed. */
MUST_CHECK int state_db_commit(struct state_db *db, struct err *err);
/* Commits what is open, and begins one whose commit is flushed to the disk; end it by state_db_commit_durable. */
MUST_CHECK int state_db_begin_durable(struct state_db *db, struct err *err);
MUST_CHECK int state_db_commit_durable(struct state_db *db, struct err *err);

/* The text of a column, "" for NULL. Valid until the next step. */
const char *state_db_text(sqlite3_stmt *statement, int column);

#endif
