/* canonical: both forms of the hashed text. Knows the fields by their table, and nothing of validity. */
#include "format/canonical.h"

#include <ctype.h>
#include <string.h>

#include "base/json_text.h"
#include "format/number.h"

/* The hashed fields in the order of their names; tests hold this list against the table. */
static const enum signal_field hashed_fields[] = {
    FIELD_ACTION,   FIELD_CONFIDENCE, FIELD_ENTRY_PRICE,  FIELD_SIGNAL_ID, FIELD_STOP_PRICE,
    FIELD_STRATEGY, FIELD_SYMBOL,     FIELD_TARGET_PRICE, FIELD_TIMESTAMP,
};

const char *canonical_form_name(enum canonical_form form)
{
    return form == FORM_PRODUCER ? "producer" : "receiver";
}

static void write_value(struct buf *text, const struct value *value)
{
    char number[NUMBER_SIZE];
    switch (value->kind) {
    case VALUE_TEXT:
        json_text_string(text, value->as.text.data, value->as.text.len);
        break;
    case VALUE_INTEGER:
        buf_add_format(text, "%lld", (long long)value->as.integer);
        break;
    case VALUE_REAL:
        buf_add(text, number, number_format(value->as.real, number));
        break;
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_OTHER:
        buf_add_text(text, "null");
        break;
    }
}

static void write_upper(struct buf *text, const struct value *value)
{
    char upper[16];
    size_t len = value->as.text.len;
    if (value->kind != VALUE_TEXT || len > sizeof upper) {
        write_value(text, value);
        return;
    }
    for (size_t i = 0; i < len; i++)
        upper[i] = (char)toupper((unsigned char)value->as.text.data[i]);
    json_text_string(text, upper, len);
}

static void write_receiver_value(struct buf *text, const struct signal *signal, enum signal_field field)
{
    const struct signal_field_info *info = &signal_fields[field];
    struct value value = signal_effective(signal, field);
    if (value.kind == VALUE_ABSENT && info->fallback)
        value = value_text(info->fallback, strlen(info->fallback));
    if (info->rule == RULE_LIMIT && value_is_number(&value) && value_number(&value) == 0 &&
        signal->alias[field].kind <= VALUE_NULL)
        value.kind = VALUE_NULL; /* 0 means "look at the alias", and there is none */
    if (value_is_number(&value))
        value = value_real(value_number(&value));
    if (info->rule == RULE_ACTION)
        write_upper(text, &value);
    else
        write_value(text, &value);
}

void canonical_write(const struct signal *signal, enum canonical_form form, struct buf *text)
{
    const char *before = "{";
    for (size_t i = 0; i < sizeof hashed_fields / sizeof *hashed_fields; i++) {
        enum signal_field field = hashed_fields[i];
        const struct value *given = &signal->given[field];
        if (form == FORM_PRODUCER && given->kind == VALUE_ABSENT)
            continue;
        buf_add_format(text, "%s\"%s\": ", before, signal_fields[field].name);
        if (form == FORM_PRODUCER)
            write_value(text, given);
        else
            write_receiver_value(text, signal, field);
        before = ", ";
    }
    buf_add_text(text, before[0] == '{' ? "{}" : "}");
}
