/* sweep_ends: fake_ends with a table that can be asked, for the tests of what a sweep finds in it. */
#ifndef ALPINE_UNIT_SWEEP_ENDS_H
#define ALPINE_UNIT_SWEEP_ENDS_H

#include "fake_ends.h"

#define INTERVAL_NS (3600 * NS_PER_S)

/* cmocka's setup; ends_finish is its teardown. */
int sweep_start(void **state);
/* Delivers what is there. */
void deliver(struct ends *ends);
/* Opens a delivery with so many rows, which are delivered. */
void open_with(struct ends *ends, int rows);
/* The same with rows at 1 to 3, 1500 ("alone"), 2500 ("far") and 2501 to 2503. */
void open_with_gaps(struct ends *ends);
/* Calls what is due, as the loop does, until `ns` are over. */
void pass_in_steps(struct ends *ends, int64_t ns);
/* The time between sweeps, and that of a sweep which sends nothing. */
void sweep(struct ends *ends);
/* Two sweeps find nothing. */
void check_quiet(struct ends *ends);

#endif
