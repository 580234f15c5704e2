/* backlog: looks, and changes nothing. */
#include "engine/backlog.h"

#include "engine/delivery_parts.h"

int64_t backlog_age_us(const struct delivery *delivery, int64_t wall_us, int64_t now_ns)
{
    int64_t oldest = -1;
    for (size_t kind = FEED_LOG; kind < FEED_COUNT; kind++) {
        const struct batch *batch = delivery->feeds[kind].list.first;
        int64_t age = batch ? batch_age_us(batch, 0, wall_us, now_ns) : -1;
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
