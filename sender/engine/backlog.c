/* backlog: looks, and changes nothing. */
#include "engine/backlog.h"

#include "engine/delivery_parts.h"
#include "format/timestamp.h"
#include "format/wire.h"

static int64_t time_of(const struct batch *batch)
{
    struct signal signal = {0};
    const struct batch_item *item = &batch->items[0];
    size_t len;
    int64_t time_us = 0;
    if (wire_read(batch->body.data + item->offset, item->len, &signal, NULL) == FAULT_NONE) {
        const char *text = signal_text(&signal, FIELD_TIMESTAMP, &len);
        if (!text || timestamp_parse(text, len, &time_us))
            time_us = 0;
    }
    signal_clear(&signal);
    return time_us;
}

int64_t backlog_oldest_us(const struct delivery *delivery)
{
    int64_t oldest = 0;
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        const struct batch *batch = delivery->feeds[kind].list.first;
        int64_t time_us = batch ? time_of(batch) : 0;
        if (time_us && (!oldest || time_us < oldest))
            oldest = time_us;
    }
    return oldest;
}

int64_t backlog_still_since_ns(const struct delivery *delivery)
{
    return delivery->in_flight ? delivery->moved_ns : 0;
}
