/* delivery: what fails is kept and tried again, held for a person, or tried in another way. */
#include "fake_ends.h"

#include <stdio.h>
#include <string.h>

static void retry_with_growing_pauses(void **state)
{
    struct ends *ends = *state;
    int64_t longest = NS_PER_S;
    ends_open(ends);
    arrive(ends, 3);
    for (int i = 0; i < 20; i++) {
        bool down = i > 3; /* the first try and three quick ones failed: now one signal is tried */
        assert_int_equal(ends->sent, i + 1);
        check_flight(ends, i, down ? "/signal" : "/batch", 0, down ? 1 : 3);
        assert_int_equal(ends->flights[i].request.fresh, i > 0);
        answer_unreachable(ends, i);
        assert_int_equal(stats_of(ends).link, i < 3 ? LINK_RETRYING : LINK_DOWN);
        int64_t left = time_left(ends);
        assert_in_range(left, NS_PER_S / 10, longest);
        longest = longest * 2 < 30 * NS_PER_S ? longest * 2 : 30 * NS_PER_S;
        pass(ends, left - 1);
        delivery_look(ends->delivery);
        assert_int_equal(ends->sent, i + 1);
        pass(ends, 1);
    }
    assert_int_equal(logged(ends, "Connection error - Alpine backend unreachable: http://alpine.example"), 1);
    assert_int_equal(logged(ends, "Alpine backend is down: http://alpine.example"), 1);
    arrive(ends, 500);
    answer_stored(ends, 20);
    assert_int_equal(stats_of(ends).link, LINK_UP);
    assert_int_equal(logged(ends, "Alpine backend is back"), 1);
    check_flight(ends, 21, "/batch", 1, 2); /* all of it at once, within that one probe */
    check_flight(ends, 22, "/batch", 3, 500);
    answer_stored(ends, 21);
    answer_stored(ends, 22);
    assert_int_equal(stats_of(ends).delivered, 503);
    pass(ends, NS_PER_S);
    arrive(ends, 1);
    answer_unreachable(ends, 23);
    assert_in_range(time_left(ends), NS_PER_S / 10, NS_PER_S); /* a short pause again */
}

/* A line about a request has its id, and each attempt is another request. */
static void lines_have_the_requests_id(void **state)
{
    struct ends *ends = *state;
    char line[200];
    ends_open(ends);
    arrive(ends, 1);
    const char *first = ends->flights[0].request.id;
    answer_full(
        ends, 0,
        &(struct transport_answer){.failure = TRANSPORT_BROKEN, .error = "cut", .body = "", .request_id = first});
    (void)snprintf(line, sizeof line, "http://alpine.example error=cut request_id=%s", first);
    assert_int_equal(logged(ends, line), 1);
    pass_until_sent(ends, 2);
    assert_string_not_equal(ends->flights[1].request.id, first);
    answer_stored(ends, 1);
    (void)snprintf(line, sizeof line, "result=stored request_id=%s", ends->flights[1].request.id);
    assert_int_equal(logged(ends, line), 1);
    arrive(ends, 1);
    answer(ends, 2, 422, "{\"status\":\"error\",\"code\":\"invalid_field\",\"detail\":\"no\"}");
    (void)snprintf(line, sizeof line, "was not delivered: no signal_id=signal-1 reason=invalid_field request_id=%s",
                   ends->flights[2].request.id);
    assert_int_equal(logged(ends, line), 1);
}

/* It is said once; an older receiver's answer has no id, which is nothing to say. */
static void another_requests_id_is_noted(void **state)
{
    struct ends *ends = *state;
    static const char phrase[] = "An answer has the id of another request";
    static const char nothing[] = "{\"status\":\"error\",\"code\":\"unavailable\",\"detail\":\"later\"}";
    ends_open(ends);
    arrive(ends, 1);
    for (int i = 0; i < 3; i++) {
        struct transport_answer given = {
            .status = 503, .error = "", .body = nothing, .len = strlen(nothing), .answered_id = "somebody-elses"};
        if (i == 1)
            given.answered_id = NULL;
        if (i == 2)
            given.answered_id = ends->flights[i].request.id;
        answer_full(ends, i, &given);
        assert_int_equal(logged(ends, phrase), 1);
        pass_until_sent(ends, i + 2);
    }
    assert_int_equal(logged(ends, "answered_id=somebody-elses"), 1);
}

/* The flight that is open, or the next one that is begun. */
static int next_flight(struct ends *ends)
{
    while (in_flight(ends) == 0)
        pass(ends, time_left(ends));
    return open_flight(ends, 0);
}

static void every_passing_failure_is_tried_again(void **state)
{
    struct ends *ends = *state;
    static const int statuses[] = {408, 425, 429, 502, 500, 503, 504, 202, 204, 418};
    ends_open(ends);
    for (int count = 1; count <= 2; count++) {
        arrive(ends, count);
        for (size_t i = 0; i < COUNT(statuses); i++) {
            answer(ends, next_flight(ends), statuses[i], "{\"status\":\"error\",\"code\":\"x\",\"detail\":\"y\"}");
            assert_int_equal(stats_of(ends).link, i < 3 ? LINK_RETRYING : LINK_DOWN);
            assert_int_equal(stats_of(ends).outstanding, count);
        }
        answer_stored(ends, next_flight(ends));
        answer_all_stored(ends);
        assert_int_equal(stats_of(ends).outstanding, 0);
    }
    assert_int_equal(stats_of(ends).delivered, 3);
    assert_int_equal(stats_of(ends).dead, 0);
}

static void a_success_that_is_none_is_tried_again(void **state)
{
    struct ends *ends = *state;
    static const char *const bodies[] = {"",
                                         "{}",
                                         "<html></html>",
                                         "{\"results\":[]}",
                                         "{\"status\":\"success\"}",
                                         "{\"results\":[{\"status\":\"success\",\"signal_id\":1}]}"};
    static const int statuses[] = {200, 201, 409};
    ends_open(ends);
    for (int count = 1; count <= 2; count++) {
        arrive(ends, count);
        for (size_t i = 0; i < COUNT(bodies) * COUNT(statuses); i++) {
            answer(ends, next_flight(ends), statuses[i % 3], bodies[i / 3]);
            assert_int_equal(stats_of(ends).outstanding, count);
        }
        answer_stored(ends, next_flight(ends));
        answer_all_stored(ends);
    }
    assert_int_equal(stats_of(ends).delivered, 3);
    arrive(ends, 2); /* a receiver answers a batch with 200 */
    answer(ends, ends->sent - 1, 201,
           "{\"results\":[{\"status\":\"success\",\"signal_id\":1},{\"status\":\"success\",\"signal_id\":2}]}");
    assert_int_equal(stats_of(ends).outstanding, 2);
}

static void retry_after_is_a_floor(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    answer_full(ends, 0,
                &(struct transport_answer){
                    .error = "", .status = 429, .body = "{}", .len = 2, .retry_after_ns = 100 * NS_PER_S});
    assert_in_range(time_left(ends), 100 * NS_PER_S, 110 * NS_PER_S);
    assert_int_equal(logged(ends, "cannot take signals now"), 1);
    assert_int_equal(logged(ends, "status=429"), 1);
}

static void one_probe_and_then_full_speed(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 10;
    ends_open(ends);
    arrive(ends, 80);
    assert_int_equal(ends->sent, 4);
    int64_t left = INT64_MAX;
    for (int i = 0; i < 4; i++)
        answer(ends, i, 503, "{}");
    left = time_left(ends);
    assert_in_range(left, 1, NS_PER_S); /* the four are one failure, not four */
    pass(ends, left);
    assert_int_equal(ends->sent, 5);
    check_flight(ends, 4, "/batch", 0, 10);
    pass(ends, 3600 * NS_PER_S);
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, 5);
    answer_stored(ends, 4);
    assert_int_equal(in_flight(ends), 4);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 80);
}

static void a_request_that_cannot_begin(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->cannot_send = true;
    arrive(ends, 2);
    assert_int_equal(stats_of(ends).link, LINK_RETRYING);
    assert_false(stats_of(ends).in_flight);
    assert_int_equal(logged(ends, "no socket is left"), 1);
    pass(ends, time_left(ends));
    ends->cannot_send = false;
    pass_until_sent(ends, 1);
    check_flight(ends, 0, "/batch", 0, 2);
    answer_stored(ends, 0);
    assert_int_equal(stats_of(ends).delivered, 2);
}

static void a_wrong_key_holds_everything(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 10;
    ends_open(ends);
    arrive(ends, 80);
    for (int i = 0; i < 4; i++)
        answer(ends, i, 401, "{\"status\":\"error\",\"code\":\"unauthorized\",\"detail\":\"x\"}");
    assert_int_equal(stats_of(ends).link, LINK_HOLDING);
    assert_string_equal(stats_of(ends).hold_advice, "Authentication failed - check ARGO_API_KEY");
    assert_int_equal(logged(ends, "error Authentication failed - check ARGO_API_KEY"), 1);
    for (int probe = 4; probe < 10; probe++) {
        assert_int_equal(time_left(ends), 30 * NS_PER_S);
        pass(ends, 30 * NS_PER_S - 1);
        assert_int_equal(ends->sent, probe);
        pass(ends, 1);
        assert_int_equal(ends->sent, probe + 1);
        check_flight(ends, probe, "/signal", 0, 1); /* one signal, not all that waits */
        if (probe < 9)
            answer(ends, probe, 401, "");
    }
    assert_int_equal(logged(ends, "error Authentication failed - check ARGO_API_KEY"), 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    answer_stored(ends, 9);
    assert_int_equal(in_flight(ends), 4);
    check_flight(ends, 10, "/batch", 1, 9);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 80);
    assert_int_equal(stats_of(ends).dead, 0);
    assert_null(stats_of(ends).hold_advice);
}

static void everything_that_must_be_mended_holds(void **state)
{
    struct ends *ends = *state;
    static const int statuses[] = {401, 403, 404, 405, 501, 301, 302, 307, 308};
    ends_open(ends);
    arrive(ends, 1);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        answer(ends, ends->sent - 1, statuses[i], "{\"detail\":\"x\"}");
        assert_int_equal(stats_of(ends).link, LINK_HOLDING);
        assert_non_null(stats_of(ends).hold_advice);
        assert_int_equal(time_left(ends), 30 * NS_PER_S);
        pass_until_sent(ends, ends->sent + 1);
    }
    answer_full(ends, ends->sent - 1,
                &(struct transport_answer){.failure = TRANSPORT_UNTRUSTED, .error = "expired", .body = ""});
    assert_int_equal(stats_of(ends).link, LINK_HOLDING);
    assert_int_equal(logged(ends, "expired"), 1);
    pass_until_sent(ends, ends->sent + 1);
    answer_stored(ends, ends->sent - 1);
    assert_int_equal(stats_of(ends).delivered, 1);
    assert_int_equal(stats_of(ends).dead, 0);
}

static void while_holding_new_ones_wait_in_the_source(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    answer(ends, 0, 401, "");
    for (int i = 0; i < 100; i++)
        arrive(ends, 10);
    assert_int_equal(ends->sent, 1);
    assert_int_equal(stats_of(ends).outstanding, 1);
    pass(ends, 30 * NS_PER_S);
    answer_stored(ends, 1);
    assert_int_equal(ends->flights[2].count, 1000);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 1001);
}

/* Somebody put another key in: nobody waits for the next probe. */
static void mended_it_is_tried_at_once(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 10);
    answer(ends, 0, 401, "");
    delivery_retry_now(ends->delivery);
    assert_int_equal(ends->sent, 2);
    check_flight(ends, 1, "/signal", 0, 1);
    delivery_retry_now(ends->delivery);
    assert_int_equal(ends->sent, 2);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 10);
}

static void no_batch_call_there(void **state)
{
    struct ends *ends = *state;
    static const int statuses[] = {404, 405};
    ends_open(ends);
    for (size_t round = 0; round < COUNT(statuses); round++) {
        int sent = ends->sent;
        int first = ends->row_count;
        arrive(ends, 30);
        check_flight(ends, sent, "/batch", first, 30);
        answer(ends, sent, statuses[round], "{\"detail\":\"Not Found\"}");
        assert_int_equal(stats_of(ends).link, LINK_UP);
        for (int answered = 0; answered < 30; answered++) {
            assert_int_equal(in_flight(ends), 30 - answered < 5 ? 30 - answered : 5);
            check_flight(ends, sent + 1 + answered, "/signal", first + answered, 1);
            answer_stored(ends, sent + 1 + answered);
        }
        arrive(ends, 30);
        assert_int_equal(in_flight(ends), 5);
        answer_all_stored(ends);
        assert_int_equal(ends->sent, sent + 61);
        pass(ends, 600 * NS_PER_S); /* it may have been replaced: a batch is tried again */
    }
    assert_int_equal(stats_of(ends).delivered, 120);
    assert_int_equal(logged(ends, "The receiver has no batch call: sending single signals, 5 at a time"), 2);
}

static void no_receiver_there_at_all(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 10);
    answer(ends, 0, 404, "<html></html>");
    for (int i = 1; i <= 5; i++)
        answer(ends, i, 404, "<html></html>");
    assert_int_equal(stats_of(ends).link, LINK_HOLDING);
    assert_non_null(strstr(stats_of(ends).hold_advice, "check ALPINE_API_URL"));
    assert_int_equal(ends->sent, 6);
    assert_int_equal(stats_of(ends).outstanding, 10);
    pass(ends, 30 * NS_PER_S);
    assert_int_equal(ends->sent, 7);
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 10);
}

static void too_large_is_halved(void **state)
{
    struct ends *ends = *state;
    ends->options.in_flight_max = 1;
    ends_open(ends);
    arrive(ends, 8);
    answer(ends, 0, 413, "<html>Too Large</html>");
    check_flight(ends, 1, "/batch", 0, 4);
    answer(ends, 1, 413, "");
    check_flight(ends, 2, "/batch", 0, 2);
    answer_stored(ends, 2);
    check_flight(ends, 3, "/batch", 2, 2);
    answer_all_stored(ends);
    assert_int_equal(ends->sent, 5);
    check_flight(ends, 4, "/batch", 4, 4);
    assert_int_equal(stats_of(ends).delivered, 8);
    assert_int_equal(stats_of(ends).dead, 0);
}

/* Some of a batch are stored and some are to come again: only those come again. */
static void the_unanswered_of_a_batch_are_sent_again(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 5);
    answer_stored_but(ends, 0, 2, "\"status\":\"rejected\",\"code\":\"unavailable\",\"detail\":\"later\"");
    assert_int_equal(stats_of(ends).delivered, 4);
    assert_int_equal(stats_of(ends).outstanding, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2);
    assert_int_equal(ends->sent, 1);
    pass_until_sent(ends, 2);
    check_flight(ends, 1, "/signal", 2, 1);
    answer_stored(ends, 1);
    assert_int_equal(stats_of(ends).delivered, 5);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 5);
}

static void a_failing_state_is_said_once_and_tried_again(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->state_fails = true;
    for (int i = 0; i < 10; i++) {
        arrive(ends, 1);
        answer_all_stored(ends);
        pass(ends, time_left(ends));
    }
    assert_int_equal(ends->saves, 0);
    assert_int_equal(logged(ends, "The state directory cannot be written: the disk is full"), 1);
    ends->state_fails = false;
    pass(ends, time_left(ends));
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 10);
    assert_int_equal(logged(ends, "The state directory can be written again"), 1);
}

/* The receiver stumbles over a row for ever; then the table is another one. Its rows go around the old one. */
static void another_table_while_a_row_gets_no_answer(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    answer(ends, 0, 500, "<html></html>");
    free_sources(ends);
    ends->row_count = 0;
    ends->first_id = 100;
    ends->source_replaced = true;
    arrive(ends, 3);
    for (int i = 0; i < 60 && stats_of(ends).delivered < 3; i++) {
        if (in_flight(ends) == 0)
            pass_until_sent(ends, ends->sent + 1);
        for (int flight; (flight = open_flight(ends, 0)) != NONE;) {
            if (strstr(ends->flights[flight].body, "signal-0"))
                answer(ends, flight, 500, "<html></html>");
            else
                answer_stored(ends, flight);
        }
    }
    assert_int_equal(stats_of(ends).delivered, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(retry_with_growing_pauses),
        TEST(lines_have_the_requests_id),
        TEST(another_requests_id_is_noted),
        TEST(every_passing_failure_is_tried_again),
        TEST(a_success_that_is_none_is_tried_again),
        TEST(retry_after_is_a_floor),
        TEST(one_probe_and_then_full_speed),
        TEST(a_request_that_cannot_begin),
        TEST(a_wrong_key_holds_everything),
        TEST(everything_that_must_be_mended_holds),
        TEST(while_holding_new_ones_wait_in_the_source),
        TEST(mended_it_is_tried_at_once),
        TEST(no_batch_call_there),
        TEST(no_receiver_there_at_all),
        TEST(too_large_is_halved),
        TEST(the_unanswered_of_a_batch_are_sent_again),
        TEST(another_table_while_a_row_gets_no_answer),
        TEST(a_failing_state_is_said_once_and_tried_again),
    };
    return cmocka_run_group_tests_name("delivery_failures", tests, NULL, NULL);
}
