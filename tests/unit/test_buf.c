/* buf: appends, cuts, hands over, and remembers that it could not. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void appends_of_every_kind(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_text(&buf, "one");
    buf_add_char(&buf, ' ');
    buf_add(&buf, "t\0o", 3);
    buf_add_format(&buf, " %d %s", 3, "four");
    assert_int_equal(buf.len, 14);
    assert_memory_equal(buf.data, "one t\0o 3 four\0", 15);
    buf_clear(&buf);
    assert_null(buf.data);
}

static void it_grows(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (int i = 0; i < 100000; i++)
        buf_add_format(&buf, "%06d", i);
    assert_false(buf.failed);
    assert_int_equal(buf.len, 600000);
    assert_memory_equal(buf.data + 6 * 54321, "054321", 6);
    assert_int_equal(buf.data[buf.len], 0);
    buf_clear(&buf);
}

static void a_long_format(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_format(&buf, "%5000d|", 7);
    assert_int_equal(buf.len, 5001);
    assert_memory_equal(buf.data + 4999, "7|", 3);
    buf_clear(&buf);
}

static void nothing_can_be_appended(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add(&buf, NULL, 0);
    assert_int_equal(buf.len, 0);
    assert_false(buf.failed);
    buf_clear(&buf);
    buf_clear(&buf);
}

static void reset_keeps_the_memory(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_reset(&buf);
    buf_add_text(&buf, "something");
    size_t capacity = buf.capacity;
    buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.capacity, capacity);
    assert_string_equal(buf.data, "");
    buf_add_text(&buf, "cut here");
    buf_truncate(&buf, 3);
    assert_string_equal(buf.data, "cut");
    buf_clear(&buf);
}

static void too_much_is_remembered(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_text(&buf, "kept");
    assert_int_equal(buf_reserve(&buf, SIZE_MAX - 2), -1);
    assert_true(buf.failed);
    assert_string_equal(buf.data, "kept");
    assert_null(buf_take(&buf, NULL));
    assert_null(buf.data);
    assert_false(buf.failed);
}

static void take_hands_the_bytes_over(void **state)
{
    (void)state;
    struct buf buf = {0};
    size_t len = 99;
    buf_add(&buf, "a\0b", 3);
    char *bytes = buf_take(&buf, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "a\0b\0", 4);
    assert_null(buf.data);
    free(bytes);
    bytes = buf_take(&buf, NULL);
    assert_string_equal(bytes, "");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_of_every_kind),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(a_long_format),
        cmocka_unit_test(nothing_can_be_appended),
        cmocka_unit_test(reset_keeps_the_memory),
        cmocka_unit_test(too_much_is_remembered),
        cmocka_unit_test(take_hands_the_bytes_over),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
