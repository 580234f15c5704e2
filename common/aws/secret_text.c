/* secret_text: plain or JSON. Knows nothing of where the text came from. */
#include "aws/secret_text.h"

#include <ctype.h>
#include <string.h>

#include "base/json_doc.h"

static char folded(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static bool same_name(const char *a, const char *b)
{
    while (*a && folded(*a) == folded(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static const struct json_value *member_called(const struct json_value *object, const char *name)
{
    const struct json_value *exactly = json_value_member(object, name);
    if (exactly)
        return exactly;
    for (struct json_member *at = json_member_first(object); at; at = json_member_next(object, at))
        if (same_name(json_member_name(at), name))
            return json_member_value(at);
    return NULL;
}

static const struct json_value *only_string(const struct json_value *object)
{
    const struct json_value *only = NULL;
    for (struct json_member *at = json_member_first(object); at; at = json_member_next(object, at)) {
        if (json_value_kind(json_member_value(at)) != JSON_KIND_STRING)
            continue;
        if (only)
            return NULL;
        only = json_member_value(at);
    }
    return only;
}

static const char *last_part(const char *secret_name)
{
    const char *slash = strrchr(secret_name, '/');
    return slash ? slash + 1 : secret_name;
}

static int take(const char *text, size_t len, struct arena *arena, const char **value, struct err *err)
{
    if (!len || memchr(text, '\0', len))
        return err_set(err, len ? "the secret holds a NUL byte" : "the secret is empty");
    *value = arena_copy(arena, text, len);
    return *value ? 0 : err_set(err, "out of memory");
}

static int from_object(const struct json_value *object, const char *setting_name, const char *secret_name,
                       struct arena *arena, const char **value, struct err *err)
{
    const struct json_value *member = member_called(object, setting_name);
    size_t len;
    if (!member)
        member = member_called(object, last_part(secret_name));
    if (!member)
        member = only_string(object);
    if (!member)
        return err_set(err, "the secret is a JSON object without a member %s", setting_name);
    if (json_value_kind(member) != JSON_KIND_STRING)
        return err_set(err, "the secret's member for %s must be a string", setting_name);
    const char *text = json_value_text(member, &len);
    return take(text, len, arena, value, err);
}

int aws_secret_text_value(const char *text, size_t len, const char *setting_name, const char *secret_name,
                          struct arena *arena, const char **value, struct err *err)
{
    struct err reason = {0};
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (!len || text[0] != '{')
        return take(text, len, arena, value, err);
    struct json_doc *doc = json_doc_parse(text, len, &reason);
    if (!doc)
        return err_set(err, "the secret begins with '{', and is %s", reason.message);
    int result = from_object(json_doc_root(doc), setting_name, secret_name, arena, value, err);
    json_doc_wipe(doc);
    json_doc_free(doc);
    return result;
}
