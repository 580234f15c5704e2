/* utf8: the borders of RFC 3629, and every code point there and back. */
#include "support.h"

#include <string.h>

#include "base/utf8.h"

static void every_code_point_there_and_back(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++) {
        char bytes[4];
        uint32_t back = 0;
        if (code_point == 0xD800)
            code_point = 0xE000;
        size_t size = utf8_encode(code_point, bytes);
        if (utf8_decode(bytes, size, &back) != size || back != code_point)
            fail_msg("U+%04X", (unsigned)code_point);
        if (utf8_decode(bytes, size - 1, &back) && size > 1)
            fail_msg("U+%04X cut short", (unsigned)code_point);
    }
}

static void what_is_no_utf8(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x80", /* a continuation alone */
        "\xbf",
        "\xc0\x80", /* over-long */
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", /* surrogates */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3", /* cut off */
        "\xe2\x82",
        "\xf0\x9f\x93",
        "\xc3(", /* no continuation */
        "\xe2(\xac",
        "\xe2\x82(",
        "\xf0\x9f\x93(",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint32_t code_point;
        assert_int_equal(utf8_decode(texts[i], strlen(texts[i]), &code_point), 0);
        assert_false(utf8_valid(texts[i], strlen(texts[i])));
    }
}

static void valid_text(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x88\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf";
    assert_true(utf8_valid(text, strlen(text)));
    assert_true(utf8_valid("", 0));
    assert_false(utf8_valid(text, strlen(text) - 1));
    assert_int_equal(utf8_length(text, strlen(text)), 7);
    assert_int_equal(utf8_length("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_there_and_back),
        cmocka_unit_test(what_is_no_utf8),
        cmocka_unit_test(valid_text),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
