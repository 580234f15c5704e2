/* pulse: a sign is owed from the look that asks for it to the beat that gives it. */
#include "support.h"

#include "base/pulse.h"

static void the_first_sign_is_owed_from_the_start(void **state)
{
    (void)state;
    struct pulse pulse;
    pulse_init(&pulse, 100);
    assert_int_equal(pulse_look(&pulse, 130), 30);
    pulse_beat(&pulse);
    assert_int_equal(pulse_look(&pulse, 140), 0);
}

static void each_look_asks_for_the_next_one(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_int_equal(pulse_look(&pulse, 100), 0);
    assert_int_equal(pulse_look(&pulse, 150), 50);
    assert_int_equal(pulse_look(&pulse, 180), 80);
    pulse_beat(&pulse);
    pulse_beat(&pulse);
    assert_int_equal(pulse_look(&pulse, 200), 0);
    assert_int_equal(pulse_look(&pulse, 200), 1); /* owed, if for no time at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_sign_is_owed_from_the_start),
        cmocka_unit_test(each_look_asks_for_the_next_one),
    };
    return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
