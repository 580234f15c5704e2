/* config_source: command line, environment, NAME_FILE, secrets manager, config.json, default. Knows nothing of
 * types and bounds. */
#include "base/config_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"

enum { SECRET_FILE_MAX = 65536, NAME_SIZE = 96 };

typedef int source_fn(const struct config_inputs *inputs, const struct setting *setting, struct config_found *found,
                      struct err *err);

static const char *option_value(const struct config_inputs *inputs, const char *name)
{
    for (size_t i = 0; i < inputs->option_count; i++)
        if (!strcmp(inputs->options[i].name, name))
            return inputs->options[i].value;
    return NULL;
}

static int from_command_line(const struct config_inputs *inputs, const struct setting *setting,
                             struct config_found *found, struct err *err)
{
    (void)err;
    found->value = option_value(inputs, setting->name);
    found->origin = "command line";
    return 0;
}

/* Compose files and unit files set variables to nothing to say "not set". */
static int from_environment(const struct config_inputs *inputs, const struct setting *setting,
                            struct config_found *found, struct err *err)
{
    (void)inputs;
    (void)err;
    const char *value = getenv(setting->name);
    found->value = value && *value ? value : NULL;
    found->origin = "environment";
    return 0;
}

static const char *join(struct arena *arena, const char *a, const char *between, const char *b, const char *after)
{
    char text[512];
    int len = snprintf(text, sizeof text, "%s%s%s%s", a, between, b, after);
    return arena_copy(arena, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
}

static int read_secret(const char *path, struct arena *arena, const char **value, struct err *err)
{
    struct buf content = {0};
    int result = -1;
    if (file_read(path, SECRET_FILE_MAX, &content, err))
        goto out;
    while (content.len && (content.data[content.len - 1] == '\n' || content.data[content.len - 1] == '\r'))
        buf_truncate(&content, content.len - 1);
    if (!content.len || memchr(content.data, '\0', content.len)) {
        err_set(err, content.len ? "%s holds a NUL byte" : "%s is empty", path);
        goto out;
    }
    *value = arena_copy(arena, content.data, content.len);
    result = *value ? 0 : err_set(err, "out of memory");
out:
    if (content.data)
        digest_wipe(content.data, content.capacity);
    buf_clear(&content);
    return result;
}

static int from_file(const struct config_inputs *inputs, const char *name, const char *path,
                     struct config_found *found, struct err *err)
{
    if (!path || !*path)
        return 0;
    if (read_secret(path, inputs->arena, &found->value, err))
        return -1;
    found->origin = join(inputs->arena, path, " (", name, ")");
    found->holder = path;
    return 0;
}

static const char *file_name(const struct setting *setting, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s_FILE", setting->name);
    return name;
}

static int from_file_option(const struct config_inputs *inputs, const struct setting *setting,
                            struct config_found *found, struct err *err)
{
    char name[NAME_SIZE];
    if (!setting->secret)
        return 0;
    return from_file(inputs, name, option_value(inputs, file_name(setting, name)), found, err);
}

static int from_file_variable(const struct config_inputs *inputs, const struct setting *setting,
                              struct config_found *found, struct err *err)
{
    char name[NAME_SIZE];
    if (!setting->secret)
        return 0;
    return from_file(inputs, name, getenv(file_name(setting, name)), found, err);
}

/* A manager that does not answer or refuses is no error here, for a later place may have the value; config tells.
 */
static int from_secrets(const struct config_inputs *inputs, const struct setting *setting,
                        struct config_found *found, struct err *err)
{
    const struct secret_source *secrets = inputs->secrets;
    struct secret_query query = {setting->aws_secret, setting->name, inputs->arena};
    struct secret_found secret = {0};
    struct err said = {0};
    char cause[512];
    if (!secrets || !setting->aws_secret)
        return 0;
    enum outcome outcome = secrets->ops->get(secrets->self, &query, &secret, &said);
    if (outcome == OUTCOME_DONE && secret.value) {
        found->value = secret.value;
        found->origin =
            join(inputs->arena, secrets->name, ": ", setting->aws_secret, secret.cached ? " (cached)" : "");
        return 0;
    }
    if (outcome == OUTCOME_DONE && !*said.message)
        return 0;
    (void)snprintf(cause, sizeof cause, "%s, secret %s: %s", secrets->name, setting->aws_secret, said.message);
    if (outcome == OUTCOME_NEVER)
        return err_set(err, "%s", cause);
    found->secrets_said = arena_copy(inputs->arena, cause, strlen(cause));
    found->secrets_outcome = outcome;
    return 0;
}

static const char *document_text(const struct json_value *value, struct arena *arena)
{
    char number[32];
    size_t len;
    switch (json_value_kind(value)) {
    case JSON_KIND_STRING: {
        const char *text = json_value_text(value, &len);
        return arena_copy(arena, text, len);
    }
    case JSON_KIND_BOOL:
        return json_value_bool(value) ? "true" : "false";
    case JSON_KIND_INTEGER:
        len = (size_t)snprintf(number, sizeof number, "%lld", (long long)json_value_integer(value));
        return arena_copy(arena, number, len);
    case JSON_KIND_REAL:
        len = (size_t)snprintf(number, sizeof number, "%.15g", json_value_real(value));
        return arena_copy(arena, number, len);
    default:
        return NULL;
    }
}

static int from_document(const struct config_inputs *inputs, const struct setting *setting,
                         struct config_found *found, struct err *err)
{
    char path[NAME_SIZE];
    const char *rest = inputs->document ? setting->config_path : NULL;
    while (rest && *rest) {
        size_t len = strcspn(rest, "|");
        (void)snprintf(path, sizeof path, "%.*s", (int)len, rest);
        rest += len + (rest[len] == '|');
        const struct json_value *value = json_value_path(json_doc_root(inputs->document), path);
        if (!value || json_value_kind(value) == JSON_KIND_NULL)
            continue;
        if (setting->type == SETTING_TEXT && json_value_kind(value) != JSON_KIND_STRING)
            return err_set(err, "%s in %s must be a string", path, inputs->document_path);
        found->value = document_text(value, inputs->arena);
        if (!found->value)
            return err_set(err, "%s in %s must be a string, a number or a boolean", path, inputs->document_path);
        if (!*found->value) {
            found->value = NULL;
            continue;
        }
        found->origin = join(inputs->arena, inputs->document_path, ": ", path, "");
        found->holder = inputs->document_path;
        return 0;
    }
    return 0;
}

/* systemd's STATE_DIRECTORY may hold several paths, separated by colons; the first one is ours. */
static int from_default(const struct config_inputs *inputs, const struct setting *setting,
                        struct config_found *found, struct err *err)
{
    (void)err;
    const char *path = setting->fallback_env ? getenv(setting->fallback_env) : NULL;
    if (path && *path) {
        found->value = arena_copy(inputs->arena, path, strcspn(path, ":"));
        found->origin = setting->fallback_env;
        return 0;
    }
    found->value = setting->fallback;
    found->origin = "default";
    return 0;
}

int config_source_find(const struct config_inputs *inputs, const struct setting *setting,
                       struct config_found *found, struct err *err)
{
    static source_fn *const sources[] = {
        from_command_line, from_file_option, from_environment, from_file_variable,
        from_secrets,      from_document,    from_default,
    };
    *found = (struct config_found){0};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        found->value = NULL;
        if (sources[i](inputs, setting, found, err))
            return -1;
        if (found->value)
            return 0;
    }
    found->origin = "not set";
    return 0;
}
