/* clock: the two times. Monotonic for every wait and deadline; wall only for what a person or a table sees. */
#ifndef ALPINE_BASE_CLOCK_H
#define ALPINE_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 25 };
#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/* Nanoseconds since an arbitrary start; never jumps. */
int64_t clock_monotonic_ns(void);
/* Microseconds since 1970-01-01 UTC; may jump when somebody sets the clock. */
int64_t clock_wall_us(void);
/* Writes "2026-11-23T16:24:14.123Z". Returns text. */
char *clock_format(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);

#endif
