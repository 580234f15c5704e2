/* rate_limit: as many at once as in a second, and then one at a time. */
#include "support.h"

#include "base/clock.h"
#include "engine/rate_limit.h"

#define START (5000 * NS_PER_S)

static void no_limit(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(0);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(rate_limit_take(limit, START), 0);
    rate_limit_free(limit);
    rate_limit_free(NULL);
}

static void a_second_s_worth_at_once(void **state)
{
    (void)state;
    static const int64_t rates[] = {1, 2, 3, 7, 10, 1000, 8000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate_limit *limit = rate_limit_new(rates[i]);
        for (int64_t k = 0; k < rates[i]; k++)
            assert_int_equal(rate_limit_take(limit, START), 0);
        assert_in_range(rate_limit_take(limit, START), 1, NS_PER_S / rates[i]);
        rate_limit_free(limit);
    }
}

static void it_says_how_long_to_wait(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(10);
    int64_t now = START;
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_limit_take(limit, now), 0);
    for (int i = 0; i < 100; i++) {
        int64_t wait = rate_limit_take(limit, now);
        assert_true(wait > 0);
        assert_int_equal(rate_limit_take(limit, now + wait - 1), 1);
        now += wait;
        assert_int_equal(rate_limit_take(limit, now), 0);
    }
    assert_int_equal(now, START + 10 * NS_PER_S);
    rate_limit_free(limit);
}

static void what_was_refused_costs_nothing(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1);
    assert_int_equal(rate_limit_take(limit, START), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_limit_take(limit, START), NS_PER_S);
    assert_int_equal(rate_limit_take(limit, START + NS_PER_S), 0);
    rate_limit_free(limit);
}

static void idle_time_is_not_saved_up(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(5);
    for (int hour = 0; hour < 3; hour++) {
        int64_t now = START + hour * 3600 * NS_PER_S;
        for (int i = 0; i < 5; i++)
            assert_int_equal(rate_limit_take(limit, now), 0);
        assert_true(rate_limit_take(limit, now) > 0);
    }
    rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit),
        cmocka_unit_test(a_second_s_worth_at_once),
        cmocka_unit_test(it_says_how_long_to_wait),
        cmocka_unit_test(what_was_refused_costs_nothing),
        cmocka_unit_test(idle_time_is_not_saved_up),
    };
    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
