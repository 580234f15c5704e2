/* json_doc: reads JSON strictly. Values are borrowed from the document and live as long as it does. */
#ifndef ALPINE_BASE_JSON_DOC_H
#define ALPINE_BASE_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

struct json_doc;   /* a whole text; freed by json_doc_free */
struct json_value; /* something in it */
struct json_member;

/* Nesting deeper than this is refused: brackets of every kind count, the outermost one is level 1. */
enum { JSON_DEPTH_MAX = 16 };

/* Parses an object or array. Refused: duplicate keys, invalid UTF-8, U+0000 in a string, NaN and infinities,
 * integers beyond 64 bits, reals beyond a double, nesting deeper than JSON_DEPTH_MAX, anything after the
 * end. Returns NULL and the reason in err. */
struct json_doc *json_doc_parse(const char *text, size_t len, struct err *err);
/* Overwrites every string in it, for documents with secrets; after that it can only be freed. NULL is fine. */
void json_doc_wipe(struct json_doc *doc);
/* NULL is fine. */
void json_doc_free(struct json_doc *doc);

const struct json_value *json_doc_root(const struct json_doc *doc);
enum json_kind json_value_kind(const struct json_value *value);
/* The text of a string (it may hold any bytes but NUL) and its length in bytes. */
const char *json_value_text(const struct json_value *value, size_t *len);
int64_t json_value_integer(const struct json_value *value);
double json_value_real(const struct json_value *value);
bool json_value_bool(const struct json_value *value);

/* The member of an object, or NULL if it has none or is no object. */
const struct json_value *json_value_member(const struct json_value *object, const char *name);
/* The same along a dotted path: "alpine.api_url". */
const struct json_value *json_value_path(const struct json_value *root, const char *path);
/* Array elements: 0 and NULL for anything that is no array. */
size_t json_value_length(const struct json_value *array);
const struct json_value *json_value_element(const struct json_value *array, size_t index);

/* Walks an object: first, next (NULL at the end), and the name and value at that place. */
struct json_member *json_member_first(const struct json_value *object);
struct json_member *json_member_next(const struct json_value *object, struct json_member *member);
const char *json_member_name(struct json_member *member);
const struct json_value *json_member_value(struct json_member *member);

#endif
