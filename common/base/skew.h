/* skew: how far this host's clock is from another one, as far as an answer proves it. Pure. */
#ifndef ALPINE_BASE_SKEW_H
#define ALPINE_BASE_SKEW_H

#include <stdint.h>

/* How exactly an HTTP Date tells the time. */
#define SKEW_HTTP_DATE_STEP_US 1000000

/* In microseconds; positive: the clock here is ahead. sent_us and answered_us are by the clock here; other_us is
 * what the other clock showed at some moment in between, rounded down to step_us. So the true value lies in a
 * range; this is the one in it that is nearest to zero, and never one that the answer does not prove. */
int64_t skew_us(int64_t sent_us, int64_t answered_us, int64_t other_us, int64_t step_us);

#endif
