/* backlog: looks, and changes nothing. */
#include "engine/backlog.h"

#include "base/clock.h"
#include "engine/delivery_parts.h"

/* Most of what a sweep sends was delivered long ago, so its timestamps tell nothing. */
static int64_t age_of_feed_us(const struct feed *feed, int64_t wall_us, int64_t now_ns)
{
    const struct batch *batch = feed->list.first;
    if (!batch)
        return -1;
    if (feed->kind == FEED_SWEEP)
        return (now_ns - batch->read_ns) / NS_PER_US;
    return batch_age_us(batch, 0, wall_us, now_ns);
}

int64_t backlog_age_us(const struct delivery *delivery, int64_t wall_us, int64_t now_ns)
{
    int64_t oldest = -1;
    for (size_t kind = FEED_LOG; kind < FEED_COUNT; kind++) {
        int64_t age = age_of_feed_us(&delivery->feeds[kind], wall_us, now_ns);
        oldest = age > oldest ? age : oldest;
    }
    return oldest;
}

int64_t backlog_still_since_ns(const struct delivery *delivery)
{
    return delivery->in_flight ? delivery->moved_ns : 0;
}

void backlog_look(const struct delivery *delivery, struct backlog *backlog)
{
    const struct feed *rows = &delivery->feeds[FEED_TABLE];
    const struct feed *lines = &delivery->feeds[FEED_LOG];
    *backlog = (struct backlog){
        .waiting = rows->list.signals + lines->list.signals,
        .read = {[ORIGIN_TABLE] = rows->intake.read, [ORIGIN_LOG] = lines->intake.read},
        .at_end = rows->intake.at_end && (lines->intake.at_end || !lines->reads),
        .progress = delivery->journal.progress,
    };
}

void backlog_each_line(const struct delivery *delivery, backlog_visit *visit, void *visitor)
{
    for (const struct batch *batch = delivery->feeds[FEED_LOG].list.first; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            if (!visit(visitor, batch->items[i].signal_id))
                return;
}
