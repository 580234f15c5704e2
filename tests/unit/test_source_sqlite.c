/* source_sqlite: rows in their order from any place, whatever happens to the file. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "argo_stage.h"
#include "base/clock.h"
#include "taken.h"

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

/* Argo's end in the middle of a commit: rows of a transaction that was never finished stand in the file, and only
 * its journal tells. Argo takes them back when it starts again; until then nothing in it can be believed. */
static void a_transaction_that_was_cut_off(void **state)
{
    struct stage *stage = *state;
    insert_abc(stage);
    run(stage, "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN;"
               "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
               "INSERT INTO signals (id, signal_id, more) SELECT i, 'unfinished', zeroblob(1000) FROM n");
    folder_copy(&stage->folder, "signals.db", "cut");
    folder_copy(&stage->folder, "signals.db-journal", "cut-journal");
    run(stage, "ROLLBACK");
    argo_leaves(stage);
    folder_rename(&stage->folder, "cut", "signals.db");
    folder_rename(&stage->folder, "cut-journal", "signals.db-journal");
    check(stage, SOURCE_AWAY, "");
    assert_true(has_changed(stage));
    insert(stage, 6, "d");
    check(stage, SOURCE_END, "a b c d ");
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

/* No version was seen yet, and none can be seen now: that is not "nothing new". */
static void a_version_that_cannot_be_read_counts_as_changed(void **state)
{
    struct stage *stage = *state;
    run(stage, "PRAGMA journal_mode = DELETE");
    insert_abc(stage);
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    run(stage, "BEGIN EXCLUSIVE");
    assert_true(has_changed(stage));
    run(stage, "COMMIT");
    check(stage, SOURCE_END, "b c ");
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

/* --- a file that is opened anew while it is read ------------------------------------------------------------ */

/* What Argo does once, right after the source has read the version. SQLite hands no context to its extensions. */
static struct meddling {
    struct stage *stage;
    const char *sql; /* NULL: nothing */
} meddling;

static int meddle(unsigned kind, void *context, void *statement, void *duration)
{
    const char *sql = meddling.sql;
    (void)kind;
    (void)context;
    (void)duration;
    if (!sql || strcmp(sqlite3_sql(statement), "PRAGMA data_version") != 0)
        return 0;
    meddling.sql = NULL;
    run(meddling.stage, sql);
    return 0;
}

static int watch_connection(sqlite3 *db)
{
    return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, meddle, NULL);
}

/* data_version counts for each connection: one that is kept with another connection's rows equals that one's some
 * commits later, and then new rows are nothing new. */
static void a_version_belongs_to_its_connection(void **state)
{
    struct stage *stage = *state;
    char id[16];
    meddling = (struct meddling){.stage = stage};
    assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_connection), SQLITE_OK);
    insert_abc(stage);
    check(stage, SOURCE_END, "a b c ");
    for (int i = 10; i < 15; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        insert(stage, i, id);
        assert_true(has_changed(stage));
    }
    meddling.sql = "VACUUM"; /* another schema version: the source opens the file anew */
    check(stage, SOURCE_END, "10 11 12 13 14 ");
    assert_null(meddling.sql);
    for (int i = 20; i < 30; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        insert(stage, i, id);
        assert_true(has_changed(stage));
    }
    check(stage, SOURCE_END, "20 21 22 23 24 25 26 27 28 29 ");
    (void)sqlite3_cancel_auto_extension((void (*)(void))watch_connection);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, argo_start, argo_finish)
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
        TEST(a_transaction_that_was_cut_off),
        TEST(an_older_backup_in_its_place),
        TEST(a_newer_copy_in_its_place),
        TEST(another_schema),
        TEST(a_table_that_is_gone_comes_back),
        TEST(changes_are_seen),
        TEST(locked),
        TEST(a_version_that_cannot_be_read_counts_as_changed),
        TEST(a_transaction_that_is_not_over_is_not_seen),
        TEST(it_never_holds_the_wal),
        TEST(a_version_belongs_to_its_connection),
    };
    return cmocka_run_group_tests_name("source_sqlite", tests, NULL, NULL);
}
