/* delivery: what changes in the table behind the position is found by a sweep, and only that is sent again. */
#include <string.h>

#include "sweep_ends.h"

/* --- what is found ----------------------------------------------------------------------------------------- */

static void nothing_changed_nothing_is_sent(void **state)
{
    struct ends *ends = *state;
    open_with(ends, 2500);
    check_quiet(ends);
    arrive(ends, 3);
    answer_all_stored(ends);
    check_quiet(ends);
    assert_int_equal(logged(ends, "The table has changed"), 0);
    assert_int_equal(stats_of(ends).delivered, 2503);
}

static void a_row_that_appears_behind_the_position(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    int sent = ends->sent;
    insert_row(ends, 1490, "late");
    deliver(ends);
    assert_int_equal(ends->sent, sent);
    pass_in_steps(ends, INTERVAL_NS - NS_PER_S);
    assert_int_equal(ends->sent, sent); /* not before it is due */
    pass_in_steps(ends, 2 * NS_PER_S);
    assert_int_equal(ends->sent, sent + 1);
    check_sent(ends, sent, "late alone "); /* its block, and no other */
    assert_int_equal(logged(ends, "The table has changed behind the position"), 1);
    answer_all_stored(ends);
    assert_true(ends->rows[row_at(ends, 1490)].passable);
    check_quiet(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2503);
    assert_int_equal(logged(ends, "The table has changed behind the position"), 1);
}

/* In a block in which there was nothing before. */
static void a_row_in_a_block_of_its_own(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 2000, "kept company");
    insert_row(ends, -5000, "before everything");
    insert_row(ends, 0, "zero");
    int sent = ends->sent;
    for (int i = 0; i < 3; i++) {
        sweep(ends);
        answer_all_stored(ends);
    }
    assert_true(ends->sent > sent);
    assert_true(ends->rows[row_at(ends, 2000)].passable);
    assert_true(ends->rows[row_at(ends, -5000)].passable);
    assert_true(ends->rows[row_at(ends, 0)].passable);
    check_quiet(ends);
}

static void a_row_that_was_replaced(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    int sent = ends->sent;
    replace_row(ends, row_at(ends, 1500), 1);
    sweep(ends);
    assert_int_equal(ends->sent, sent + 1);
    check_sent(ends, sent, "alone ");
    answer(ends, sent, 422, "{\"status\":\"conflict\",\"signal_id\":1,\"code\":\"conflict\",\"detail\":\"no\"}");
    assert_int_equal(ends->letter_count, 1);
    assert_string_equal(ends->letters[0].reason, "conflict");
    assert_int_equal(logged(ends, "Alarm: signal alone has another hash"), 1);
    check_quiet(ends);
}

/* Its place is taken by another signal, and there are as many rows as before. */
static void a_row_that_is_another_signal_now(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    int sent = ends->sent;
    (void)strcpy(ends->rows[row_at(ends, 2)].id, "new");
    replace_row(ends, row_at(ends, 2), 0);
    sweep(ends);
    check_sent(ends, sent, "signal-0 new signal-2 ");
    answer_all_stored(ends);
    check_quiet(ends);
}

static void a_row_that_vanished(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    remove_row(ends, row_at(ends, 2));
    sweep(ends);
    answer_all_stored(ends);
    check_quiet(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2503);
}

static void late_rows_in_several_blocks(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 10, "late-1");
    insert_row(ends, 1400, "late-2");
    insert_row(ends, 2400, "late-3");
    for (int i = 0; i < 3; i++) {
        pass_in_steps(ends, i ? NS_PER_S : INTERVAL_NS + NS_PER_S);
        answer_all_stored(ends);
    }
    assert_true(ends->rows[row_at(ends, 10)].passable); /* by one sweep */
    assert_true(ends->rows[row_at(ends, 1400)].passable);
    assert_true(ends->rows[row_at(ends, 2400)].passable);
    check_quiet(ends);
}

/* While the block is sent, yet another one appears in it. */
static void a_row_that_appears_during_the_sweep(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    int sent = ends->sent;
    sweep(ends);
    assert_int_equal(ends->sent, sent + 1);
    insert_row(ends, 1480, "later");
    answer_all_stored(ends);
    for (int i = 0; i < 2; i++) {
        sweep(ends);
        answer_all_stored(ends);
    }
    assert_true(ends->rows[row_at(ends, 1480)].passable);
    check_quiet(ends);
}

/* The receiver never takes it: it becomes a letter, once. */
static void a_late_row_that_is_refused(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1800, "late");
    int sent = ends->sent;
    sweep(ends);
    check_sent(ends, sent, "alone late ");
    answer_stored_but(ends, sent, 1, "\"status\":\"rejected\",\"code\":\"invalid_field\",\"detail\":\"no\"");
    assert_int_equal(ends->letter_count, 1);
    assert_int_equal(ends->letters[0].position, 1800);
    check_quiet(ends);
    assert_int_equal(ends->letter_count, 1);
}

/* --- rows that are settled in other ways ------------------------------------------------------------------- */

static void dead_and_neutral_rows_count(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_rows(ends, 2);
    add_damaged(ends, "damaged");
    add_row(ends, "neutral", "{\"signal_id\":\"neutral\",\"action\":null}", FAULT_NONE);
    ends->rows[3].passable = true;
    add_row(ends, "unreadable", "[", FAULT_MALFORMED);
    add_rows(ends, 2);
    delivery_look(ends->delivery);
    answer_stored_but(ends, 0, 3, "\"status\":\"rejected\",\"code\":\"invalid_field\",\"detail\":\"no\"");
    assert_int_equal(ends->letter_count, 3);
    check_quiet(ends);
    assert_int_equal(ends->letter_count, 3);
}

static void rows_that_went_by_the_log_count(void **state)
{
    struct ends *ends = *state;
    ends->has_lines = true;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    add_signal_line(ends, "b", 0);
    add_signal_row(ends, "a", 0);
    deliver(ends);
    add_signal_row(ends, "b", 0);
    add_rows(ends, 1);
    deliver(ends);
    assert_int_equal(stats_of(ends).delivered, 3);
    check_quiet(ends);
}

/* One batch after the other, some of them in halves, some again. */
static void rows_that_took_several_attempts_count(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 6;
    ends_open(ends);
    arrive(ends, 24);
    answer(ends, 0, 413, "");
    answer_stored_but(ends, 1, 2, "\"status\":\"later\"");
    answer(ends, 2, 503, "{}");
    for (int i = 0; i < 60 && stats_of(ends).outstanding; i++) {
        answer_all_stored(ends);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).delivered, 24);
    check_quiet(ends);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sweep_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(nothing_changed_nothing_is_sent),  TEST(a_row_that_appears_behind_the_position),
        TEST(a_row_in_a_block_of_its_own),      TEST(a_row_that_was_replaced),
        TEST(a_row_that_is_another_signal_now), TEST(a_row_that_vanished),
        TEST(late_rows_in_several_blocks),      TEST(a_row_that_appears_during_the_sweep),
        TEST(a_late_row_that_is_refused),       TEST(dead_and_neutral_rows_count),
        TEST(rows_that_went_by_the_log_count),  TEST(rows_that_took_several_attempts_count),
    };
    return cmocka_run_group_tests_name("delivery_sweep", tests, NULL, NULL);
}
