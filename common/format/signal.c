/* signal: the field table and its rules. */
#include "format/signal.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "format/symbol.h"
#include "format/timestamp.h"

const struct signal_field_info signal_fields[SIGNAL_FIELD_COUNT] = {
#define FIELD(id, name, alias, rule, needed, hashed, fallback, column, column_type)                                \
    [FIELD_##id] = {name,   sizeof(name) - 1, "\"" name "\"", "\"" name "\": ", alias,      rule,                  \
                    needed, hashed,           fallback,       column,           column_type},
    SIGNAL_FIELDS(FIELD)
#undef FIELD
};

const char *fault_code(enum fault fault)
{
    static const char *const codes[] = {
        [FAULT_NONE] = "",
        [FAULT_MALFORMED] = "malformed",
        [FAULT_INVALID_FIELD] = "invalid_field",
        [FAULT_TOO_LARGE] = "too_large",
        [FAULT_HASH_MISMATCH] = "hash_mismatch",
    };
    return codes[fault];
}

static bool value_is_none(const struct value *value)
{
    return value->kind == VALUE_ABSENT || value->kind == VALUE_NULL;
}

void signal_clear(struct signal *signal)
{
    arena_clear(&signal->arena);
    memset(signal, 0, sizeof *signal);
}

struct value *signal_slot(struct signal *signal, const char *name, size_t len)
{
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        const struct signal_field_info *info = &signal_fields[i];
        if (info->name_len == len && info->name[0] == name[0] && !memcmp(info->name, name, len))
            return &signal->given[i];
        if (info->alias && info->alias[0] == name[0] && strlen(info->alias) == len &&
            !memcmp(info->alias, name, len))
            return &signal->alias[i];
    }
    return NULL;
}

int signal_set_text(struct signal *signal, struct value *slot, const char *data, size_t len)
{
    const char *copy = arena_copy(&signal->arena, data, len);
    if (!copy)
        return -1;
    *slot = value_text(copy, len);
    signal->texts_are_valid = false;
    return 0;
}

struct value signal_effective(const struct signal *signal, enum signal_field field)
{
    const struct value *given = &signal->given[field];
    const struct value *alias = &signal->alias[field];
    if (value_is_none(alias))
        return *given;
    if (signal_fields[field].rule == RULE_HASH)
        return *alias;
    bool nothing = value_is_none(given) || (value_is_number(given) && value_number(given) == 0);
    return nothing ? *alias : *given;
}

/* --- rules ------------------------------------------------------------------------------------------------ */

static enum fault invalid(const char *name, struct err *err, const char *detail)
{
    err_set_about(err, name, "%s %s", name, detail);
    return FAULT_INVALID_FIELD;
}

static bool looks_like_number(const struct value *value)
{
    char *end;
    if (value->kind != VALUE_TEXT || !value->as.text.len)
        return false;
    (void)strtod(value->as.text.data, &end);
    return end == value->as.text.data + value->as.text.len;
}

/* The contract refuses a number in a string as malformed, and any other wrong type as an invalid field. */
static enum fault not_a_number(const char *name, const struct value *value, struct err *err)
{
    if (!looks_like_number(value))
        return invalid(name, err, "must be a number");
    err_set_about(err, name, "%s must be a number, not a number in a string", name);
    return FAULT_MALFORMED;
}

static enum fault check_number(const char *name, const struct value *value, double least, double most,
                               const char *detail, struct err *err)
{
    if (!value_is_number(value))
        return not_a_number(name, value, err);
    double number = value_number(value);
    if (!isfinite(number) || number < least || number > most)
        return invalid(name, err, detail);
    return FAULT_NONE;
}

static enum fault check_above_zero(const char *name, const struct value *value, struct err *err)
{
    if (!value_is_number(value))
        return not_a_number(name, value, err);
    double number = value_number(value);
    return isfinite(number) && number > 0 ? FAULT_NONE : invalid(name, err, "must be greater than 0");
}

static enum fault check_integer(const char *name, const struct value *value, struct err *err)
{
    enum fault fault = check_number(name, value, INT_MIN, INT_MAX, "must be a whole number of 32 bits", err);
    if (!fault && value->kind == VALUE_REAL && value->as.real != trunc(value->as.real))
        return invalid(name, err, "must be a whole number");
    return fault;
}

static enum fault check_text(const struct signal *signal, const char *name, const struct value *value,
                             struct err *err)
{
    if (value->kind != VALUE_TEXT)
        return invalid(name, err, "must be a string");
    if (signal->texts_are_valid)
        return FAULT_NONE;
    if (!utf8_valid(value->as.text.data, value->as.text.len) ||
        memchr(value->as.text.data, '\0', value->as.text.len)) {
        err_set_about(err, name, "%s must be valid UTF-8 without U+0000", name);
        return FAULT_MALFORMED;
    }
    return FAULT_NONE;
}

static enum fault check_id(const char *name, const struct value *value, struct err *err)
{
    if (!value->as.text.len || value->as.text.len > SIGNAL_ID_MAX)
        return invalid(name, err, "must have 1 to 128 bytes");
    return FAULT_NONE;
}

static enum fault check_symbol(struct signal *signal, const char *name, const struct value *value, struct err *err)
{
    size_t len;
    const char *text = symbol_normalise(&signal->arena, value->as.text.data, value->as.text.len, &len);
    if (!text)
        return invalid(name, err, "could not be read: out of memory");
    size_t length = utf8_length(text, len);
    if (length < 1 || length > SIGNAL_SYMBOL_MAX)
        return invalid(name, err, "must have 1 to 20 characters once trimmed");
    signal->symbol = value_text(text, len);
    return FAULT_NONE;
}

/* Anything but 64 hex digits is left empty: it breaks no rule, but no hash will ever match it. */
static void set_hash(struct signal *signal)
{
    struct value value = signal_effective(signal, FIELD_SHA256);
    bool is_hash =
        value.as.text.len == DIGEST_HEX_LEN && !hex_lower(value.as.text.data, value.as.text.len, signal->sha256);
    if (!is_hash)
        signal->sha256[0] = '\0';
}

static bool is_word(const struct value *value, const char *word)
{
    return value->as.text.len == strlen(word) && !strncasecmp(value->as.text.data, word, value->as.text.len);
}

static enum fault check_value(struct signal *signal, enum signal_rule rule, const char *name,
                              const struct value *value, struct err *err)
{
    enum fault fault;
    switch (rule) {
    case RULE_PRICE:
        return check_above_zero(name, value, err);
    case RULE_LIMIT:
        if (value_is_number(value) && value_number(value) == 0)
            return FAULT_NONE;
        return check_above_zero(name, value, err);
    case RULE_CONFIDENCE:
        return check_number(name, value, 0, 100, "must be from 0 to 100", err);
    case RULE_NUMBER:
        return check_number(name, value, -INFINITY, INFINITY, "must be a finite number", err);
    case RULE_INTEGER:
        return check_integer(name, value, err);
    case RULE_ID:
    case RULE_SYMBOL:
    case RULE_ACTION:
    case RULE_TIMESTAMP:
    case RULE_HASH:
    case RULE_TEXT:
        break;
    }
    fault = check_text(signal, name, value, err);
    if (fault)
        return fault;
    if (rule == RULE_ID)
        return check_id(name, value, err);
    if (rule == RULE_SYMBOL)
        return check_symbol(signal, name, value, err);
    if (rule == RULE_ACTION && !is_word(value, "BUY") && !is_word(value, "SELL"))
        return invalid(name, err, "must be BUY or SELL");
    if (rule == RULE_TIMESTAMP && timestamp_parse(value->as.text.data, value->as.text.len, &signal->timestamp_us))
        return invalid(name, err, "must be a real date and time such as 2026-11-01T13:30:02.254258+00:00");
    return FAULT_NONE;
}

static enum fault check_field(struct signal *signal, enum signal_field field, struct err *err)
{
    const struct signal_field_info *info = &signal_fields[field];
    const struct value *given = &signal->given[field];
    const struct value *alias = &signal->alias[field];
    enum fault fault = FAULT_NONE;
    if (info->needed && value_is_none(given) && value_is_none(alias)) {
        err_set_about(err, info->name, given->kind == VALUE_NULL ? "%s must not be null" : "%s is missing",
                      info->name);
        return FAULT_INVALID_FIELD;
    }
    if (!value_is_none(given))
        fault = check_value(signal, info->rule, info->name, given, err);
    if (!fault && !value_is_none(alias))
        fault = check_value(signal, info->rule, info->alias, alias, err);
    return fault;
}

enum fault signal_check(struct signal *signal, struct err *err)
{
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        enum fault fault = check_field(signal, (enum signal_field)i, err);
        if (fault)
            return fault;
    }
    set_hash(signal);
    return FAULT_NONE;
}

/* --- what is stored ---------------------------------------------------------------------------------------- */

struct value signal_stored(const struct signal *signal, enum signal_field field)
{
    const struct signal_field_info *info = &signal_fields[field];
    const struct value none = {.kind = VALUE_NULL};
    struct value value = signal_effective(signal, field);
    if (value_is_none(&value))
        return info->fallback ? value_text(info->fallback, strlen(info->fallback)) : none;
    switch (info->rule) {
    case RULE_SYMBOL:
        return signal->symbol;
    case RULE_ACTION:
        return is_word(&value, "BUY") ? value_text("BUY", 3) : value_text("SELL", 4);
    case RULE_LIMIT:
        return value_number(&value) == 0 ? none : value_real(value_number(&value));
    case RULE_CONFIDENCE: {
        double confidence = value_number(&value);
        return value_real(confidence > 1 ? confidence / 100 : confidence);
    }
    case RULE_PRICE:
    case RULE_NUMBER:
        return value_real(value_number(&value));
    case RULE_INTEGER:
        return value_integer((int64_t)value_number(&value));
    case RULE_TIMESTAMP:
        return value_integer(signal->timestamp_us);
    case RULE_HASH:
        return value_text(signal->sha256, strlen(signal->sha256));
    case RULE_ID:
    case RULE_TEXT:
        break;
    }
    return value;
}

const char *signal_text(const struct signal *signal, enum signal_field field, size_t *len)
{
    struct value value = signal_effective(signal, field);
    bool is_text = value.kind == VALUE_TEXT;
    if (len)
        *len = is_text ? value.as.text.len : 0;
    return is_text ? value.as.text.data : "";
}
