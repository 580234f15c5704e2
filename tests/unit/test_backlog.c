/* backlog: how old what waits is, and whether requests that are under way ever end. */
#include "fake_ends.h"

#include "engine/backlog.h"
#include "fake_clock.h"
#include "format/timestamp.h"

static const char oldest_time[] = "2026-11-01T13:30:02.254258+00:00"; /* of every valid signal in these tests */

static int64_t made_us(void)
{
    int64_t time_us;
    assert_int_equal(timestamp_parse(oldest_time, sizeof oldest_time - 1, &time_us), 0);
    return time_us;
}

static int64_t age_us(const struct ends *ends, int64_t wall_us)
{
    return backlog_age_us(ends->delivery, wall_us, clock_monotonic_ns());
}

static void nothing_waits(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    delivery_look(ends->delivery);
    assert_int_equal(age_us(ends, made_us()), -1);
    assert_int_equal(backlog_still_since_ns(ends->delivery), 0);
}

static void the_age_is_by_the_signals_own_time(void **state)
{
    struct ends *ends = *state;
    int64_t later_us = made_us() + 5000000;
    ends_open(ends);
    arrive(ends, 3);
    assert_int_equal(age_us(ends, later_us), 5000000);
    answer_unreachable(ends, 0);
    assert_int_equal(age_us(ends, later_us), 5000000); /* it still waits */
    fake_clock_advance(60 * NS_PER_S);
    delivery_tick(ends->delivery, clock_monotonic_ns());
    answer_all_stored(ends);
    assert_int_equal(age_us(ends, later_us), -1);
}

/* The wall clock may say what it likes: what was read a minute ago has waited for a minute. */
static void the_age_is_at_least_that_of_its_reading(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    arrive(ends, 1);
    assert_int_equal(age_us(ends, made_us() - 3600000000), 0);
    fake_clock_advance(60 * NS_PER_S);
    assert_int_equal(age_us(ends, made_us() - 3600000000), 60000000);
    assert_int_equal(age_us(ends, made_us() + 61000000), 61000000);
}

static void what_is_read_is_told_from_what_is_not(void **state)
{
    struct ends *ends = *state;
    struct backlog backlog;
    ends->options.in_flight_max = 1;
    ends->options.batch_max = 2;
    ends_open(ends);
    arrive(ends, 5); /* one goes at once, the others wait in the table */
    backlog_look(ends->delivery, &backlog);
    assert_int_equal(backlog.waiting + (size_t)(5 - backlog.read[ORIGIN_TABLE].position), 5);
    assert_false(backlog.at_end);
    assert_int_equal(backlog.progress.delivered, 0);
    answer_all_stored(ends);
    backlog_look(ends->delivery, &backlog);
    assert_int_equal(backlog.waiting, 0);
    assert_true(backlog.at_end);
    assert_int_equal(backlog.read[ORIGIN_TABLE].position, 5);
    assert_int_equal(backlog.progress.delivered, 5);
}

static void still_since_the_last_one_began_or_ended(void **state)
{
    struct ends *ends = *state;
    ends->options.in_flight_max = 2;
    ends->options.batch_max = 1;
    ends_open(ends);
    arrive(ends, 1);
    int64_t first = backlog_still_since_ns(ends->delivery);
    assert_int_equal(first, clock_monotonic_ns());
    fake_clock_advance(10 * NS_PER_S);
    assert_int_equal(backlog_still_since_ns(ends->delivery), first);
    arrive(ends, 1);
    assert_int_equal(backlog_still_since_ns(ends->delivery), first + 10 * NS_PER_S);
    fake_clock_advance(10 * NS_PER_S);
    answer_stored(ends, 1); /* the first one is still under way */
    assert_int_equal(backlog_still_since_ns(ends->delivery), first + 20 * NS_PER_S);
    fake_clock_advance(10 * NS_PER_S);
    answer_stored(ends, 0);
    assert_int_equal(backlog_still_since_ns(ends->delivery), 0);
}

static int start(void **state)
{
    fake_clock_freeze();
    return ends_start(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, ends_finish)
    const struct CMUnitTest tests[] = {
        TEST(nothing_waits),
        TEST(the_age_is_by_the_signals_own_time),
        TEST(the_age_is_at_least_that_of_its_reading),
        TEST(what_is_read_is_told_from_what_is_not),
        TEST(still_since_the_last_one_began_or_ended),
    };
    return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
