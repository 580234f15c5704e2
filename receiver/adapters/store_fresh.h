/* store_fresh: which rows of a group are to be inserted. Runs no SQL. */
#ifndef ALPINE_RECEIVER_STORE_FRESH_H
#define ALPINE_RECEIVER_STORE_FRESH_H

#include <stddef.h>

#include "base/err.h"
#include "seams/store.h"

/* Writes to fresh, which has room for all, the rows without a verdict that are the first with their hash and the
 * first with their signal_id, in the order of the group. Returns -1 when out of memory. */
MUST_CHECK int store_fresh_pick(struct store_row **rows, size_t count, struct store_row **fresh,
                                size_t *fresh_count);

#endif
