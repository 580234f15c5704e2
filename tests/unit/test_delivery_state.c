/* delivery: when the state directory cannot be written, signals go on, and nothing is passed that has no letter. */
#include "fake_ends.h"

static const char refused[] = "\"status\":\"rejected\",\"code\":\"invalid_field\",\"detail\":\"no\"";

/* Without its letter the signal stays, whatever happens to the others. */
/* It waits in memory and holds the position; the others go on. */
static void a_letter_that_cannot_be_kept(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 5);
    ends->state_fails = true;
    answer_stored_but(ends, 0, 2, refused);
    assert_int_equal(stats_of(ends).delivered, 4);
    assert_int_equal(stats_of(ends).dead, 0);
    assert_int_equal(stats_of(ends).outstanding, 1);
    assert_int_equal(stats_of(ends).link, LINK_UP);
    assert_int_equal(logged(ends, "The state directory cannot be written: the disk is full"), 1);
    for (int i = 0; i < 5; i++) {
        arrive(ends, 2);
        answer_all_stored(ends);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).delivered, 14);
    assert_int_equal(stats_of(ends).outstanding, 1);
    ends->state_fails = false;
    pass(ends, 2 * NS_PER_S);
    assert_int_equal(ends->letter_count, 1);
    assert_int_equal(ends->letters[0].position, 3);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 15);
    assert_int_equal(stats_of(ends).outstanding, 0);
    assert_int_equal(logged(ends, "The state directory can be written again"), 1);
}

/* Two of a batch, apart from each other, and one between them that is to be sent again. */
static void letters_that_cannot_be_kept_hold_the_position_one_by_one(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 6);
    ends->state_fails = true;
    answer(ends, 0, 200,
           "{\"results\":[{\"status\":\"success\",\"signal_id\":1},"
           "{\"status\":\"rejected\",\"external_signal_id\":\"signal-1\",\"code\":\"invalid_field\"},"
           "{\"status\":\"success\",\"signal_id\":3},{\"status\":\"rejected\",\"code\":\"unavailable\"},"
           "{\"status\":\"rejected\",\"external_signal_id\":\"signal-4\",\"code\":\"invalid_field\"},"
           "{\"status\":\"success\",\"signal_id\":6}]}");
    for (int row = 0; row < 6; row++)
        ends->rows[row].passable = row == 0 || row == 2 || row == 5;
    assert_int_equal(stats_of(ends).outstanding, 3);
    pass_until_sent(ends, 2);
    check_flight(ends, 1, "/signal", 3, 1);
    ends->state_fails = false;
    pass(ends, 2 * NS_PER_S); /* fake_state fails the test if the position passes one too early */
    assert_int_equal(ends->letter_count, 2);
    answer_stored(ends, 1);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 6);
}

/* What waits in memory is bounded: beyond it nothing is read. */
static void too_many_letters_that_cannot_be_kept(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->state_fails = true;
    for (int i = 0; i < 1500; i++)
        add_damaged(ends, "damaged");
    add_rows(ends, 1);
    for (int i = 0; i < 5; i++) {
        delivery_look(ends->delivery);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).outstanding, 1000);
    assert_int_equal(ends->sent, 0);
}

static void a_dead_row_that_cannot_be_kept_is_not_passed(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->state_fails = true;
    add_rows(ends, 1);
    add_damaged(ends, "damaged");
    arrive(ends, 1);
    assert_int_equal(ends->sent, 2);
    check_flight(ends, 1, "/signal", 2, 1);
    answer_all_stored(ends);
    for (int i = 0; i < 5; i++) {
        delivery_look(ends->delivery);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(ends->sent, 2);
    assert_int_equal(ends->letter_count, 0);
    ends->state_fails = false;
    pass(ends, 2 * NS_PER_S);
    assert_int_equal(ends->letter_count, 1);
    assert_string_equal(ends->letters[0].reason, "hash_mismatch");
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(a_letter_that_cannot_be_kept),
        TEST(letters_that_cannot_be_kept_hold_the_position_one_by_one),
        TEST(too_many_letters_that_cannot_be_kept),
        TEST(a_dead_row_that_cannot_be_kept_is_not_passed),
    };
    return cmocka_run_group_tests_name("delivery_state", tests, NULL, NULL);
}
