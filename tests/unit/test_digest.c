/* digest: the published vectors of SHA-256 (FIPS 180-4 examples), comparison, random bytes. */
#include "support.h"

#include <string.h>

#include "base/digest.h"

static void published_vectors(void **state)
{
    (void)state;
    char digits[DIGEST_HEX_LEN + 1];
    hash_of("", digits);
    assert_string_equal(digits, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_of("abc", digits);
    assert_string_equal(digits, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", digits);
    assert_string_equal(digits, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void equal_means_every_bit(void **state)
{
    (void)state;
    struct digest a;
    digest_sha256("x", 1, &a);
    for (size_t bit = 0; bit < DIGEST_SIZE * 8; bit++) {
        struct digest b = a;
        assert_true(digest_equal(&a, &b));
        b.bytes[bit / 8] = (unsigned char)(b.bytes[bit / 8] ^ 1U << bit % 8);
        assert_false(digest_equal(&a, &b));
    }
}

static void random_bytes_differ(void **state)
{
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    struct err err = {0};
    assert_int_equal(digest_random(a, sizeof a, &err), 0);
    assert_int_equal(digest_random(b, sizeof b, &err), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

static void wiped_is_zero(void **state)
{
    (void)state;
    char secret[] = "not for others";
    char zeros[sizeof secret] = {0};
    digest_wipe(secret, sizeof secret);
    assert_memory_equal(secret, zeros, sizeof secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(equal_means_every_bit),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(wiped_is_zero),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
