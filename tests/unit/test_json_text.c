/* json_text: as json.dumps escapes it. */
#include "support.h"

#include <string.h>

#include "base/json_text.h"

static const char *string(const char *data, size_t len)
{
    static char copy[1024];
    struct buf buf = {0};
    json_text_string(&buf, data, len);
    assert_true(buf.len < sizeof copy);
    (void)strcpy(copy, buf.data);
    buf_clear(&buf);
    return copy;
}

static void as_cpython_escapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"plain ~ text!", "\"plain ~ text!\""},
        {"\"\\/", "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x0b\x1f", "\"\\u0001\\u000b\\u001f\""},
        {"\x7f", "\"\\u007f\""},
        {"<>&'", "\"<>&'\""},
        {"\xc2\x80\xc3\xa9\xc3\xbf", "\"\\u0080\\u00e9\\u00ff\""},
        {"\xe2\x80\xa8\xef\xbf\xbf", "\"\\u2028\\uffff\""},
        {"\xf0\x9f\x93\x88", "\"\\ud83d\\udcc8\""},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\\ud800\\udc00\\udbff\\udfff\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(string(cases[i][0], strlen(cases[i][0])), cases[i][1]);
}

static void nul_and_invalid_bytes(void **state)
{
    (void)state;
    assert_string_equal(string("a\0b", 3), "\"a\\u0000b\"");
    assert_string_equal(string("a\xff\xc3", 3), "\"a\\ufffd\\ufffd\"");
    assert_string_equal(string("\xed\xa0\x80", 3), "\"\\ufffd\\ufffd\\ufffd\"");
}

static void members_are_separated(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add_char(&buf, '{');
    json_text_member_string(&buf, "a", "x", 1);
    json_text_member_cstring(&buf, "b", NULL);
    json_text_member_integer(&buf, "c", INT64_MIN);
    json_text_member_bool(&buf, "d", true);
    json_text_name(&buf, "e");
    buf_add_char(&buf, '{');
    json_text_member_bool(&buf, "f", false);
    buf_add_text(&buf, "}}");
    assert_string_equal(buf.data,
                        "{\"a\":\"x\",\"b\":null,\"c\":-9223372036854775808,\"d\":true,\"e\":{\"f\":false}}");
    buf_clear(&buf);
}

/* Every byte at every place of a text, each length long, between bytes that borrow and carry as far as they can. */
static void plain_ends_at_the_first_byte_that_is_not(void **state)
{
    static const char neighbours[] = {' ', '!', '#', '~', '\x1f', '\x7f', '\xff'};
    char text[24];
    (void)state;
    for (size_t at = 0; at < sizeof text; at++)
        for (int byte = 0; byte < 256; byte++)
            for (size_t i = 0; i < sizeof neighbours; i++) {
                bool is_plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
                bool next_is_plain = neighbours[i] >= ' ' && neighbours[i] <= '~';
                memset(text, '~', at);
                text[at] = (char)byte;
                memset(text + at + 1, neighbours[i], sizeof text - at - 1);
                size_t expected = !is_plain ? at : next_is_plain ? sizeof text : at + 1;
                assert_int_equal(json_text_plain(text, sizeof text), expected);
                assert_int_equal(json_text_plain(text, at + 1), is_plain ? at + 1 : at);
                assert_int_equal(json_text_plain(text, at), at);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_cpython_escapes),
        cmocka_unit_test(nul_and_invalid_bytes),
        cmocka_unit_test(members_are_separated),
        cmocka_unit_test(plain_ends_at_the_first_byte_that_is_not),
    };
    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
