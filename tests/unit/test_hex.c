/* hex: there and back, and nothing else comes in. */
#include "support.h"

#include "base/hex.h"

static void every_byte_there_and_back(void **state)
{
    (void)state;
    unsigned char bytes[256];
    unsigned char back[256];
    char digits[513];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    hex_encode(bytes, sizeof bytes, digits);
    assert_memory_equal(digits, "000102", 6);
    assert_string_equal(digits + 504, "fcfdfeff");
    assert_int_equal(hex_decode(digits, back, sizeof back), 0);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void either_case_comes_in(void **state)
{
    (void)state;
    unsigned char bytes[3];
    assert_int_equal(hex_decode("aBCdeF", bytes, 3), 0);
    assert_memory_equal(bytes, "\xab\xcd\xef", 3);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char others[] = "/:@G`g \n-+xX\x80\xff";
    unsigned char byte;
    for (size_t i = 0; i < sizeof others; i++) {
        char first[] = {others[i], '0', '\0'};
        char second[] = {'0', others[i], '\0'};
        assert_int_equal(hex_decode(first, &byte, 1), -1);
        assert_int_equal(hex_decode(second, &byte, 1), -1);
    }
}

static void nothing_is_fine(void **state)
{
    (void)state;
    char digits[1] = "x";
    hex_encode((const unsigned char *)"", 0, digits);
    assert_string_equal(digits, "");
    assert_int_equal(hex_decode("", NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_there_and_back),
        cmocka_unit_test(either_case_comes_in),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
