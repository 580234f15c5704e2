/* feed: what all feeds together hold. */
#include "engine/feed.h"

size_t feeds_doomed(const struct feed feeds[FEED_COUNT])
{
    size_t count = 0;
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        count += feeds[kind].list.doomed;
    return count;
}

size_t feeds_postponed(const struct feed feeds[FEED_COUNT], bool without_alone)
{
    size_t count = 0;
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        count += outstanding_postponed(&feeds[kind].list, without_alone);
    return count;
}
