/* delivery: what never will be stored becomes a dead letter, which is kept before the position passes it; nothing
 * else is held up. */
#include "fake_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"

static const char refused[] =
    "\"status\":\"rejected\",\"code\":\"invalid_field\",\"detail\":\"symbol is too long\",\"field\":\"symbol\"";

/* The letter of that row, which must be the only one. */
static const struct fake_letter *only_letter(const struct ends *ends, int row, const char *reason)
{
    assert_int_equal(ends->letter_count, 1);
    const struct fake_letter *letter = &ends->letters[0];
    assert_int_equal(letter->position, row + 1);
    assert_string_equal(letter->signal_id, ends->rows[row].id);
    assert_string_equal(letter->reason, reason);
    return letter;
}

static void one_of_a_batch(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 5);
    answer_stored_but(ends, 0, 2, refused);
    const struct fake_letter *letter = only_letter(ends, 2, "invalid_field");
    assert_string_equal(letter->detail, "symbol is too long");
    assert_non_null(strstr(letter->json, "\"signal_id\":\"signal-2\""));
    assert_null(strchr(letter->json, '\n'));
    assert_int_equal(stats_of(ends).delivered, 4);
    assert_int_equal(stats_of(ends).dead, 1);
    assert_int_equal(stats_of(ends).outstanding, 0);
    assert_int_equal(stats_of(ends).link, LINK_UP);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 5);
    assert_int_equal(ends->saved.delivered, 4);
    assert_int_equal(logged(ends, "Dead letter: signal signal-2 was not delivered: symbol is too long"), 1);
}

static void a_conflict(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    answer(ends, 0, 422,
           "{\"status\":\"conflict\",\"signal_id\":3,\"external_signal_id\":\"signal-0\",\"code\":\"conflict\","
           "\"detail\":\"stored with another hash\"}");
    (void)only_letter(ends, 0, "conflict");
    assert_int_equal(stats_of(ends).delivered, 0);
    assert_int_equal(stats_of(ends).duplicates, 0);
}

static void a_single_one_refused(void **state)
{
    struct ends *ends = *state;
    static const int statuses[] = {400, 413, 422};
    ends_open(ends);
    for (int i = 0; i < 3; i++) {
        arrive(ends, 1);
        answer(ends, ends->sent - 1, statuses[i], "{\"detail\":\"no\"}");
        assert_int_equal(ends->letter_count, i + 1);
        assert_int_equal(ends->letters[i].position, i + 1);
        assert_int_equal(stats_of(ends).link, LINK_UP);
    }
    assert_string_equal(ends->letters[0].reason, "hash_mismatch");
    assert_string_equal(ends->letters[1].reason, "too_large");
    assert_string_equal(ends->letters[2].reason, "invalid_field");
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 3);
}

/* A refusal of the whole batch condemns nobody: halves find out who is meant. */
static void a_refused_batch_finds_the_one(void **state)
{
    struct ends *ends = *state;
    static const int statuses[] = {400, 413, 422};
    ends_open(ends);
    for (int round = 0; round < 3; round++) {
        int bad = ends->row_count + 5;
        arrive(ends, 16);
        for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
            const struct fake_flight *at = &ends->flights[flight];
            if (at->rows[0] <= bad && bad < at->rows[0] + at->count)
                answer(ends, flight, statuses[round], "{\"detail\":\"no\"}");
            else
                answer_stored(ends, flight);
        }
        assert_int_equal(ends->letter_count, round + 1);
        assert_int_equal(ends->letters[round].position, bad + 1);
        assert_int_equal(stats_of(ends).delivered, 15 * (round + 1));
    }
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 48);
}

static void a_row_that_verifies_in_no_form(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_rows(ends, 2);
    add_damaged(ends, "damaged");
    arrive(ends, 2);
    const struct fake_letter *letter = only_letter(ends, 2, "hash_mismatch");
    assert_non_null(strstr(letter->json, "\"signal_id\":\"damaged\""));
    assert_int_equal(logged(ends, "Dead letter: signal damaged"), 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    assert_int_equal(ends->flights[0].count, 4);
    assert_int_equal(ends->flights[0].rows[1], 1);
    assert_int_equal(ends->flights[0].rows[2], 3);
    answer_stored(ends, 0);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 5);
}

static void others_go_around_it(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_damaged(ends, "damaged");
    arrive(ends, 3);
    check_flight(ends, 0, "/batch", 1, 3);
    answer_stored(ends, 0);
    pass(ends, NS_PER_S);
    assert_int_equal(stats_of(ends).delivered, 3);
    assert_int_equal(stats_of(ends).dead, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 4);
}

static void nothing_but_dead_ones(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_damaged(ends, "damaged-1");
    add_damaged(ends, "damaged-2");
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, 0);
    assert_int_equal(stats_of(ends).dead, 2);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2);
    assert_string_equal(ends->saved.places[ORIGIN_TABLE].mark, "damaged-2");
}

static void what_is_no_text_is_kept_in_base64(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_row(ends, "", "\xff\xfe", FAULT_MALFORMED);
    arrive(ends, 1);
    assert_string_equal(only_letter(ends, 0, "malformed")->json, "{\"unreadable_base64\":\"//4=\"}");
    check_flight(ends, 0, "/signal", 1, 1);
    answer_stored(ends, 0);
}

static void what_cannot_be_read_is_kept_as_it_stands(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_row(ends, "", "{ half a li", FAULT_MALFORMED);
    arrive(ends, 1);
    const struct fake_letter *letter = only_letter(ends, 0, "malformed");
    assert_string_equal(letter->json, "{\"unreadable\":\"{ half a li\"}");
    assert_string_equal(letter->detail, "it cannot be read");
    check_flight(ends, 0, "/signal", 1, 1);
    answer_stored(ends, 0);
}

static void letters_are_sent_again(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    (void)add_letter(ends, "letter", "{\"signal_id\":\"letter\"}");
    (void)add_letter(ends, "letter-2", "{\"signal_id\":\"letter-2\"}");
    delivery_look_at_retries(ends->delivery);
    delivery_look_at_retries(ends->delivery); /* they are on their way already */
    assert_int_equal(ends->sent, 2);
    assert_string_equal(ends->flights[0].request.path, "/signal");
    assert_string_equal(ends->flights[0].body, "{\"signal_id\":\"letter\"}");
    answer_stored(ends, 0);
    assert_int_equal(ends->letters[0].id, 0);
    assert_false(ends->letters[0].retry);
    answer(ends, 1, 422, "{\"detail\":\"still not\"}");
    assert_int_equal(ends->letters[1].id, 2);
    assert_int_equal(ends->letter_count, 2);
    assert_string_equal(ends->letters[1].detail, "still not");
    assert_false(ends->letters[1].retry);
    delivery_look_at_retries(ends->delivery);
    assert_int_equal(ends->sent, 2);
    assert_int_equal(stats_of(ends).delivered, 1);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
}

/* The row was mended since: what is sent is the row as it stands now. */
static void a_mended_row_is_sent(void **state)
{
    struct ends *ends = *state;
    struct buf json = {0};
    ends->has_table = true;
    ends_open(ends);
    add_damaged(ends, "damaged");
    delivery_look(ends->delivery);
    ends->letters[0].retry = true;
    delivery_look_at_retries(ends->delivery);
    assert_string_equal(ends->flights[0].body, ends->letters[0].json);
    answer(ends, 0, 400, "{\"detail\":\"Signal hash verification failed\"}");
    assert_false(ends->letters[0].retry);
    valid_signal(&json, "damaged");
    free(ends->rows[0].json);
    ends->rows[0].json = buf_take(&json, NULL);
    ends->letters[0].retry = true;
    delivery_look_at_retries(ends->delivery);
    assert_string_not_equal(ends->flights[1].body, ends->letters[0].json);
    check_flight(ends, 1, "/signal", 0, 1);
    answer_stored(ends, 1);
    assert_int_equal(ends->letters[0].id, 0);
}

/* Another signal stands there by now: the letter is sent as it was. */
static void a_letter_is_never_for_another_signal(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_damaged(ends, "damaged");
    delivery_look(ends->delivery);
    free(ends->rows[0].json);
    ends->row_count = 0;
    add_rows(ends, 1);
    ends->letters[0].retry = true;
    delivery_look_at_retries(ends->delivery);
    assert_string_equal(ends->flights[0].body, ends->letters[0].json);
    answer(ends, 0, 400, "{\"detail\":\"no\"}");
}

static void letters_wait_like_signals(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    (void)add_letter(ends, "letter", "{\"signal_id\":\"letter\"}");
    delivery_look_at_retries(ends->delivery);
    answer(ends, 0, 502, "{}");
    arrive(ends, 1);
    assert_int_equal(ends->sent, 1);
    /* It alone may be the trouble, so the probe is another one; then it has its turn again. */
    pass_until_sent(ends, 2);
    check_flight(ends, 1, "/signal", 0, 1);
    answer_stored(ends, 1);
    assert_string_equal(ends->flights[2].body, "{\"signal_id\":\"letter\"}");
    answer_stored(ends, 2);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 1);
    assert_int_equal(stats_of(ends).delivered, 2);
}

static void letters_that_cannot_be_read_or_removed(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    (void)add_letter(ends, "letter", "{\"signal_id\":\"letter\"}");
    ends->state_fails = true;
    delivery_look_at_retries(ends->delivery);
    assert_int_equal(ends->sent, 0);
    assert_int_equal(logged(ends, "The state directory cannot be written"), 1);
    ends->state_fails = false;
    delivery_look_at_retries(ends->delivery);
    ends->state_fails = true;
    answer_stored(ends, 0);
    assert_int_equal(stats_of(ends).outstanding, 0);
    ends->state_fails = false;
    delivery_look_at_retries(ends->delivery); /* it is still marked: the receiver knows it by now */
    assert_int_equal(ends->sent, 2);
    answer(ends, 1, 409, "{\"status\":\"duplicate\",\"signal_id\":1,\"external_signal_id\":\"letter\"}");
    assert_int_equal(ends->letters[0].id, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(one_of_a_batch),
        TEST(a_conflict),
        TEST(a_single_one_refused),
        TEST(a_refused_batch_finds_the_one),
        TEST(a_row_that_verifies_in_no_form),
        TEST(others_go_around_it),
        TEST(nothing_but_dead_ones),
        TEST(what_is_no_text_is_kept_in_base64),
        TEST(what_cannot_be_read_is_kept_as_it_stands),
        TEST(letters_are_sent_again),
        TEST(a_mended_row_is_sent),
        TEST(a_letter_is_never_for_another_signal),
        TEST(letters_wait_like_signals),
        TEST(letters_that_cannot_be_read_or_removed),
    };
    return cmocka_run_group_tests_name("delivery_dead", tests, NULL, NULL);
}
