/* rate_limit: keeps the time at which the bucket is full again, which is the whole state that it needs. */
#include "engine/rate_limit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

struct rate_limit {
    pthread_mutex_t lock;
    int64_t interval_ns; /* one token's worth; 0: no limit */
    int64_t full_at_ns;
};

struct rate_limit *rate_limit_new(int64_t per_second)
{
    struct rate_limit *limit = calloc(1, sizeof *limit);
    if (!limit)
        return NULL;
    (void)pthread_mutex_init(&limit->lock, NULL);
    limit->interval_ns = per_second ? NS_PER_S / per_second : 0;
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (!limit)
        return;
    (void)pthread_mutex_destroy(&limit->lock);
    free(limit);
}

int64_t rate_limit_take(struct rate_limit *limit, int64_t now_ns)
{
    int64_t wait = 0;
    if (!limit->interval_ns)
        return 0;
    (void)pthread_mutex_lock(&limit->lock);
    if (limit->full_at_ns < now_ns)
        limit->full_at_ns = now_ns;
    if (limit->full_at_ns - now_ns + limit->interval_ns > NS_PER_S)
        wait = limit->full_at_ns - now_ns + limit->interval_ns - NS_PER_S;
    else
        limit->full_at_ns += limit->interval_ns;
    (void)pthread_mutex_unlock(&limit->lock);
    return wait;
}
