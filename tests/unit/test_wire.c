/* wire: JSON in, JSON out, and the same signal both times. */
#include "support.h"

#include <string.h>

#include "format/canonical.h"
#include "format/wire.h"

static void check_written(const char *json, const char *expected)
{
    struct signal signal = {0};
    struct buf out = {0};
    const char *text = quoted(json);
    assert_int_equal(wire_read(text, strlen(text), &signal, NULL), FAULT_NONE);
    wire_write(&signal, &out);
    assert_string_equal(out.data, quoted(expected));
    buf_clear(&out);
    signal_clear(&signal);
}

static void kinds_stay(void **state)
{
    (void)state;
    check_written("{}", "{}");
    check_written("{'entry_price':267,'confidence':267.0,'symbol':'AAPL'}",
                  "{'symbol':'AAPL','entry_price':267,'confidence':267.0}");
    check_written("{'sources_count': 3, 'regime': '\xc3\xa9'}", "{'regime':'\\u00e9','sources_count':3}");
    check_written("{'take_profit': 5, 'verification_hash': 'x', 'target_price': 0}",
                  "{'target_price':0,'take_profit':5,'verification_hash':'x'}");
}

static void nulls(void **state)
{
    (void)state;
    check_written("{'target_price': null, 'strategy': null}", "{'target_price':null,'strategy':null}");
    check_written("{'regime': null, 'take_profit': null, 'verification_hash': null}", "{}");
}

static void what_no_field_has_is_ignored(void **state)
{
    (void)state;
    check_written("{'order_id': 5, 'x': {'symbol': 'no'}, 'Symbol': 'no', '': 1, 'symbol': 'A'}", "{'symbol':'A'}");
}

static void written_it_reads_back_the_same(void **state)
{
    (void)state;
    const char *json =
        quoted("{'signal_id': '\xe6\x9c\xba \\u007f\\n', 'symbol': ' aapl', 'action': 'Buy', 'entry_price': 5e-324,"
               " 'target_price': 0, 'take_profit': 12345678901234567, 'stop_price': null, 'stop_loss': "
               "1.7976931348623157e308,"
               " 'confidence': 1, 'timestamp': '2026-11-01 13:30:02', 'sha256': '', 'strategy': '\xf0\x9f\x93\x88',"
               " 'sources_count': -1, 'consensus_agreement': 0.1}");
    struct signal first;
    struct signal second;
    read_signal(&first, json);
    struct buf out = {0};
    wire_write(&first, &out);
    assert_null(memchr(out.data, '\n', out.len));
    read_signal(&second, out.data);
    for (int form = FORM_PRODUCER; form <= FORM_RECEIVER; form++) {
        struct buf a = {0};
        struct buf b = {0};
        canonical_write(&first, (enum canonical_form)form, &a);
        canonical_write(&second, (enum canonical_form)form, &b);
        assert_string_equal(a.data, b.data);
        buf_clear(&a);
        buf_clear(&b);
    }
    struct buf again = {0};
    wire_write(&second, &again);
    assert_string_equal(out.data, again.data);
    buf_clear(&again);
    buf_clear(&out);
    signal_clear(&first);
    signal_clear(&second);
}

static void what_is_no_signal(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "[]",
                                        "[{}]",
                                        "null",
                                        "{",
                                        "{} {}",
                                        "{\"symbol\": 1, \"symbol\": 1}",
                                        "{\"symbol\": NaN}",
                                        "{\"x\": \"\\u0000\"}"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct signal signal = {0};
        struct err err = {0};
        assert_int_equal(wire_read_checked(texts[i], strlen(texts[i]), &signal, &err), FAULT_MALFORMED);
        assert_true(err.message[0] != '\0');
        signal_clear(&signal);
    }
}

static void only_len_bytes_are_read(void **state)
{
    (void)state;
    struct signal signal = {0};
    assert_int_equal(wire_read("{} and more", 2, &signal, NULL), FAULT_NONE);
    signal_clear(&signal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_stay),
        cmocka_unit_test(nulls),
        cmocka_unit_test(what_no_field_has_is_ignored),
        cmocka_unit_test(written_it_reads_back_the_same),
        cmocka_unit_test(what_is_no_signal),
        cmocka_unit_test(only_len_bytes_are_read),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
