/* pending: how many signals wait, counted from outside of the sender that works. */
#ifndef ALPINE_SENDER_PENDING_H
#define ALPINE_SENDER_PENDING_H

#include <stdint.h>

#include "commands/settings.h"
#include "seams/state.h"

struct pending {
    int64_t count;     /* -1: it cannot be told, for the table cannot be read */
    int64_t oldest_us; /* the timestamp of the first one that waits, 0: none does, or it has none */
};

/* Counts the rows behind the place that did not go by the log, and the lines behind the log's place that the table
 * does not have. state: opened for reading, NULL if there is none yet. */
struct pending pending_count(const struct sender_settings *settings, struct state *state,
                             const struct state_progress *progress);

#endif
