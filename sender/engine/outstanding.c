/* outstanding: a singly linked list; a few batches as a rule, some thousand single ones for an older receiver. */
#include "engine/outstanding.h"

static struct batch **find(struct outstanding *list, const struct batch *batch)
{
    struct batch **at = &list->first;
    while (*at && *at != batch)
        at = &(*at)->next;
    return at;
}

void outstanding_append(struct outstanding *list, struct batch *batch)
{
    *find(list, NULL) = batch;
    batch->next = NULL;
    list->batches++;
    list->signals += batch->count;
    list->doomed += batch->doomed ? batch->count : 0;
}

void outstanding_insert_after(struct outstanding *list, struct batch *batch, struct batch *rest)
{
    rest->next = batch->next;
    batch->next = rest;
    list->batches++; /* its signals were counted with the batch they come from */
}

struct batch *outstanding_take_front(struct outstanding *list, struct batch *batch, size_t count)
{
    struct batch **at = find(list, batch);
    struct batch *front = batch_take_front(batch, count);
    if (!front)
        return NULL;
    front->next = batch;
    *at = front;
    list->batches++; /* its signals were counted with the batch they come from */
    return front;
}

void outstanding_remove(struct outstanding *list, struct batch *batch)
{
    struct batch **at = find(list, batch);
    if (!*at)
        return;
    *at = batch->next;
    list->batches--;
    list->signals -= batch->count;
    list->doomed -= batch->doomed ? batch->count : 0;
    batch_free(batch);
}

static size_t count_set(const bool *flags, size_t count)
{
    size_t set = 0;
    for (size_t i = 0; i < count; i++)
        set += flags[i];
    return set;
}

/* What stands before the first item that stays is settled, so the position may move up to there. */
static void advance(struct batch *batch, const bool *doomed, const bool *again)
{
    size_t first = 0;
    while (first < batch->count && !doomed[first] && !again[first])
        first++;
    if (first && first < batch->count)
        batch_place(batch, first - 1, &batch->before);
}

int outstanding_part(struct outstanding *list, struct batch *batch, const bool *doomed, const bool *again)
{
    size_t total = batch->count;
    size_t dooms = count_set(doomed, total);
    size_t agains = count_set(again, total);
    advance(batch, doomed, again);
    struct batch *apart = dooms ? batch_extract(batch, doomed) : NULL;
    if ((dooms && !apart) || (agains && agains < total && batch_keep(batch, again))) {
        batch_free(apart);
        return -1;
    }
    if (apart) {
        apart->doomed = true;
        outstanding_insert_after(list, batch, apart);
        list->signals += dooms;
        list->doomed += dooms;
    }
    if (!agains)
        outstanding_remove(list, batch);
    else
        list->signals -= total - agains;
    return 0;
}

struct batch *outstanding_next(const struct outstanding *list)
{
    struct batch *batch = list->first;
    while (batch && (batch->in_flight || batch->postponed || batch->doomed))
        batch = batch->next;
    return batch;
}

const struct place *outstanding_safe(const struct outstanding *list, const struct place *read)
{
    return list->first ? &list->first->before : read;
}

void outstanding_recall(struct outstanding *list, int64_t now_ns, bool probes)
{
    for (struct batch *batch = list->first; batch; batch = batch->next)
        if (batch->stumble.again_ns <= now_ns || (probes && !batch->stumble.alone))
            batch->postponed = false;
}

int64_t outstanding_due(const struct outstanding *list)
{
    int64_t due = INT64_MAX;
    for (const struct batch *batch = list->first; batch; batch = batch->next) {
        bool rests = batch->postponed && batch->stumble.alone;
        int64_t at = rests ? batch->stumble.again_ns : 0;
        if (!batch->doomed && at < due)
            due = at;
    }
    return due;
}

size_t outstanding_postponed(const struct outstanding *list, bool without_alone)
{
    size_t count = 0;
    for (const struct batch *batch = list->first; batch; batch = batch->next)
        if (batch->postponed && !(without_alone && batch->stumble.alone))
            count += batch->count;
    return count;
}

bool outstanding_is_quiet(const struct outstanding *list)
{
    for (const struct batch *batch = list->first; batch; batch = batch->next)
        if (!batch->postponed && !batch->doomed)
            return false;
    return true;
}

void outstanding_clear(struct outstanding *list)
{
    while (list->first)
        outstanding_remove(list, list->first);
}
