/* compress: there and back, never more than the limit, and nothing that is damaged. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/compress.h"
#include "chance.h"

enum { PLENTY = 1 << 24 };

static void fill(struct buf *buf, size_t len, int letters)
{
    buf_reset(buf);
    while (buf->len < len)
        buf_add_char(buf, (char)chance(letters));
}

static void there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 1000, 65535, 65536, 65537, 131072, 131073, 1000000};
    struct buf data = {0};
    struct buf packed = {0};
    struct buf plain = {0};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int letters = 1; letters <= 256; letters += 85) {
            fill(&data, sizes[i], letters);
            buf_reset(&packed);
            buf_reset(&plain);
            buf_add_text(&plain, "before");
            assert_int_equal(compress_pack(data.data, data.len, &packed), 0);
            assert_int_equal(compress_expand(packed.data, packed.len, PLENTY, &plain), EXPAND_DONE);
            assert_int_equal(plain.len, data.len + 6);
            assert_memory_equal(plain.data, "before", 6);
            if (data.len)
                assert_memory_equal(plain.data + 6, data.data, data.len);
        }
    buf_clear(&data);
    buf_clear(&packed);
    buf_clear(&plain);
}

static void not_a_byte_beyond_the_limit(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 65536, 65537, 300000};
    struct buf data = {0};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct buf packed = {0};
        struct buf plain = {0};
        fill(&data, sizes[i], 2);
        assert_int_equal(compress_pack(data.data, data.len, &packed), 0);
        assert_int_equal(compress_expand(packed.data, packed.len, sizes[i], &plain), EXPAND_DONE);
        buf_reset(&plain);
        assert_int_equal(compress_expand(packed.data, packed.len, sizes[i] - 1, &plain), EXPAND_TOO_LARGE);
        assert_true(plain.len <= sizes[i]);
        buf_clear(&packed);
        buf_clear(&plain);
    }
    buf_clear(&data);
}

static void a_beginning_is_not_the_whole(void **state)
{
    (void)state;
    struct buf data = {0};
    struct buf packed = {0};
    fill(&data, 3000, 20);
    assert_int_equal(compress_pack(data.data, data.len, &packed), 0);
    for (size_t len = 0; len < packed.len; len++) {
        struct buf plain = {0};
        assert_int_equal(compress_expand(packed.data, len, PLENTY, &plain), EXPAND_MALFORMED);
        buf_clear(&plain);
    }
    buf_clear(&data);
    buf_clear(&packed);
}

static void what_is_none_of_it(void **state)
{
    (void)state;
    struct buf plain = {0};
    assert_int_equal(compress_expand("{}", 2, PLENTY, &plain), EXPAND_MALFORMED);
    assert_int_equal(compress_expand("\x1f\x8b\x08", 3, PLENTY, &plain), EXPAND_MALFORMED);
    buf_clear(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(not_a_byte_beyond_the_limit),
        cmocka_unit_test(a_beginning_is_not_the_whole),
        cmocka_unit_test(what_is_none_of_it),
    };
    return cmocka_run_group_tests_name("compress", tests, NULL, NULL);
}
