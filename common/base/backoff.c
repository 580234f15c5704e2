/* backoff: doubling with full jitter. */
#include "base/backoff.h"

#include <limits.h>

enum { DOUBLINGS_MAX = 30 };

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}

static int64_t ceiling(const struct backoff *backoff)
{
    unsigned doublings = backoff->failures < DOUBLINGS_MAX ? backoff->failures : DOUBLINGS_MAX;
    int64_t pause = backoff->first_ns;
    while (doublings-- && pause < backoff->cap_ns)
        pause *= 2;
    return pause < backoff->cap_ns ? pause : backoff->cap_ns;
}

static int64_t share(int64_t whole, uint32_t random)
{
    return (int64_t)((double)whole * ((double)random / (double)UINT32_MAX));
}

int64_t backoff_next(struct backoff *backoff, uint32_t random, int64_t floor_ns)
{
    int64_t top = ceiling(backoff);
    int64_t pause = share(top, random);
    int64_t least = backoff->first_ns / 10;
    if (backoff->failures < UINT_MAX)
        backoff->failures++;
    if (pause < least)
        pause = least;
    if (pause < floor_ns)
        pause = floor_ns + share(floor_ns / 10, random);
    return pause;
}
