/* source_sqlite: rows in order from any place, and the same rows as the table's answers have them. */
#include "folder.h"
#include "support.h"
#include "taken.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source_sqlite.h"
#include "base/clock.h"
#include "engine/outgoing.h"
#include "engine/tally.h"

#define SCHEMA "CREATE TABLE signals (id INTEGER PRIMARY KEY AUTOINCREMENT, signal_id TEXT, sha256 TEXT, more)"

enum { BUSY_MS = 20 };

struct stage {
    struct folder folder;
    struct source *source;
    const struct table *table;
    struct place place;
    sqlite3 *argo; /* the writer's connection; NULL: none */
};

static void run(struct stage *stage, const char *sql)
{
    if (!stage->argo)
        assert_int_equal(sqlite3_open(folder_path(&stage->folder, "signals.db"), &stage->argo), SQLITE_OK);
    if (sqlite3_exec(stage->argo, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(stage->argo), sql);
}

static void argo_leaves(struct stage *stage)
{
    assert_int_equal(sqlite3_close(stage->argo), SQLITE_OK);
    stage->argo = NULL;
}

static void open_source(struct stage *stage, int busy_limit_ms)
{
    source_sqlite_free(stage->source);
    stage->source = source_sqlite_new(folder_path(&stage->folder, "signals.db"), busy_limit_ms);
    assert_non_null(stage->source);
    stage->table = source_sqlite_table(stage->source);
}

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    run(stage, "PRAGMA journal_mode = WAL; " SCHEMA);
    open_source(stage, BUSY_MS);
    *state = stage;
    return 0;
}

static int finish(void **state)
{
    struct stage *stage = *state;
    source_sqlite_free(stage->source);
    argo_leaves(stage);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

static void insert(struct stage *stage, int64_t id, const char *signal_id)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql, "INSERT INTO signals (id, signal_id, sha256) VALUES (%lld, '%s', 'AB')",
                   (long long)id, signal_id);
    run(stage, sql);
}

static void insert_abc(struct stage *stage)
{
    insert(stage, 1, "a");
    insert(stage, 2, "b");
    insert(stage, 5, "c");
}

static void check(struct stage *stage, enum source_status expected, const char *ids)
{
    assert_int_equal(read_on(stage->source, &stage->place, ids), expected);
}

static bool has_changed(const struct stage *stage)
{
    return stage->source->ops->changed(stage->source->self);
}

static int64_t count_after(const struct stage *stage)
{
    return stage->source->ops->count_after(stage->source->self, &stage->place);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static void rows_in_their_order(void **state)
{
    struct stage *stage = *state;
    check(stage, SOURCE_END, "");
    assert_int_equal(count_after(stage), 0);
    insert_abc(stage);
    assert_int_equal(count_after(stage), 3);
    check(stage, SOURCE_END, "a b c ");
    assert_int_equal(stage->place.position, 5);
    assert_string_equal(stage->place.mark, "c");
    check(stage, SOURCE_END, "");
    insert(stage, 4, "behind");
    check(stage, SOURCE_END, "");
    insert(stage, 6, "d");
    assert_int_equal(count_after(stage), 1);
    check(stage, SOURCE_END, "d ");
}

static void stopped_and_gone_on(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    assert_int_equal(read_some(stage->source, &stage->place, 2, "a b "), SOURCE_STOPPED);
    open_source(stage, BUSY_MS);
    check(stage, SOURCE_END, "c ");
}

static void ids_of_zero_and_below(void **state)
{
    struct stage *stage = *state;
    insert(stage, 0, "zero");
    insert(stage, -3, "minus");
    insert(stage, INT64_MIN + 1, "least");
    insert(stage, INT64_MAX, "most");
    assert_int_equal(count_after(stage), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            read_some(stage->source, &stage->place, 1, (const char *[]){"least ", "minus ", "zero ", "most "}[i]),
            i < 3 ? SOURCE_STOPPED : SOURCE_END);
    check(stage, SOURCE_END, "");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "least minus zero most ");
}

/* A row that cannot be known again by its id is known by its number. */
static void rows_without_an_id(void **state)
{
    struct stage *stage = *state;
    run(stage, "INSERT INTO signals (id, signal_id) VALUES (1, NULL), (2, ''), (3, x'00ff'), (4, 'd')");
    for (int i = 0; i < 3; i++)
        assert_int_equal(read_some(stage->source, &stage->place, 1, " "), SOURCE_STOPPED);
    assert_int_equal(stage->place.position, 3);
    check(stage, SOURCE_END, "d ");
}

/* The one place that would read as the beginning. */
static void the_row_zero_without_an_id(void **state)
{
    struct stage *stage = *state;
    run(stage, "INSERT INTO signals (id, signal_id) VALUES (-1, 'a'), (0, NULL), (1, 'b')");
    assert_int_equal(read_some(stage->source, &stage->place, 2, "a  "), SOURCE_STOPPED);
    check(stage, SOURCE_END, "b ");
}

/* --- places ------------------------------------------------------------------------------------------------ */

static void the_row_at_the_place_is_another(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    run(stage, "UPDATE signals SET signal_id = 'x' WHERE id = 5");
    check(stage, SOURCE_REPLACED, "");
    run(stage, "UPDATE signals SET signal_id = 'c' WHERE id = 5");
    check(stage, SOURCE_END, "");
    run(stage, "DELETE FROM signals WHERE id = 5");
    check(stage, SOURCE_REPLACED, "");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "a b ");
}

/* The rest of a row changes when an order is filled; that is another thing. */
static void other_columns_may_change(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    run(stage, "UPDATE signals SET more = 'filled'");
    check(stage, SOURCE_END, "");
}

/* Up to 128 bytes an id is its own mark; beyond, a digest stands for it, and tells it from others as long. */
static void marks_of_long_ids(void **state)
{
    struct stage *stage = *state;
    static const size_t lengths[] = {127, 128, 129, 500};
    char id[512];
    for (size_t i = 0; i < COUNT(lengths); i++) {
        memset(id, 'x', lengths[i]);
        id[lengths[i]] = '\0';
        insert(stage, (int64_t)i + 1, id);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char expected[520];
        memset(id, 'x', lengths[i]);
        id[lengths[i]] = '\0';
        (void)snprintf(expected, sizeof expected, "%s ", id);
        (void)read_some(stage->source, &stage->place, 1, expected);
        assert_int_equal(strlen(stage->place.mark), lengths[i] <= 128 ? lengths[i] : DIGEST_HEX_LEN);
    }
    open_source(stage, BUSY_MS);
    check(stage, SOURCE_END, "");
    id[499] = 'y';
    char sql[600];
    (void)snprintf(sql, sizeof sql, "UPDATE signals SET signal_id = '%s' WHERE id = 4", id);
    run(stage, sql);
    check(stage, SOURCE_REPLACED, "");
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static void it_may_come_later(void **state)
{
    struct stage *stage = *state;
    struct err err = {0};
    struct taken taken = {0};
    argo_leaves(stage);
    (void)unlink(folder_path(&stage->folder, "signals.db"));
    assert_int_equal(stage->source->ops->read(stage->source->self, &stage->place, taken_note, &taken, &err),
                     SOURCE_AWAY);
    assert_non_null(strstr(err.message, "signals.db"));
    assert_true(has_changed(stage));
    assert_int_equal(count_after(stage), -1);
    run(stage, "CREATE TABLE other (x)");
    check(stage, SOURCE_AWAY, ""); /* there is no such table in it */
    run(stage, SCHEMA);
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
}

static void an_older_backup_in_its_place(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    argo_leaves(stage);
    folder_copy(&stage->folder, "signals.db", "backup");
    insert(stage, 6, "d");
    insert(stage, 7, "e");
    check(stage, SOURCE_END, "a b c d e ");
    argo_leaves(stage);
    (void)unlink(folder_path(&stage->folder, "signals.db-wal"));
    (void)unlink(folder_path(&stage->folder, "signals.db-shm"));
    folder_rename(&stage->folder, "backup", "signals.db");
    assert_true(has_changed(stage));
    check(stage, SOURCE_REPLACED, "");
    insert(stage, 6, "x");
    insert(stage, 7, "y");
    check(stage, SOURCE_REPLACED, ""); /* as many rows as before, others */
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "a b c x y ");
}

static void a_newer_copy_in_its_place(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    insert(stage, 6, "d");
    run(stage, "VACUUM");
    argo_leaves(stage);
    folder_copy(&stage->folder, "signals.db", "copy");
    folder_rename(&stage->folder, "copy", "signals.db");
    check(stage, SOURCE_END, "d ");
}

static void another_schema(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    run(stage, "ALTER TABLE signals ADD COLUMN regime TEXT");
    insert(stage, 6, "d");
    check(stage, SOURCE_END, "d ");
    run(stage, "CREATE TABLE new AS SELECT signal_id, id FROM signals; DROP TABLE signals;"
               "ALTER TABLE new RENAME TO signals");
    check(stage, SOURCE_AWAY, ""); /* without its sha256 it cannot be verified, and says so */
}

static void a_table_that_is_gone_comes_back(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    run(stage, "ALTER TABLE signals RENAME TO kept");
    check(stage, SOURCE_AWAY, "");
    run(stage, "ALTER TABLE kept RENAME TO signals");
    insert(stage, 6, "d");
    check(stage, SOURCE_END, "d ");
}

static void changes_are_seen(void **state)
{
    struct stage *stage = *state;
    assert_true(has_changed(stage));
    insert_abc(stage);
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "b c ");
    assert_false(has_changed(stage));
    insert(stage, 6, "d");
    assert_true(has_changed(stage));
    assert_true(has_changed(stage)); /* until it is read */
    check(stage, SOURCE_END, "d ");
    assert_false(has_changed(stage));
    run(stage, "PRAGMA wal_checkpoint(TRUNCATE)");
    (void)has_changed(stage); /* it may be, or not */
    check(stage, SOURCE_END, "");
    assert_false(has_changed(stage));
    insert(stage, 7, "e");
    assert_true(has_changed(stage));
}

/* Argo's writes never wait for a reader, nor the other way round, but for a lock of the whole file. */
static void locked(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    int64_t before = clock_monotonic_ns();
    check(stage, SOURCE_AWAY, "");
    assert_true(clock_monotonic_ns() - before < 2 * NS_PER_S);
    run(stage, "COMMIT");
    check(stage, SOURCE_END, "a b c ");
    run(stage, "BEGIN EXCLUSIVE; INSERT INTO signals (id, signal_id) VALUES (6, 'd')");
    check(stage, SOURCE_AWAY, "");
    run(stage, "COMMIT");
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "d ");
}

static void a_transaction_that_is_not_over_is_not_seen(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "BEGIN IMMEDIATE; INSERT INTO signals (id, signal_id) VALUES (6, 'd')");
    check(stage, SOURCE_END, "a b c ");
    run(stage, "COMMIT");
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "d ");
}

/* No read transaction stays open: a checkpoint gets through, and the WAL can be begun anew. */
static void it_never_holds_the_wal(void **state)
{
    struct stage *stage = *state;
    struct stat wal;
    char id[16];
    insert_abc(stage);
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    for (int i = 10; i < 20; i++) {
        (void)snprintf(id, sizeof id, "row-%d", i);
        insert(stage, i, id);
    }
    run(stage, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(stat(folder_path(&stage->folder, "signals.db-wal"), &wal), 0);
    assert_int_equal(wal.st_size, 0);
}

/* --- questions --------------------------------------------------------------------------------------------- */

struct seen {
    int limit;
    int count;
    char rows[2048];
    struct state_tally tally;
};

static bool note_row(void *self, const struct table_row *row)
{
    struct seen *seen = self;
    size_t used = strlen(seen->rows);
    (void)snprintf(seen->rows + used, sizeof seen->rows - used, "%lld:%s:%s ", (long long)row->position,
                   row->signal_id, row->sha256);
    tally_add(&seen->tally, row);
    return ++seen->count != seen->limit;
}

static void check_walk(struct stage *stage, int64_t first, int64_t last, const char *rows)
{
    struct seen seen = {0};
    struct err err = {0};
    assert_int_equal(stage->table->ops->walk(stage->table->self, first, last, note_row, &seen, &err), 0);
    assert_string_equal(seen.rows, rows);
}

static void walking(void **state)
{
    struct stage *stage = *state;
    struct seen seen = {.limit = 2};
    struct err err = {0};
    check_walk(stage, INT64_MIN, INT64_MAX, "");
    insert_abc(stage);
    insert(stage, -2, "minus");
    check_walk(stage, INT64_MIN, INT64_MAX, "-2:minus:ab 1:a:ab 2:b:ab 5:c:ab ");
    check_walk(stage, 1, 5, "1:a:ab 2:b:ab 5:c:ab ");
    check_walk(stage, 2, 4, "2:b:ab ");
    check_walk(stage, 3, 4, "");
    check_walk(stage, 5, 1, "");
    assert_int_equal(stage->table->ops->walk(stage->table->self, -9, 9, note_row, &seen, &err), 0);
    assert_int_equal(seen.count, 2);
}

static void walking_passes_a_row_without_a_hash(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "UPDATE signals SET sha256 = '' WHERE id = 2");
    check_walk(stage, 1, 5, "1:a:ab 2:b: 5:c:ab ");
    run(stage, "UPDATE signals SET signal_id = '' WHERE id = 1");
    check_walk(stage, 1, 5, "1::ab 2:b: 5:c:ab ");
}

static void walking_what_cannot_be_read(void **state)
{
    struct stage *stage = *state;
    struct seen seen = {0};
    struct err err = {0};
    insert_abc(stage);
    run(stage, "PRAGMA journal_mode = DELETE");
    check_walk(stage, 1, 1, "1:a:ab ");
    run(stage, "BEGIN EXCLUSIVE");
    assert_int_equal(stage->table->ops->walk(stage->table->self, -9, 9, note_row, &seen, &err), -1);
    assert_true(err.message[0]);
    run(stage, "COMMIT; DROP TABLE signals");
    assert_int_equal(stage->table->ops->walk(stage->table->self, -9, 9, note_row, &seen, &err), -1);
    argo_leaves(stage);
    (void)unlink(folder_path(&stage->folder, "signals.db"));
    assert_int_equal(stage->table->ops->walk(stage->table->self, -9, 9, note_row, &seen, &err), -1);
    run(stage, SCHEMA);
    insert(stage, 3, "new");
    check_walk(stage, -9, 9, "3:new:ab ");
}

static void finding(void **state)
{
    struct stage *stage = *state;
    int64_t position = 99;
    char sha256[DIGEST_HEX_LEN + 1] = "";
    insert_abc(stage);
    run(stage, "INSERT INTO signals (id, signal_id, sha256) VALUES (-7, 'long', 'F' || hex(zeroblob(60))),"
               " (8, 'none', NULL), (9, 'it''s', 'Ab')");
    assert_true(stage->table->ops->find(stage->table->self, "c", &position, sha256));
    assert_int_equal(position, 5);
    assert_string_equal(sha256, "ab");
    assert_true(stage->table->ops->find(stage->table->self, "long", &position, sha256));
    assert_int_equal(position, -7);
    assert_int_equal(strlen(sha256), DIGEST_HEX_LEN);
    assert_int_equal(sha256[0], 'f');
    assert_true(stage->table->ops->find(stage->table->self, "none", &position, sha256));
    assert_string_equal(sha256, "");
    assert_true(stage->table->ops->find(stage->table->self, "it's", &position, sha256));
    assert_false(stage->table->ops->find(stage->table->self, "x", &position, sha256));
    assert_false(stage->table->ops->find(stage->table->self, "", &position, sha256));
    assert_false(stage->table->ops->find(stage->table->self, "C", &position, sha256));
}

/* Asked for each line of the log, it must not wait: whoever asks has better things to do. */
static void check_not_found_at_once(struct stage *stage)
{
    int64_t position;
    char sha256[DIGEST_HEX_LEN + 1];
    int64_t before = clock_monotonic_ns();
    assert_false(stage->table->ops->find(stage->table->self, "a", &position, sha256));
    assert_true(clock_monotonic_ns() - before < NS_PER_S);
}

static void finding_never_waits_for_a_lock(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "PRAGMA journal_mode = DELETE");
    open_source(stage, 3000);
    check(stage, SOURCE_END, "a b c ");
    run(stage, "BEGIN EXCLUSIVE");
    check_not_found_at_once(stage);
    run(stage, "COMMIT");
}

/* Nor when the file has to be opened first. */
static void finding_in_what_is_not_open_never_waits(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "PRAGMA journal_mode = DELETE");
    open_source(stage, 3000);
    run(stage, "BEGIN EXCLUSIVE");
    check_not_found_at_once(stage);
    run(stage, "COMMIT");
}

static bool sum_taken(void *self, const struct source_item *item)
{
    struct state_tally *tally = self;
    char hash[DIGEST_HEX_LEN + 1];
    struct table_row row = {item->place.position, signal_text(item->signal, FIELD_SIGNAL_ID, NULL),
                            outgoing_hash(item->signal, hash)};
    tally_add(tally, &row);
    return true;
}

/* What is read and what is walked give the same tally, whatever stands in the columns; otherwise each sweep would
 * send such a row's block again. */
static void a_row_reads_the_same_in_both_ways(void **state)
{
    struct stage *stage = *state;
    static const char *const columns[] = {
        "'plain', 'abcdef'",
        "'upper', 'ABCDEF'",
        "'long', 'A' || hex(zeroblob(60))",
        "'exact', hex(zeroblob(32))",
        "NULL, NULL",
        "12, 34",
        "1.5, 2.5",
        "x'616263', x'646566'",
        "'nul' || char(0) || 'behind', 'a' || char(0) || 'b'",
        "'Ünicode', 'ÄÖÜ'",
        "'cut', substr(hex(zeroblob(60)), 1, 63) || 'Äß'",
        "'cut of four', substr(hex(zeroblob(60)), 1, 62) || char(128512)",
        "CAST(x'ff' AS TEXT), CAST(x'C3' AS TEXT)",
        "'', ''",
    };
    char sql[256];
    for (size_t i = 0; i < COUNT(columns); i++) {
        (void)snprintf(sql, sizeof sql,
                       "DELETE FROM signals; INSERT INTO signals (id, signal_id, sha256) VALUES "
                       "(%d, %s)",
                       (int)i + 1, columns[i]);
        run(stage, sql);
        struct state_tally read = {0};
        struct seen walked = {0};
        struct err err = {0};
        assert_int_equal(stage->source->ops->read(stage->source->self, &(struct place){0}, sum_taken, &read, &err),
                         SOURCE_END);
        assert_int_equal(stage->table->ops->walk(stage->table->self, 0, 99, note_row, &walked, &err), 0);
        if (!tally_equal(&read, &walked.tally))
            fail_msg("(%s) is walked as %s", columns[i], walked.rows);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(rows_in_their_order),
        TEST(stopped_and_gone_on),
        TEST(ids_of_zero_and_below),
        TEST(rows_without_an_id),
        TEST(the_row_zero_without_an_id),
        TEST(the_row_at_the_place_is_another),
        TEST(other_columns_may_change),
        TEST(marks_of_long_ids),
        TEST(it_may_come_later),
        TEST(an_older_backup_in_its_place),
        TEST(a_newer_copy_in_its_place),
        TEST(another_schema),
        TEST(a_table_that_is_gone_comes_back),
        TEST(changes_are_seen),
        TEST(locked),
        TEST(a_transaction_that_is_not_over_is_not_seen),
        TEST(it_never_holds_the_wal),
        TEST(walking),
        TEST(walking_passes_a_row_without_a_hash),
        TEST(walking_what_cannot_be_read),
        TEST(finding),
        TEST(finding_never_waits_for_a_lock),
        TEST(finding_in_what_is_not_open_never_waits),
        TEST(a_row_reads_the_same_in_both_ways),
    };
    return cmocka_run_group_tests_name("source_sqlite", tests, NULL, NULL);
}
