/* batch: items point into the arena and, by offset, into the body. */
#include "engine/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct batch *batch_new(const struct place *before)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch)
        batch->before = *before;
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    free(batch->items);
    buf_clear(&batch->body);
    arena_clear(&batch->arena);
    free(batch);
}

/* A copy of the text in the batch; NULL stays NULL. *failed is set when out of memory, and never cleared. */
static const char *copy(struct batch *batch, const char *text, bool *failed)
{
    const char *copied = text ? arena_copy(&batch->arena, text, strlen(text)) : NULL;
    *failed |= text && !copied;
    return copied;
}

static int make_room(struct batch *batch)
{
    if (batch->count < batch->capacity)
        return 0;
    size_t capacity = batch->capacity ? batch->capacity * 2 : 1;
    struct batch_item *items = realloc(batch->items, capacity * sizeof *items);
    if (!items)
        return -1;
    batch->items = items;
    batch->capacity = capacity;
    return 0;
}

int batch_add(struct batch *batch, const struct batch_item *item, const char *json, size_t len)
{
    struct batch_item added = *item;
    bool failed = false;
    added.offset = batch->body.len;
    added.len = len;
    added.signal_id = copy(batch, item->signal_id, &failed);
    added.mark = copy(batch, item->mark, &failed);
    added.sha256 = copy(batch, item->sha256, &failed);
    added.symbol = copy(batch, item->symbol, &failed);
    added.action = copy(batch, item->action, &failed);
    added.reason = copy(batch, item->reason, &failed);
    added.detail = copy(batch, item->detail, &failed);
    if (failed || make_room(batch))
        return -1;
    buf_add(&batch->body, json, len);
    buf_add_char(&batch->body, '\n');
    if (batch->body.failed) {
        batch->body.failed = false;
        buf_truncate(&batch->body, added.offset);
        return -1;
    }
    batch->items[batch->count++] = added;
    return 0;
}

void batch_place(const struct batch *batch, size_t index, struct place *place)
{
    place->position = batch->items[index].position;
    (void)snprintf(place->mark, sizeof place->mark, "%s", batch->items[index].mark);
}

int64_t batch_age_us(const struct batch *batch, size_t index, int64_t wall_us, int64_t now_ns)
{
    int64_t since_read = (now_ns - batch->read_ns) / NS_PER_US;
    int64_t time_us = batch->items[index].time_us;
    int64_t since_made = time_us > 0 ? wall_us - time_us : 0;
    return since_made > since_read ? since_made : since_read;
}

static int add_from(struct batch *to, const struct batch *from, size_t index)
{
    const struct batch_item *item = &from->items[index];
    return batch_add(to, item, from->body.data + item->offset, item->len);
}

struct batch *batch_split(struct batch *batch, size_t at)
{
    struct place before;
    batch_place(batch, at - 1, &before);
    struct batch *rest = batch_new(&before);
    for (size_t i = at; rest && i < batch->count; i++)
        if (add_from(rest, batch, i)) {
            batch_free(rest);
            return NULL;
        }
    if (rest) {
        rest->careful = batch->careful;
        rest->read_ns = batch->read_ns;
        batch->count = at;
        buf_truncate(&batch->body, batch->items[at - 1].offset + batch->items[at - 1].len + 1);
    }
    return rest;
}

struct batch *batch_take_front(struct batch *batch, size_t count)
{
    struct batch *front = batch_new(&batch->before);
    for (size_t i = 0; front && i < count; i++)
        if (add_from(front, batch, i)) {
            batch_free(front);
            return NULL;
        }
    if (front) {
        front->careful = batch->careful;
        front->read_ns = batch->read_ns;
        batch_place(batch, count - 1, &batch->before);
        batch->count -= count;
        memmove(batch->items, batch->items + count, batch->count * sizeof *batch->items);
    }
    return front;
}

const char *batch_body(const struct batch *batch, size_t *len)
{
    *len = batch->body.len - batch->items[0].offset;
    return batch->body.data + batch->items[0].offset;
}

struct batch *batch_extract(const struct batch *batch, const bool *wanted)
{
    struct batch *extract = batch_new(&batch->before);
    for (size_t i = 0; extract && i < batch->count; i++)
        if (wanted[i] && add_from(extract, batch, i)) {
            batch_free(extract);
            return NULL;
        }
    if (extract)
        extract->read_ns = batch->read_ns;
    return extract;
}

int batch_keep(struct batch *batch, const bool *keep)
{
    struct batch *kept = batch_extract(batch, keep);
    if (!kept)
        return -1;
    struct batch old = *batch;
    *batch = *kept;
    batch->next = old.next;
    batch->in_flight = old.in_flight;
    batch->postponed = old.postponed;
    batch->careful = old.careful;
    *kept = old;
    batch_free(kept);
    return 0;
}

int batch_doom(struct batch *batch, size_t index, const char *reason, const char *detail)
{
    bool failed = false;
    struct batch_item *item = &batch->items[index];
    item->detail = copy(batch, detail, &failed);
    item->reason = failed ? NULL : copy(batch, reason, &failed);
    return failed ? -1 : 0;
}
