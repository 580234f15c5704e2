/* delivery: moves signals from the sources to the receiver: batches, outcomes, retries, and the positions.
 *
 * One thread, the event loop's. It asks for nothing but its seams, and never waits: the loop calls it when a source
 * may have changed, when an answer came (through the transport) and when delivery_due has come.
 *
 * The promise: a saved position moves only over signals that were answered as stored (or duplicate), or whose dead
 * letter is durable. Losing the newest position costs duplicates, never signals. */
#ifndef ALPINE_SENDER_DELIVERY_H
#define ALPINE_SENDER_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backend.h"
#include "engine/delivery_options.h"

struct delivery;

struct delivery_stats {
    enum link_state link;
    int64_t delivered; /* by this delivery, duplicates included */
    int64_t duplicates;
    int64_t dead;    /* became dead letters */
    int64_t skipped; /* neutral signals, which are not sent */
    int64_t last_success_us;
    size_t outstanding; /* signals read and not settled */
    bool source_away;   /* the last look at the table failed */
    bool state_failing; /* the state directory cannot be written */
    bool source_at_end; /* everything that there was at the last look was read, in every source */
    bool in_flight;
    const char *hold_advice; /* what to mend, while on hold; else NULL */
};

/* Loads the positions. NULL and the reason in err on failure. */
struct delivery *delivery_open(const struct delivery_options *options, const struct delivery_ends *ends,
                               struct err *err);
/* No request may be in flight any more. Saves the positions. */
void delivery_close(struct delivery *delivery);

/* A source may have something new: reads and sends as far as that is possible now. */
void delivery_look(struct delivery *delivery);
/* Dead letters may have been marked for another try. */
void delivery_look_at_retries(struct delivery *delivery);
/* Does what is due at now_ns (monotonic): retries, saving, sweeping. */
void delivery_tick(struct delivery *delivery, int64_t now_ns);
/* When delivery_tick has something to do; INT64_MAX: never. */
int64_t delivery_due(const struct delivery *delivery);
/* What stood in the way was mended: tries again at once. */
void delivery_retry_now(struct delivery *delivery);
/* Begins no further request. What is in flight is still answered. */
void delivery_stop(struct delivery *delivery);
void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats);

#endif
