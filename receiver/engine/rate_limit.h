/* rate_limit: a token bucket over requests. Safe from any thread. */
#ifndef ALPINE_RECEIVER_RATE_LIMIT_H
#define ALPINE_RECEIVER_RATE_LIMIT_H

#include <stdint.h>

struct rate_limit;

/* per_second requests are let through, and as many at once; 0: no limit. NULL when out of memory. */
struct rate_limit *rate_limit_new(int64_t per_second);
void rate_limit_free(struct rate_limit *limit);
/* Returns 0 and takes a token, or the nanoseconds until there is one. */
int64_t rate_limit_take(struct rate_limit *limit, int64_t now_ns);

#endif
