/* sqlstate: what is the database's trouble is never blamed on a signal, and the other way round. */
#include "support.h"

#include "adapters/sqlstate.h"

static void check(const char *const *states, size_t count, enum sqlstate_action expected)
{
    for (size_t i = 0; i < count; i++)
        if (sqlstate_action(states[i]) != expected)
            fail_msg("%s is %d instead of %d", states[i], (int)sqlstate_action(states[i]), (int)expected);
}

static void a_lost_race_is_run_again(void **state)
{
    (void)state;
    static const char *const states[] = {"40001", "40P01"};
    check(states, COUNT(states), SQLSTATE_RETRY);
}

static void the_data_are_bad(void **state)
{
    (void)state;
    static const char *const states[] = {"22001", "22003", "22007", "22008", "22021", "22P02",
                                         "22P05", "23502", "23503", "23505", "23514", "23P01",
                                         "54000", "54023", "P0001", "P0002", "44000"};
    check(states, COUNT(states), SQLSTATE_BAD_ROW);
}

/* Connection lost, shutting down, no right, no table, disk full, read only, time-outs, and what is unknown. */
static void the_database_cannot_now(void **state)
{
    (void)state;
    static const char *const states[] = {"",      "00000", "08000", "08006", "0A000", "25006", "25P02", "26000",
                                         "28000", "28P01", "3D000", "40002", "40003", "42501", "42703", "42P01",
                                         "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03",
                                         "58030", "F0000", "XX000", "XX001", "99999", "4",     "2"};
    check(states, COUNT(states), SQLSTATE_UNAVAILABLE);
    assert_int_equal(sqlstate_action(NULL), SQLSTATE_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_race_is_run_again),
        cmocka_unit_test(the_data_are_bad),
        cmocka_unit_test(the_database_cannot_now),
    };
    return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
