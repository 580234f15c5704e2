/* loop: timers, each on its own and those that come at the same moments. */
#include "support.h"

#include "base/clock.h"
#include "base/loop.h"

enum { TIMERS = 2 };
#define INTERVAL_NS (5 * NS_PER_MS)

static void count(void *context)
{
    int *calls = context;
    (*calls)++;
}

static struct loop *new_loop(void)
{
    struct err err = {0};
    struct loop *loop = loop_new(&err);
    assert_non_null(loop);
    return loop;
}

static void a_timer_is_due_once_and_not_too_early(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct loop_timer timer = {0};
    int calls = 0;
    int64_t at = clock_monotonic_ns() + NS_PER_MS;
    loop_timer_set(loop, &timer, at, count, &calls);
    while (!calls)
        loop_step(loop);
    assert_true(clock_monotonic_ns() >= at);
    assert_int_equal(calls, 1);
    assert_false(timer.set);
    loop_free(loop);
}

/* Set at any two moments of the same interval, both are due at its end, in one step. */
static void what_is_regular_is_due_at_the_same_moment(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct loop_timer timers[TIMERS] = {0};
    int calls = 0;
    loop_timer_set_regular(loop, &timers[0], INTERVAL_NS, count, &calls);
    loop_timer_set_regular(loop, &timers[1], INTERVAL_NS, count, &calls);
    int64_t early = timers[0].at_ns;
    int64_t late = timers[1].at_ns;
    assert_int_equal(early % INTERVAL_NS, 0);
    assert_int_equal(late % INTERVAL_NS, 0);
    while (!calls)
        loop_step(loop);
    assert_true(clock_monotonic_ns() >= early);
    assert_true(calls == TIMERS || late > early); /* the second may have been set in the next interval */
    for (int i = 0; i < TIMERS; i++)
        loop_timer_cancel(loop, &timers[i]);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_is_due_once_and_not_too_early),
        cmocka_unit_test(what_is_regular_is_due_at_the_same_moment),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
