/* canonical: both forms of the hashed text. Knows the fields by their table, and nothing of validity. */
#include "format/canonical.h"

#include <ctype.h>
#include <string.h>

#include "base/json_text.h"
#include "format/value_json.h"

/* The hashed fields in the order of their names; tests hold this list against the table. */
static const enum signal_field hashed_fields[] = {
    FIELD_ACTION,   FIELD_CONFIDENCE, FIELD_ENTRY_PRICE,  FIELD_SIGNAL_ID, FIELD_STOP_PRICE,
    FIELD_STRATEGY, FIELD_SYMBOL,     FIELD_TARGET_PRICE, FIELD_TIMESTAMP,
};

const char *canonical_form_name(enum canonical_form form)
{
    return form == FORM_PRODUCER ? "producer" : "receiver";
}

static void write_upper(struct buf *text, const struct value *value)
{
    char upper[16];
    size_t len = value->as.text.len;
    if (value->kind != VALUE_TEXT || len > sizeof upper) {
        value_json_write(text, value);
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
        value_json_write(text, &value);
}

void canonical_write(const struct signal *signal, enum canonical_form form, struct buf *text)
{
    size_t start = text->len;
    buf_add_char(text, '{');
    for (size_t i = 0; i < sizeof hashed_fields / sizeof *hashed_fields; i++) {
        enum signal_field field = hashed_fields[i];
        const struct signal_field_info *info = &signal_fields[field];
        const struct value *given = &signal->given[field];
        if (form == FORM_PRODUCER && given->kind == VALUE_ABSENT)
            continue;
        buf_add(text, info->spaced_name, info->name_len + 4);
        if (form == FORM_PRODUCER)
            value_json_write(text, given);
        else
            write_receiver_value(text, signal, field);
        buf_add(text, ", ", 2);
    }
    if (text->len > start + 1)
        buf_truncate(text, text->len - 2); /* the last comma */
    buf_add_char(text, '}');
}
