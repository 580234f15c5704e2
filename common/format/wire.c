/* wire: between JSON and the field table. Knows nothing of rules. */
#include "format/wire.h"

#include <string.h>

#include "base/json_doc.h"
#include "base/json_text.h"
#include "format/value_json.h"
#include "format/wire_scan.h"

static struct value other(const char *type)
{
    return (struct value){.kind = VALUE_OTHER, .as.text = {type, strlen(type)}};
}

static int read_value(struct signal *signal, struct value *slot, const struct json_value *json)
{
    size_t len;
    switch (json_value_kind(json)) {
    case JSON_KIND_STRING: {
        const char *text = json_value_text(json, &len);
        return signal_set_text(signal, slot, text, len);
    }
    case JSON_KIND_INTEGER:
        *slot = value_integer(json_value_integer(json));
        break;
    case JSON_KIND_REAL:
        *slot = value_real(json_value_real(json));
        break;
    case JSON_KIND_NULL:
        *slot = (struct value){.kind = VALUE_NULL};
        break;
    case JSON_KIND_BOOL:
        *slot = other("boolean");
        break;
    case JSON_KIND_ARRAY:
        *slot = other("array");
        break;
    case JSON_KIND_OBJECT:
        *slot = other("object");
        break;
    }
    return 0;
}

static enum fault read_object(const struct json_value *object, struct signal *signal, struct err *err)
{
    if (json_value_kind(object) != JSON_KIND_OBJECT) {
        err_set(err, "a signal must be a JSON object");
        return FAULT_MALFORMED;
    }
    for (struct json_member *member = json_member_first(object); member;
         member = json_member_next(object, member)) {
        const char *name = json_member_name(member);
        struct value *slot = signal_slot(signal, name, strlen(name));
        if (slot && read_value(signal, slot, json_member_value(member))) {
            err_set(err, "out of memory");
            return FAULT_MALFORMED;
        }
    }
    return FAULT_NONE;
}

enum fault wire_read_tree(const char *text, size_t len, struct signal *signal, struct err *err)
{
    struct json_doc *doc = json_doc_parse(text, len, err);
    if (!doc)
        return FAULT_MALFORMED;
    enum fault fault = read_object(json_doc_root(doc), signal, err);
    signal->texts_are_valid = true;
    json_doc_free(doc);
    return fault;
}

enum fault wire_read(const char *text, size_t len, struct signal *signal, struct err *err)
{
    if (wire_scan(text, len, signal))
        return FAULT_NONE;
    signal_clear(signal);
    return wire_read_tree(text, len, signal, err);
}

enum fault wire_read_checked(const char *text, size_t len, struct signal *signal, struct err *err)
{
    enum fault fault = wire_read(text, len, signal, err);
    return fault ? fault : signal_check(signal, err);
}

static void write_value(struct buf *json, const struct value *value)
{
    buf_add_char(json, ':');
    value_json_write(json, value);
    buf_add_char(json, ',');
}

void wire_write(const struct signal *signal, struct buf *json)
{
    size_t start = json->len;
    buf_add_char(json, '{');
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        const struct signal_field_info *info = &signal_fields[i];
        const struct value *given = &signal->given[i];
        const struct value *alias = &signal->alias[i];
        if (given->kind > VALUE_NULL || (given->kind == VALUE_NULL && info->hashed)) {
            buf_add(json, info->quoted_name, info->name_len + 2);
            write_value(json, given);
        }
        if (alias->kind > VALUE_NULL) {
            json_text_string(json, info->alias, strlen(info->alias));
            write_value(json, alias);
        }
    }
    if (json->len > start + 1)
        buf_truncate(json, json->len - 1); /* the last comma */
    buf_add_char(json, '}');
}
