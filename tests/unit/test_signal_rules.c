/* signal_rules: the edges of every field's rule. Each row is one member of an otherwise valid signal. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/wire.h"

struct row {
    const char *member;
    const char *json; /* with ' for "; NULL: left out */
    enum fault fault;
};

#define OK      FAULT_NONE
#define INVALID FAULT_INVALID_FIELD
#define BROKEN  FAULT_MALFORMED

static void check_row(const struct row *row, const char *json)
{
    struct signal signal = {0};
    struct err err = {0};
    const char *text = signal_json(row->member, json);
    enum fault fault = wire_read_checked(text, strlen(text), &signal, &err);
    if (fault != row->fault)
        fail_msg("%s: '%s' instead of '%s' (%s)", text, fault_code(fault), fault_code(row->fault), err.message);
    if (fault) {
        assert_string_equal(err.subject, row->member);
        assert_non_null(strstr(err.message, row->member));
    }
    signal_clear(&signal);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i], rows[i].json ? quoted(rows[i].json) : NULL);
}

/* Of no type that any field takes. */
static void no_field_takes_these(void **state)
{
    (void)state;
    static const char *const values[] = {"true", "false", "[]", "{}", "[1]", "{\"a\": 1}"};
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        for (size_t k = 0; k < COUNT(values); k++) {
            struct row row = {signal_fields[i].name, values[k], INVALID};
            check_row(&row, values[k]);
            row.member = signal_fields[i].alias;
            if (row.member)
                check_row(&row, values[k]);
        }
}

static void needed_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        struct row row = {signal_fields[i].name, NULL, signal_fields[i].needed ? INVALID : OK};
        check_row(&row, NULL);
        check_row(&row, "null");
        if (!signal_fields[i].alias || signal_fields[i].needed)
            continue;
        row.member = signal_fields[i].alias;
        check_row(&row, "null");
    }
}

static bool is_number_rule(enum signal_rule rule)
{
    return rule == RULE_PRICE || rule == RULE_LIMIT || rule == RULE_CONFIDENCE || rule == RULE_NUMBER ||
           rule == RULE_INTEGER;
}

static void numbers_and_strings_do_not_mix(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        struct row row = {signal_fields[i].name, NULL, INVALID};
        if (is_number_rule(signal_fields[i].rule)) {
            check_row(&row, "\"\"");
            check_row(&row, "\"many\"");
            check_row(&row, "\"1 apple\"");
            row.fault = BROKEN;
            check_row(&row, "\"1\"");
            check_row(&row, "\"-1.5e3\"");
        } else {
            check_row(&row, "1");
            check_row(&row, "1.5");
        }
    }
}

static void ids(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"signal_id", "'x'", OK},
        {"signal_id", "''", INVALID},
        {"signal_id", "' '", OK},
        {"signal_id", "'\xe6\x9c\xba \\n \\u007f'", OK},
    };
    check_rows(rows, COUNT(rows));
    char id[160];
    struct row row = {"signal_id", NULL, OK};
    (void)snprintf(id, sizeof id, "\"%0128d\"", 1);
    check_row(&row, id);
    row.fault = INVALID;
    (void)snprintf(id, sizeof id, "\"%0129d\"", 1);
    check_row(&row, id);
    (void)snprintf(id, sizeof id, "\"%0127d\xc3\xa9\"", 1); /* 128 characters, 129 bytes */
    check_row(&row, id);
}

static void symbols(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"symbol", "'A'", OK},
        {"symbol", "''", INVALID},
        {"symbol", "'  \\t '", INVALID},
        {"symbol", "'12345678901234567890'", OK},
        {"symbol", "'123456789012345678901'", INVALID},
        {"symbol", "'   12345678901234567890   '", OK},
        {"symbol",
         "'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'",
         OK},
        {"symbol",
         "'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x'",
         INVALID},
    };
    check_rows(rows, COUNT(rows));
}

static void actions(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"action", "'BUY'", OK},       {"action", "'sell'", OK},       {"action", "'bUy'", OK},
        {"action", "'Sell'", OK},      {"action", "''", INVALID},      {"action", "'HOLD'", INVALID},
        {"action", "'BUY '", INVALID}, {"action", "' BUY'", INVALID},  {"action", "'BUYS'", INVALID},
        {"action", "'BU'", INVALID},   {"action", "'SELLL'", INVALID},
    };
    check_rows(rows, COUNT(rows));
}

static void prices(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"entry_price", "1", OK},
        {"entry_price", "5e-324", OK},
        {"entry_price", "1.7976931348623157e308", OK},
        {"entry_price", "9223372036854775807", OK},
        {"entry_price", "0", INVALID},
        {"entry_price", "0.0", INVALID},
        {"entry_price", "-0.0", INVALID},
        {"entry_price", "1e-400", INVALID}, /* reads as 0 */
        {"entry_price", "-1", INVALID},
        {"entry_price", "-5e-324", INVALID},
    };
    check_rows(rows, COUNT(rows));
}

static void limits(void **state)
{
    (void)state;
    static const char *const members[] = {"target_price", "take_profit", "stop_price", "stop_loss"};
    for (size_t i = 0; i < COUNT(members); i++) {
        const struct row rows[] = {
            {members[i], "1", OK},       {members[i], "0.01", OK},     {members[i], "null", OK},
            {members[i], NULL, OK},      {members[i], "0", OK},        {members[i], "0.0", OK},
            {members[i], "-0.0", OK},    {members[i], "-1", INVALID},  {members[i], "-5e-324", INVALID},
            {members[i], "'5'", BROKEN}, {members[i], "'x'", INVALID},
        };
        check_rows(rows, COUNT(rows));
    }
}

static void confidences(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"confidence", "0", OK},        {"confidence", "0.0", OK},
        {"confidence", "100", OK},      {"confidence", "100.0", OK},
        {"confidence", "0.5", OK},      {"confidence", "100.00000000000001", INVALID},
        {"confidence", "101", INVALID}, {"confidence", "-5e-324", INVALID},
        {"confidence", "-1", INVALID},  {"confidence", "'82.6'", BROKEN},
    };
    check_rows(rows, COUNT(rows));
}

static void timestamps(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"timestamp", "'2026-11-01T13:30:02'", OK},
        {"timestamp", "'2026-11-01 13:30:02.5Z'", OK},
        {"timestamp", "''", INVALID},
        {"timestamp", "'2026-02-29T13:30:02'", INVALID},
        {"timestamp", "'2026-11-01'", INVALID},
        {"timestamp", "1793539802", INVALID},
    };
    check_rows(rows, COUNT(rows));
}

/* Any text is a hash by this rule: what is none will not match. */
static void hashes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"sha256", "''", OK},
        {"sha256", "'not a hash'", OK},
        {"sha256", "5", INVALID},
        {"verification_hash", "'not a hash'", OK},
        {"verification_hash", "5", INVALID},
        {"verification_hash", "null", OK},
    };
    check_rows(rows, COUNT(rows));
    const char *text =
        quoted("{'signal_id': 'x', 'symbol': 'A', 'action': 'BUY', 'entry_price': 1, 'confidence': 1,"
               " 'timestamp': '2026-11-01T13:30:02', 'verification_hash': 'x'}");
    struct signal signal;
    read_signal(&signal, text);
    signal_clear(&signal);
}

static void optional_texts(void **state)
{
    (void)state;
    static const char *const members[] = {"strategy", "asset_type",   "data_source", "reasoning",
                                          "regime",   "service_type", "executor_id", "generated_by"};
    for (size_t i = 0; i < COUNT(members); i++) {
        const struct row rows[] = {
            {members[i], "''", OK},
            {members[i], "'any text \\n \\u007f \xf0\x9f\x93\x88'", OK},
            {members[i], "5", INVALID},
        };
        check_rows(rows, COUNT(rows));
    }
}

static void optional_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"consensus_agreement", "0.85", OK},
        {"consensus_agreement", "-1e300", OK},
        {"server_timestamp", "1793539802.25", OK},
        {"server_timestamp", "-1", OK},
        {"sources_count", "0", OK},
        {"sources_count", "-1", OK},
        {"sources_count", "2147483647", OK},
        {"sources_count", "2147483648", INVALID},
        {"sources_count", "-2147483648", OK},
        {"sources_count", "-2147483649", INVALID},
        {"sources_count", "9223372036854775807", INVALID},
        {"sources_count", "1.5", INVALID},
        {"sources_count", "1e300", INVALID},
        {"generation_latency_ms", "12", OK},
        {"generation_latency_ms", "0.5", INVALID},
    };
    check_rows(rows, COUNT(rows));
}

/* What an adapter might bring, past any JSON parser. */
static void text_that_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
    } texts[] = {{"\xff", 1}, {"a\0b", 3}, {"\xed\xa0\x80", 3}, {"\xc3", 1}};
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        for (size_t k = 0; k < COUNT(texts) && !is_number_rule(signal_fields[i].rule); k++) {
            struct signal signal;
            struct err err = {0};
            read_signal(&signal, signal_json(NULL, NULL));
            assert_int_equal(signal_set_text(&signal, &signal.given[i], texts[k].data, texts[k].len), 0);
            assert_int_equal(signal_check(&signal, &err), FAULT_MALFORMED);
            assert_string_equal(err.subject, signal_fields[i].name);
            signal_clear(&signal);
        }
}

static void numbers_that_are_none(void **state)
{
    (void)state;
    static const double numbers[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        for (size_t k = 0; k < COUNT(numbers) && is_number_rule(signal_fields[i].rule); k++) {
            struct signal signal;
            struct err err = {0};
            read_signal(&signal, signal_json(NULL, NULL));
            signal.given[i] = value_real(numbers[k]);
            assert_int_equal(signal_check(&signal, &err), FAULT_INVALID_FIELD);
            assert_string_equal(err.subject, signal_fields[i].name);
            signal_clear(&signal);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_field_takes_these),
        cmocka_unit_test(needed_or_not),
        cmocka_unit_test(numbers_and_strings_do_not_mix),
        cmocka_unit_test(ids),
        cmocka_unit_test(symbols),
        cmocka_unit_test(actions),
        cmocka_unit_test(prices),
        cmocka_unit_test(limits),
        cmocka_unit_test(confidences),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(hashes),
        cmocka_unit_test(optional_texts),
        cmocka_unit_test(optional_numbers),
        cmocka_unit_test(text_that_is_none),
        cmocka_unit_test(numbers_that_are_none),
    };
    return cmocka_run_group_tests_name("signal_rules", tests, NULL, NULL);
}
