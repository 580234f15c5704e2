/* signal_fields: the one list of a signal's fields. Parsing, validation, JSON out, the hash and the SQL column
 * list all come from it: adding a field is one row here (and its column in a migration).
 *
 * FIELD(id, name, alias, rule, needed, hashed, fallback, column, column type)
 *   alias     another name that the field may come under, or NULL (signal.h: signal_effective says which wins)
 *   rule      enum signal_rule
 *   hashed    the field is part of the hashed text
 *   fallback  what is stored when it is missing or null, or NULL
 *   column    where Alpine's table keeps it, or NULL; the type is PostgreSQL's name
 */
#define SIGNAL_FIELDS(FIELD)                                                                                       \
    FIELD(SIGNAL_ID, "signal_id", NULL, RULE_ID, true, true, NULL, "external_signal_id", "text")                   \
    FIELD(SYMBOL, "symbol", NULL, RULE_SYMBOL, true, true, NULL, "symbol", "text")                                 \
    FIELD(ACTION, "action", NULL, RULE_ACTION, true, true, NULL, "action", "signalaction")                         \
    FIELD(ENTRY_PRICE, "entry_price", NULL, RULE_PRICE, true, true, NULL, "price", "float8")                       \
    FIELD(TARGET_PRICE, "target_price", "take_profit", RULE_LIMIT, false, true, NULL, "target_price", "float8")    \
    FIELD(STOP_PRICE, "stop_price", "stop_loss", RULE_LIMIT, false, true, NULL, "stop_loss", "float8")             \
    FIELD(CONFIDENCE, "confidence", NULL, RULE_CONFIDENCE, true, true, NULL, "confidence", "float8")               \
    FIELD(TIMESTAMP, "timestamp", NULL, RULE_TIMESTAMP, true, true, NULL, "signal_timestamp", "timestamptz")       \
    FIELD(SHA256, "sha256", "verification_hash", RULE_HASH, true, false, NULL, "verification_hash", "text")        \
    FIELD(STRATEGY, "strategy", NULL, RULE_TEXT, false, true, "weighted_consensus_v6", "strategy", "text")         \
    FIELD(ASSET_TYPE, "asset_type", NULL, RULE_TEXT, false, false, "stock", "asset_type", "text")                  \
    FIELD(DATA_SOURCE, "data_source", NULL, RULE_TEXT, false, false, "weighted_consensus", "data_source", "text")  \
    FIELD(REASONING, "reasoning", NULL, RULE_TEXT, false, false, NULL, NULL, NULL)                                 \
    FIELD(REGIME, "regime", NULL, RULE_TEXT, false, false, NULL, "regime", "text")                                 \
    FIELD(SERVICE_TYPE, "service_type", NULL, RULE_TEXT, false, false, NULL, "service_type", "text")               \
    FIELD(EXECUTOR_ID, "executor_id", NULL, RULE_TEXT, false, false, NULL, "executor_id", "text")                  \
    FIELD(GENERATED_BY, "generated_by", NULL, RULE_TEXT, false, false, NULL, "generated_by", "text")               \
    FIELD(CONSENSUS_AGREEMENT, "consensus_agreement", NULL, RULE_NUMBER, false, false, NULL,                       \
          "consensus_agreement", "float8")                                                                         \
    FIELD(SERVER_TIMESTAMP, "server_timestamp", NULL, RULE_NUMBER, false, false, NULL,                             \
          "provider_server_timestamp", "float8")                                                                   \
    FIELD(SOURCES_COUNT, "sources_count", NULL, RULE_INTEGER, false, false, NULL, "sources_count", "int4")         \
    FIELD(GENERATION_LATENCY_MS, "generation_latency_ms", NULL, RULE_INTEGER, false, false, NULL,                  \
          "generation_latency_ms", "int4")
