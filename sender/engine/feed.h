/* feed: one stream of signals to be sent: a source that is read, and the batches from it that have no answer yet.
 */
#ifndef ALPINE_SENDER_FEED_H
#define ALPINE_SENDER_FEED_H

#include "engine/intake.h"
#include "engine/outstanding.h"

/* In the order in which they are served. */
enum feed_kind {
    FEED_LETTERS, /* dead letters that are sent again; it has no source */
    FEED_LOG,
    FEED_TABLE,
    FEED_SWEEP, /* blocks of the table behind the position, once more */
    FEED_COUNT,
};

struct feed {
    enum feed_kind kind;
    bool reads; /* it has a source */
    struct intake intake;
    struct outstanding list;
};

/* How many signals of all feeds wait for their letters to be kept. */
size_t feeds_doomed(const struct feed feeds[FEED_COUNT]);
/* How many are postponed; without_alone: and did not fail by themselves. */
size_t feeds_postponed(const struct feed feeds[FEED_COUNT], bool without_alone);

#endif
