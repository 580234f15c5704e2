/* signal: a trading signal as its producer gave it, the rules of its fields, and the values that are stored.
 * Knows nothing of JSON, HTTP or SQL. */
#ifndef ALPINE_FORMAT_SIGNAL_H
#define ALPINE_FORMAT_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "format/signal_fields.h"

enum signal_field {
#define FIELD(id, ...) FIELD_##id,
    SIGNAL_FIELDS(FIELD)
#undef FIELD
        SIGNAL_FIELD_COUNT
};

enum signal_rule {
    RULE_ID,         /* string of 1 to 128 bytes */
    RULE_SYMBOL,     /* string, 1 to 20 characters once trimmed; stored in upper case */
    RULE_ACTION,     /* BUY or SELL in any case; stored in upper case */
    RULE_PRICE,      /* number > 0 */
    RULE_LIMIT,      /* number > 0; null, absent and 0 all mean that there is none */
    RULE_CONFIDENCE, /* number from 0 to 100; stored as 0 to 1, divided by 100 when above 1 */
    RULE_TIMESTAMP,  /* format/timestamp.h */
    RULE_HASH,       /* string; whether it is the right one is for verify to say */
    RULE_TEXT,       /* string or null */
    RULE_NUMBER,     /* number or null */
    RULE_INTEGER,    /* whole number of 32 bits (Alpine's columns are `integer`), or null */
};

enum {
    SIGNAL_ID_MAX = 128,    /* bytes */
    SIGNAL_SYMBOL_MAX = 20, /* characters */
};

struct signal_field_info {
    const char *name;
    size_t name_len;
    const char *quoted_name; /* "name" as JSON */
    const char *spaced_name; /* and with what json.dumps puts behind it: "name":_ */
    const char *alias;       /* NULL if there is none */
    enum signal_rule rule;
    bool needed;
    bool hashed;
    const char *fallback;
    const char *column;
    const char *column_type;
};

enum value_kind {
    VALUE_ABSENT,
    VALUE_NULL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_TEXT,
    VALUE_OTHER, /* of a type that no field has: text names it ("boolean", "object", …) */
};

struct value {
    enum value_kind kind;
    union {
        int64_t integer;
        double real;
        struct {
            const char *data;
            size_t len;
        } text;
    } as;
};

/* Zero-initialise it ({0}); signal_clear frees it. */
struct signal {
    struct arena arena;                     /* owns the texts */
    struct value given[SIGNAL_FIELD_COUNT]; /* under the field's own name */
    struct value alias[SIGNAL_FIELD_COUNT]; /* under its alias */
    struct value symbol;                    /* trimmed and in upper case; set by signal_check */
    int64_t timestamp_us;                   /* since 1970 UTC; set by signal_check */
    char sha256[DIGEST_HEX_LEN + 1];        /* lower case, "" if it cannot be one; set by signal_check */
    bool texts_are_valid;                   /* known to be UTF-8 without U+0000, so that no check need look */
};

/* What can be wrong with a signal. The names (fault_code) are the codes of the API. */
enum fault {
    FAULT_NONE,
    FAULT_MALFORMED,
    FAULT_INVALID_FIELD,
    FAULT_TOO_LARGE,
    FAULT_HASH_MISMATCH,
};

const char *fault_code(enum fault fault);

extern const struct signal_field_info signal_fields[SIGNAL_FIELD_COUNT];

void signal_clear(struct signal *signal);

/* The slot for a member of that name: the field's own or its alias's. NULL if the signal has no such field. */
struct value *signal_slot(struct signal *signal, const char *name, size_t len);
/* Makes *slot a text, copied into the signal, which signal_check will look at. Returns -1 when out of memory. */
MUST_CHECK int signal_set_text(struct signal *signal, struct value *slot, const char *data, size_t len);

/* Holds every field against its rule, and sets symbol, timestamp_us and sha256. err names the field. */
MUST_CHECK enum fault signal_check(struct signal *signal, struct err *err);

/* The value that counts when a field has an alias: verification_hash wins over sha256; take_profit and stop_loss
 * stand in where target_price or stop_price is missing, null or 0. VALUE_ABSENT if there is none. */
struct value signal_effective(const struct signal *signal, enum signal_field field);

/* What Alpine's table keeps of a checked signal: normalised, defaults filled in. VALUE_NULL, VALUE_INTEGER,
 * VALUE_REAL or VALUE_TEXT as the column's type asks; a timestamptz is microseconds since 1970. Texts are
 * borrowed from the signal or static. */
struct value signal_stored(const struct signal *signal, enum signal_field field);

/* Shorthand for texts of a checked signal: "" if the field is none. */
const char *signal_text(const struct signal *signal, enum signal_field field, size_t *len);

static inline struct value value_text(const char *data, size_t len)
{
    return (struct value){.kind = VALUE_TEXT, .as.text = {data, len}};
}

static inline struct value value_real(double real)
{
    return (struct value){.kind = VALUE_REAL, .as.real = real};
}

static inline struct value value_integer(int64_t integer)
{
    return (struct value){.kind = VALUE_INTEGER, .as.integer = integer};
}

static inline bool value_is_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER || value->kind == VALUE_REAL;
}

static inline double value_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER ? (double)value->as.integer : value->as.real;
}

#endif
