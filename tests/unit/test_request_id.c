/* request_id: no two are the same, and what is made here is sane. */
#include "support.h"

#include <string.h>

#include "base/request_id.h"

static void each_is_another_one(void **state)
{
    (void)state;
    static char ids[1000][REQUEST_ID_SIZE];
    for (size_t i = 0; i < COUNT(ids); i++) {
        request_id_make(ids[i]);
        assert_int_equal(strlen(ids[i]), REQUEST_ID_SIZE - 1);
        assert_true(request_id_is_sane(ids[i]));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

static void sane_ones(void **state)
{
    (void)state;
    static const char *const sane[] = {"a", "A-1_b.C", "0123456789abcdef"};
    static const char *const insane[] = {"", "a b", "a\n", "\"", "a/b", "\xc3\xa9", "id;", "a=b", "\x7f"};
    char longest[REQUEST_ID_MAX + 2];
    for (size_t i = 0; i < COUNT(sane); i++)
        assert_true(request_id_is_sane(sane[i]));
    for (size_t i = 0; i < COUNT(insane); i++)
        assert_false(request_id_is_sane(insane[i]));
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(request_id_is_sane(longest));
    assert_true(request_id_is_sane(longest + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_another_one),
        cmocka_unit_test(sane_ones),
    };
    return cmocka_run_group_tests_name("request_id", tests, NULL, NULL);
}
