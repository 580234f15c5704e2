/* fuzz_config: the text of config.json, through a small table of settings. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json_doc.h"
#include "fuzz.h"

struct values {
    const char *file;
    const char *url;
    const char *key;
    const char *format;
    int64_t count;
    int64_t pause;
    bool enabled;
};

static int no_good(const char *value, struct err *err)
{
    (void)value;
    return err_set(err, "is no good");
}

static const struct setting table[] = {
    {.name = "FZ_CONFIG", .offset = offsetof(struct values, file), .is_config_file = true},
    {.name = "FZ_URL", .offset = offsetof(struct values, url), .config_path = "a.url|url", .fallback = "none"},
    {.name = "FZ_KEY",
     .offset = offsetof(struct values, key),
     .config_path = "a.key",
     .secret = true,
     .check = no_good},
    {.name = "FZ_FORMAT",
     .type = SETTING_CHOICE,
     .offset = offsetof(struct values, format),
     .config_path = "a.format",
     .choices = "text|json",
     .fallback = "text"},
    {.name = "FZ_COUNT",
     .type = SETTING_INTEGER,
     .offset = offsetof(struct values, count),
     .config_path = "a.b.count",
     .fallback = "5",
     .least = -10,
     .most = 1000},
    {.name = "FZ_PAUSE",
     .type = SETTING_SECONDS,
     .offset = offsetof(struct values, pause),
     .config_path = "pause",
     .fallback = "1",
     .least = 100,
     .most = 60000},
    {.name = "FZ_ENABLED",
     .type = SETTING_BOOL,
     .offset = offsetof(struct values, enabled),
     .config_path = "enabled",
     .fallback = "true"},
};
enum { FILE_ITSELF, URL, KEY, FORMAT, COUNTER, PAUSE, ENABLED, SETTINGS };

static void check_good_values(const struct config *config, const struct values *values)
{
    bool good[SETTINGS];
    for (size_t i = 0; i < SETTINGS; i++) {
        struct err err = {0};
        good[i] = !config_problem_of(config, i, 0, &err);
        MUST_HOLD(good[i] || (!strcmp(err.subject, table[i].name) && err.message[0]));
        MUST_HOLD(config_origin(config, i)[0] && config_shown(config, i));
    }
    MUST_HOLD(!good[URL] || (values->url && values->url[0]));
    MUST_HOLD(!good[FORMAT] || !strcmp(values->format, "text") || !strcmp(values->format, "json"));
    MUST_HOLD(!good[COUNTER] || (values->count >= -10 && values->count <= 1000));
    MUST_HOLD(!good[PAUSE] || (values->pause >= NS_PER_S / 10 && values->pause <= 60 * NS_PER_S));
}

/* Its rule refuses every key, so that there is a message; what the key is must not be in it. */
static void check_secret(const struct config *config, const struct values *values, const char *path)
{
    char expected[256];
    struct err err = {0};
    MUST_HOLD(!values->key);
    if (!config_problem_of(config, KEY, 0, &err)) {
        MUST_HOLD(!config_shown(config, KEY)[0]);
        return;
    }
    (void)snprintf(expected, sizeof expected, "FZ_KEY (from %s: a.key) is no good", path);
    if (strcmp(err.message, expected) != 0) {
        (void)snprintf(expected, sizeof expected, "FZ_KEY: a.key in %s must be a string", path);
        MUST_HOLD(!strcmp(err.message, expected));
        MUST_HOLD(!config_shown(config, KEY)[0]);
        return;
    }
    MUST_HOLD(!strcmp(config_shown(config, KEY), "(secret)"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    struct values values = {0};
    struct err err = {0};
    int fd = memfd_create("config.json", MFD_CLOEXEC);
    MUST_HOLD(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const struct config_option option = {"FZ_CONFIG", path};
    struct config *config = config_open(table, SETTINGS, &option, 1, NULL, &values);
    MUST_HOLD(config);
    struct json_doc *doc = json_doc_parse((const char *)data, size, NULL);
    bool usable = doc && json_value_kind(json_doc_root(doc)) == JSON_KIND_OBJECT;
    MUST_HOLD(config_problem_of(config, FILE_ITSELF, 0, &err) == (usable ? 0 : -1));
    check_good_values(config, &values);
    check_secret(config, &values, path);
    json_doc_free(doc);
    config_close(config);
    (void)close(fd);
    return 0;
}
