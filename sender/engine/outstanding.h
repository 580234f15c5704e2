/* outstanding: the batches without an answer, in the order of their positions. What lies before the first of them
 * is answered without a gap, so that is how far the position may move. */
#ifndef ALPINE_SENDER_OUTSTANDING_H
#define ALPINE_SENDER_OUTSTANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/batch.h"

struct outstanding {
    struct batch *first;
    size_t batches;
    size_t signals;
    size_t doomed; /* of these signals: dead, and their letters not kept yet */
};

/* Appends a batch that was just read (a doomed one too); it belongs to the list from now on. */
void outstanding_append(struct outstanding *list, struct batch *batch);
/* Puts `rest` right behind the batch that it was split from. */
void outstanding_insert_after(struct outstanding *list, struct batch *batch, struct batch *rest);
/* Takes the first `count` signals of a batch out into one of their own, right before it. NULL when out of memory.
 */
struct batch *outstanding_take_front(struct outstanding *list, struct batch *batch, size_t count);
/* Of a batch: these items are doomed (they have reasons), those are to be sent again, the rest is settled. Returns
 * -1 when out of memory: everything is to be sent again. */
MUST_CHECK int outstanding_part(struct outstanding *list, struct batch *batch, const bool *doomed,
                                const bool *again);
/* Takes a batch out and frees it: it is answered. */
void outstanding_remove(struct outstanding *list, struct batch *batch);
/* The first batch that can be sent: not in flight, postponed or doomed. NULL if there is none. */
struct batch *outstanding_next(const struct outstanding *list);
/* The place up to which everything is answered: before the first outstanding batch, else `read`, the place up to
 * which the source was read. */
const struct place *outstanding_safe(const struct outstanding *list, const struct place *read);
/* What was postponed until now_ns or earlier is not any more; with probes also what did not fail by itself. */
void outstanding_recall(struct outstanding *list, int64_t now_ns, bool probes);
/* When the next of its batches may be sent, as a recall with probes sees it; INT64_MAX: there is none. */
int64_t outstanding_due(const struct outstanding *list);
/* How many signals are postponed; without_alone: and did not fail by themselves. */
size_t outstanding_postponed(const struct outstanding *list, bool without_alone);
/* True if nothing in it is under way, or could be: all is postponed or doomed. */
bool outstanding_is_quiet(const struct outstanding *list);
void outstanding_clear(struct outstanding *list);

#endif
