/* signal_stored: what Alpine's table keeps of a signal. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "format/wire.h"

/* The stored value of a field, of a valid signal with one member given as `json`. Cleared with signal_clear.
 */
static struct value stored(struct signal *signal, const char *member, const char *json, enum signal_field field)
{
    read_signal(signal, signal_json(member, json));
    return signal_stored(signal, field);
}

static void is_text(const char *member, const char *json, enum signal_field field, const char *expected)
{
    struct signal signal;
    struct value value = stored(&signal, member, json, field);
    assert_int_equal(value.kind, VALUE_TEXT);
    assert_int_equal(value.as.text.len, strlen(expected));
    assert_memory_equal(value.as.text.data, expected, strlen(expected));
    signal_clear(&signal);
}

static void is_real(const char *member, const char *json, enum signal_field field, double expected)
{
    struct signal signal;
    struct value value = stored(&signal, member, json, field);
    assert_int_equal(value.kind, VALUE_REAL);
    if (value.as.real != expected)
        fail_msg("%s=%s: %.17g, not %.17g", member, json, value.as.real, expected);
    signal_clear(&signal);
}

static void is_integer(const char *member, const char *json, enum signal_field field, int64_t expected)
{
    struct signal signal;
    struct value value = stored(&signal, member, json, field);
    assert_int_equal(value.kind, VALUE_INTEGER);
    assert_int_equal(value.as.integer, expected);
    signal_clear(&signal);
}

static void is_none(const char *member, const char *json, enum signal_field field)
{
    struct signal signal;
    assert_int_equal(stored(&signal, member, json, field).kind, VALUE_NULL);
    signal_clear(&signal);
}

static void defaults(void **state)
{
    (void)state;
    is_text(NULL, NULL, FIELD_STRATEGY, "weighted_consensus_v6");
    is_text("strategy", "null", FIELD_STRATEGY, "weighted_consensus_v6");
    is_text("strategy", "\"mom\"", FIELD_STRATEGY, "mom");
    is_text("strategy", "\"\"", FIELD_STRATEGY, "");
    is_text(NULL, NULL, FIELD_ASSET_TYPE, "stock");
    is_text("asset_type", "\"crypto\"", FIELD_ASSET_TYPE, "crypto");
    is_text(NULL, NULL, FIELD_DATA_SOURCE, "weighted_consensus");
    is_none(NULL, NULL, FIELD_REASONING);
    is_none(NULL, NULL, FIELD_REGIME);
    is_none(NULL, NULL, FIELD_SERVICE_TYPE);
    is_none(NULL, NULL, FIELD_EXECUTOR_ID);
    is_none(NULL, NULL, FIELD_GENERATED_BY);
    is_none(NULL, NULL, FIELD_CONSENSUS_AGREEMENT);
    is_none("server_timestamp", "null", FIELD_SERVER_TIMESTAMP);
    is_none(NULL, NULL, FIELD_SOURCES_COUNT);
    is_none(NULL, NULL, FIELD_GENERATION_LATENCY_MS);
}

static void confidence_is_a_share(void **state)
{
    (void)state;
    is_real("confidence", "82.6", FIELD_CONFIDENCE, 82.6 / 100);
    is_real("confidence", "100", FIELD_CONFIDENCE, 1);
    is_real("confidence", "1", FIELD_CONFIDENCE, 1);
    is_real("confidence", "1.0000000000000002", FIELD_CONFIDENCE, 1.0000000000000002 / 100);
    is_real("confidence", "0.5", FIELD_CONFIDENCE, 0.5);
    is_real("confidence", "0", FIELD_CONFIDENCE, 0);
    is_real("confidence", "2", FIELD_CONFIDENCE, 0.02);
}

static void prices_are_reals(void **state)
{
    (void)state;
    is_real("entry_price", "267", FIELD_ENTRY_PRICE, 267);
    is_real("entry_price", "267.44", FIELD_ENTRY_PRICE, 267.44);
    is_real("target_price", "280", FIELD_TARGET_PRICE, 280);
    is_none("target_price", "0", FIELD_TARGET_PRICE);
    is_none("target_price", "-0.0", FIELD_TARGET_PRICE);
    is_none("target_price", "null", FIELD_TARGET_PRICE);
    is_none("stop_price", NULL, FIELD_STOP_PRICE);
}

static void aliases_stand_in(void **state)
{
    (void)state;
    static const char *const nothing[] = {"", "'stop_price': null, ", "'stop_price': 0, ", "'stop_price': 0.0, "};
    for (size_t i = 0; i < COUNT(nothing); i++) {
        struct signal signal;
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{%s'stop_loss': 99, 'target_price': 5, 'take_profit': 6, 'signal_id': 'x', 'symbol': 'A',"
                       " 'action': 'BUY', 'entry_price': 1, 'confidence': 1, 'timestamp': '2026-11-01T13:30:02',"
                       " 'sha256': 'given', 'verification_hash': 'alias'}",
                       nothing[i]);
        read_signal(&signal, quoted(text));
        assert_true(signal_stored(&signal, FIELD_STOP_PRICE).as.real == 99);
        assert_true(signal_stored(&signal, FIELD_TARGET_PRICE).as.real == 5);
        signal_clear(&signal);
    }
}

static void words_in_upper_case(void **state)
{
    (void)state;
    is_text("action", "\"bUy\"", FIELD_ACTION, "BUY");
    is_text("action", "\"sell\"", FIELD_ACTION, "SELL");
    is_text("symbol", "\" btc-usd\\n\"", FIELD_SYMBOL, "BTC-USD");
    is_text("symbol", "\"\\u00e9toile \"", FIELD_SYMBOL, "\xc3\x89TOILE");
    is_text("signal_id", "\" Id \"", FIELD_SIGNAL_ID, " Id ");
}

static void the_hash_is_lower_case_or_empty(void **state)
{
    (void)state;
    static const char hash[] = "5cde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3c";
    is_text(NULL, NULL, FIELD_SHA256, hash);
    is_text("sha256", "\"5CDE8817B69299CA98F4BD31DB45E5BC535C1FBC20C4603D4EE726A59D484E3C\"", FIELD_SHA256, hash);
    is_text("sha256", "\"5cde\"", FIELD_SHA256, "");
    is_text("sha256", "\"5cde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3c0\"", FIELD_SHA256, "");
    is_text("sha256", "\"5cde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3\"", FIELD_SHA256, "");
    is_text("sha256", "\"gcde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3c\"", FIELD_SHA256, "");
    is_text("verification_hash", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
            FIELD_SHA256, "0000000000000000000000000000000000000000000000000000000000000000");
}

static void moments_and_counts(void **state)
{
    (void)state;
    is_integer("timestamp", "\"1970-01-01T00:00:01.5\"", FIELD_TIMESTAMP, 1500000);
    is_integer("sources_count", "4", FIELD_SOURCES_COUNT, 4);
    is_integer("generation_latency_ms", "-2147483648", FIELD_GENERATION_LATENCY_MS, INT32_MIN);
    is_real("consensus_agreement", "1", FIELD_CONSENSUS_AGREEMENT, 1);
    is_real("server_timestamp", "1793539802.25", FIELD_SERVER_TIMESTAMP, 1793539802.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(confidence_is_a_share),
        cmocka_unit_test(prices_are_reals),
        cmocka_unit_test(aliases_stand_in),
        cmocka_unit_test(words_in_upper_case),
        cmocka_unit_test(the_hash_is_lower_case_or_empty),
        cmocka_unit_test(moments_and_counts),
    };
    return cmocka_run_group_tests_name("signal_stored", tests, NULL, NULL);
}
