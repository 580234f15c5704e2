/* settings: every setting of alpine-receiver, in one table. */
#ifndef ALPINE_RECEIVER_SETTINGS_H
#define ALPINE_RECEIVER_SETTINGS_H

#include "base/config.h"

/* What a command cannot do without (struct setting, needed_by). */
enum receiver_needs {
    NEEDS_DATABASE = 1,
    NEEDS_KEY = 2,
};

struct receiver_settings {
    struct common_settings common; /* first */
    const char *database_url;
    const char *api_key;
    const char *api_key_next;
    const char *provider;
    const char *listen;
    const char *config_file;
    int64_t request_timeout_ns;
    int64_t header_timeout_ns;
    int64_t body_timeout_ns;
    int64_t idle_timeout_ns;
    int64_t queue_max;
    int64_t group_max;
    int64_t batch_max;
    int64_t signal_bytes_max;
    int64_t batch_bytes_max;
    int64_t bodies_bytes_max;
    int64_t http_threads;
    int64_t connections_max;
    int64_t rate_limit;
};

extern const struct setting receiver_settings_table[];
extern const size_t receiver_settings_count;

#endif
