/* log_limit: a small table under one lock. */
#include "base/log_limit.h"

#include <stdatomic.h>

void log_limit_init(struct log_limit *limit)
{
    *limit = (struct log_limit){0};
    atomic_init(&limit->due_ns, INT64_MAX);
    (void)pthread_mutex_init(&limit->lock, NULL);
}

void log_limit_clear(struct log_limit *limit)
{
    (void)pthread_mutex_destroy(&limit->lock);
}

int64_t log_limit_due(const struct log_limit *limit)
{
    return atomic_load_explicit(&limit->due_ns, memory_order_relaxed);
}

/* There are as many kinds as places in the code that log; the last place in the table is for a table that is too
 * small for them. */
static struct log_kind *find_kind(struct log_limit *limit, const char *format, int level)
{
    for (size_t i = 0; i < limit->count; i++)
        if (limit->kinds[i].format == format && limit->kinds[i].level == level)
            return &limit->kinds[i];
    if (limit->count == LOG_LIMIT_KINDS)
        return &limit->kinds[LOG_LIMIT_KINDS - 1];
    struct log_kind *kind = &limit->kinds[limit->count++];
    kind->format = limit->count < LOG_LIMIT_KINDS ? format : "(lines of several kinds)";
    kind->level = level;
    return kind;
}

static void set_due(struct log_limit *limit)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < limit->count; i++)
        if (limit->kinds[i].suppressed && limit->kinds[i].ends_ns < due)
            due = limit->kinds[i].ends_ns;
    atomic_store_explicit(&limit->due_ns, due, memory_order_relaxed);
}

bool log_limit_take(struct log_limit *limit, const char *format, int level, int64_t now_ns)
{
    (void)pthread_mutex_lock(&limit->lock);
    struct log_kind *kind = find_kind(limit, format, level);
    if (now_ns >= kind->ends_ns) { /* what is suppressed and was not told yet is told with the new interval's */
        kind->ends_ns = now_ns + LOG_LIMIT_INTERVAL_NS;
        kind->written = 0;
    }
    bool may = kind->written < LOG_LIMIT_BURST;
    if (may)
        kind->written++;
    else if (!kind->suppressed++)
        set_due(limit);
    (void)pthread_mutex_unlock(&limit->lock);
    return may;
}

bool log_limit_next(struct log_limit *limit, int64_t now_ns, struct log_kind *kind)
{
    bool found = false;
    (void)pthread_mutex_lock(&limit->lock);
    for (size_t i = 0; i < limit->count && !found; i++) {
        found = limit->kinds[i].suppressed && now_ns >= limit->kinds[i].ends_ns;
        if (found) {
            *kind = limit->kinds[i];
            limit->kinds[i].suppressed = 0;
        }
    }
    set_due(limit);
    (void)pthread_mutex_unlock(&limit->lock);
    return found;
}
