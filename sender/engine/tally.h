/* tally: a short sum over the rows of one block of the table that were settled. A row that appears, vanishes or
 * changes later makes the block's sum another one: that is how the sweep finds it without a copy of anything. */
#ifndef ALPINE_SENDER_TALLY_H
#define ALPINE_SENDER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "seams/state.h"
#include "seams/table.h"

enum { TALLY_BLOCK_ROWS = 1024 };

/* The block that a position lies in, and the first and last position of a block. */
int64_t tally_block(int64_t position);
int64_t tally_first(int64_t block);
int64_t tally_last(int64_t block);
/* Adds a row. The order of adding makes no difference. */
void tally_add(struct state_tally *tally, const struct table_row *row);
bool tally_equal(const struct state_tally *a, const struct state_tally *b);

#endif
