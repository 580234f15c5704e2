/* test_base64: the vectors of RFC 4648, every length, and what is no base64. */
#include "support.h"

#include <string.h>

#include "base/base64.h"

static void check_pair(const char *plain, const char *encoded)
{
    struct buf text = {0};
    struct buf back = {0};
    base64_encode(plain, strlen(plain), &text);
    assert_int_equal(text.len, strlen(encoded));
    assert_memory_equal(text.data ? text.data : "", encoded, text.len);
    assert_int_equal(base64_decode(encoded, strlen(encoded), &back), 0);
    assert_int_equal(back.len, strlen(plain));
    assert_memory_equal(back.data ? back.data : "", plain, back.len);
    buf_clear(&text);
    buf_clear(&back);
}

static void test_vectors(void **state)
{
    (void)state;
    check_pair("", "");
    check_pair("f", "Zg==");
    check_pair("fo", "Zm8=");
    check_pair("foo", "Zm9v");
    check_pair("foob", "Zm9vYg==");
    check_pair("fooba", "Zm9vYmE=");
    check_pair("foobar", "Zm9vYmFy");
}

static void test_all_bytes(void **state)
{
    (void)state;
    unsigned char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(255 - i);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct buf text = {0};
        struct buf back = {0};
        base64_encode(bytes, len, &text);
        assert_int_equal(base64_decode(text.data ? text.data : "", text.len, &back), 0);
        assert_int_equal(back.len, len);
        assert_memory_equal(back.data ? back.data : "", bytes, len);
        buf_clear(&text);
        buf_clear(&back);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"Z",    "Zg",   "Zg=",      "Zg=a",     "=g==",  "Z===", "====",
                                        "Zh==", "Zm9=", "Zg==Zg==", "Zm 9vYg=", "Zm9\n", "Zm9-", "Zm9_"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf back = {0};
        assert_int_equal(base64_decode(texts[i], strlen(texts[i]), &back), -1);
        buf_clear(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
