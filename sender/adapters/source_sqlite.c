/* source_sqlite: reads after a place, finds single rows, walks ranges. */
#include "adapters/source_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sqlite_file.h"
#include "base/clock.h"
#include "base/hex.h"

/* After a question that the table could not answer none is asked for so long. */
#define QUESTION_PAUSE_NS (1 * NS_PER_S)
/* Some milliseconds. */
enum { COUNTED_MAX = 20000 };

struct source_sqlite {
    struct source source;
    struct table table;
    struct sqlite_file file;
    int64_t question_ns; /* not before */
};

/* --- places ------------------------------------------------------------------------------------------------ */

/* The signal_id, or (where it would not fit) its digest. */
static void write_mark(const char *id, char mark[PLACE_MARK_SIZE])
{
    struct digest digest;
    if (!*id)
        id = "-"; /* a place without a mark could be the beginning */
    size_t len = strlen(id);
    if (len < PLACE_MARK_SIZE) {
        memcpy(mark, id, len + 1);
        return;
    }
    digest_sha256(id, len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, mark);
}

/* Is the row at this place the one that was there when the place was noted? -1: it cannot be read. */
static int place_holds(struct source_sqlite *sqlite, const struct place *after, struct err *err)
{
    char mark[PLACE_MARK_SIZE] = "";
    sqlite3_stmt *statement = sqlite->file.statements[STATEMENT_MARK];
    if (!after->mark[0])
        return 1;
    (void)sqlite3_bind_int64(statement, 1, after->position);
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        write_mark(id ? id : "", mark);
    } else if (status != SQLITE_DONE) {
        sqlite_file_fail(&sqlite->file, err);
    }
    (void)sqlite3_reset(statement);
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        return -1;
    return !strcmp(mark, after->mark);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static bool give_row(struct source_sqlite *sqlite, source_take *take, void *taker)
{
    sqlite3_stmt *statement = sqlite->file.statements[STATEMENT_SELECT];
    struct signal signal = {0};
    struct source_item item = {.place.position = sqlite3_column_int64(statement, 0), .signal = &signal};
    bool taken = !sqlite_row_read(&sqlite->file.map, statement, &signal);
    if (taken) {
        write_mark(signal_text(&signal, FIELD_SIGNAL_ID, NULL), item.place.mark);
        taken = take(taker, &item);
    }
    signal_clear(&signal);
    return taken;
}

/* The first row id that can stand after a place; false: none can. */
static bool first_after(const struct place *after, int64_t *first)
{
    if (place_is_start(after))
        *first = INT64_MIN;
    else if (after->position < INT64_MAX)
        *first = after->position + 1;
    else
        return false;
    return true;
}

static enum source_status read_rows(struct source_sqlite *sqlite, const struct place *after, source_take *take,
                                    void *taker, struct err *err)
{
    sqlite3_stmt *statement = sqlite->file.statements[STATEMENT_SELECT];
    int64_t first;
    int status;
    if (!first_after(after, &first))
        return SOURCE_END;
    (void)sqlite3_bind_int64(statement, 1, first);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW)
        if (!give_row(sqlite, take, taker))
            break;
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        sqlite_file_fail(&sqlite->file, err);
    (void)sqlite3_reset(statement);
    if (status == SQLITE_ROW)
        return SOURCE_STOPPED;
    return status == SQLITE_DONE ? SOURCE_END : SOURCE_AWAY;
}

/* Of a file that is ready. */
static int begin(struct source_sqlite *sqlite, struct err *err)
{
    if (sqlite3_exec(sqlite->file.db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return sqlite_file_fail(&sqlite->file, err);
}

static void end(struct source_sqlite *sqlite)
{
    (void)sqlite3_exec(sqlite->file.db, "ROLLBACK", NULL, NULL, NULL);
}

static enum source_status read_snapshot(struct source_sqlite *sqlite, const struct place *after, source_take *take,
                                        void *taker, struct err *err)
{
    enum source_status status = SOURCE_AWAY;
    if (begin(sqlite, err))
        return SOURCE_AWAY;
    int holds = place_holds(sqlite, after, err);
    if (holds >= 0)
        status = holds ? read_rows(sqlite, after, take, taker, err) : SOURCE_REPLACED;
    end(sqlite);
    return status;
}

static enum source_status source_read(void *self, const struct place *after, source_take *take, void *taker,
                                      struct err *err)
{
    struct source_sqlite *sqlite = self;
    if (sqlite_file_make_ready(&sqlite->file, err))
        return SOURCE_AWAY;
    /* The version is noted before the snapshot is taken: a commit in between is looked at twice, never missed. Each
     * connection counts for itself, so the file must not be opened anew between here and where it is kept. */
    int64_t version = sqlite_file_number(sqlite->file.statements[STATEMENT_VERSION]);
    enum source_status status = read_snapshot(sqlite, after, take, taker, err);
    if (status != SOURCE_AWAY) {
        sqlite_file_note_wal(&sqlite->file);
        sqlite->question_ns = 0;
    }
    if (status == SOURCE_END)
        sqlite->file.seen_version = version;
    if (status == SOURCE_AWAY)
        sqlite_file_close(&sqlite->file);
    return status;
}

static bool source_changed(void *self)
{
    struct source_sqlite *sqlite = self;
    if (sqlite_file_is_stale(&sqlite->file))
        return true;
    if (sqlite->file.immutable)
        return false;
    /* A version that cannot be read now (-1, as where the table is busy) tells nothing: the reading finds out. */
    int64_t version = sqlite_file_number(sqlite->file.statements[STATEMENT_VERSION]);
    return version < 0 || version != sqlite->file.seen_version;
}

static int64_t source_count_after(void *self, const struct place *after)
{
    struct source_sqlite *sqlite = self;
    sqlite3_stmt *statement = NULL;
    struct err ignored;
    int64_t first;
    if (sqlite_file_make_ready(&sqlite->file, &ignored))
        return -1;
    if (!first_after(after, &first))
        return 0;
    if (sqlite3_prepare_v2(sqlite->file.db, "SELECT count(*) FROM signals WHERE rowid >= ?", -1, &statement, NULL))
        return -1;
    (void)sqlite3_bind_int64(statement, 1, first);
    int64_t count = sqlite_file_number(statement);
    (void)sqlite3_finalize(statement);
    return count;
}

/* The counted rows, and the last of them. */
static int count_some(struct source_sqlite *sqlite, int64_t first, int64_t *count, int64_t *last)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(sqlite->file.db,
                           "SELECT count(*), max(id) FROM"
                           " (SELECT rowid AS id FROM signals WHERE rowid >= ? ORDER BY rowid LIMIT ?)",
                           -1, &statement, NULL))
        return -1;
    (void)sqlite3_bind_int64(statement, 1, first);
    (void)sqlite3_bind_int64(statement, 2, COUNTED_MAX);
    int status = sqlite3_step(statement);
    *count = sqlite3_column_int64(statement, 0);
    *last = sqlite3_column_int64(statement, 1);
    (void)sqlite3_finalize(statement);
    return status == SQLITE_ROW ? 0 : -1;
}

int64_t source_sqlite_estimate_after(struct source *source, const struct place *after)
{
    struct source_sqlite *sqlite = source->self;
    sqlite3_stmt *statement = NULL;
    struct err ignored;
    int64_t first;
    int64_t count;
    int64_t last;
    int64_t more;
    if (sqlite_file_make_ready(&sqlite->file, &ignored))
        return -1;
    if (!first_after(after, &first))
        return 0;
    if (count_some(sqlite, first, &count, &last))
        return -1;
    if (count < COUNTED_MAX)
        return count;
    if (sqlite3_prepare_v2(sqlite->file.db, "SELECT max(rowid) FROM signals", -1, &statement, NULL))
        return -1;
    int64_t end = sqlite_file_number(statement);
    (void)sqlite3_finalize(statement);
    if (end < last || __builtin_sub_overflow(end, last, &more) || __builtin_add_overflow(count, more, &more))
        return count;
    return more;
}

/* --- questions --------------------------------------------------------------------------------------------- */

static bool ask(struct source_sqlite *sqlite, const char *signal_id, int64_t *position,
                char sha256[DIGEST_HEX_LEN + 1])
{
    sqlite3_stmt *statement = sqlite->file.statements[STATEMENT_FIND];
    (void)sqlite3_busy_timeout(sqlite->file.db, 0);
    (void)sqlite3_bind_text(statement, 1, signal_id, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        const char *hash = (const char *)sqlite3_column_text(statement, 1);
        *position = sqlite3_column_int64(statement, 0);
        (void)snprintf(sha256, DIGEST_HEX_LEN + 1, "%s", hash ? hash : "");
    } else if (status != SQLITE_DONE) {
        sqlite->question_ns = clock_monotonic_ns() + QUESTION_PAUSE_NS;
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_busy_timeout(sqlite->file.db, sqlite->file.busy_limit_ms);
    return status == SQLITE_ROW;
}

static bool table_find(void *self, const char *signal_id, int64_t *position, char sha256[DIGEST_HEX_LEN + 1])
{
    struct source_sqlite *sqlite = self;
    struct err ignored;
    if (clock_monotonic_ns() < sqlite->question_ns)
        return false;
    int busy_limit_ms = sqlite->file.busy_limit_ms;
    sqlite->file.busy_limit_ms = 0;
    bool ready = !sqlite_file_is_stale(&sqlite->file) || !sqlite_file_make_ready(&sqlite->file, &ignored);
    sqlite->file.busy_limit_ms = busy_limit_ms;
    if (ready)
        return ask(sqlite, signal_id, position, sha256);
    sqlite->question_ns = clock_monotonic_ns() + QUESTION_PAUSE_NS;
    return false;
}

static int table_walk(void *self, int64_t first, int64_t last, table_visit *visit, void *visitor, struct err *err)
{
    struct source_sqlite *sqlite = self;
    int status;
    if (sqlite_file_make_ready(&sqlite->file, err) || begin(sqlite, err))
        return -1;
    sqlite3_stmt *statement = sqlite->file.statements[STATEMENT_WALK];
    (void)sqlite3_bind_int64(statement, 1, first);
    (void)sqlite3_bind_int64(statement, 2, last);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        struct table_row row = {sqlite3_column_int64(statement, 0), (const char *)sqlite3_column_text(statement, 1),
                                (const char *)sqlite3_column_text(statement, 2)};
        if (!row.signal_id || !row.sha256)
            status = SQLITE_NOMEM;
        if (status == SQLITE_NOMEM || !visit(visitor, &row))
            break;
    }
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        sqlite_file_fail(&sqlite->file, err);
    (void)sqlite3_reset(statement);
    end(sqlite);
    return status == SQLITE_ROW || status == SQLITE_DONE ? 0 : -1;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct source_ops source_ops = {
    .read = source_read,
    .changed = source_changed,
    .count_after = source_count_after,
};

static const struct table_ops table_ops = {
    .find = table_find,
    .walk = table_walk,
};

struct source *source_sqlite_new(const char *path, int busy_limit_ms)
{
    struct source_sqlite *sqlite = calloc(1, sizeof *sqlite);
    if (!sqlite)
        return NULL;
    sqlite->source = (struct source){&source_ops, sqlite};
    sqlite->table = (struct table){&table_ops, sqlite};
    if (!sqlite_file_init(&sqlite->file, path, busy_limit_ms))
        return &sqlite->source;
    source_sqlite_free(&sqlite->source);
    return NULL;
}

void source_sqlite_free(struct source *source)
{
    if (!source)
        return;
    struct source_sqlite *sqlite = source->self;
    sqlite_file_clear(&sqlite->file);
    free(sqlite);
}

const struct table *source_sqlite_table(struct source *source)
{
    const struct source_sqlite *sqlite = source->self;
    return &sqlite->table;
}
