/* number: values whose repr is known from CPython; tests/differential has the other million. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "format/number.h"

struct known {
    double value;
    const char *text;
};

static void check(double value, const char *expected)
{
    char text[NUMBER_SIZE];
    size_t len = number_format(value, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void as_cpython_writes_them(void **state)
{
    (void)state;
    static const struct known cases[] = {
        {0.0, "0.0"},
        {1.0, "1.0"},
        {267.0, "267.0"},
        {267.44, "267.44"},
        {0.1, "0.1"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {123456789.123456789, "123456789.12345679"},
        {15216.072919797214, "15216.072919797214"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9007199254740993.0, "9007199254740992.0"},
        {9007199254740991.0, "9007199254740991.0"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {1.5e-323, "1.5e-323"},
        {2.2250738585072011e-308, "2.225073858507201e-308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_EPSILON, "2.220446049250313e-16"},
        {1e100, "1e+100"},
        {1.25e-7, "1.25e-07"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check(cases[i].value, cases[i].text);
}

static void where_the_exponent_begins(void **state)
{
    (void)state;
    check(1e15, "1000000000000000.0");
    check(9999999999999998.0, "9999999999999998.0");
    check(1e16, "1e+16");
    check(12345678901234567890.0, "1.2345678901234567e+19");
    check(1e-4, "0.0001");
    check(0.00012345, "0.00012345");
    check(9.999999999999999e-05, "9.999999999999999e-05");
    check(1e-5, "1e-05");
}

static void powers_of_two_have_a_wider_gap_above(void **state)
{
    (void)state;
    static const struct known cases[] = {
        {0x1p-44, "5.684341886080802e-14"},
        {0x1p-24, "5.960464477539063e-08"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {0x1p-1074, "5e-324"},
        {0x1p-1073, "1e-323"},
        {0x1p54, "1.8014398509481984e+16"},
        {0x1p89, "6.189700196426902e+26"},
        {0x1p1023, "8.98846567431158e+307"},
        {0x1p-1, "0.5"},
        {0x1p53, "9007199254740992.0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check(cases[i].value, cases[i].text);
}

static void the_sign_stays(void **state)
{
    (void)state;
    check(-0.0, "-0.0");
    check(-1.5, "-1.5");
    check(-5e-324, "-5e-324");
    check(-DBL_MAX, "-1.7976931348623157e+308");
    check(-1e16, "-1e+16");
}

static void a_very_long_one_fits(void **state)
{
    (void)state;
    check(-2.2250738585072014e-308, "-2.2250738585072014e-308");
    check(-0.00012345678901234567, "-0.00012345678901234567");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_cpython_writes_them),
        cmocka_unit_test(where_the_exponent_begins),
        cmocka_unit_test(powers_of_two_have_a_wider_gap_above),
        cmocka_unit_test(the_sign_stays),
        cmocka_unit_test(a_very_long_one_fits),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
