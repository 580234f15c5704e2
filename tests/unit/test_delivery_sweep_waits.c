/* delivery: a sweep waits for everything else, and outlives failures and restarts. */
#include "sweep_ends.h"

#include "engine/backlog.h"
#include "fake_clock.h"

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

/* Most of a block was delivered long ago: by its timestamps a signal would seem to have waited for days. */
static void what_it_sends_waits_since_it_was_found(void **state)
{
    struct ends *ends = *state;
    open_with(ends, 100);
    insert_row(ends, 0, "late");
    int sent = ends->sent;
    sweep(ends);
    assert_int_equal(ends->sent, sent + 1);
    int64_t age_us = backlog_age_us(ends->delivery, INT64_MAX, clock_monotonic_ns());
    assert_true(age_us >= 0 && age_us < 60000000);
    answer_unreachable(ends, sent);
    fake_clock_advance(60 * NS_PER_S);
    assert_int_equal(backlog_age_us(ends->delivery, INT64_MAX, clock_monotonic_ns()), age_us + 60000000);
    delivery_tick(ends->delivery, clock_monotonic_ns());
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, sweep_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(it_waits_while_something_is_being_sent),
        TEST(new_rows_go_first),
        TEST(what_it_sends_waits_since_it_was_found),
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
    return cmocka_run_group_tests_name("delivery_sweep_waits", tests, NULL, NULL);
}
