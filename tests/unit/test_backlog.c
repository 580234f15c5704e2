/* backlog: how old what waits is, and whether requests that are under way ever end. */
#include "fake_ends.h"

#include "engine/backlog.h"
#include "fake_clock.h"
#include "format/timestamp.h"

static const char oldest_time[] = "2026-11-01T13:30:02.254258+00:00"; /* of every valid signal in these tests */

static void nothing_waits(void **state)
{
    struct ends *ends = *state;
    ends_open(ends);
    delivery_look(ends->delivery);
    assert_int_equal(backlog_oldest_us(ends->delivery), 0);
    assert_int_equal(backlog_still_since_ns(ends->delivery), 0);
}

static void the_age_is_by_the_signals_own_time(void **state)
{
    struct ends *ends = *state;
    int64_t time_us;
    assert_int_equal(timestamp_parse(oldest_time, sizeof oldest_time - 1, &time_us), 0);
    ends_open(ends);
    arrive(ends, 3);
    assert_int_equal(backlog_oldest_us(ends->delivery), time_us);
    answer_unreachable(ends, 0);
    assert_int_equal(backlog_oldest_us(ends->delivery), time_us); /* it still waits */
    fake_clock_advance(60 * NS_PER_S);
    delivery_tick(ends->delivery, clock_monotonic_ns());
    answer_all_stored(ends);
    assert_int_equal(backlog_oldest_us(ends->delivery), 0);
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
        TEST(still_since_the_last_one_began_or_ended),
    };
    return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
