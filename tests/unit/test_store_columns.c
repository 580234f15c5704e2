/* store_columns: every column of the field table and the derived ones, with the value that belongs there. */
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/store_columns.h"

static struct store_column columns[STORE_COLUMNS_MAX];
static struct arena arena;
static struct signal signal_read;

static size_t all(void)
{
    size_t count = store_columns(columns);
    assert_in_range(count, 1, STORE_COLUMNS_MAX);
    return count;
}

static const struct store_column *find(const char *name)
{
    const struct store_column *found = NULL;
    size_t count = all();
    for (size_t i = 0; i < count; i++)
        if (!strcmp(columns[i].name, name)) {
            assert_null(found);
            found = &columns[i];
        }
    assert_non_null(found);
    return found;
}

/* What the column gets for the signal with this member (signal_json), received at that time. */
static struct value value_of(const char *column, const char *name, const char *json, int64_t received_us)
{
    signal_clear(&signal_read);
    read_signal(&signal_read, signal_json(name, json));
    const struct store_row row = {
        .signal = &signal_read, .provider = "argo", .canonical = "{}", .received_us = received_us};
    return store_column_value(find(column), &row, &arena);
}

static void check_text(const char *column, const char *name, const char *json, const char *expected)
{
    struct value value = value_of(column, name, json, 0);
    assert_int_equal(value.kind, VALUE_TEXT);
    assert_int_equal(value.as.text.len, strlen(expected));
    assert_memory_equal(value.as.text.data, expected, value.as.text.len);
}

static int finish(void **state)
{
    (void)state;
    signal_clear(&signal_read);
    arena_clear(&arena);
    return 0;
}

static void the_field_table_and_the_derived_ones(void **state)
{
    (void)state;
    static const char *const derived[] = {"provider", "canonical", "rationale", "server_timestamp",
                                          "delivery_latency_ms"};
    size_t expected = COUNT(derived);
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        if (!signal_fields[i].column)
            continue;
        const struct store_column *column = find(signal_fields[i].column);
        assert_string_equal(column->type, signal_fields[i].column_type);
        assert_int_equal(column->field, i);
        assert_null(column->derive);
        expected++;
    }
    for (size_t i = 0; i < COUNT(derived); i++)
        assert_non_null(find(derived[i])->derive);
    assert_int_equal(all(), expected);
}

/* Alpine's own columns and ours (the contract, section 6); the receiver sets the rest in the statement. */
static void every_column_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {
        "symbol",
        "action",
        "price",
        "target_price",
        "stop_loss",
        "confidence",
        "rationale",
        "verification_hash",
        "server_timestamp",
        "generation_latency_ms",
        "delivery_latency_ms",
        "provider",
        "external_signal_id",
        "signal_timestamp",
        "strategy",
        "asset_type",
        "data_source",
        "regime",
        "consensus_agreement",
        "sources_count",
        "service_type",
        "executor_id",
        "generated_by",
        "canonical",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        (void)find(names[i]);
}

static void check_statement(bool one_row)
{
    struct buf sql = {0};
    size_t count = all();
    char last[32];
    store_columns_insert_sql(columns, count, one_row, &sql);
    for (size_t i = 0; i < count; i++) {
        char expected[128];
        (void)snprintf(expected, sizeof expected, "input.%s::%s", columns[i].name, columns[i].type);
        assert_non_null(strstr(sql.data, expected));
        (void)snprintf(expected, sizeof expected, one_row ? "$%zu AS " : "unnest($%zu) AS ", i + 1);
        assert_non_null(strstr(sql.data, expected));
    }
    size_t params = one_row ? count + 1 : count + 2; /* one row has none before it whose hash was to be given */
    for (size_t i = count + 1; i <= params + 1; i++) {
        (void)snprintf(last, sizeof last, "$%zu", i);
        assert_int_equal(strstr(sql.data, last) != NULL, i <= params);
    }
    static const char *const needed[] = {"count(*) FROM stored", "RETURNING",  "interval '7 years'", "is_active",
                                         "previous_hash",        "chain_index"};
    for (size_t i = 0; i < COUNT(needed); i++)
        assert_non_null(strstr(sql.data, needed[i]));
    assert_null(strstr(sql.data, "DO UPDATE"));
    buf_clear(&sql);
}

static void the_statement_names_them_all(void **state)
{
    (void)state;
    check_statement(false);
}

static void so_does_that_of_one_row(void **state)
{
    (void)state;
    check_statement(true);
}

static void rationale(void **state)
{
    (void)state;
#define GENERATED "Weighted Consensus v6.0 - weighted_consensus_v6"
    check_text("rationale", NULL, NULL, GENERATED);
    check_text("rationale", "reasoning", "null", GENERATED);
    check_text("rationale", "reasoning", "\"\"", GENERATED);
    check_text("rationale", "reasoning", "\" \\n\\t \"", GENERATED);
    check_text("rationale", "reasoning", "\"                         \"", GENERATED);
    check_text("rationale", "reasoning", "\"short\"", GENERATED ": short");
    check_text("rationale", "reasoning", "\"1234567890123456789\"", GENERATED ": 1234567890123456789");
    check_text("rationale", "reasoning", "\"12345678901234567890\"", "12345678901234567890");
    check_text("rationale", "reasoning", "\"   12345678901234567   \"", GENERATED ":    12345678901234567   ");
    check_text("rationale", "strategy", "\"mine\"", "Weighted Consensus v6.0 - mine");
}

/* Characters, not bytes: ten of two bytes each are ten. */
static void rationale_counts_characters(void **state)
{
    (void)state;
#define TEN "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
    check_text("rationale", "reasoning", "\"" TEN "\"", GENERATED ": " TEN);
    check_text("rationale", "reasoning", "\"" TEN TEN "\"", TEN TEN);
}

#define SIGNAL_US 1762003802254258 /* 2025-11-01T13:30:02.254258Z */
#define TIMESTAMP "\"2025-11-01T13:30:02.254258+00:00\""

static void latency(void **state)
{
    (void)state;
    static const struct {
        int64_t later_us;
        int64_t ms;
    } cases[] = {
        {0, 0},
        {999, 0},
        {1000, 1},
        {123456789, 123456},
        {INT_MAX * 1000LL, INT_MAX},
        {INT_MAX * 1000LL + 1000, INT_MAX},
        {100LL * 365 * 86400 * 1000000, INT_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct value value = value_of("delivery_latency_ms", "timestamp", TIMESTAMP, SIGNAL_US + cases[i].later_us);
        assert_int_equal(value.kind, VALUE_INTEGER);
        assert_int_equal(value.as.integer, cases[i].ms);
    }
}

static void a_signal_from_the_future_has_no_latency(void **state)
{
    (void)state;
    assert_int_equal(value_of("delivery_latency_ms", "timestamp", TIMESTAMP, SIGNAL_US - 1).kind, VALUE_NULL);
    assert_int_equal(value_of("delivery_latency_ms", "timestamp", TIMESTAMP, 0).kind, VALUE_NULL);
}

static void the_other_values(void **state)
{
    (void)state;
    check_text("provider", NULL, NULL, "argo");
    check_text("canonical", NULL, NULL, "{}");
    check_text("symbol", "symbol", "\" aapl \"", "AAPL");
    check_text("action", "action", "\"sell\"", "SELL");
    check_text("external_signal_id", NULL, NULL, "68a40f327ea78805");
    struct value value = value_of("server_timestamp", "timestamp", TIMESTAMP, SIGNAL_US);
    assert_int_equal(value.kind, VALUE_REAL);
    assert_true(value.as.real == 1762003802.254258);
    value = value_of("signal_timestamp", "timestamp", TIMESTAMP, 0);
    assert_int_equal(value.as.integer, SIGNAL_US);
    assert_int_equal(value_of("provider_server_timestamp", "server_timestamp", "12.5", 7).as.real, 12.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_field_table_and_the_derived_ones),
        cmocka_unit_test(every_column_of_the_contract),
        cmocka_unit_test(the_statement_names_them_all),
        cmocka_unit_test(so_does_that_of_one_row),
        cmocka_unit_test(rationale),
        cmocka_unit_test(rationale_counts_characters),
        cmocka_unit_test(latency),
        cmocka_unit_test(a_signal_from_the_future_has_no_latency),
        cmocka_unit_test(the_other_values),
    };
    return cmocka_run_group_tests_name("store_columns", tests, NULL, finish);
}
