/* delivery: a receiver that is slow, or that stumbles over one certain signal. */
#include "fake_ends.h"

static void answer_timed_out(struct ends *ends, int flight)
{
    answer_full(ends, flight,
                &(struct transport_answer){.failure = TRANSPORT_TIMED_OUT, .error = "timed out", .body = ""});
}

/* A slow link or receiver: what is too much at once goes in smaller pieces, one at a time, and in larger ones
 * again. */
static void a_batch_that_takes_too_long_shrinks(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 100;
    ends_open(ends);
    arrive(ends, 290);
    assert_int_equal(in_flight(ends), 3);
    for (int i = 0; i < 3; i++)
        answer_timed_out(ends, i);
    pass_until_sent(ends, 4);
    assert_int_equal(ends->flights[3].count, 45); /* half of the smallest of the three */
    answer_timed_out(ends, 3);
    pass_until_sent(ends, 5);
    assert_int_equal(ends->flights[4].count, 22);
    for (int sent = 5; stats_of(ends).delivered < 290; sent++) {
        assert_int_equal(in_flight(ends), 1);
        answer_stored(ends, sent - 1);
        assert_in_range(ends->flights[sent < ends->sent ? sent : sent - 1].count, 1, 100);
    }
    assert_int_equal(stats_of(ends).outstanding, 0);
    arrive(ends, 290);
    answer_all_stored(ends);
    arrive(ends, 290);
    assert_int_equal(in_flight(ends), 3); /* full speed again */
}

/* Silence to single signals too is no slowness: full speed with the first of them that is answered. */
static void silence_is_no_slowness(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 100;
    ends_open(ends);
    arrive(ends, 400);
    for (int i = 0; i < 10; i++) {
        for (int flight; (flight = open_flight(ends, 0)) != NONE;)
            answer_timed_out(ends, flight);
        pass_until_sent(ends, ends->sent + 1);
    }
    assert_int_equal(stats_of(ends).link, LINK_DOWN);
    answer_stored(ends, ends->sent - 1);
    assert_int_equal(in_flight(ends), 4);
}

static const char *const stumbling = "<html>Internal Server Error</html>";

/* Answers all flights; the poisoned row stumbles, the others are stored. */
static void answer_but_poison(struct ends *ends, int poison)
{
    for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
        bool poisoned = false;
        for (int i = 0; i < ends->flights[flight].count; i++)
            poisoned |= ends->flights[flight].rows[i] == poison;
        if (poisoned)
            answer(ends, flight, 500, stumbling);
        else
            answer_stored(ends, flight);
    }
}

/* One signal over which the receiver stumbles for ever: it rests by a clock of its own, the link stays up, and
 * after an hour it is a dead letter. */
static void a_signal_that_is_stuck_stops_nothing_and_becomes_a_letter(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 20);
    for (int i = 0; i < 40; i++) { /* until it is found, and alone */
        answer_but_poison(ends, 7);
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).delivered, 19);
    int lines = logged(ends, "Alpine backend");
    for (int minute = 0; minute < 59; minute++) {
        for (int i = 0; i < 60; i++) {
            arrive(ends, 1);
            assert_int_equal(stats_of(ends).link, LINK_UP);
            answer_but_poison(ends, 7);
            pass(ends, NS_PER_S);
        }
        if (ends->row_count > 2900)
            break;
    }
    assert_int_equal(logged(ends, "Alpine backend"), lines); /* nothing to talk about */
    assert_int_equal(ends->letter_count, 0);
    pass(ends, 3600 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        answer_but_poison(ends, 7);
        arrive(ends, 1);
        answer_but_poison(ends, 7);
        pass(ends, 60 * NS_PER_S);
    }
    assert_int_equal(ends->letter_count, 1);
    assert_string_equal(ends->letters[0].reason, "stuck");
    assert_int_equal(ends->letters[0].position, 8);
    pass(ends, NS_PER_S);
    assert_int_equal(stats_of(ends).outstanding, 0);
}

/* Whatever the answers to one signal look like, the others arrive. */
static void check_others_go(struct ends *ends, const struct transport_answer *trouble)
{
    ends_open(ends);
    arrive(ends, 50);
    for (int i = 0; i < 3000 && stats_of(ends).delivered < 49; i++) {
        for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
            bool poisoned = false;
            for (int k = 0; k < ends->flights[flight].count; k++)
                poisoned |= ends->flights[flight].rows[k] == 7;
            if (poisoned)
                answer_full(ends, flight, trouble);
            else
                answer_stored(ends, flight);
        }
        pass(ends, NS_PER_S);
    }
    assert_int_equal(stats_of(ends).delivered, 49);
    assert_int_equal(stats_of(ends).outstanding, 1);
    assert_int_equal(ends->letter_count, 0);
}

static void a_proxy_that_breaks_at_one_signal(void **state)
{
    check_others_go(*state, &(struct transport_answer){.status = 502, .error = "", .body = ""});
}

static void a_firewall_that_forbids_one_signal(void **state)
{
    check_others_go(*state, &(struct transport_answer){.status = 403, .error = "", .body = ""});
}

static void a_connection_that_breaks_at_one_signal(void **state)
{
    check_others_go(*state, &(struct transport_answer){.failure = TRANSPORT_BROKEN, .error = "reset", .body = ""});
}

static void silence_to_one_signal(void **state)
{
    check_others_go(*state,
                    &(struct transport_answer){.failure = TRANSPORT_TIMED_OUT, .error = "late", .body = ""});
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_that_takes_too_long_shrinks),
        TEST(silence_is_no_slowness),
        TEST(a_signal_that_is_stuck_stops_nothing_and_becomes_a_letter),
        TEST(a_proxy_that_breaks_at_one_signal),
        TEST(a_firewall_that_forbids_one_signal),
        TEST(a_connection_that_breaks_at_one_signal),
        TEST(silence_to_one_signal),
    };
    return cmocka_run_group_tests_name("delivery_slow", tests, NULL, NULL);
}
