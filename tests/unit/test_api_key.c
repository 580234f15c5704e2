/* test_api_key: what may be a key, and that no error repeats one. */
#include "support.h"

#include <string.h>

#include "base/api_key.h"

static void keys(void **state)
{
    (void)state;
    char key[API_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[API_KEY_MAX] = '\0';
    assert_int_equal(api_key_check(key, NULL), 0);
    assert_int_equal(api_key_check("!~", NULL), 0);
}

static void mistakes(void **state)
{
    (void)state;
    char longer[API_KEY_MAX + 2];
    memset(longer, 'k', sizeof longer);
    longer[API_KEY_MAX + 1] = '\0';
    const char *const bad[] = {"secret key", "secret\n", "secret\t", "secr\xc3\xa9t", "secret\x7f", longer};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_int_equal(api_key_check(bad[i], &err), -1);
        assert_null(strstr(err.message, "secr"));
        assert_null(strstr(err.message, "kk"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
