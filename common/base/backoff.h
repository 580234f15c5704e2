/* backoff: how long to wait before trying again. Pure: the caller brings the randomness. */
#ifndef ALPINE_BASE_BACKOFF_H
#define ALPINE_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ns;  /* longest first pause */
    int64_t cap_ns;    /* no pause is longer, except for a floor that the other side set */
    unsigned failures; /* in a row, since the last success */
};

/* A success: the next pause is a short one again. */
void backoff_reset(struct backoff *backoff);
/* Counts a failure and returns the pause in nanoseconds: exponential with full jitter, at least
 * first_ns / 10 so that it never spins. random is any 32 random bits. floor_ns is the far end's Retry-After
 * (0 for none); on top of it comes only positive jitter of at most a tenth. */
int64_t backoff_next(struct backoff *backoff, uint32_t random, int64_t floor_ns);

#endif
