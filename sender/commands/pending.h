/* pending: how many signals wait: counted from outside of the sender that works, or by itself. */
#ifndef ALPINE_SENDER_PENDING_H
#define ALPINE_SENDER_PENDING_H

#include <stdint.h>

#include "commands/settings.h"
#include "engine/backlog.h"
#include "seams/state.h"

struct pending {
    int64_t count;     /* -1: it cannot be told, for the table cannot be read */
    int64_t oldest_us; /* the timestamp of the first one that waits, 0: none does, or it has none */
};

/* Counts the rows behind the place that did not go by the log, and the lines behind the log's place that the table
 * does not have. state: opened for reading, NULL if there is none yet. */
struct pending pending_count(const struct sender_settings *settings, struct state *state,
                             const struct state_progress *progress);
/* For the loop of the sender that works: counts in the same way what it has not read yet. Takes some milliseconds,
 * and some ten where very much is unread: then rows are estimated by their ids, and of the log only so many lines
 * are looked at. Costs nothing while everything was read. */
struct pending pending_unread(const struct sender_settings *settings, struct state *state,
                              const struct delivery *delivery);

#endif
