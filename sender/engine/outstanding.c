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
}

void outstanding_insert_after(struct outstanding *list, struct batch *batch, struct batch *rest)
{
    rest->next = batch->next;
    batch->next = rest;
    list->batches++; /* its signals were counted with the batch they come from */
}

void outstanding_remove(struct outstanding *list, struct batch *batch)
{
    struct batch **at = find(list, batch);
    if (!*at)
        return;
    *at = batch->next;
    list->batches--;
    list->signals -= batch->count;
    batch_free(batch);
}

struct batch *outstanding_next(const struct outstanding *list)
{
    struct batch *batch = list->first;
    while (batch && (batch->in_flight || batch->postponed))
        batch = batch->next;
    return batch;
}

const struct place *outstanding_safe(const struct outstanding *list, const struct place *read)
{
    return list->first ? &list->first->before : read;
}

void outstanding_recall(struct outstanding *list)
{
    for (struct batch *batch = list->first; batch; batch = batch->next)
        batch->postponed = false;
}

void outstanding_clear(struct outstanding *list)
{
    while (list->first)
        outstanding_remove(list, list->first);
}
