/* delivery: a signal that stands in Argo's log and in its table is sent once, from the log if that can be. */
#include <stdio.h>
#include <string.h>

#include "chance.h"
#include "log_ends.h"

/* --- one signal, two places -------------------------------------------------------------------------------- */

static void the_line_goes_and_the_row_is_skipped(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    look(ends);
    check_sent(ends, 0, "a ");
    answer_stored(ends, 0);
    check_settled(ends, 1, 0, 100);
    assert_true(is_noted(ends, "a"));
    add_signal_row(ends, "a", 0);
    look(ends);
    check_settled(ends, 1, 1, 100);
    assert_false(is_noted(ends, "a"));
    assert_int_equal(stats_of(ends).delivered, 1);
}

static void a_row_waits_for_its_line_that_is_under_way(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    look(ends);
    add_signal_row(ends, "a", 0);
    for (int i = 0; i < 3; i++) {
        look(ends);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(ends->sent, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    answer_stored(ends, 0);
    check_settled(ends, 1, 1, 100);
}

/* What stands before it in the table goes, what stands behind it waits: the position has no holes. */
static void rows_before_the_one_that_waits(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "b", 0);
    look(ends);
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "b", 0);
    add_signal_row(ends, "c", 0);
    look(ends);
    check_sent(ends, 1, "a ");
    answer_stored(ends, 1);
    assert_int_equal(ends->sent, 2);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 1);
    answer_stored(ends, 0);
    check_sent(ends, 2, "c ");
    answer_stored(ends, 2);
    check_settled(ends, 3, 3, 100);
}

static void a_row_waits_while_the_log_has_lines_that_were_not_read(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 2;
    ends->options.in_flight_max = 1;
    ends_open(ends);
    for (int i = 0; i < 4; i++)
        add_signal_line(ends, (const char *[]){"a", "b", "c", "d"}[i], 0);
    look(ends);
    check_sent(ends, 0, "a b ");
    add_signal_row(ends, "d", 0);
    look(ends);
    assert_int_equal(ends->sent, 1);
    answer_stored(ends, 0);
    check_sent(ends, 1, "c d ");
    answer_stored(ends, 1);
    check_settled(ends, 2, 1, 400);
}

/* The reading of the log is cut short, so that the loop gets its turn; the table does not jump in. */
static void a_long_reading_of_the_log(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    for (int i = 0; i < 50; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "bad-%d", i);
        add_spoilt_line(ends, id);
    }
    add_rich_line(ends, "a");
    add_signal_row(ends, "a", 0);
    look(ends);
    for (int i = 0; i < 5; i++)
        pass(ends, 0);
    assert_int_equal(ends->letter_count, 50);
    check_sent(ends, 0, "a ");
    assert_non_null(strstr(ends->flights[0].body, "regime"));
    answer_stored(ends, 0);
    check_settled(ends, 1, 1, 5100);
}

/* Nobody was told of it, but whatever is in the table by now is in the log too. */
static void a_line_that_comes_while_the_table_is_read(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 1;
    ends->options.in_flight_max = 1;
    ends_open(ends);
    arrive(ends, 2);
    check_sent(ends, 0, "signal-0 ");
    add_rich_line(ends, "a");
    add_signal_row(ends, "a", 0);
    answer_stored(ends, 0);
    check_sent(ends, 1, "a ");
    assert_non_null(strstr(ends->flights[1].body, "regime"));
    answer_all_stored(ends);
    check_settled(ends, 3, 3, 100);
}

static void what_only_the_log_has(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    for (int i = 0; i < 3; i++)
        add_signal_line(ends, (const char *[]){"a", "b", "c"}[i], 0);
    look(ends);
    check_sent(ends, 0, "a b c ");
    answer_stored(ends, 0);
    check_settled(ends, 1, 0, 300);
    assert_int_equal(stats_of(ends).delivered, 3);
}

static void what_only_the_table_has(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    add_signal_row(ends, "x", 0);
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "y", 0);
    look(ends);
    check_sent(ends, 0, "a ");
    check_sent(ends, 1, "x ");
    answer_stored(ends, 0);
    check_sent(ends, 2, "y ");
    answer_all_stored(ends);
    check_settled(ends, 3, 3, 100);
    assert_int_equal(stats_of(ends).delivered, 3);
}

/* The log came later than the table was read, by a change of settings, say. */
static void a_line_whose_row_was_read_already(void **state)
{
    struct ends *ends = *state;
    ends->log_file.away = true;
    ends_open(ends);
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "b", 0);
    look(ends);
    check_sent(ends, 0, "a b ");
    assert_int_equal(logged(ends, "The log cannot be read now: it is not there"), 1);
    ends->log_file.away = false;
    add_signal_line(ends, "a", 0);
    look(ends);
    assert_int_equal(ends->sent, 1); /* it is under way as a row */
    answer_stored(ends, 0);
    add_signal_line(ends, "b", 0);
    look(ends);
    check_settled(ends, 1, 2, 200);
    assert_int_equal(logged(ends, "The log can be read again"), 1);
}

/* --- another hash ------------------------------------------------------------------------------------------ */

static const char conflict[] = "{\"status\":\"conflict\",\"signal_id\":3,\"code\":\"conflict\",\"detail\":\"stored "
                               "with another hash\"}";
static const char alarm[] = "Alarm: signal a has another hash in the log than in the table";

static void a_row_with_another_hash_is_an_alarm(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    look(ends);
    answer_stored(ends, 0);
    add_signal_row(ends, "a", 1);
    look(ends);
    assert_int_equal(logged(ends, alarm), 1);
    check_sent(ends, 1, "a ");
    assert_string_not_equal(ends->flights[0].body, ends->flights[1].body);
    answer(ends, 1, 422, conflict);
    assert_int_equal(ends->letter_count, 1);
    assert_int_equal(ends->letters[0].origin, ORIGIN_TABLE);
    assert_string_equal(ends->letters[0].reason, "conflict");
    assert_int_equal(logged(ends, "Alarm: signal a has another hash than the one that Alpine has stored"), 1);
    check_settled(ends, 2, 1, 100);
}

static void a_line_with_another_hash_is_an_alarm(void **state)
{
    struct ends *ends = *state;
    ends->log_file.away = true;
    ends_open(ends);
    add_signal_row(ends, "a", 0);
    look(ends);
    answer_stored(ends, 0);
    ends->log_file.away = false;
    add_signal_line(ends, "a", 1);
    look(ends);
    assert_int_equal(logged(ends, alarm), 1);
    check_sent(ends, 1, "a ");
    answer(ends, 1, 422, conflict);
    assert_int_equal(ends->letters[0].origin, ORIGIN_LOG);
    check_settled(ends, 2, 1, 100);
}

/* --- restarts ---------------------------------------------------------------------------------------------- */

static void what_went_by_the_log_is_not_sent_again_after_a_restart(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    for (int i = 0; i < 3; i++)
        add_signal_line(ends, (const char *[]){"a", "b", "c"}[i], 0);
    look(ends);
    answer_stored(ends, 0);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, 300);
    ends_open(ends);
    add_signal_row(ends, "a", 0);
    look(ends);
    ends_close(ends);
    ends_open(ends);
    add_signal_row(ends, "b", 0);
    add_signal_row(ends, "c", 0);
    add_signal_row(ends, "only", 0);
    look(ends);
    check_sent(ends, 1, "only ");
    answer_stored(ends, 1);
    check_settled(ends, 2, 4, 300);
}

/* A row before it has no answer yet, so the place stays before both; the one that went by the log is known still.
 */
static void a_restart_with_a_row_under_way_before_one_that_was_skipped(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "b", 0);
    look(ends);
    answer_stored(ends, 0);
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "b", 0);
    look(ends);
    check_sent(ends, 1, "a ");
    pass(ends, NS_PER_S);
    delivery_stop(ends->delivery);
    answer_unreachable(ends, 1);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    ends_open(ends);
    look(ends);
    check_sent(ends, 2, "a ");
    answer_stored(ends, 2);
    check_settled(ends, 3, 2, 100);
    assert_false(is_noted(ends, "b"));
}

/* What was under way is sent again, and nothing else. */
static void a_restart_with_lines_under_way(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 1;
    ends_open(ends);
    for (int i = 0; i < 3; i++) {
        add_signal_line(ends, (const char *[]){"a", "b", "c"}[i], 0);
        add_signal_row(ends, (const char *[]){"a", "b", "c"}[i], 0);
    }
    look(ends);
    assert_int_equal(ends->sent, 3);
    answer_stored(ends, 0);
    answer_stored(ends, 2);
    delivery_stop(ends->delivery);
    answer_unreachable(ends, 1);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, 100);
    ends_open(ends);
    look(ends);
    assert_int_equal(ends->sent, 4); /* "c" is known to have been sent */
    check_sent(ends, 3, "b ");
    answer_stored(ends, 3);
    check_settled(ends, 4, 3, 300);
}

/* Alpine has lost what it had: what was sent by the log is as lost as the rest. */
static void from_the_beginning_what_went_by_the_log_goes_too(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    look(ends);
    answer_stored(ends, 0);
    ends_close(ends);
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "b", 0);
    ends->options.from_beginning = true;
    ends_open(ends);
    look(ends);
    check_sent(ends, 1, "a b ");
    answer_stored(ends, 1);
    check_settled(ends, 2, 2, 100);
}

/* It was truncated, and what was read is nowhere: it is read from the beginning, and known again. */
static void a_replaced_log_is_read_from_the_beginning(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    add_signal_line(ends, "b", 0);
    add_signal_row(ends, "a", 0);
    look(ends);
    answer_all_stored(ends);
    check_settled(ends, 1, 1, 200);
    ends->log_file.replaced = true;
    add_signal_line(ends, "c", 0);
    look(ends);
    assert_int_equal(logged(ends, "The log was replaced"), 1);
    check_sent(ends, 1, "c "); /* "a" is in the table, "b" is noted */
    answer_stored(ends, 1);
    check_settled(ends, 2, 1, 300);
}

/* --- positions --------------------------------------------------------------------------------------------- */

static void the_position_in_the_log_stands_before_the_first_without_an_answer(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    for (int i = 0; i < 4; i++)
        add_signal_line(ends, (const char *[]){"a", "b", "c", "d"}[i], 0);
    look(ends);
    answer_stored_but(ends, 0, 2, "\"status\":\"rejected\",\"code\":\"unavailable\",\"detail\":\"later\"");
    pass(ends, 100 * NS_PER_MS);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, 200);
    pass_until_sent(ends, 2);
    check_sent(ends, 1, "c ");
    answer_stored(ends, 1);
    check_settled(ends, 2, 0, 400);
}

/* --- anything at all --------------------------------------------------------------------------------------- */

static void random_answer(struct ends *ends)
{
    int flight = open_flight(ends, chance(in_flight(ends)));
    int kind = chance(6);
    if (kind == 1)
        answer(ends, flight, 503, "{}");
    else if (kind == 2 && ends->flights[flight].count > 1)
        answer_stored_but(ends, flight, chance(ends->flights[flight].count), "\"status\":\"later\"");
    else
        answer_stored(ends, flight);
}

/* A signal of each kind: 0 is in both, its row after its line, 1 in the log alone, 2 in the table alone. */
static int kind_of(int number)
{
    return number * 7 % 10 < 7 ? 0 : number * 7 % 10 == 7 ? 1 : 2;
}

static void each_signal_goes_exactly_once(void **state)
{
    struct ends *ends = *state;
    enum { SIGNALS = 600 };
    int lines = 0;
    int rows = 0;
    char id[16];
    ends->options.batch_max = 7;
    ends->options.retry_first_ns = NS_PER_MS;
    ends->options.probe_interval_ns = NS_PER_MS;
    ends_open(ends);
    for (int step = 0; step < 20000 && (rows < SIGNALS || stats_of(ends).outstanding || step % 2); step++) {
        for (int more = chance(3); more && lines < SIGNALS; more--, lines++) {
            (void)snprintf(id, sizeof id, "s%d", lines);
            if (kind_of(lines) != 2)
                add_signal_line(ends, id, 0);
        }
        for (int more = chance(8) ? 0 : chance(20); more && rows < lines; more--, rows++) {
            (void)snprintf(id, sizeof id, "s%d", rows);
            if (kind_of(rows) != 1)
                add_signal_row(ends, id, 0);
        }
        look(ends);
        for (int answers = chance(3); answers && in_flight(ends); answers--)
            random_answer(ends);
        pass(ends, chance((int)NS_PER_MS));
    }
    answer_all_stored(ends);
    assert_int_equal(rows, SIGNALS);
    assert_int_equal(stats_of(ends).delivered, SIGNALS);
    assert_int_equal(stats_of(ends).outstanding, 0);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, ends->row_count);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, 100 * ends->log_file.count);
    for (int i = 0; i < ends->row_count; i++)
        assert_true(ends->rows[i].passable);
    for (int i = 0; i < ends->log_file.count; i++)
        assert_true(ends->log_file.lines[i].passable);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, log_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(the_line_goes_and_the_row_is_skipped),
        TEST(a_row_waits_for_its_line_that_is_under_way),
        TEST(rows_before_the_one_that_waits),
        TEST(a_row_waits_while_the_log_has_lines_that_were_not_read),
        TEST(a_long_reading_of_the_log),
        TEST(a_line_that_comes_while_the_table_is_read),
        TEST(what_only_the_log_has),
        TEST(what_only_the_table_has),
        TEST(a_line_whose_row_was_read_already),
        TEST(a_row_with_another_hash_is_an_alarm),
        TEST(a_line_with_another_hash_is_an_alarm),
        TEST(what_went_by_the_log_is_not_sent_again_after_a_restart),
        TEST(a_restart_with_a_row_under_way_before_one_that_was_skipped),
        TEST(a_restart_with_lines_under_way),
        TEST(from_the_beginning_what_went_by_the_log_goes_too),
        TEST(a_replaced_log_is_read_from_the_beginning),
        TEST(the_position_in_the_log_stands_before_the_first_without_an_answer),
        TEST(each_signal_goes_exactly_once),
    };
    return cmocka_run_group_tests_name("delivery_log", tests, NULL, NULL);
}
