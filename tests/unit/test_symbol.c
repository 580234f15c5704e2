/* symbol: trimmed, and in upper case letter for letter. */
#include "support.h"

#include <string.h>

#include "format/symbol.h"

static void check(const char *text, const char *expected)
{
    struct arena arena = {0};
    size_t len = 0;
    const char *result = symbol_normalise(&arena, text, strlen(text), &len);
    assert_non_null(result);
    assert_string_equal(result, expected);
    assert_int_equal(len, strlen(expected));
    arena_clear(&arena);
}

static void ascii(void **state)
{
    (void)state;
    check("AAPL", "AAPL");
    check("aapl", "AAPL");
    check("  btc-usd\t\r\n", "BTC-USD");
    check("brk.b", "BRK.B");
    check("a b", "A B");
    check("[@`{z}]", "[@`{Z}]");
    check("", "");
    check(" \t\n\v\f\r ", "");
}

static void beyond_ascii(void **state)
{
    (void)state;
    check("\xc3\xa9toile", "\xc3\x89TOILE");
    check(" \xc3\xb1 ", "\xc3\x91");
    check("\xe2\x80\x83\xd0\xb0\xd0\xb1\xe2\x80\x83", "\xd0\x90\xd0\x91"); /* EM SPACE around Cyrillic */
    check("\xe6\x9c\xba\xe6\x9e\x84", "\xe6\x9c\xba\xe6\x9e\x84");
    check("\xf0\x9f\x93\x88x", "\xf0\x9f\x93\x88X");
    check("\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"); /* DESERET SMALL LONG I, beyond 16 bits */
    check("\xc3\xbf", "\xc5\xb8");
}

static void one_character_stays_one(void **state)
{
    (void)state;
    check("\xc3\x9f", "\xc3\x9f");     /* sharp s has no upper case of one letter in the tables */
    check("\xc4\xb1", "I");            /* dotless i takes fewer bytes */
    check("\xc9\x90", "\xe2\xb1\xaf"); /* turned a takes more */
}

/* So many that they do not fit beside anything else in a chunk of the arena. */
static void many_that_grow(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static char text[2 * MANY + 1];
    static char expected[3 * MANY + 1];
    for (size_t i = 0; i < MANY; i++) {
        memcpy(text + 2 * i, "\xc9\x90", 2);
        memcpy(expected + 3 * i, "\xe2\xb1\xaf", 3);
    }
    check(text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii),
        cmocka_unit_test(beyond_ascii),
        cmocka_unit_test(one_character_stays_one),
        cmocka_unit_test(many_that_grow),
    };
    return cmocka_run_group_tests_name("symbol", tests, NULL, NULL);
}
