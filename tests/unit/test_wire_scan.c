/* wire_scan: what it takes it reads as json_doc does, and it takes nothing that json_doc would refuse. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "format/wire.h"
#include "format/wire_scan.h"

static void same_value(const struct value *a, const struct value *b)
{
    assert_int_equal(a->kind, b->kind);
    if (a->kind == VALUE_TEXT || a->kind == VALUE_OTHER) {
        assert_int_equal(a->as.text.len, b->as.text.len);
        assert_memory_equal(a->as.text.data, b->as.text.data, a->as.text.len);
    } else if (a->kind == VALUE_INTEGER) {
        assert_true(a->as.integer == b->as.integer);
    } else if (a->kind == VALUE_REAL) {
        assert_memory_equal(&a->as.real, &b->as.real, sizeof a->as.real); /* -0.0 is not 0.0 */
    }
}

/* Whether the scan takes it; then the tree has to say the same. */
static bool scans(const char *text, size_t len)
{
    struct signal scanned = {0};
    struct signal read = {0};
    struct err err = {0};
    bool taken = wire_scan(text, len, &scanned);
    enum fault fault = wire_read_tree(text, len, &read, &err);
    if (taken && fault)
        fail_msg("taken, though it is %s: %.*s", err.message, (int)len, text);
    for (size_t i = 0; taken && i < SIGNAL_FIELD_COUNT; i++) {
        same_value(&scanned.given[i], &read.given[i]);
        same_value(&scanned.alias[i], &read.alias[i]);
    }
    signal_clear(&scanned);
    signal_clear(&read);
    return taken;
}

static bool scans_text(const char *text)
{
    return scans(text, strlen(text));
}

static void usual_signals(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{'signal_id':'a','entry_price':267,'confidence':87.5}",
        " { 'confidence' : 1 , 'signal_id' : 'b' } \n",
        "{'target_price':null,'take_profit':1.5,'stop_loss':2,'stop_price':3}",
        "{'signal_id':true,'symbol':false}",
        "{'stranger':1,'other':'x','another':null,'signal_id':'c'}",
        "{'reasoning':'caf\xc3\xa9 \xf0\x9f\x93\x88 and a text that is longer than a word of eight bytes'}",
        "{'reasoning':'tab\\tquote\\\"back\\\\slash\\/ \\u00e9\\ud83d\\udcc8 \\b\\f\\n\\r'}",
        "{'reasoning':'','signal_id':'\\u0001'}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!scans_text(quoted(texts[i])))
            fail_msg("left: %s", texts[i]);
}

static void numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "7",
        "-7",
        "999999999999999999",
        "-999999999999999999",
        "0.0",
        "-0.0",
        "267.44",
        "95869.09",
        "1793539802.254258",
        "9007199254740993.0",
        "0.1",
        "0.30000000000000004",
        "1e5",
        "1E+5",
        "1e-5",
        "1.5e300",
        "5e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "123456789012345678.5",
        "0.000001",
        "100.10",
        "4.35",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "{\"entry_price\":%s}", texts[i]);
        if (!scans_text(text))
            fail_msg("left: %s", text);
    }
}

/* Right or wrong, json_doc tells. */
static void what_is_left(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        "{'signal_id':'a'",
        "{'signal_id':'a',}",
        "{,}",
        "{'signal_id'}",
        "{'signal_id':}",
        "{'signal_id':'a'} x",
        "{'signal_id':'a''symbol':'b'}",
        "{'signal_id':'a','signal_id':'b'}",
        "{'stranger':1,'stranger':2}",
        "{'signal\\u005fid':'a'}",
        "{'caf\xc3\xa9':1}",
        "{'signal_id':{}}",
        "{'signal_id':[1]}",
        "{'signal_id':'a\x01'}",
        "{'signal_id':'\\u0000'}",
        "{'signal_id':'\\ud800'}",
        "{'signal_id':'\\udc00'}",
        "{'signal_id':'\\ud800\\ud800'}",
        "{'signal_id':'\\x'}",
        "{'signal_id':'\\u12'}",
        "{'signal_id':'\xff'}",
        "{'signal_id':'\xed\xa0\x80'}",
        "{'signal_id':'a\\",
        "{'signal_id':nul}",
        "{'entry_price':01}",
        "{'entry_price':1.}",
        "{'entry_price':.5}",
        "{'entry_price':-}",
        "{'entry_price':+1}",
        "{'entry_price':1e}",
        "{'entry_price':1e+}",
        "{'entry_price':NaN}",
        "{'entry_price':1e999}",
        "{'entry_price':1000000000000000000}",
        "{'entry_price':Infinity}",
        "{'entry_price':0x10}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (scans_text(quoted(texts[i])))
            fail_msg("taken: %s", texts[i]);
}

static void many_strangers(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int count = 1; count <= 40; count++) {
        buf_reset(&text);
        for (int i = 0; i < count; i++)
            buf_add_format(&text, "%s\"stranger%d\":%d", i ? "," : "{", i, i);
        buf_add_char(&text, '}');
        assert_int_equal(scans(text.data, text.len), count <= 16);
    }
    buf_clear(&text);
}

/* Cut off anywhere it is no object any more. */
static void every_beginning(void **state)
{
    (void)state;
    const char *text = signal_json(NULL, NULL);
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++)
        assert_false(scans(text, cut));
    assert_true(scans(text, len));
}

/* Every byte in every place of a word, where eight are looked at at once. */
static void every_byte_in_a_string(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 9; place++) {
            char text[] = "{\"signal_id\":\"abcdefghi\"}";
            text[14 + place] = (char)byte;
            bool plain = byte >= ' ' && byte < 0x80 && byte != '"';
            bool taken = scans(text, sizeof text - 1);
            assert_true(taken == plain || byte == '\\'); /* which may make an escape of what follows */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_signals),   cmocka_unit_test(numbers),
        cmocka_unit_test(what_is_left),    cmocka_unit_test(many_strangers),
        cmocka_unit_test(every_beginning), cmocka_unit_test(every_byte_in_a_string),
    };
    return cmocka_run_group_tests_name("wire_scan", tests, NULL, NULL);
}
