/* state_ledger: what was settled: signals that went by the log, and tallies of the table's blocks. */
#include <stdio.h>

#include "adapters/state_parts.h"

/* Some 20 MB. Argo's table shows a signal seconds after its log did; what it never shows is forgotten some day. */
enum { SENT_MAX = 200000 };

static int note(struct state_sqlite *sqlite, sqlite3_stmt *statement, struct err *err)
{
    return state_db_run(&sqlite->db, statement, err);
}

int state_ledger_note_sent(void *self, const char *signal_id, const char *sha256, struct err *err)
{
    struct state_sqlite *sqlite = self;
    if (state_db_begin(&sqlite->db, err))
        return -1;
    return note(sqlite,
                state_db_prepare(&sqlite->db, err, "INSERT OR REPLACE INTO sent (signal_id, sha256) VALUES (?, ?)",
                                 "ss", signal_id, sha256),
                err);
}

int state_ledger_find_sent(void *self, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1], struct err *err)
{
    struct state_sqlite *sqlite = self;
    sqlite3_stmt *statement =
        state_db_prepare(&sqlite->db, err, "SELECT sha256 FROM sent WHERE signal_id = ?", "s", signal_id);
    int found = statement ? state_db_step(&sqlite->db, statement, err) : -1;
    if (found > 0) {
        (void)snprintf(sha256, DIGEST_HEX_LEN + 1, "%s", state_db_text(statement, 0));
        state_db_end(statement);
    }
    return found;
}

int state_ledger_show_sent(void *self, const char *signal_id, int64_t position, struct err *err)
{
    struct state_sqlite *sqlite = self;
    if (state_db_begin(&sqlite->db, err))
        return -1;
    return note(sqlite,
                state_db_prepare(&sqlite->db, err, "UPDATE sent SET position = ? WHERE signal_id = ?", "is",
                                 position, signal_id),
                err);
}

int state_ledger_prune(struct state_sqlite *sqlite, const struct place *row, struct err *err)
{
    if (!place_is_start(row) &&
        note(sqlite, state_db_prepare(&sqlite->db, err, "DELETE FROM sent WHERE position <= ?", "i", row->position),
             err))
        return -1;
    return note(sqlite,
                state_db_prepare(&sqlite->db, err, "DELETE FROM sent WHERE n <= (SELECT max(n) FROM sent) - ?", "i",
                                 (int64_t)SENT_MAX),
                err);
}

/* SQLite has signed integers only, and makes reals of sums that overflow; so the sum is read, added to here, and
 * written. */
int state_ledger_add_tally(void *self, int64_t block, const struct state_tally *more, struct err *err)
{
    struct state_sqlite *sqlite = self;
    struct state_tally tally;
    if (state_db_begin(&sqlite->db, err) || state_ledger_find_tally(self, block, &tally, err))
        return -1;
    return note(sqlite,
                state_db_prepare(&sqlite->db, err, "INSERT OR REPLACE INTO tallies VALUES (?, ?, ?)", "iii", block,
                                 tally.rows + more->rows, (int64_t)(tally.sum + more->sum)),
                err);
}

int state_ledger_find_tally(void *self, int64_t block, struct state_tally *tally, struct err *err)
{
    struct state_sqlite *sqlite = self;
    sqlite3_stmt *statement =
        state_db_prepare(&sqlite->db, err, "SELECT row_count, sum FROM tallies WHERE block = ?", "i", block);
    int found = statement ? state_db_step(&sqlite->db, statement, err) : -1;
    *tally = (struct state_tally){0};
    if (found > 0) {
        tally->rows = sqlite3_column_int64(statement, 0);
        tally->sum = (uint64_t)sqlite3_column_int64(statement, 1);
        state_db_end(statement);
    }
    return found < 0 ? -1 : 0;
}

static int clear(struct state_sqlite *sqlite, sqlite3_stmt *statement, struct err *err)
{
    return statement && !state_db_begin(&sqlite->db, err) ? note(sqlite, statement, err) : -1;
}

int state_ledger_clear_tallies(void *self, struct err *err)
{
    struct state_sqlite *sqlite = self;
    return clear(sqlite, state_db_prepare(&sqlite->db, err, "DELETE FROM tallies", ""), err);
}

int state_ledger_clear_sent(void *self, struct err *err)
{
    struct state_sqlite *sqlite = self;
    return clear(sqlite, state_db_prepare(&sqlite->db, err, "DELETE FROM sent", ""), err);
}
