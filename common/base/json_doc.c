/* json_doc: the only file that knows jansson. Its json_t is our json_value, its iterator our json_member. */
#include "base/json_doc.h"

#include <jansson.h>
#include <string.h>

#include "base/digest.h"

/* jansson would recurse 2,048 levels deep; what is deeper than ours is refused before it looks. */
static bool too_deep(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_DEPTH_MAX)
                return true;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return false;
}

struct json_doc *json_doc_parse(const char *text, size_t len, struct err *err)
{
    if (too_deep(text, len)) {
        err_set(err, "nested deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t reason;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &reason);
    if (!root) {
        /* " near '…'" quotes what came in, so it is left to the caller whether to show it. */
        char *quote = strstr(reason.text, " near '");
        if (quote)
            *quote = '\0';
        err_set(err, "not valid JSON at byte %d: %s", reason.position, reason.text);
    }
    return (struct json_doc *)root;
}

static void wipe(json_t *value)
{
    if (json_is_string(value))
        digest_wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
        wipe(json_object_iter_value(at));
    for (size_t i = 0; i < json_array_size(value); i++)
        wipe(json_array_get(value, i));
}

void json_doc_wipe(struct json_doc *doc)
{
    wipe((json_t *)doc);
}

void json_doc_free(struct json_doc *doc)
{
    json_decref((json_t *)doc);
}

const struct json_value *json_doc_root(const struct json_doc *doc)
{
    return (const struct json_value *)doc;
}

static const json_t *unwrap(const struct json_value *value)
{
    return (const json_t *)value;
}

static const struct json_value *wrap(const json_t *value)
{
    return (const struct json_value *)value;
}

enum json_kind json_value_kind(const struct json_value *value)
{
    static const enum json_kind kinds[] = {
        [JSON_OBJECT] = JSON_KIND_OBJECT,   [JSON_ARRAY] = JSON_KIND_ARRAY, [JSON_STRING] = JSON_KIND_STRING,
        [JSON_INTEGER] = JSON_KIND_INTEGER, [JSON_REAL] = JSON_KIND_REAL,   [JSON_TRUE] = JSON_KIND_BOOL,
        [JSON_FALSE] = JSON_KIND_BOOL,      [JSON_NULL] = JSON_KIND_NULL,
    };
    return kinds[json_typeof(unwrap(value))];
}

const char *json_value_text(const struct json_value *value, size_t *len)
{
    *len = json_string_length(unwrap(value));
    return json_string_value(unwrap(value));
}

int64_t json_value_integer(const struct json_value *value)
{
    return json_integer_value(unwrap(value));
}

double json_value_real(const struct json_value *value)
{
    return json_number_value(unwrap(value));
}

bool json_value_bool(const struct json_value *value)
{
    return json_is_true(unwrap(value));
}

const struct json_value *json_value_member(const struct json_value *object, const char *name)
{
    return wrap(json_object_get(unwrap(object), name));
}

const struct json_value *json_value_path(const struct json_value *root, const char *path)
{
    char name[64];
    while (root && *path) {
        size_t len = strcspn(path, ".");
        if (len >= sizeof name)
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        root = json_value_member(root, name);
        path += len + (path[len] == '.');
    }
    return root;
}

size_t json_value_length(const struct json_value *array)
{
    return json_array_size(unwrap(array));
}

const struct json_value *json_value_element(const struct json_value *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

/* jansson's iteration takes a mutable object, though it changes nothing. */
static json_t *mutable_object(const struct json_value *object)
{
    return (json_t *)(uintptr_t)object;
}

struct json_member *json_member_first(const struct json_value *object)
{
    return json_object_iter(mutable_object(object));
}

struct json_member *json_member_next(const struct json_value *object, struct json_member *member)
{
    return json_object_iter_next(mutable_object(object), member);
}

const char *json_member_name(struct json_member *member)
{
    return json_object_iter_key(member);
}

const struct json_value *json_member_value(struct json_member *member)
{
    return wrap(json_object_iter_value(member));
}
