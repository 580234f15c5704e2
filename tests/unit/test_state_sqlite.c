/* state_sqlite: what was saved is there after a crash, and what was not is gone as a whole. */
#include "state_stage.h"

#include <string.h>
#include <sys/stat.h>

static const struct state_ops *ops(const struct stage *stage)
{
    return stage->state->ops;
}

/* --- places ------------------------------------------------------------------------------------------------ */

static void places_and_counters(void **state)
{
    struct stage *stage = *state;
    struct state_progress loaded = {.delivered = 4711};
    struct state_progress saved = {
        .places = {[ORIGIN_TABLE] = {.position = -7, .mark = "an id with 'quotes' and Ünicode"},
                   [ORIGIN_LOG] = {.position = INT64_MAX, .mark = "1f:abc"}},
        .delivered = 12,
        .last_success_us = 1795000000000000,
    };
    assert_int_equal(ops(stage)->load(stage->state->self, &loaded, &stage->err), 0);
    assert_true(place_is_start(&loaded.places[ORIGIN_TABLE]));
    assert_true(place_is_start(&loaded.places[ORIGIN_LOG]));
    assert_int_equal(loaded.delivered, 0);
    assert_int_equal(loaded.last_success_us, 0);
    assert_int_equal(ops(stage)->save(stage->state->self, &saved, &stage->err), 0);
    stage_crash(stage);
    assert_int_equal(ops(stage)->load(stage->state->self, &loaded, &stage->err), 0);
    assert_true(place_equal(&loaded.places[ORIGIN_TABLE], &saved.places[ORIGIN_TABLE]));
    assert_true(place_equal(&loaded.places[ORIGIN_LOG], &saved.places[ORIGIN_LOG]));
    assert_int_equal(loaded.delivered, 12);
    assert_int_equal(loaded.last_success_us, 1795000000000000);
    saved.places[ORIGIN_TABLE] = (struct place){0};
    assert_int_equal(ops(stage)->save(stage->state->self, &saved, &stage->err), 0);
    assert_int_equal(stage_saved(stage), 0);
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM progress"), 1);
}

static void a_mark_of_full_length(void **state)
{
    struct stage *stage = *state;
    struct state_progress saved = {0};
    struct state_progress loaded;
    saved.places[ORIGIN_TABLE].position = 1;
    memset(saved.places[ORIGIN_TABLE].mark, 'x', PLACE_MARK_SIZE - 1);
    assert_int_equal(ops(stage)->save(stage->state->self, &saved, &stage->err), 0);
    assert_int_equal(ops(stage)->load(stage->state->self, &loaded, &stage->err), 0);
    assert_true(place_equal(&loaded.places[ORIGIN_TABLE], &saved.places[ORIGIN_TABLE]));
}

/* --- what was sent ----------------------------------------------------------------------------------------- */

static void note(struct stage *stage, const char *signal_id, const char *sha256)
{
    assert_int_equal(ops(stage)->note_sent(stage->state->self, signal_id, sha256, &stage->err), 0);
}

/* NULL: there is none. */
static void check_sent(struct stage *stage, const char *signal_id, const char *sha256)
{
    char found[DIGEST_HEX_LEN + 1] = "";
    assert_int_equal(ops(stage)->find_sent(stage->state->self, signal_id, found, &stage->err), sha256 ? 1 : 0);
    if (sha256)
        assert_string_equal(found, sha256);
}

static void what_was_sent(void **state)
{
    struct stage *stage = *state;
    check_sent(stage, "one", NULL);
    note(stage, "one", "1111");
    note(stage, "two", "2222");
    check_sent(stage, "one", "1111"); /* before it is saved */
    stage_save(stage, 1);
    stage_crash(stage);
    check_sent(stage, "one", "1111");
    check_sent(stage, "two", "2222");
    note(stage, "one", "1112"); /* again, with another hash: the newer one counts */
    check_sent(stage, "one", "1112");
}

/* The table has it at a position; it is forgotten with the place that is not before that. */
static void what_the_table_has_shown(void **state)
{
    struct stage *stage = *state;
    note(stage, "one", "1111");
    note(stage, "two", "2222");
    note(stage, "below", "3333");
    assert_int_equal(ops(stage)->show_sent(stage->state->self, "one", 12, &stage->err), 0);
    assert_int_equal(ops(stage)->show_sent(stage->state->self, "below", -3, &stage->err), 0);
    assert_int_equal(ops(stage)->show_sent(stage->state->self, "none", 12, &stage->err), 0);
    assert_int_equal(ops(stage)->save(stage->state->self, &(struct state_progress){0}, &stage->err), 0);
    check_sent(stage, "below", "3333"); /* the beginning is before everything */
    stage_save(stage, 11);
    stage_crash(stage);
    check_sent(stage, "below", NULL);
    check_sent(stage, "one", "1111");
    stage_save(stage, 12);
    check_sent(stage, "one", NULL);
    stage_crash(stage);
    check_sent(stage, "one", NULL);
    check_sent(stage, "two", "2222");
}

static void all_that_was_sent_can_be_forgotten(void **state)
{
    struct stage *stage = *state;
    note(stage, "one", "1111");
    stage_save(stage, 1);
    assert_int_equal(ops(stage)->clear_sent(stage->state->self, &stage->err), 0);
    check_sent(stage, "one", NULL);
    stage_crash(stage);
    check_sent(stage, "one", "1111"); /* it was not saved */
    assert_int_equal(ops(stage)->clear_sent(stage->state->self, &stage->err), 0);
    stage_save(stage, 1);
    stage_crash(stage);
    check_sent(stage, "one", NULL);
}

static bool count_sent(void *self, const char *signal_id)
{
    int *count = self;
    assert_true(signal_id[0]);
    return ++*count < 3;
}

static void what_was_sent_can_be_walked(void **state)
{
    struct stage *stage = *state;
    int count = 0;
    assert_int_equal(state_sqlite_each_sent(stage->state, count_sent, &count, &stage->err), 0);
    assert_int_equal(count, 0);
    note(stage, "one", "1");
    note(stage, "two", "2");
    assert_int_equal(state_sqlite_each_sent(stage->state, count_sent, &count, &stage->err), 0);
    assert_int_equal(count, 2);
    note(stage, "three", "3");
    note(stage, "four", "4");
    count = 0;
    assert_int_equal(state_sqlite_each_sent(stage->state, count_sent, &count, &stage->err), 0);
    assert_int_equal(count, 3); /* the visitor ended it */
    stage_save(stage, 1);
}

/* 200,000 are kept, the newest; saving forgets the others. */
static void the_oldest_of_too_many_are_forgotten(void **state)
{
    struct stage *stage = *state;
    note(stage, "oldest", "1");
    note(stage, "second", "2");
    stage_save(stage, 1);
    stage_sql(stage, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 199999)"
                     " INSERT INTO sent (signal_id, sha256) SELECT 'filler-' || i, 'f' FROM c");
    check_sent(stage, "oldest", "1");
    stage_save(stage, 2);
    check_sent(stage, "oldest", NULL);
    check_sent(stage, "second", "2");
    note(stage, "newest", "3");
    stage_save(stage, 3);
    check_sent(stage, "second", NULL);
    check_sent(stage, "newest", "3");
    check_sent(stage, "filler-1", "f");
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM sent"), 200000);
}

/* --- tallies ----------------------------------------------------------------------------------------------- */

static void add_tally(struct stage *stage, int64_t block, int64_t rows, uint64_t sum)
{
    struct state_tally more = {rows, sum};
    assert_int_equal(ops(stage)->add_tally(stage->state->self, block, &more, &stage->err), 0);
}

static void check_tally(struct stage *stage, int64_t block, int64_t rows, uint64_t sum)
{
    struct state_tally tally = {99, 99};
    assert_int_equal(ops(stage)->find_tally(stage->state->self, block, &tally, &stage->err), 0);
    assert_true(tally.rows == rows);
    assert_true(tally.sum == sum);
}

static void tallies_of_blocks(void **state)
{
    struct stage *stage = *state;
    check_tally(stage, 0, 0, 0);
    add_tally(stage, 0, 2, 10);
    add_tally(stage, -1, 1, 7);
    add_tally(stage, INT64_MIN / 1024, 1, 8);
    add_tally(stage, 0, 3, 5);
    check_tally(stage, 0, 5, 15);
    stage_save(stage, 1);
    stage_crash(stage);
    check_tally(stage, 0, 5, 15);
    check_tally(stage, -1, 1, 7);
    check_tally(stage, INT64_MIN / 1024, 1, 8);
    check_tally(stage, 1, 0, 0);
    add_tally(stage, 0, -5, (uint64_t)-15); /* a difference */
    check_tally(stage, 0, 0, 0);
    assert_int_equal(ops(stage)->clear_tallies(stage->state->self, &stage->err), 0);
    check_tally(stage, -1, 0, 0);
    stage_save(stage, 2);
    stage_crash(stage);
    check_tally(stage, -1, 0, 0);
}

/* Sums are of 64 bits and wrap around; SQLite would make a real of them. */
static void sums_that_overflow(void **state)
{
    struct stage *stage = *state;
    add_tally(stage, 0, 1, UINT64_MAX);
    check_tally(stage, 0, 1, UINT64_MAX);
    add_tally(stage, 0, 1, 3);
    check_tally(stage, 0, 2, 2);
    add_tally(stage, 0, 1, INT64_MAX);
    add_tally(stage, 0, 1, INT64_MAX);
    check_tally(stage, 0, 4, 0);
    add_tally(stage, 0, 1, (uint64_t)INT64_MAX + 1);
    add_tally(stage, 0, 1, 12345678901234567890ULL);
    stage_save(stage, 1);
    stage_crash(stage);
    check_tally(stage, 0, 6, (uint64_t)INT64_MAX + 1 + 12345678901234567890ULL);
}

/* --- crashes ----------------------------------------------------------------------------------------------- */

/* What was noted since the last save is one transaction: it goes as a whole, and what was saved stays. */
static void what_was_not_saved_is_gone_together(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 1, "dead", "aa", "{}"), 0);
    note(stage, "saved", "1");
    note(stage, "kept", "2");
    add_tally(stage, 0, 1, 1);
    stage_save(stage, 5);
    note(stage, "lost", "3");
    assert_int_equal(ops(stage)->show_sent(stage->state->self, "kept", 6, &stage->err), 0);
    assert_int_equal(ops(stage)->remove_delivered(stage->state->self, "dead", "aa", &stage->err), 0);
    add_tally(stage, 0, 10, 10);
    stage_crash(stage);
    check_sent(stage, "saved", "1");
    check_sent(stage, "lost", NULL);
    check_tally(stage, 0, 1, 1);
    assert_int_equal(stage_saved(stage), 5);
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    stage_save(stage, 7);
    check_sent(stage, "kept", "2"); /* that the table has shown it is forgotten, too */
}

/* A letter is durable at once; what was noted before it may come along, the place must not be newer than it. */
static void a_letter_survives_a_crash(void **state)
{
    struct stage *stage = *state;
    stage_save(stage, 5);
    note(stage, "before", "1");
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 6, "dead", "aa", "{\"signal_id\":\"dead\"}"), 0);
    note(stage, "after", "2");
    stage_crash(stage);
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    assert_string_equal(stage->seen[0].signal_id, "dead");
    assert_string_equal(stage->seen[0].json, "{\"signal_id\":\"dead\"}");
    check_sent(stage, "after", NULL);
    assert_int_equal(stage_saved(stage), 5);
}

/* Others look while it notes: they see what was saved. */
static void a_reader_beside_it(void **state)
{
    struct stage *stage = *state;
    struct state_progress progress;
    stage_save(stage, 1);
    note(stage, "one", "1");
    struct state *reader = stage_open(stage, STATE_READ);
    assert_non_null(reader);
    assert_int_equal(reader->ops->load(reader->self, &progress, &stage->err), 0);
    assert_int_equal(progress.places[ORIGIN_TABLE].position, 1);
    stage_save(stage, 2);
    assert_int_equal(reader->ops->load(reader->self, &progress, &stage->err), 0);
    assert_int_equal(progress.places[ORIGIN_TABLE].position, 2);
    assert_int_equal(reader->ops->save(reader->self, &progress, &stage->err), -1);
    state_sqlite_close(reader);
    assert_int_equal(stage_saved(stage), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(places_and_counters),
        TEST(a_mark_of_full_length),
        TEST(what_was_sent),
        TEST(what_the_table_has_shown),
        TEST(all_that_was_sent_can_be_forgotten),
        TEST(what_was_sent_can_be_walked),
        TEST(the_oldest_of_too_many_are_forgotten),
        TEST(tallies_of_blocks),
        TEST(sums_that_overflow),
        TEST(what_was_not_saved_is_gone_together),
        TEST(a_letter_survives_a_crash),
        TEST(a_reader_beside_it),
    };
    return cmocka_run_group_tests_name("state_sqlite", tests, NULL, NULL);
}
