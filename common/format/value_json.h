/* value_json: a value as JSON text, the same on the wire and in the hashed text. */
#ifndef ALPINE_FORMAT_VALUE_JSON_H
#define ALPINE_FORMAT_VALUE_JSON_H

#include "base/buf.h"
#include "format/signal.h"

/* Appends the value as CPython's json.dumps writes it: an integer's digits, a double by number_format, a text by
 * json_text_string, and null for what is no value of a field. */
void value_json_write(struct buf *json, const struct value *value);

#endif
