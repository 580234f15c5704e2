/* canonical: both forms of the hashed text, as json.dumps writes them. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/canonical.h"
#include "format/wire.h"

static void check(const char *json, enum canonical_form form, const char *expected)
{
    struct signal signal = {0};
    struct buf text = {0};
    char *wanted = strdup(quoted(expected));
    const char *given = quoted(json);
    assert_int_equal(wire_read(given, strlen(given), &signal, NULL), FAULT_NONE);
    canonical_write(&signal, form, &text);
    assert_string_equal(text.data, wanted);
    assert_int_equal(text.len, strlen(wanted));
    free(wanted);
    buf_clear(&text);
    signal_clear(&signal);
}

static void the_list_is_the_hashed_rows_in_order(void **state)
{
    (void)state;
    struct signal signal = {0};
    struct buf text = {0};
    const char *previous = "";
    size_t hashed = 0;
    canonical_write(&signal, FORM_RECEIVER, &text);
    for (char *at = strchr(text.data, '"'); at; at = strstr(at, ", \"") ? strstr(at, ", \"") + 2 : NULL) {
        char *name = strndup(at + 1, strcspn(at + 1, "\""));
        const struct value *slot = signal_slot(&signal, name, strlen(name));
        assert_true(slot >= signal.given && slot < signal.given + SIGNAL_FIELD_COUNT);
        assert_true(signal_fields[slot - signal.given].hashed);
        assert_true(strcmp(previous, name) < 0);
        previous = signal_fields[slot - signal.given].name;
        hashed++;
        free(name);
    }
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        hashed -= signal_fields[i].hashed;
    assert_int_equal(hashed, 0);
    buf_clear(&text);
}

static const char whole[] = "{'regime': 'X', 'timestamp': '2026-11-01T13:30:02', 'target_price': 280.5, "
                            "'symbol': 'AAPL', 'strategy': 'mom',"
                            " 'stop_price': 259, 'signal_id': 'x1', 'entry_price': 267, 'confidence': 82.0, "
                            "'action': 'buy', 'sha256': ''}";

static void a_whole_signal(void **state)
{
    (void)state;
    check(whole, FORM_PRODUCER,
          "{'action': 'buy', 'confidence': 82.0, 'entry_price': 267, 'signal_id': 'x1', 'stop_price': 259,"
          " 'strategy': 'mom', 'symbol': 'AAPL', 'target_price': 280.5, 'timestamp': '2026-11-01T13:30:02'}");
    check(whole, FORM_RECEIVER,
          "{'action': 'BUY', 'confidence': 82.0, 'entry_price': 267.0, 'signal_id': 'x1', 'stop_price': 259.0,"
          " 'strategy': 'mom', 'symbol': 'AAPL', 'target_price': 280.5, 'timestamp': '2026-11-01T13:30:02'}");
}

static void what_is_missing(void **state)
{
    (void)state;
    check("{}", FORM_PRODUCER, "{}");
    check("{'regime': 'X'}", FORM_PRODUCER, "{}");
    check("{'symbol': null}", FORM_PRODUCER, "{'symbol': null}");
    check("{}", FORM_RECEIVER,
          "{'action': null, 'confidence': null, 'entry_price': null, 'signal_id': null, 'stop_price': null,"
          " 'strategy': 'weighted_consensus_v6', 'symbol': null, 'target_price': null, 'timestamp': null}");
    check("{'strategy': null}", FORM_RECEIVER,
          "{'action': null, 'confidence': null, 'entry_price': null, 'signal_id': null, 'stop_price': null,"
          " 'strategy': null, 'symbol': null, 'target_price': null, 'timestamp': null}");
}

/* The receiver form of a signal that has only these limits. */
static void check_limits(const char *json, const char *stop, const char *target)
{
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "{'action': null, 'confidence': null, 'entry_price': null, 'signal_id': null, 'stop_price': %s,"
                   " 'strategy': 'weighted_consensus_v6', 'symbol': null, 'target_price': %s, 'timestamp': null}",
                   stop, target);
    check(json, FORM_RECEIVER, expected);
}

static void aliases(void **state)
{
    (void)state;
    check("{'take_profit': 5, 'stop_loss': 4}", FORM_PRODUCER, "{}");
    check("{'target_price': 0, 'take_profit': 5}", FORM_PRODUCER, "{'target_price': 0}");
    check_limits("{'take_profit': 5, 'stop_loss': 4}", "4.0", "5.0");
    check_limits("{'target_price': null, 'take_profit': 5}", "null", "5.0");
    check_limits("{'target_price': 0, 'take_profit': 5}", "null", "5.0");
    check_limits("{'target_price': 0.0, 'take_profit': 5}", "null", "5.0");
    check_limits("{'target_price': 7, 'take_profit': 5}", "null", "7.0");
    check_limits("{'stop_price': 0}", "null", "null");
    check_limits("{'stop_price': -0.0, 'stop_loss': null}", "null", "null");
}

static void numbers(void **state)
{
    (void)state;
    check("{'confidence': -0.0, 'entry_price': 1e16}", FORM_PRODUCER, "{'confidence': -0.0, 'entry_price': 1e+16}");
    check("{'confidence': -0, 'entry_price': 10000000000000000}", FORM_PRODUCER,
          "{'confidence': 0, 'entry_price': 10000000000000000}");
    check("{'confidence': 1E2, 'entry_price': 267.10}", FORM_PRODUCER,
          "{'confidence': 100.0, 'entry_price': 267.1}");
    check("{'confidence': 9223372036854775807}", FORM_PRODUCER, "{'confidence': 9223372036854775807}");
    check_limits("{'stop_price': 9007199254740993, 'target_price': 9223372036854775807}", "9007199254740992.0",
                 "9.223372036854776e+18");
}

static void texts(void **state)
{
    (void)state;
    check("{'strategy': '\xc3\xa9\x7f\\u2028\\t\\/ \xf0\x9f\x93\x88'}", FORM_PRODUCER,
          "{'strategy': '\\u00e9\\u007f\\u2028\\t/ \\ud83d\\udcc8'}");
    check("{'symbol': ' aapl '}", FORM_PRODUCER, "{'symbol': ' aapl '}");
}

static void names_of_forms(void **state)
{
    (void)state;
    assert_string_equal(canonical_form_name(FORM_PRODUCER), "producer");
    assert_string_equal(canonical_form_name(FORM_RECEIVER), "receiver");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_the_hashed_rows_in_order),
        cmocka_unit_test(a_whole_signal),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(aliases),
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts),
        cmocka_unit_test(names_of_forms),
    };
    return cmocka_run_group_tests_name("canonical", tests, NULL, NULL);
}
