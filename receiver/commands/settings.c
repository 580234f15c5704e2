/* settings: one row a setting. docs/configuration.md lists the same; a check holds them together. */
#include "commands/settings.h"

#include <string.h>

#include "adapters/listen.h"
#include "adapters/pg_url.h"

enum { KEY_MAX = 256 };

/* A key goes into a header, so it is visible ASCII; anything else is a mistake in copying it. */
static int check_key(const char *value, struct err *err)
{
    if (strlen(value) > KEY_MAX)
        return err_set(err, "must have at most %d characters", KEY_MAX);
    for (const char *at = value; *at; at++)
        if (*at <= ' ' || *at > '~')
            return err_set(err, "must be printable ASCII without spaces");
    return 0;
}

static int check_provider(const char *value, struct err *err)
{
    if (strlen(value) > 64 ||
        value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
        return err_set(err, "must be up to 64 letters, digits, '_', '.' or '-'");
    return 0;
}

#define AT(member) offsetof(struct receiver_settings, member)

const struct setting receiver_settings_table[] = {
    COMMON_SETTINGS,
    {.name = "DATABASE_URL",
     .offset = AT(database_url),
     .secret = true,
     .needed_by = NEEDS_DATABASE,
     .check = pg_url_check,
     .config_path = "receiver.database_url",
     .help = "Alpine's database: a libpq connection string or URI, several hosts are fine"},
    {.name = "EXTERNAL_SIGNAL_API_KEY",
     .offset = AT(api_key),
     .secret = true,
     .needed_by = NEEDS_KEY,
     .check = check_key,
     .config_path = "receiver.api_key",
     .help = "the key that senders must show"},
    {.name = "EXTERNAL_SIGNAL_API_KEY_NEXT",
     .offset = AT(api_key_next),
     .secret = true,
     .check = check_key,
     .config_path = "receiver.api_key_next",
     .help = "a second key that is valid too, for rotation"},
    {.name = "EXTERNAL_SIGNAL_PROVIDER",
     .offset = AT(provider),
     .fallback = "argo",
     .check = check_provider,
     .config_path = "receiver.provider",
     .help = "the provider that the key stands for"},
    {.name = "ALPINE_LISTEN",
     .offset = AT(listen),
     .fallback = "0.0.0.0:8001",
     .check = listen_check,
     .config_path = "receiver.listen",
     .help = "host:port or [v6]:port to listen on"},
    {.name = "ALPINE_RECEIVER_CONFIG",
     .offset = AT(config_file),
     .is_config_file = true,
     .help = "a JSON file with settings under \"receiver\""},
    {.name = "ALPINE_REQUEST_TIMEOUT",
     .type = SETTING_SECONDS,
     .offset = AT(request_timeout_ns),
     .fallback = "10",
     .least = 100,
     .most = 300000,
     .help = "seconds after which a whole request is answered, if only by 503"},
    {.name = "ALPINE_HEADER_TIMEOUT",
     .type = SETTING_SECONDS,
     .offset = AT(header_timeout_ns),
     .fallback = "10",
     .least = 500,
     .most = 300000,
     .help = "seconds that a request's header may take to arrive"},
    {.name = "ALPINE_BODY_TIMEOUT",
     .type = SETTING_SECONDS,
     .offset = AT(body_timeout_ns),
     .fallback = "30",
     .least = 500,
     .most = 600000,
     .help = "seconds that a request's body may take to arrive"},
    {.name = "ALPINE_IDLE_TIMEOUT",
     .type = SETTING_SECONDS,
     .offset = AT(idle_timeout_ns),
     .fallback = "120",
     .least = 1000,
     .most = 3600000,
     .help = "seconds after which a connection without a request is closed"},
    {.name = "ALPINE_QUEUE_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(queue_max),
     .fallback = "20000",
     .least = 1,
     .most = 1000000,
     .help = "signals that may wait for the database; beyond it: 503"},
    {.name = "ALPINE_GROUP_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(group_max),
     .fallback = "2000",
     .least = 1,
     .most = 50000,
     .help = "signals that are committed together at most"},
    {.name = "ALPINE_BATCH_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(batch_max),
     .fallback = "5000",
     .least = 1,
     .most = 50000,
     .help = "signals in one batch"},
    {.name = "ALPINE_SIGNAL_BYTES_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(signal_bytes_max),
     .fallback = "65536",
     .least = 1024,
     .most = 16777216,
     .help = "bytes of one signal"},
    {.name = "ALPINE_BATCH_BYTES_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(batch_bytes_max),
     .fallback = "8388608",
     .least = 1024,
     .most = 268435456,
     .help = "bytes of one batch"},
    {.name = "ALPINE_HTTP_THREADS",
     .type = SETTING_INTEGER,
     .offset = AT(http_threads),
     .fallback = "2",
     .least = 1,
     .most = 64,
     .help = "threads that parse and verify"},
    {.name = "ALPINE_CONNECTIONS_MAX",
     .type = SETTING_INTEGER,
     .offset = AT(connections_max),
     .fallback = "12000",
     .least = 4,
     .most = 100000,
     .help = "open HTTP connections"},
    {.name = "ALPINE_RATE_LIMIT",
     .type = SETTING_INTEGER,
     .offset = AT(rate_limit),
     .fallback = "0",
     .least = 0,
     .most = 1000000,
     .help = "requests a second with a valid key; 0: no limit"},
};
const size_t receiver_settings_count = sizeof receiver_settings_table / sizeof *receiver_settings_table;
