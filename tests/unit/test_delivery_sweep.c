/* delivery: what changes in the table behind the position is found by a sweep, and only that is sent again. */
#include "fake_ends.h"

#include <string.h>

#define INTERVAL_NS (3600 * NS_PER_S)

static int start(void **state)
{
    (void)ends_start(state);
    struct ends *ends = *state;
    ends->has_table = true;
    return 0;
}

/* Delivers what is there. */
static void deliver(struct ends *ends)
{
    delivery_look(ends->delivery);
    answer_all_stored(ends);
    pass(ends, 100 * NS_PER_MS);
    assert_int_equal(stats_of(ends).outstanding, 0);
}

/* So many rows, delivered. */
static void open_with(struct ends *ends, int rows)
{
    ends_open(ends);
    add_rows(ends, rows);
    deliver(ends);
}

/* Calls what is due, as the loop does, until `ns` are over. */
static void pass_in_steps(struct ends *ends, int64_t ns)
{
    while (ns > 0) {
        int64_t due = delivery_due(ends->delivery) - clock_monotonic_ns();
        int64_t step = due < 1 ? 1 : due < ns ? due : ns;
        pass(ends, step);
        ns -= step;
    }
}

/* The time between sweeps, and that of a sweep which sends nothing. */
static void sweep(struct ends *ends)
{
    pass_in_steps(ends, INTERVAL_NS + NS_PER_S);
}

/* Nothing is left to find. */
static void check_quiet(struct ends *ends)
{
    int sent = ends->sent;
    sweep(ends);
    sweep(ends);
    assert_int_equal(ends->sent, sent);
}

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

/* Rows at 1 to 3, 1500, 2500 to 2503; then one appears in the middle. */
static void open_with_gaps(struct ends *ends)
{
    add_rows(ends, 3);
    insert_row(ends, 1500, "alone");
    insert_row(ends, 2500, "far");
    add_rows(ends, 3);
    ends_open(ends);
    deliver(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2503);
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

/* --- waiting ----------------------------------------------------------------------------------------------- */

static void it_waits_while_something_is_being_sent(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    arrive(ends, 1);
    int sent = ends->sent;
    pass_in_steps(ends, INTERVAL_NS + 10 * NS_PER_S);
    assert_int_equal(ends->sent, sent);
    answer_stored(ends, sent - 1);
    pass_in_steps(ends, 3 * NS_PER_S);
    assert_int_equal(ends->sent, sent + 1);
    check_sent(ends, sent, "late alone ");
    answer_all_stored(ends);
    check_quiet(ends);
}

/* What is new goes before what the sweep has found. */
static void new_rows_go_first(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 10;
    ends->options.in_flight_max = 1;
    open_with(ends, 100);
    insert_row(ends, 0, "late");
    int sent = ends->sent;
    sweep(ends);
    assert_int_equal(ends->sent, sent + 1);
    arrive(ends, 1);
    answer_stored(ends, sent);
    check_flight(ends, sent + 1, "/signal", 101, 1);
    answer_all_stored(ends);
    check_quiet(ends);
}

static void it_waits_while_the_link_is_down(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    arrive(ends, 1);
    int row = ends->row_count - 1;
    for (int64_t passed = 0; passed < INTERVAL_NS + 60 * NS_PER_S; passed += 30 * NS_PER_S) {
        for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
            check_flight(ends, flight, "/signal", row, 1);
            answer_unreachable(ends, flight);
        }
        pass_in_steps(ends, 30 * NS_PER_S);
    }
    for (int i = 0; i < 3; i++) {
        answer_all_stored(ends);
        pass_in_steps(ends, 31 * NS_PER_S);
    }
    assert_true(ends->rows[row_at(ends, 1490)].passable);
    check_quiet(ends);
}

static void it_waits_while_the_table_is_away(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    int sent = ends->sent;
    ends->source_away = true;
    sweep(ends);
    assert_int_equal(ends->sent, sent);
    ends->source_away = false;
    pass_in_steps(ends, 3 * NS_PER_S);
    check_sent(ends, sent, "late alone ");
    answer_all_stored(ends);
    check_quiet(ends);
}

/* The block is not known to be sent as a whole, so the next sweep sends it again. */
static void the_table_goes_away_while_a_block_is_sent(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 10;
    ends->options.in_flight_max = 1;
    open_with(ends, 100);
    insert_row(ends, 0, "late");
    int sent = ends->sent;
    replace_row(ends, row_at(ends, 90), 1); /* in the part that is not read */
    sweep(ends);
    assert_int_equal(ends->sent, sent + 1);
    ends->source_away = true;
    answer_all_stored(ends);
    assert_false(ends->rows[row_at(ends, 90)].passable);
    pass_in_steps(ends, NS_PER_S);
    ends->source_away = false;
    delivery_look(ends->delivery);
    for (int i = 0; i < 2; i++) {
        sweep(ends);
        answer_all_stored(ends);
    }
    assert_true(ends->rows[row_at(ends, 90)].passable);
    check_quiet(ends);
}

/* What it sends can fail like anything else. */
static void what_it_sends_is_tried_again(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    int sent = ends->sent;
    sweep(ends);
    answer(ends, sent, 503, "{}");
    assert_int_equal(ends->sent, sent + 1);
    pass_until_sent(ends, sent + 2);
    answer_all_stored(ends);
    assert_true(ends->rows[row_at(ends, 1490)].passable);
    check_quiet(ends);
}

static void it_waits_while_the_state_cannot_be_written(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    ends->state_fails = true;
    arrive(ends, 1);
    answer_all_stored(ends);
    int sent = ends->sent;
    sweep(ends);
    assert_int_equal(ends->sent, sent);
    ends->state_fails = false;
    pass_in_steps(ends, 5 * NS_PER_S);
    answer_all_stored(ends);
    assert_true(ends->rows[row_at(ends, 1490)].passable);
}

static void without_a_table_there_is_no_sweep(void **state)
{
    struct ends *ends = *state;
    ends->has_table = false;
    open_with(ends, 10);
    insert_row(ends, 0, "late");
    assert_true(delivery_due(ends->delivery) == INT64_MAX);
    pass(ends, 2 * INTERVAL_NS);
    assert_int_equal(ends->sent, 1);
}

static void stopped_it_sends_nothing(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    int sent = ends->sent;
    delivery_stop(ends->delivery);
    pass(ends, 2 * INTERVAL_NS);
    assert_int_equal(ends->sent, sent);
}

/* --- restarts ---------------------------------------------------------------------------------------------- */

static void tallies_outlive_a_restart(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    ends_close(ends);
    int sent = ends->sent;
    insert_row(ends, 1490, "late");
    ends_open(ends);
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, sent);
    sweep(ends);
    check_sent(ends, sent, "late alone ");
    answer_all_stored(ends);
    check_quiet(ends);
}

/* The newest place was lost: rows are settled twice, and their block is sent once more by the sweep. */
static void after_a_crash_it_costs_duplicates_once(void **state)
{
    struct ends *ends = *state;
    open_with(ends, 5);
    ends_close(ends);
    ends->saved.places[ORIGIN_TABLE] = (struct place){.position = 3, .mark = "signal-2"};
    ends_open(ends);
    int sent = ends->sent;
    deliver(ends);
    check_sent(ends, sent, "signal-3 signal-4 ");
    sweep(ends);
    check_sent(ends, sent + 1, "signal-0 signal-1 signal-2 signal-3 signal-4 ");
    answer_all_stored(ends);
    check_quiet(ends);
}

static void from_the_beginning_everything_goes_once_more(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    insert_row(ends, 1490, "late");
    ends_close(ends);
    int sent = ends->sent;
    ends->options.from_beginning = true;
    ends_open(ends);
    deliver(ends);
    assert_int_equal(ends->sent, sent + 1);
    check_sent(ends, sent, "signal-0 signal-1 signal-2 late alone far signal-5 signal-6 signal-7 ");
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2503);
    check_quiet(ends); /* the tallies of before are forgotten */
    ends_close(ends);
    ends->options.from_beginning = false;
    ends_open(ends);
    check_quiet(ends);
}

/* It ends half-way; the next start is an ordinary one. */
static void from_the_beginning_and_a_crash_half_way(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 3;
    ends->options.in_flight_max = 1;
    open_with(ends, 9);
    ends_close(ends);
    ends->options.from_beginning = true;
    ends_open(ends);
    delivery_look(ends->delivery);
    int flight = open_flight(ends, 0);
    answer_stored(ends, flight);
    delivery_stop(ends->delivery);
    answer_unreachable(ends, flight + 1);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 3);
    ends->options.from_beginning = false;
    int sent = ends->sent;
    ends_open(ends);
    deliver(ends);
    assert_int_equal(ends->sent, sent + 2);
    check_quiet(ends);
}

static void a_replaced_table_is_tallied_anew(void **state)
{
    struct ends *ends = *state;
    open_with_gaps(ends);
    free_sources(ends);
    ends->row_count = 0;
    ends->source_replaced = true;
    ends->first_id = 100;
    add_rows(ends, 4);
    deliver(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 4);
    check_quiet(ends);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(nothing_changed_nothing_is_sent),
        TEST(a_row_that_appears_behind_the_position),
        TEST(a_row_in_a_block_of_its_own),
        TEST(a_row_that_was_replaced),
        TEST(a_row_that_is_another_signal_now),
        TEST(a_row_that_vanished),
        TEST(late_rows_in_several_blocks),
        TEST(a_row_that_appears_during_the_sweep),
        TEST(a_late_row_that_is_refused),
        TEST(dead_and_neutral_rows_count),
        TEST(rows_that_went_by_the_log_count),
        TEST(rows_that_took_several_attempts_count),
        TEST(it_waits_while_something_is_being_sent),
        TEST(new_rows_go_first),
        TEST(it_waits_while_the_link_is_down),
        TEST(it_waits_while_the_table_is_away),
        TEST(the_table_goes_away_while_a_block_is_sent),
        TEST(what_it_sends_is_tried_again),
        TEST(it_waits_while_the_state_cannot_be_written),
        TEST(without_a_table_there_is_no_sweep),
        TEST(stopped_it_sends_nothing),
        TEST(tallies_outlive_a_restart),
        TEST(after_a_crash_it_costs_duplicates_once),
        TEST(from_the_beginning_everything_goes_once_more),
        TEST(from_the_beginning_and_a_crash_half_way),
        TEST(a_replaced_table_is_tallied_anew),
    };
    return cmocka_run_group_tests_name("delivery_sweep", tests, NULL, NULL);
}
