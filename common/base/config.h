/* config: settings as a table. Each value is looked up in a fixed order of sources, checked, converted, and
 * its origin kept. Secrets are never printed and never taken from the command line. */
#ifndef ALPINE_BASE_CONFIG_H
#define ALPINE_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret_source.h"
#include "base/setting.h"

/* The rows that both programs have, in this section of config.json; their values are the first member of each
 * program's struct of values. */
struct common_settings {
    const char *log_format;
    const char *log_level;
    const char *log_stream;
};
/* clang-format off */
#define COMMON_SETTINGS(section)                                                                                  \
    {.name = "ALPINE_LOG_FORMAT",                                                                                 \
     .type = SETTING_CHOICE,                                                                                      \
     .offset = offsetof(struct common_settings, log_format),                                                      \
     .fallback = "text",                                                                                          \
     .choices = "text|json",                                                                                      \
     .reloads = true,                                                                                             \
     .config_path = section ".log_format",                                                                        \
     .help = "how log lines look"},                                                                               \
    {.name = "ALPINE_LOG_LEVEL",                                                                                  \
     .type = SETTING_CHOICE,                                                                                      \
     .offset = offsetof(struct common_settings, log_level),                                                       \
     .fallback = "info",                                                                                          \
     .choices = "debug|info|warn|error",                                                                          \
     .reloads = true,                                                                                             \
     .config_path = section ".log_level",                                                                         \
     .help = "the least important line that is still written"},                                                   \
    {.name = "ALPINE_LOG_STREAM",                                                                                 \
     .type = SETTING_CHOICE,                                                                                      \
     .offset = offsetof(struct common_settings, log_stream),                                                      \
     .fallback = "stderr",                                                                                        \
     .choices = "stderr|stdout",                                                                                  \
     .help = "where the service's log goes; all other commands log to stderr"}
/* clang-format on */

struct config; /* the values, their origins and what is wrong with them; owns all text */

/* Looks every setting of the table up, and writes the good values into `values` (text there lives as long as
 * the config). Never fails for a bad value: config_problem tells. `secrets` may be NULL; else this takes as long as
 * it does. NULL when out of memory. */
struct config *config_open(const struct setting *table, size_t count, const struct config_option *options,
                           size_t option_count, const struct secret_source *secrets, void *values);
/* Overwrites the values before it frees them. */
void config_close(struct config *config);

/* The first thing that is wrong for a command with these `needs` bits: a malformed value, a file that cannot be
 * read, a required value that is missing. Returns 0 if all is well, else -1, the setting in err->subject. */
MUST_CHECK int config_problem(const struct config *config, unsigned needs, struct err *err);
/* The same for one setting. */
MUST_CHECK int config_problem_of(const struct config *config, size_t index, unsigned needs, struct err *err);

/* True if a command with these needs has a problem, and it is only that the secrets manager did not answer. */
bool config_may_recover(const struct config *config, unsigned needs);
/* What somebody should know though the command can do without: the secrets manager did not answer, or refused. NULL
 * if there is nothing. Borrowed. */
const char *config_warning(const struct config *config, size_t index);
/* Whether a setting has another value in b than in a, or its file another content. Both are of the same table, and
 * have no problem. */
bool config_differs(const struct config *a, const struct config *b, size_t index);

/* "environment", "command line", "/run/secrets/key (ARGO_API_KEY_FILE)", "config.json: alpine.api_url", "default",
 * "AWS Secrets Manager: NAME", "not set". Borrowed. */
const char *config_origin(const struct config *config, size_t index);
/* The value as it may be shown: "(secret)" for secrets, "" if there is none. Borrowed. */
const char *config_shown(const struct config *config, size_t index);
/* The path of the file that the value stands in (NAME_FILE or config.json); NULL if it came from elsewhere. */
const char *config_holder(const struct config *config, size_t index);

/* The option of a setting: "--argo-signals-db". buffer holds the text. */
const char *config_option_name(const char *setting_name, char *buffer, size_t size);

#endif
