/* hex: every digit, and nothing else comes in. */
#include "support.h"

#include <stdio.h>

#include "base/hex.h"

static void every_byte_has_its_digits(void **state)
{
    (void)state;
    unsigned char bytes[256];
    char digits[513];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    hex_encode(bytes, sizeof bytes, digits);
    for (size_t i = 0; i < sizeof bytes; i++) {
        char expected[3];
        (void)snprintf(expected, sizeof expected, "%02x", (unsigned)i);
        assert_memory_equal(digits + 2 * i, expected, 2);
    }
}

static void either_case_comes_out_lower(void **state)
{
    (void)state;
    char lower[23];
    assert_int_equal(hex_lower("0123456789abcdefABCDEF", 22, lower), 0);
    assert_string_equal(lower, "0123456789abcdefabcdef");
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char others[] = "/:@G`g \n-+xX\x80\xff";
    char lower[3];
    for (size_t i = 0; i < sizeof others; i++) {
        char first[] = {others[i], '0', '\0'};
        char second[] = {'0', others[i], '\0'};
        assert_int_equal(hex_lower(first, 2, lower), -1);
        assert_int_equal(hex_lower(second, 2, lower), -1);
    }
}

static void nothing_is_fine(void **state)
{
    (void)state;
    char digits[1] = "x";
    hex_encode((const unsigned char *)"", 0, digits);
    assert_string_equal(digits, "");
    digits[0] = 'x';
    assert_int_equal(hex_lower("", 0, digits), 0);
    assert_string_equal(digits, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_has_its_digits),
        cmocka_unit_test(either_case_comes_out_lower),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
