/* outgoing: what leaves verifies, in the kinds of numbers that were hashed; what does not says why. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "engine/outgoing.h"
#include "format/verify.h"
#include "format/wire.h"
#include "signals.h"

static struct buf json;
static struct buf scratch;

static enum fault prepare(const char *text, struct err *err)
{
    struct signal signal = {0};
    assert_int_equal(wire_read(text, strlen(text), &signal, err), FAULT_NONE);
    enum fault fault = outgoing_prepare(&signal, &json, &scratch, err);
    signal_clear(&signal);
    return fault;
}

static void check_sent_verifies(void)
{
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    read_signal(&signal, json.data);
    assert_true(verify_signal(&signal, &form, &text));
    buf_clear(&text);
    signal_clear(&signal);
}

static int finish(void **state)
{
    (void)state;
    buf_clear(&json);
    buf_clear(&scratch);
    return 0;
}

static void a_valid_one_is_one_line_that_verifies(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf text = {0};
    valid_signal(&text, "a \"quoted\" \xc3\xa9 id\n");
    assert_int_equal(prepare(text.data, &err), FAULT_NONE);
    assert_null(strchr(json.data, '\n'));
    assert_int_equal(strlen(json.data), json.len);
    check_sent_verifies();
    buf_clear(&text);
}

static void the_json_is_emptied_first(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf text = {0};
    valid_signal(&text, "id");
    assert_int_equal(prepare(text.data, &err), FAULT_NONE);
    size_t len = json.len;
    assert_int_equal(prepare(text.data, &err), FAULT_NONE);
    assert_int_equal(json.len, len);
    buf_clear(&text);
}

/* Neutral is what has no action: it is no trade, and not sent. An action that is missing is a broken signal. */
static void neutral_signals(void **state)
{
    (void)state;
    static const char *const actions[] = {"null", "\"BUY\"", "\"\"", "\"null\"", "false", NULL};
    for (size_t i = 0; i < COUNT(actions); i++) {
        struct signal signal = {0};
        struct err err = {0};
        const char *text = signal_json("action", actions[i]);
        assert_int_equal(wire_read(text, strlen(text), &signal, &err), FAULT_NONE);
        assert_int_equal(outgoing_is_neutral(&signal), i == 0);
        signal_clear(&signal);
    }
}

/* The database gives 267.0 for the 267 that was hashed. */
static void whole_numbers_find_their_kind(void **state)
{
    (void)state;
    static const char *const hashed[] = {
        "{\"action\": \"BUY\", \"confidence\": 80, \"entry_price\": 267, \"signal_id\": \"i\", "
        "\"stop_price\": 259.0, \"strategy\": \"s\", \"symbol\": \"A\", \"target_price\": 280, "
        "\"timestamp\": \"2026-11-01T13:30:02+00:00\"}",
        "{\"action\": \"BUY\", \"confidence\": 80.0, \"entry_price\": 267.0, \"signal_id\": \"i\", "
        "\"stop_price\": 259, \"strategy\": \"s\", \"symbol\": \"A\", \"target_price\": 280.0, "
        "\"timestamp\": \"2026-11-01T13:30:02+00:00\"}",
        /* null in the table, absent in what was hashed */
        ("{\"action\": \"BUY\", \"confidence\": 80, \"entry_price\": 267.0, \"signal_id\": \"i\", "
         "\"strategy\": \"s\", \"symbol\": \"A\", \"timestamp\": \"2026-11-01T13:30:02+00:00\"}"),
    };
    static const char *const limits[] = {"\"stop_price\": 259.0, \"target_price\": 280.0, ",
                                         "\"stop_price\": 259.0, \"target_price\": 280.0, ",
                                         "\"stop_price\": null, \"target_price\": null, "};
    for (size_t i = 0; i < COUNT(hashed); i++) {
        char digits[DIGEST_HEX_LEN + 1];
        char row[1024];
        struct err err = {0};
        hash_of(hashed[i], digits);
        (void)snprintf(row, sizeof row,
                       "{\"action\": \"BUY\", \"confidence\": 80.0, \"entry_price\": 267.0, \"signal_id\": \"i\", "
                       "%s\"strategy\": \"s\", \"symbol\": \"A\", \"timestamp\": \"2026-11-01T13:30:02+00:00\", "
                       "\"sha256\": \"%s\"}",
                       limits[i], digits);
        assert_int_equal(prepare(row, &err), FAULT_NONE);
        check_sent_verifies();
        assert_int_equal(!strstr(json.data, "\"entry_price\":267.0"), !strstr(hashed[i], "\"entry_price\": 267.0"));
        assert_int_equal(!strstr(json.data, "\"target_price\""), !strstr(hashed[i], "\"target_price\""));
    }
}

static void a_hash_of_something_else(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(prepare(signal_json("entry_price", "267.45"), &err), FAULT_HASH_MISMATCH);
    assert_string_equal(err.subject, "sha256");
    assert_true(err.message[0] != '\0');
    assert_non_null(strstr(json.data, "\"entry_price\":267.45"));
    assert_non_null(strstr(json.data, "\"signal_id\":\"68a40f327ea78805\""));
    assert_int_equal(prepare(signal_json("sha256", "\"\""), &err), FAULT_HASH_MISMATCH);
}

static void a_broken_rule_comes_before_the_hash(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(prepare(signal_json("confidence", "101"), &err), FAULT_INVALID_FIELD);
    assert_string_equal(err.subject, "confidence");
    assert_non_null(strstr(json.data, "\"confidence\":101"));
    assert_int_equal(prepare(signal_json("symbol", NULL), &err), FAULT_INVALID_FIELD);
    assert_string_equal(err.subject, "symbol");
    assert_int_equal(prepare(signal_json("action", "null"), &err), FAULT_INVALID_FIELD);
    assert_int_equal(prepare(signal_json("entry_price", "[1]"), &err), FAULT_INVALID_FIELD);
    assert_non_null(strstr(json.data, "\"signal_id\":\"68a40f327ea78805\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_one_is_one_line_that_verifies),
        cmocka_unit_test(the_json_is_emptied_first),
        cmocka_unit_test(neutral_signals),
        cmocka_unit_test(whole_numbers_find_their_kind),
        cmocka_unit_test(a_hash_of_something_else),
        cmocka_unit_test(a_broken_rule_comes_before_the_hash),
    };
    return cmocka_run_group_tests_name("outgoing", tests, NULL, finish);
}
