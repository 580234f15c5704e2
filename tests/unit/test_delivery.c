/* delivery: what is sent when, and how far the saved position goes, as long as all is well. */
#include "fake_ends.h"

#include <stdlib.h>
#include <string.h>

#include "chance.h"

static void the_first_signal_leaves_at_once(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, 0);
    assert_true(delivery_due(ends->delivery) == INT64_MAX);
    arrive(ends, 1);
    check_flight(ends, 0, "/signal", 0, 1);
    assert_string_equal(ends->flights[0].request.content_type, "application/json");
    assert_int_equal(ends->flights[0].body[0], '{');
    assert_null(strchr(ends->flights[0].body, '\n'));
    assert_true(stats_of(ends).in_flight);
    answer_stored(ends, 0);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 1);
    assert_int_equal(ends->saved.delivered, 1);
    assert_true(ends->saved.last_success_us > 0);
    assert_false(stats_of(ends).in_flight);
    assert_int_equal(logged(ends, "Signal synced to Alpine: signal-0 (AAPL BUY)"), 1);
}

static void what_arrives_meanwhile_is_the_next_batch(void **state)
{
    struct ends *ends = *state;
    ends->options.in_flight_max = 1;
    ends_open(ends);
    arrive(ends, 1);
    for (int i = 0; i < 5; i++)
        arrive(ends, 1);
    assert_int_equal(ends->sent, 1);
    answer_stored(ends, 0);
    assert_int_equal(ends->sent, 2);
    check_flight(ends, 1, "/batch", 1, 5);
    assert_string_equal(ends->flights[1].request.content_type, "application/x-ndjson");
    answer_stored(ends, 1);
    assert_int_equal(ends->sent, 2);
    assert_int_equal(stats_of(ends).delivered, 6);
    assert_int_equal(stats_of(ends).outstanding, 0);
}

static void a_few_requests_are_in_flight(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 2;
    ends_open(ends);
    arrive(ends, 20);
    assert_int_equal(ends->sent, 4);
    assert_int_equal(stats_of(ends).outstanding, 8);
    for (int i = 0; i < 4; i++)
        check_flight(ends, i, "/batch", 2 * i, 2);
    answer_stored(ends, 2);
    assert_int_equal(ends->sent, 5);
    check_flight(ends, 4, "/batch", 8, 2);
    answer_all_stored(ends);
    assert_int_equal(ends->sent, 10);
    assert_int_equal(stats_of(ends).delivered, 20);
}

static void batches_are_limited_by_count_and_bytes(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 7;
    ends->options.in_flight_max = 1;
    ends_open(ends);
    arrive(ends, 17);
    check_flight(ends, 0, "/batch", 0, 7);
    answer_stored(ends, 0);
    check_flight(ends, 1, "/batch", 7, 7);
    answer_stored(ends, 1);
    check_flight(ends, 2, "/batch", 14, 3);
    size_t three = ends->flights[2].request.len;
    answer_stored(ends, 2);
    ends_close(ends);

    ends->options.batch_bytes_max = three;
    ends->saved = (struct state_progress){0};
    ends->source_changed = true;
    ends_open(ends);
    delivery_look(ends->delivery);
    for (int i = 0; i < ends->sent; i++)
        assert_true(ends->flights[i].request.len <= three || i < 2);
    assert_in_range(ends->flights[3].count, 3, 4); /* the first ids are shorter */
    answer_all_stored(ends);
    assert_int_equal(stats_of(ends).delivered, 17);
}

static void one_that_is_larger_than_a_batch_goes_alone(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_bytes_max = 10;
    ends_open(ends);
    arrive(ends, 3);
    for (int i = 0; i < 3; i++)
        check_flight(ends, i, "/signal", i, 1);
    answer_all_stored(ends);
    ends_close(ends);
    assert_int_equal(ends->saved.delivered, 3);
}

static void the_position_waits_for_the_first(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 10;
    ends_open(ends);
    arrive(ends, 40);
    for (int i = 3; i > 0; i--) {
        answer_stored(ends, i);
        pass(ends, NS_PER_S);
        assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    }
    answer_stored(ends, 0);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 40);
    assert_int_equal(ends->saved.delivered, 40);
}

/* Requests are answered, refused and split in any order, and each save is checked. */
static void any_order_of_answers(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 20;
    ends->options.retry_first_ns = NS_PER_MS;
    ends->options.probe_interval_ns = NS_PER_MS;
    ends_open(ends);
    for (int step = 0; step < 1500; step++) {
        int open = in_flight(ends);
        if (step < 300 && chance(3) == 0)
            arrive(ends, chance(5));
        int flight = open ? open_flight(ends, chance(open)) : NONE;
        int kind = step < 1000 ? chance(6) : 0;
        if (flight != NONE && kind == 1)
            answer(ends, flight, 503, "{}");
        else if (flight != NONE && kind == 2)
            answer(ends, flight, 401, "{}");
        else if (flight != NONE && kind == 3 && ends->flights[flight].count > 1)
            answer(ends, flight, 413, "");
        else if (flight != NONE && kind == 4)
            answer_stored_but(ends, flight, chance(5), "\"status\":\"later\"");
        else if (flight != NONE)
            answer_stored(ends, flight);
        pass(ends, chance((int)NS_PER_MS));
    }
    pass(ends, NS_PER_S);
    assert_int_equal(in_flight(ends), 0);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, ends->row_count);
    assert_int_equal(stats_of(ends).delivered, ends->row_count);
    assert_int_equal(stats_of(ends).outstanding, 0);
    assert_int_equal(stats_of(ends).link, LINK_UP);
}

static void positions_are_not_saved_for_each_signal(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 1;
    ends_open(ends);
    arrive(ends, 500);
    answer_all_stored(ends);
    assert_in_range(ends->saves, 1, 2);
    assert_in_range(time_left(ends), 1, 100 * NS_PER_MS);
    pass(ends, time_left(ends));
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 500);
    assert_true(delivery_due(ends->delivery) == INT64_MAX);
}

static void it_goes_on_where_it_was(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 3);
    answer_all_stored(ends);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 3);
    assert_string_equal(ends->saved.places[ORIGIN_TABLE].mark, "signal-2");
    int sent = ends->sent;
    ends_open(ends);
    assert_true(stats_of(ends).last_success_us > 0);
    assert_int_equal(stats_of(ends).delivered, 0); /* by this delivery */
    arrive(ends, 2);
    assert_int_equal(ends->sent, sent + 1);
    check_flight(ends, sent, "/batch", 3, 2);
    answer_stored(ends, sent);
    ends_close(ends);
    assert_int_equal(ends->saved.delivered, 5);
}

static void without_a_state_it_does_not_open(void **state)
{
    struct ends *ends = *state;
    struct err err = {0};
    struct delivery_ends parts = ends_parts(ends);
    ends->state_fails = true;
    assert_null(delivery_open(&ends->options, &parts, &err));
    assert_string_equal(err.message, "the disk is broken");
    delivery_close(NULL);
}

static void duplicates_are_delivered(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    ends->rows[0].passable = true;
    answer(ends, 0, 409, "{\"status\":\"duplicate\",\"signal_id\":9,\"external_signal_id\":\"signal-0\"}");
    assert_int_equal(stats_of(ends).delivered, 1);
    assert_int_equal(stats_of(ends).duplicates, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 1);
    assert_int_equal(logged(ends, "Signal synced to Alpine: signal-0"), 1);
}

/* Neutral signals are no trades: they are passed, and counted. */
static void neutral_ones_are_skipped(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    add_rows(ends, 2);
    add_row(ends, "neutral", "{\"signal_id\":\"neutral\",\"action\":null}", FAULT_NONE);
    ends->rows[2].passable = true;
    arrive(ends, 1);
    assert_int_equal(ends->flights[0].count, 3);
    assert_int_equal(stats_of(ends).skipped, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    answer_stored(ends, 0);
    add_row(ends, "neutral-2", "{\"signal_id\":\"neutral-2\",\"action\":null}", FAULT_NONE);
    ends->rows[4].passable = true;
    delivery_look(ends->delivery);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->sent, 1);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 5);
    assert_string_equal(ends->saved.places[ORIGIN_TABLE].mark, "neutral-2");
    assert_int_equal(stats_of(ends).skipped, 2);
    assert_int_equal(stats_of(ends).dead, 0);
    assert_int_equal(stats_of(ends).delivered, 3);
}

static void an_unchanged_source_is_left_alone(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    answer_all_stored(ends);
    int reads = ends->reads;
    for (int i = 0; i < 10; i++)
        delivery_look(ends->delivery);
    assert_int_equal(ends->reads, reads);
    assert_true(stats_of(ends).source_at_end);
}

static void a_source_that_is_away_comes_back(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    ends->source_away = true;
    for (int i = 0; i < 3; i++)
        arrive(ends, 1);
    assert_int_equal(ends->sent, 0);
    assert_true(stats_of(ends).source_away);
    assert_int_equal(logged(ends, "The source cannot be read now: it is locked"), 1);
    ends->source_away = false;
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, 1);
    assert_false(stats_of(ends).source_away);
    assert_int_equal(logged(ends, "The source can be read again"), 1);
    answer_all_stored(ends);
}

/* Another database in the place of the one before, with fewer rows. */
static void replace_source(struct ends *ends)
{
    for (int i = 0; i < ends->row_count; i++)
        free(ends->rows[i].json);
    memset(ends->rows, 0, sizeof ends->rows);
    ends->first_id = 100;
    ends->source_replaced = true;
    ends->row_count = 0;
    add_row(ends, "another", "{}", FAULT_INVALID_FIELD);
    add_rows(ends, 3);
}

static void a_replaced_source_is_read_from_the_beginning(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 10);
    answer_all_stored(ends);
    replace_source(ends);
    int sent = ends->sent;
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, sent + 1);
    check_flight(ends, sent, "/batch", 1, 3);
    assert_int_equal(logged(ends, "The source was replaced or restored"), 1);
    assert_int_equal(logged(ends, "position=10 mark=signal-9"), 1);
    answer_stored(ends, sent);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 4);
}

/* What is outstanding from the one before holds the position, and does not hold up the new one. */
static void a_replaced_source_waits_for_nothing(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 2);
    replace_source(ends);
    delivery_look(ends->delivery);
    assert_int_equal(ends->sent, 2);
    answer_stored(ends, 1);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 0);
    answer(ends, 0, 200, /* the rows that it is about are gone */
           "{\"results\":[{\"status\":\"success\",\"signal_id\":1},{\"status\":\"success\",\"signal_id\":2}]}");
    assert_int_equal(ends->sent, 2);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 4);
}

static void a_stop_finishes_what_is_in_flight(void **state)
{
    struct ends *ends = *state;
    ends->options.batch_max = 1;
    ends_open(ends);
    arrive(ends, 10);
    delivery_stop(ends->delivery);
    answer_stored(ends, 0);
    answer_stored(ends, 1);
    answer_unreachable(ends, 2);
    answer_stored(ends, 3);
    assert_int_equal(ends->sent, 4);
    arrive(ends, 1);
    pass(ends, 3600 * NS_PER_S);
    assert_int_equal(ends->sent, 4);
    assert_true(delivery_due(ends->delivery) == INT64_MAX);
    assert_int_equal(logged(ends, "Connection error"), 0);
    ends_close(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2);
    assert_int_equal(ends->saved.delivered, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(the_first_signal_leaves_at_once),
        TEST(what_arrives_meanwhile_is_the_next_batch),
        TEST(a_few_requests_are_in_flight),
        TEST(batches_are_limited_by_count_and_bytes),
        TEST(one_that_is_larger_than_a_batch_goes_alone),
        TEST(the_position_waits_for_the_first),
        TEST(any_order_of_answers),
        TEST(positions_are_not_saved_for_each_signal),
        TEST(it_goes_on_where_it_was),
        TEST(without_a_state_it_does_not_open),
        TEST(duplicates_are_delivered),
        TEST(neutral_ones_are_skipped),
        TEST(an_unchanged_source_is_left_alone),
        TEST(a_source_that_is_away_comes_back),
        TEST(a_replaced_source_is_read_from_the_beginning),
        TEST(a_replaced_source_waits_for_nothing),
        TEST(a_stop_finishes_what_is_in_flight),
    };
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
