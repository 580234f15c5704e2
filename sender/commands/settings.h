/* settings: every setting of alpine-sender, in one table. */
#ifndef ALPINE_SENDER_SETTINGS_H
#define ALPINE_SENDER_SETTINGS_H

#include "base/config.h"

/* What a command cannot do without (struct setting, needed_by). */
enum sender_needs {
    NEEDS_RECEIVER = 1, /* its address and the key */
};

struct sender_settings {
    struct common_settings common; /* first */
    const char *url;
    const char *api_key;
    bool enabled;
    const char *database;
    const char *log_file;
    const char *state_directory;
    const char *config_file;
    struct setting_file ca_file;
    bool compression;
    int64_t batch_max;
    int64_t batch_bytes_max;
    int64_t in_flight_max;
    int64_t single_max;
    int64_t probe_interval_ns;
    int64_t retry_first_ns;
    int64_t poll_interval_ns;
    int64_t sweep_interval_ns;
    int64_t letters_max;
    int64_t request_timeout_ns;
    int64_t connect_timeout_ns;
    int64_t lag_max_ns;
    const char *status_listen; /* NULL: no pages */
};

extern const struct setting sender_settings_table[];
extern const size_t sender_settings_count;

#endif
