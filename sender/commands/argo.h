/* argo: Argo's files as the settings name them, and the state directory: what run and sync send from. */
#ifndef ALPINE_SENDER_ARGO_H
#define ALPINE_SENDER_ARGO_H

#include <limits.h>

#include "base/command.h"
#include "commands/settings.h"
#include "engine/delivery.h"

/* The paths that the log's reader has to keep off; they must live as long as it does. */
struct argo_log_paths {
    char state[PATH_MAX];
    char lock[PATH_MAX];
};

/* Opens Argo's log, kept off the database and the state directory that the settings name. NULL when out of memory.
 */
struct source *argo_open_log(const struct sender_settings *settings, struct argo_log_paths *paths);

struct argo {
    struct argo_log_paths paths;
    struct source *table;
    struct source *log; /* NULL: none is set */
    struct state *state;
};

/* Opens them, the state as the one that sends. busy_limit_ms: how long a read of the table waits for a lock.
 * Returns -1 and the reason in err; close it in any case. */
MUST_CHECK int argo_open(struct argo *argo, const struct invocation *invocation, int busy_limit_ms,
                         struct err *err);
void argo_close(struct argo *argo);
/* What a delivery works between, as far as it is here. */
struct delivery_ends argo_ends(const struct argo *argo);

#endif
