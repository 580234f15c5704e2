/* json_text: writes JSON, escaped byte for byte as CPython's json.dumps does it. */
#ifndef ALPINE_BASE_JSON_TEXT_H
#define ALPINE_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* How many bytes at the beginning stand for themselves in a JSON string: printable ASCII without the quote and the
 * backslash. */
size_t json_text_plain(const char *data, size_t len);

/* Appends a string with its quotes: ASCII only, \uXXXX in lower case, surrogate pairs beyond U+FFFF, DEL
 * escaped too (CPython's ensure_ascii). A byte that is not valid UTF-8 becomes \ufffd. */
void json_text_string(struct buf *buf, const char *data, size_t len);

/* Helpers for objects: each appends `"name":value`, with a comma before it unless the buffer ends in '{'. */
void json_text_name(struct buf *buf, const char *name);
void json_text_member_string(struct buf *buf, const char *name, const char *data, size_t len);
void json_text_member_cstring(struct buf *buf, const char *name, const char *text); /* NULL gives null */
void json_text_member_integer(struct buf *buf, const char *name, int64_t value);
void json_text_member_bool(struct buf *buf, const char *name, bool value);

#endif
