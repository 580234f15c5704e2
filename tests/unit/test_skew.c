/* skew: what an answer's Date, which has whole seconds, proves about two clocks. */
#include "support.h"

#include "engine/skew.h"

#define DATE_US 1700000000000000

static int64_t skew(int64_t sent_after_us, int64_t answered_after_us)
{
    return skew_us(DATE_US + sent_after_us, DATE_US + answered_after_us, DATE_US);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_may_agree_do),
        cmocka_unit_test(ahead_is_positive),
        cmocka_unit_test(behind_is_negative),
    };
    return cmocka_run_group_tests_name("skew", tests, NULL, NULL);
}
