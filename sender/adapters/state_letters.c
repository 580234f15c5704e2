/* state_letters: dead letters, durable one by one, bounded in number and size. */
#include "adapters/state_letters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/state_parts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/json_text.h"
#include "base/utf8.h"

/* A receiver takes no signal that is larger, so what is cut here could not be delivered as it is anyway. */
enum { LETTER_BYTES_MAX = 65536, CUT_BYTES = 16384 };

static int64_t count_letters(struct state_sqlite *sqlite, struct err *err)
{
    sqlite3_stmt *statement = state_db_prepare(&sqlite->db, err, "SELECT count(*) FROM dead_letters", "");
    if (!statement || state_db_step(&sqlite->db, statement, err) <= 0)
        return -1;
    int64_t count = sqlite3_column_int64(statement, 0);
    state_db_end(statement);
    return count;
}

static int64_t data_version(struct state_sqlite *sqlite, struct err *err)
{
    sqlite3_stmt *statement = state_db_prepare(&sqlite->db, err, "PRAGMA data_version", "");
    if (!statement || state_db_step(&sqlite->db, statement, err) <= 0)
        return -1;
    int64_t version = sqlite3_column_int64(statement, 0);
    state_db_end(statement);
    return version;
}

static int count_anew(struct state_sqlite *sqlite, struct err *err)
{
    sqlite->letters_version = data_version(sqlite, err);
    sqlite->letters = count_letters(sqlite, err);
    sqlite->letters_of = sqlite->letters < 0 ? 0 : sqlite->db.generation;
    return sqlite->letters < 0 ? -1 : 0;
}

/* Makes sure that the number kept here is that of the file, or more: counting takes long when there are many. */
static int know_count(struct state_sqlite *sqlite, struct err *err)
{
    if (state_db_open(&sqlite->db, err))
        return -1;
    return sqlite->letters_of == sqlite->db.generation ? 0 : count_anew(sqlite, err);
}

/* --- the seam ---------------------------------------------------------------------------------------------- */

/* What is too large to keep is kept as its beginning, with the size that it had. */
static const char *bounded(const char *json, struct buf *cut)
{
    size_t len = strlen(json);
    size_t kept = CUT_BYTES;
    if (len <= LETTER_BYTES_MAX)
        return json;
    while (kept && !utf8_valid(json, kept))
        kept--;
    buf_add_char(cut, '{');
    json_text_member_integer(cut, "bytes", (int64_t)len);
    json_text_member_string(cut, "begins", json, kept);
    buf_add_char(cut, '}');
    return cut->data ? cut->data : "{}";
}

/* What a letter is known by, besides its signal_id: the hash that the signal gives. Without a signal_id it is what
 * stands there, for a log's positions begin anew with each file. */
static const char *identity(const struct dead_letter *letter, char digits[DIGEST_HEX_LEN + 1])
{
    struct digest digest;
    if (letter->signal_id[0])
        return letter->sha256;
    digest_sha256(letter->json, strlen(letter->json), &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, digits);
    return digits;
}

static sqlite3_stmt *prepare_bury(struct state_sqlite *sqlite, const struct dead_letter *letter, const char *json,
                                  struct err *err)
{
    char digits[DIGEST_HEX_LEN + 1];
    if (letter->id)
        return state_db_prepare(&sqlite->db, err,
                                "UPDATE dead_letters SET reason = ?, detail = ?, retry = 0 WHERE id = ?", "ssi",
                                letter->reason, letter->detail, letter->id);
    /* The same one again, from the other source or after a start from an older place, is no second letter. */
    return state_db_prepare(
        &sqlite->db, err,
        "INSERT INTO dead_letters (origin, position, signal_id, sha256, symbol, action, reason, detail, json,"
        " created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET origin = excluded.origin,"
        " position = excluded.position, reason = excluded.reason, detail = excluded.detail, json = excluded.json",
        "iisssssssi", (int64_t)letter->origin, letter->position, letter->signal_id, identity(letter, digits),
        letter->symbol, letter->action, letter->reason, letter->detail, json, letter->created_us);
}

/* 1: there is a letter for this signal already, so that it needs no room; 0; -1 on error. */
static int has_letter(struct state_sqlite *sqlite, const struct dead_letter *letter, struct err *err)
{
    char digits[DIGEST_HEX_LEN + 1];
    sqlite3_stmt *statement = state_db_prepare(&sqlite->db, err,
                                               "SELECT 1 FROM dead_letters WHERE signal_id = ?1 AND sha256 = ?2 AND"
                                               " (signal_id <> '' OR (origin = ?3 AND position = ?4))",
                                               "ssii", letter->signal_id, identity(letter, digits),
                                               (int64_t)letter->origin, letter->position);
    int found = statement ? state_db_step(&sqlite->db, statement, err) : -1;
    if (found > 0)
        state_db_end(statement);
    return found;
}

static int make_sure_of_room(struct state_sqlite *sqlite, const struct dead_letter *letter, struct err *err)
{
    if (state_sqlite_hold_directory(sqlite, err) || know_count(sqlite, err))
        return -1;
    bool full = !letter->id && sqlite->letters >= sqlite->letters_max;
    if (full && sqlite->letters_version != data_version(sqlite, err) && count_anew(sqlite, err))
        return -1; /* somebody may have dropped some */
    if (letter->id || sqlite->letters < sqlite->letters_max)
        return 0;
    int found = has_letter(sqlite, letter, err);
    if (found)
        return found > 0 ? 0 : -1;
    return err_set(err,
                   "there are %" PRId64
                   " dead letters already (ALPINE_DEAD_LETTERS_MAX): look at them, then retry or "
                   "drop them",
                   sqlite->letters);
}

int state_letters_bury(void *self, const struct dead_letter *letter, struct err *err)
{
    struct state_sqlite *sqlite = self;
    struct buf cut = {0};
    const char *json = bounded(letter->json, &cut);
    int status = -1;
    if (make_sure_of_room(sqlite, letter, err))
        goto out;
    if (state_db_begin_durable(&sqlite->db, err) ||
        state_db_run(&sqlite->db, prepare_bury(sqlite, letter, json, err), err) ||
        state_db_commit_durable(&sqlite->db, err))
        goto out;
    sqlite->letters += !letter->id;
    status = 0;
out:
    buf_clear(&cut);
    return status;
}

static int delete_letters(struct state_sqlite *sqlite, sqlite3_stmt *statement, struct err *err)
{
    if (state_db_run(&sqlite->db, statement, err))
        return -1;
    sqlite->letters -= sqlite3_changes64(sqlite->db.db);
    return 0;
}

int state_letters_remove(void *self, int64_t id, struct err *err)
{
    struct state_sqlite *sqlite = self;
    if (know_count(sqlite, err) || state_db_begin(&sqlite->db, err))
        return -1;
    return delete_letters(
        sqlite, state_db_prepare(&sqlite->db, err, "DELETE FROM dead_letters WHERE id = ?", "i", id), err);
}

int state_letters_remove_delivered(void *self, const char *signal_id, const char *sha256, struct err *err)
{
    struct state_sqlite *sqlite = self;
    if (know_count(sqlite, err))
        return -1;
    if (!sqlite->letters || !signal_id[0])
        return 0;
    if (state_db_begin(&sqlite->db, err))
        return -1;
    return delete_letters(
        sqlite,
        state_db_prepare(&sqlite->db, err,
                         "DELETE FROM dead_letters WHERE signal_id = ? AND sha256 = ? AND signal_id <> ''", "ss",
                         signal_id, sha256),
        err);
}

#define LETTER_COLUMNS                                                                                             \
    "SELECT id, position, signal_id, symbol, action, reason, detail, json, created_us, retry, origin, sha256 "     \
    "FROM dead_letters "

static int walk(struct state_sqlite *sqlite, sqlite3_stmt *statement, dead_letter_visit *visit, void *visitor,
                struct err *err)
{
    int status = statement ? 1 : -1;
    while (status > 0 && (status = state_db_step(&sqlite->db, statement, err)) > 0) {
        struct dead_letter letter = {
            .id = sqlite3_column_int64(statement, 0),
            .position = sqlite3_column_int64(statement, 1),
            .signal_id = state_db_text(statement, 2),
            .symbol = state_db_text(statement, 3),
            .action = state_db_text(statement, 4),
            .reason = state_db_text(statement, 5),
            .detail = state_db_text(statement, 6),
            .json = state_db_text(statement, 7),
            .created_us = sqlite3_column_int64(statement, 8),
            .retry = sqlite3_column_int(statement, 9) != 0,
            .origin = sqlite3_column_int(statement, 10) == ORIGIN_LOG ? ORIGIN_LOG : ORIGIN_TABLE,
            .sha256 = state_db_text(statement, 11),
        };
        if (!visit(visitor, &letter)) {
            state_db_end(statement);
            return 0;
        }
    }
    return status;
}

int state_letters_each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err)
{
    struct state_sqlite *sqlite = self;
    if (know_count(sqlite, err))
        return -1;
    if (!sqlite->letters)
        return 0;
    return walk(sqlite, state_db_prepare(&sqlite->db, err, LETTER_COLUMNS "WHERE retry ORDER BY id", ""), visit,
                visitor, err);
}

/* --- for people -------------------------------------------------------------------------------------------- */

#define SELECTED "(?1 = 0 OR id = ?1) AND (?2 = '' OR reason = ?2)"

static const char *reason_of(const struct dead_selection *selection)
{
    return selection->reason ? selection->reason : "";
}

int state_letters_each(struct state *state, const struct dead_selection *selection, dead_letter_visit *visit,
                       void *visitor, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    return walk(sqlite,
                state_db_prepare(&sqlite->db, err, LETTER_COLUMNS "WHERE " SELECTED " ORDER BY id", "is",
                                 selection->id, reason_of(selection)),
                visit, visitor, err);
}

int state_letters_each_reason(struct state *state, dead_reason_visit *visit, void *visitor, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    if (state_db_open(&sqlite->db, err))
        return -1;
    /* By the index alone: the letters themselves are some 100 MB where there are as many as may be. */
    sqlite3_stmt *statement = state_db_prepare(
        &sqlite->db, err,
        "SELECT reason, count(*) FROM dead_letters INDEXED BY dead_letters_reason GROUP BY reason", "");
    int status = statement ? 1 : -1;
    while (status > 0 && (status = state_db_step(&sqlite->db, statement, err)) > 0)
        visit(visitor, state_db_text(statement, 0), sqlite3_column_int64(statement, 1));
    return status;
}

int64_t state_letters_count(struct state *state)
{
    struct err ignored;
    return count_letters(state->self, &ignored);
}

int64_t state_letters_retry(struct state *state, const struct dead_selection *selection, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    if (state_db_run(&sqlite->db,
                     state_db_prepare(&sqlite->db, err, "UPDATE dead_letters SET retry = 1 WHERE " SELECTED, "is",
                                      selection->id, reason_of(selection)),
                     err))
        return -1;
    return sqlite3_changes64(sqlite->db.db);
}

int64_t state_letters_drop(struct state *state, const struct dead_selection *selection, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    struct state_db *db = &sqlite->db;
    if (state_db_begin_durable(db, err) ||
        state_db_run(db,
                     state_db_prepare(db, err,
                                      "INSERT OR REPLACE INTO dropped SELECT id, signal_id, reason, ?3 "
                                      "FROM dead_letters WHERE " SELECTED,
                                      "isi", selection->id, reason_of(selection), clock_wall_us()),
                     err) ||
        state_db_run(db,
                     state_db_prepare(db, err, "DELETE FROM dead_letters WHERE " SELECTED, "is", selection->id,
                                      reason_of(selection)),
                     err))
        return -1;
    int64_t dropped = sqlite3_changes64(db->db);
    return state_db_commit_durable(db, err) ? -1 : dropped;
}
