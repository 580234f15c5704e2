/* source_sqlite: what the table answers, which must be what the reading of it gives. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source_sqlite.h"
#include "argo_stage.h"
#include "base/clock.h"
#include "engine/outgoing.h"
#include "engine/tally.h"

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

/* --- an estimate ------------------------------------------------------------------------------------------- */

/* "a" at 1, and so many further rows from an id on, without gaps. */
static void fill(struct stage *stage, int64_t from, int count)
{
    char sql[256];
    insert(stage, 1, "a");
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE n(i) AS (SELECT %lld UNION ALL SELECT i + 1 FROM n LIMIT %d)"
                   " INSERT INTO signals (id, signal_id, sha256) SELECT i, 'row-' || i, 'AB' FROM n",
                   (long long)from, count);
    run(stage, sql);
}

static void an_estimate_is_exact_for_some_thousands(void **state)
{
    struct stage *stage = *state;
    const struct place first = {1, "a"};
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){0}), 0);
    fill(stage, 1000000, 19000);
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){0}), 19001);
    assert_int_equal(source_sqlite_estimate_after(stage->source, &first), 19000);
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){INT64_MAX, "z"}), 0);
}

/* Where more stand there, those that were not counted are as many as the ids say. */
static void an_estimate_goes_by_the_ids_beyond_that(void **state)
{
    struct stage *stage = *state;
    fill(stage, 1000000, 25000);
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){0}), 25001);
    run(stage, "DELETE FROM signals WHERE id BETWEEN 1021000 AND 1021999");
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){0}), 25001);
    run(stage, "INSERT INTO signals (id, signal_id) VALUES (9223372036854775807, 'last')");
    assert_true(source_sqlite_estimate_after(stage->source, &(struct place){0}) >= 20000);
}

static void there_is_no_estimate_without_a_table(void **state)
{
    struct stage *stage = *state;
    run(stage, "DROP TABLE signals");
    assert_int_equal(source_sqlite_estimate_after(stage->source, &(struct place){0}), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, argo_start, argo_finish)
    const struct CMUnitTest tests[] = {
        TEST(walking),
        TEST(walking_passes_a_row_without_a_hash),
        TEST(walking_what_cannot_be_read),
        TEST(finding),
        TEST(finding_never_waits_for_a_lock),
        TEST(finding_in_what_is_not_open_never_waits),
        TEST(a_row_reads_the_same_in_both_ways),
        TEST(an_estimate_is_exact_for_some_thousands),
        TEST(an_estimate_goes_by_the_ids_beyond_that),
        TEST(there_is_no_estimate_without_a_table),
    };
    return cmocka_run_group_tests_name("source_sqlite_table", tests, NULL, NULL);
}
