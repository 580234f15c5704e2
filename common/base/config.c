/* config: checks and converts what the sources found. Knows nothing of where they look. */
#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/config_source.h"
#include "base/digest.h"
#include "base/file.h"

enum { DOCUMENT_MAX = 1048576, FILE_MAX = 4194304 };

struct resolved {
    struct config_found found;
    bool bad;
    struct err err;
};

struct config {
    const struct setting *table;
    size_t count;
    struct resolved *resolved;
    struct arena arena;
    struct json_doc *document;
    void *values;
};

const char *config_option_name(const char *setting_name, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "--%s", setting_name);
    for (size_t i = 2; i < used && i < size; i++)
        buffer[i] = buffer[i] == '_' ? '-' : (char)tolower((unsigned char)buffer[i]);
    return buffer;
}

static int parse_bool(const char *text, bool *value, struct err *err)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(text, words[i])) {
            *value = i % 2;
            return 0;
        }
    return err_set(err, "must be true or false");
}

static int parse_integer(const struct setting *setting, const char *text, int64_t *value, struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || isspace((unsigned char)*text))
        return err_set(err, "must be a whole number");
    if (number < setting->least || number > setting->most)
        return err_set(err, "must be from %lld to %lld", (long long)setting->least, (long long)setting->most);
    *value = number;
    return 0;
}

static int parse_seconds(const struct setting *setting, const char *text, int64_t *value, struct err *err)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !isdigit((unsigned char)*text) || !isfinite(seconds) || strpbrk(text, "xX"))
        return err_set(err, "must be a number of seconds");
    if (seconds * 1000 < (double)setting->least || seconds * 1000 > (double)setting->most)
        return err_set(err, "must be from %g to %g seconds", (double)setting->least / 1000,
                       (double)setting->most / 1000);
    *value = (int64_t)(seconds * (double)NS_PER_S);
    return 0;
}

static int parse_choice(const struct setting *setting, const char *text, struct err *err)
{
    size_t len = strlen(text);
    for (const char *choice = setting->choices; *choice;) {
        size_t size = strcspn(choice, "|");
        if (size == len && !strncmp(choice, text, len))
            return 0;
        choice += size + (choice[size] == '|');
    }
    return err_set(err, "must be one of %s", setting->choices);
}

static int read_file(const struct setting *setting, const char *path, struct arena *arena,
                     struct setting_file *file, struct err *err)
{
    struct buf content = {0};
    struct err reason = {0};
    int result = -1;
    if (file_read(path, FILE_MAX, &content, &reason)) {
        err_set(err, "names no file that can be used: %s", reason.message);
        goto out;
    }
    const char *copy = arena_copy(arena, content.len ? content.data : "", content.len);
    if (!copy)
        err_set(err, "could not be read: out of memory");
    else if (strlen(copy) != content.len)
        err_set(err, "names a file that is no text: it holds a NUL byte");
    else if (!setting->check || !setting->check(copy, err)) {
        *file = (struct setting_file){.path = path, .content = copy, .len = content.len};
        result = 0;
    }
out:
    buf_clear(&content);
    return result;
}

static int convert(const struct setting *setting, const char *text, struct arena *arena, void *values,
                   struct err *err)
{
    void *place = (char *)values + setting->offset;
    switch (setting->type) {
    case SETTING_BOOL:
        return parse_bool(text, place, err);
    case SETTING_INTEGER:
        return parse_integer(setting, text, place, err);
    case SETTING_SECONDS:
        return parse_seconds(setting, text, place, err);
    case SETTING_FILE:
        return read_file(setting, text, arena, place, err);
    case SETTING_CHOICE:
        if (parse_choice(setting, text, err))
            return -1;
        break;
    case SETTING_TEXT:
        if (setting->check && setting->check(text, err))
            return -1;
        break;
    }
    *(const char **)place = text;
    return 0;
}

static void resolve(struct config *config, const struct config_inputs *inputs, size_t index)
{
    const struct setting *setting = &config->table[index];
    struct resolved *resolved = &config->resolved[index];
    struct err reason = {0};
    if (config_source_find(inputs, setting, &resolved->found, &reason)) {
        resolved->bad = true;
        err_set_about(&resolved->err, setting->name, "%s: %s", setting->name, reason.message);
        return;
    }
    const char *text = resolved->found.value;
    if (!text || !convert(setting, text, &config->arena, config->values, &reason))
        return;
    resolved->bad = true;
    if (setting->secret || setting->quiet)
        err_set_about(&resolved->err, setting->name, "%s (from %s) %s", setting->name, resolved->found.origin,
                      reason.message);
    else
        err_set_about(&resolved->err, setting->name, "%s=%.100s (from %s) %s", setting->name, text,
                      resolved->found.origin, reason.message);
}

/* A config.json that nobody named need not be there; one that somebody named must. */
static int load_document(struct config *config, struct config_inputs *inputs, size_t index)
{
    struct resolved *resolved = &config->resolved[index];
    struct buf content = {0};
    struct err reason = {0};
    const char *path = resolved->found.value;
    int result = 0;
    if (!path || resolved->bad)
        return 0;
    if (!strcmp(resolved->found.origin, "default") && access(path, F_OK) && errno == ENOENT)
        return 0;
    if (file_read(path, DOCUMENT_MAX, &content, &reason))
        goto bad;
    config->document = json_doc_parse(content.data, content.len, &reason);
    if (!config->document)
        goto bad;
    if (json_value_kind(json_doc_root(config->document)) != JSON_KIND_OBJECT) {
        err_set(&reason, "must be a JSON object");
        goto bad;
    }
    inputs->document = config->document;
    inputs->document_path = path;
    goto out;
bad:
    resolved->bad = true;
    err_set_about(&resolved->err, config->table[index].name, "%s=%s (from %s): %s", config->table[index].name, path,
                  resolved->found.origin, reason.message);
    result = -1;
out:
    if (content.data)
        digest_wipe(content.data, content.capacity);
    buf_clear(&content);
    return result;
}

static void resolve_all(struct config *config, struct config_inputs *inputs)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->table[i].is_config_file) {
            resolve(config, inputs, i);
            (void)load_document(config, inputs, i);
        }
    for (size_t i = 0; i < config->count; i++)
        if (!config->table[i].is_config_file)
            resolve(config, inputs, i);
}

struct config *config_open(const struct setting *table, size_t count, const struct config_option *options,
                           size_t option_count, const struct secret_source *secrets, void *values)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return NULL;
    config->resolved = calloc(count, sizeof *config->resolved);
    if (!config->resolved) {
        free(config);
        return NULL;
    }
    config->table = table;
    config->count = count;
    config->values = values;
    struct config_inputs inputs = {
        .options = options, .option_count = option_count, .secrets = secrets, .arena = &config->arena};
    if (secrets)
        secrets->ops->begin(secrets->self);
    resolve_all(config, &inputs);
    if (secrets)
        secrets->ops->end(secrets->self);
    return config;
}

void config_close(struct config *config)
{
    if (!config)
        return;
    json_doc_wipe(config->document);
    json_doc_free(config->document);
    arena_wipe(&config->arena);
    free(config->resolved);
    free(config);
}

int config_problem_of(const struct config *config, size_t index, unsigned needs, struct err *err)
{
    const struct setting *setting = &config->table[index];
    const struct resolved *resolved = &config->resolved[index];
    char option[96];
    if (resolved->bad) {
        *err = resolved->err;
        return -1;
    }
    if (resolved->found.value || !(setting->needed_by & needs))
        return 0;
    const char *said = resolved->found.secrets_said;
    if (setting->secret)
        return err_set_about(err, setting->name, "%s is not set: %s. Set %s or %s_FILE%s%s", setting->name,
                             setting->help, setting->name, setting->name, said ? ". " : "", said ? said : "");
    return err_set_about(err, setting->name, "%s is not set: %s. Set it in the environment or with %s%s%s",
                         setting->name, setting->help, config_option_name(setting->name, option, sizeof option),
                         said ? ". " : "", said ? said : "");
}

int config_problem(const struct config *config, unsigned needs, struct err *err)
{
    for (size_t i = 0; i < config->count; i++)
        if (config_problem_of(config, i, needs, err))
            return -1;
    return 0;
}

bool config_may_recover(const struct config *config, unsigned needs)
{
    struct err ignored;
    bool any = false;
    for (size_t i = 0; i < config->count; i++) {
        if (!config_problem_of(config, i, needs, &ignored))
            continue;
        if (config->resolved[i].bad || config->resolved[i].found.secrets_outcome != OUTCOME_AGAIN)
            return false;
        any = true;
    }
    return any;
}

const char *config_warning(const struct config *config, size_t index)
{
    const struct config_found *found = &config->resolved[index].found;
    return found->secrets_outcome == OUTCOME_DONE ? NULL : found->secrets_said;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

bool config_differs(const struct config *a, const struct config *b, size_t index)
{
    const struct setting *setting = &a->table[index];
    if (!same_text(a->resolved[index].found.value, b->resolved[index].found.value))
        return true;
    if (setting->type != SETTING_FILE)
        return false;
    const struct setting_file *in_a = (const void *)((const char *)a->values + setting->offset);
    const struct setting_file *in_b = (const void *)((const char *)b->values + setting->offset);
    return !same_text(in_a->content, in_b->content);
}

const char *config_origin(const struct config *config, size_t index)
{
    return config->resolved[index].found.origin ? config->resolved[index].found.origin : "not readable";
}

const char *config_shown(const struct config *config, size_t index)
{
    const char *value = config->resolved[index].found.value;
    if (!value)
        return "";
    return config->table[index].secret ? "(secret)" : value;
}

const char *config_holder(const struct config *config, size_t index)
{
    return config->resolved[index].found.value ? config->resolved[index].found.holder : NULL;
}
