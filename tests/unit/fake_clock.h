/* fake_clock: the monotonic clock of the code under test. The test is linked with --wrap=clock_monotonic_ns
 * (CMakeLists.txt, clock_moves_by_hand). */
#ifndef ALPINE_UNIT_FAKE_CLOCK_H
#define ALPINE_UNIT_FAKE_CLOCK_H

#include <stdint.h>

/* From now on it stands still, but for fake_clock_advance. */
void fake_clock_freeze(void);
/* Moves it forward at once, frozen or running. Any thread. */
void fake_clock_advance(int64_t ns);

#endif
