/* skew: how far this host's clock is from the receiver's, as far as an answer's Date tells. Pure. */
#ifndef ALPINE_SENDER_SKEW_H
#define ALPINE_SENDER_SKEW_H

#include <stdint.h>

/* In microseconds; positive: the clock here is ahead. sent_us and answered_us are by the clock here, date_us is the
 * answer's Date. That was set at some moment in between and has no fractions of a second, so the true value lies in
 * a range; this is the one in it that is nearest to zero, and never one that the answer does not prove. */
int64_t skew_us(int64_t sent_us, int64_t answered_us, int64_t date_us);

#endif
