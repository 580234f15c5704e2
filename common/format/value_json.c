/* value_json: knows the kinds of values, and nothing of fields. */
#include "format/value_json.h"

#include "base/json_text.h"
#include "format/number.h"

void value_json_write(struct buf *json, const struct value *value)
{
    char number[NUMBER_SIZE];
    switch (value->kind) {
    case VALUE_TEXT:
        json_text_string(json, value->as.text.data, value->as.text.len);
        break;
    case VALUE_INTEGER:
        buf_add_integer(json, value->as.integer);
        break;
    case VALUE_REAL:
        buf_add(json, number, number_format(value->as.real, number));
        break;
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_OTHER:
        buf_add(json, "null", 4);
        break;
    }
}
