/* backoff: 1, 2, 4 … up to the cap, full jitter below, a floor that holds. */
#include "support.h"

#include "base/backoff.h"
#include "base/clock.h"

static struct backoff fresh(void)
{
    return (struct backoff){.first_ns = NS_PER_S, .cap_ns = 30 * NS_PER_S};
}

static void the_longest_pause_doubles_up_to_the_cap(void **state)
{
    (void)state;
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
    struct backoff backoff = fresh();
    for (size_t i = 0; i < COUNT(seconds); i++)
        assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), seconds[i] * NS_PER_S);
}

static void it_never_grows_beyond_the_cap(void **state)
{
    (void)state;
    struct backoff backoff = fresh();
    for (int i = 0; i < 100000; i++)
        assert_in_range(backoff_next(&backoff, UINT32_MAX, 0), NS_PER_S, 30 * NS_PER_S);
    backoff.failures = UINT32_MAX;
    assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), 30 * NS_PER_S);
    assert_int_equal(backoff.failures, UINT32_MAX);
}

static void it_never_spins(void **state)
{
    (void)state;
    struct backoff backoff = fresh();
    for (int i = 0; i < 10; i++)
        assert_int_equal(backoff_next(&backoff, 0, 0), NS_PER_S / 10);
}

static void jitter_is_spread_over_the_whole_pause(void **state)
{
    (void)state;
    for (uint32_t share = 1; share <= 9; share++) {
        struct backoff backoff = fresh();
        backoff.failures = 3;
        int64_t pause = backoff_next(&backoff, UINT32_MAX / 10 * share, 0);
        assert_in_range(pause, 8 * NS_PER_S / 10 * share - NS_PER_MS, 8 * NS_PER_S / 10 * share + NS_PER_MS);
    }
}

static void a_success_starts_anew(void **state)
{
    (void)state;
    struct backoff backoff = fresh();
    for (int i = 0; i < 10; i++)
        (void)backoff_next(&backoff, UINT32_MAX, 0);
    backoff_reset(&backoff);
    assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), NS_PER_S);
}

static void retry_after_is_a_floor_with_positive_jitter(void **state)
{
    (void)state;
    struct backoff backoff = fresh();
    assert_int_equal(backoff_next(&backoff, 0, 60 * NS_PER_S), 60 * NS_PER_S);
    assert_int_equal(backoff_next(&backoff, UINT32_MAX, 60 * NS_PER_S), 66 * NS_PER_S);
    for (uint32_t random = 0; random < UINT32_MAX - 9999999; random += 9999999)
        assert_in_range(backoff_next(&backoff, random, 60 * NS_PER_S), 60 * NS_PER_S, 66 * NS_PER_S);
}

static void a_floor_below_the_pause_changes_nothing(void **state)
{
    (void)state;
    struct backoff backoff = fresh();
    backoff.failures = 4;
    assert_int_equal(backoff_next(&backoff, UINT32_MAX, 2 * NS_PER_S), 16 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_pause_doubles_up_to_the_cap),
        cmocka_unit_test(it_never_grows_beyond_the_cap),
        cmocka_unit_test(it_never_spins),
        cmocka_unit_test(jitter_is_spread_over_the_whole_pause),
        cmocka_unit_test(a_success_starts_anew),
        cmocka_unit_test(retry_after_is_a_floor_with_positive_jitter),
        cmocka_unit_test(a_floor_below_the_pause_changes_nothing),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
