/* delivery: lines of the log that are bad, or stuck, cost nothing but themselves: the table has the signals too. */
#include <string.h>

#include "log_ends.h"

/* --- lines that are bad ------------------------------------------------------------------------------------ */

static void neutral_lines_are_skipped(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_line(ends, "neutral", "{\"signal_id\":\"neutral\",\"action\":null}", FAULT_NONE);
    ends->log_file.lines[0].passable = true;
    add_signal_line(ends, "a", 0);
    look(ends);
    check_sent(ends, 0, "a ");
    assert_int_equal(stats_of(ends).skipped, 1);
    answer_stored(ends, 0);
    check_settled(ends, 1, 0, 200);
}

static void a_line_that_is_no_json_is_passed(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_line(ends, "line-0", "Traceback (most recent call last):", FAULT_MALFORMED);
    add_signal_line(ends, "a", 0);
    add_signal_row(ends, "torn", 0);
    look(ends);
    assert_int_equal(logged(ends, "A line of the log cannot be read"), 1);
    assert_int_equal(logged(ends, "Traceback"), 1);
    assert_int_equal(ends->letter_count, 0);
    check_sent(ends, 0, "a ");
    check_sent(ends, 1, "torn ");
    answer_all_stored(ends);
    check_settled(ends, 2, 1, 200);
}

static void a_damaged_line_whose_row_is_good(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_spoilt_line(ends, "a");
    look(ends);
    assert_int_equal(ends->sent, 0);
    assert_int_equal(ends->letter_count, 1);
    assert_int_equal(ends->letters[0].origin, ORIGIN_LOG);
    assert_int_equal(ends->letters[0].position, 100);
    assert_string_equal(ends->letters[0].reason, "hash_mismatch");
    add_signal_row(ends, "a", 0);
    look(ends);
    check_sent(ends, 0, "a ");
    assert_int_equal(ends->letters[0].id, 1);
    answer_stored(ends, 0);
    assert_int_equal(ends->letters[0].id, 0); /* it was delivered after all */
    check_settled(ends, 1, 1, 100);
}

static void a_line_that_the_receiver_refuses(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "a", 0);
    look(ends);
    answer(ends, 0, 422, "{\"status\":\"error\",\"code\":\"invalid_field\",\"detail\":\"no\"}");
    assert_int_equal(ends->letter_count, 1);
    assert_int_equal(ends->letters[0].origin, ORIGIN_LOG);
    assert_int_equal(ends->letters[0].position, 100);
    assert_false(is_noted(ends, "a"));
    check_settled(ends, 1, 0, 100);
}

/* --- what is stuck in the log ------------------------------------------------------------------------------ */

/* The letter waits in memory and holds the log's position, not the table. */
static void a_letter_that_cannot_be_kept_does_not_block_the_table(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_spoilt_line(ends, "a");
    add_signal_row(ends, "a", 0);
    add_signal_row(ends, "only", 0);
    ends->state_fails = true;
    look(ends);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 2);
    assert_int_equal(stats_of(ends).outstanding, 1);
    ends->state_fails = false;
    pass(ends, 2 * NS_PER_S);
    assert_int_equal(ends->letter_count, 1);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, 100);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2);
}

/* Meanwhile the log is rotated away. It is read anew when nothing of it waits any more; the table goes on. */
static void a_letter_that_cannot_be_kept_and_a_log_that_is_replaced(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->state_fails = true;
    add_spoilt_line(ends, "a");
    look(ends);
    assert_int_equal(stats_of(ends).outstanding, 1);
    ends->log_file.replaced = true;
    for (int i = 0; i < 5; i++) {
        arrive(ends, 1);
        answer_all_stored(ends);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).delivered, 5);
}

static const char *const trouble = "<html>Internal Server Error</html>";

/* Answers what is sent, the poisoned line with trouble, until three others are delivered. */
static void deliver_three_beside_poison(struct ends *ends)
{
    for (int i = 0; i < 60 && stats_of(ends).delivered < 3; i++) {
        if (in_flight(ends) == 0)
            pass_until_sent(ends, ends->sent + 1);
        for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
            if (strstr(ends->flights[flight].body, "poison"))
                answer(ends, flight, 500, trouble);
            else
                answer_stored(ends, flight);
        }
    }
    assert_int_equal(stats_of(ends).delivered, 3);
}

/* The receiver stumbles over a line. Its row is tried as well, and the others go around both. */
static void a_line_that_never_gets_an_answer_does_not_block_the_table(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "poison", 0);
    look(ends);
    answer(ends, 0, 500, trouble);
    add_signal_row(ends, "poison", 0);
    arrive(ends, 3);
    deliver_three_beside_poison(ends);
    assert_int_equal(ends->letter_count, 0);
}

static void a_line_that_never_gets_an_answer_and_a_log_that_is_replaced(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_signal_line(ends, "poison", 0);
    look(ends);
    answer(ends, 0, 500, trouble);
    ends->log_file.replaced = true;
    arrive(ends, 3);
    deliver_three_beside_poison(ends);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, log_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(neutral_lines_are_skipped),
        TEST(a_line_that_is_no_json_is_passed),
        TEST(a_damaged_line_whose_row_is_good),
        TEST(a_line_that_the_receiver_refuses),
        TEST(a_letter_that_cannot_be_kept_does_not_block_the_table),
        TEST(a_letter_that_cannot_be_kept_and_a_log_that_is_replaced),
        TEST(a_line_that_never_gets_an_answer_does_not_block_the_table),
        TEST(a_line_that_never_gets_an_answer_and_a_log_that_is_replaced),
    };
    return cmocka_run_group_tests_name("delivery_log_bad", tests, NULL, NULL);
}
