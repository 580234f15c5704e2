/* settings: one row a setting. docs/configuration.md lists the same; a check holds them together. */
#include "commands/settings.h"

#include "adapters/transport_curl.h"

/* A key goes into a header, so it is visible ASCII; anything else is a mistake in copying it. */
static int check_key(const char *value, struct err *err)
{
    for (const char *at = value; *at; at++)
        if (*at <= ' ' || *at > '~')
            return err_set(err, "must be printable ASCII without spaces");
    return 0;
}

#define AT(member) offsetof(struct sender_settings, member)

const struct setting sender_settings_table[] = {
    COMMON_SETTINGS,
    {.name = "ALPINE_API_URL", .offset = AT(url), .needed_by = NEEDS_RECEIVER, .check = transport_curl_check_url,
     .config_path = "alpine.api_url", .help = "the receiver's address, such as https://alpine.example:8001"},
    {.name = "ARGO_API_KEY", .offset = AT(api_key), .secret = true, .needed_by = NEEDS_RECEIVER,
     .check = check_key, .config_path = "alpine.api_key|api_keys.argo_api_key",
     .help = "the key that the receiver knows"},
    {.name = "ALPINE_SYNC_ENABLED", .type = SETTING_BOOL, .offset = AT(enabled), .fallback = "true",
     .config_path = "alpine.sync_enabled", .help = "false: run and sync say so and exit 0"},
    {.name = "ARGO_SIGNALS_DB", .offset = AT(database), .fallback = "data/signals.db",
     .config_path = "alpine.signals_db", .help = "Argo's SQLite file"},
    {.name = "ALPINE_STATE_DIR", .offset = AT(state_directory), .fallback = "/var/lib/alpine-sync",
     .fallback_env = "STATE_DIRECTORY", .config_path = "alpine.state_dir",
     .help = "where the sender keeps its place and the dead letters"},
    {.name = "ARGO_CONFIG", .offset = AT(config_file), .fallback = "config.json", .is_config_file = true,
     .help = "Argo's configuration file"},
    {.name = "ALPINE_CA_FILE", .offset = AT(ca_file), .config_path = "alpine.ca_file",
     .help = "certificates to trust instead of the system's"},
    {.name = "ALPINE_BATCH_MAX", .type = SETTING_INTEGER, .offset = AT(batch_max), .fallback = "1000",
     .least = 1, .most = 5000, .config_path = "alpine.batch_max", .help = "signals in one request"},
    {.name = "ALPINE_BATCH_BYTES_MAX", .type = SETTING_INTEGER, .offset = AT(batch_bytes_max),
     .fallback = "2097152", .least = 1024, .most = 8388608, .config_path = "alpine.batch_bytes_max",
     .help = "bytes of one request"},
    {.name = "ALPINE_IN_FLIGHT_MAX", .type = SETTING_INTEGER, .offset = AT(in_flight_max), .fallback = "4",
     .least = 1, .most = 64, .config_path = "alpine.in_flight_max", .help = "requests at the same time"},
    {.name = "ALPINE_SINGLE_MAX", .type = SETTING_INTEGER, .offset = AT(single_max), .fallback = "5",
     .least = 1, .most = 64, .config_path = "alpine.single_max",
     .help = "requests at the same time to an older receiver, one signal each"},
    {.name = "ALPINE_PROBE_INTERVAL", .type = SETTING_SECONDS, .offset = AT(probe_interval_ns), .fallback = "30",
     .least = 50, .most = 3600000, .config_path = "alpine.probe_interval",
     .help = "longest pause between tries, and the pause while on hold, in seconds"},
    {.name = "ALPINE_RETRY_FIRST", .type = SETTING_SECONDS, .offset = AT(retry_first_ns), .fallback = "1",
     .least = 10, .most = 60000, .config_path = "alpine.retry_first",
     .help = "the first pause after a failure, in seconds; later ones grow"},
    {.name = "ALPINE_POLL_INTERVAL", .type = SETTING_SECONDS, .offset = AT(poll_interval_ns), .fallback = "1",
     .least = 10, .most = 3600000, .config_path = "alpine.poll_interval",
     .help = "seconds between looks at the file that no event asked for"},
    {.name = "ALPINE_REQUEST_TIMEOUT", .type = SETTING_SECONDS, .offset = AT(request_timeout_ns),
     .fallback = "10", .least = 100, .most = 600000, .config_path = "alpine.request_timeout",
     .help = "seconds to wait for an answer"},
    {.name = "ALPINE_CONNECT_TIMEOUT", .type = SETTING_SECONDS, .offset = AT(connect_timeout_ns), .fallback = "5",
     .least = 100, .most = 600000, .config_path = "alpine.connect_timeout",
     .help = "seconds to wait for a connection"},
};
const size_t sender_settings_count = sizeof sender_settings_table / sizeof *sender_settings_table;
