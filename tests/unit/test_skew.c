/* skew: what an answer proves about two clocks; of whole seconds, as in an HTTP Date, and of exact time. */
#include "support.h"

#include "base/skew.h"

#define DATE_US 1700000000000000

static int64_t skew(int64_t sent_after_us, int64_t answered_after_us)
{
    return skew_us(DATE_US + sent_after_us, DATE_US + answered_after_us, DATE_US, SKEW_HTTP_DATE_STEP_US);
}

/* Sent and answered within the second that the Date names, or with its beginning or end in between. */
static void clocks_that_may_agree_do(void **state)
{
    (void)state;
    assert_int_equal(skew(0, 0), 0);
    assert_int_equal(skew(999999, 999999), 0);
    assert_int_equal(skew(1000000, 1000000), 0); /* the end of the second is as good as in it */
    assert_int_equal(skew(-2000, 1000), 0);
    assert_int_equal(skew(-5000000, 5000000), 0); /* a slow answer proves nothing */
}

static void ahead_is_positive(void **state)
{
    (void)state;
    assert_int_equal(skew(1000001, 1002000), 1); /* sent after that second was over, by the clock here */
    assert_int_equal(skew(61000000, 61002000), 60000000);
    assert_int_equal(skew(31000000, 61000000), 30000000); /* the Date may be from the beginning */
}

static void behind_is_negative(void **state)
{
    (void)state;
    assert_int_equal(skew(-1002, -1), -1); /* answered before that second began, by the clock here */
    assert_int_equal(skew(-60002000, -60000000), -60000000);
}

static void an_exact_time_proves_more(void **state)
{
    (void)state;
    assert_int_equal(skew_us(1000, 2000, 1000, 0), 0);
    assert_int_equal(skew_us(1000, 2000, 2000, 0), 0);
    assert_int_equal(skew_us(1000, 2000, 999, 0), 1);
    assert_int_equal(skew_us(1000, 2000, 2001, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_may_agree_do),
        cmocka_unit_test(ahead_is_positive),
        cmocka_unit_test(behind_is_negative),
        cmocka_unit_test(an_exact_time_proves_more),
    };
    return cmocka_run_group_tests_name("skew", tests, NULL, NULL);
}
