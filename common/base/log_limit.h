/* log_limit: how many lines of one kind may be written in a while, and how many were not. It only counts: the lines
 * are log.c's. A kind is a format string (by its address) and a level. Every function but init and clear may be
 * called from any thread. */
#ifndef ALPINE_BASE_LOG_LIMIT_H
#define ALPINE_BASE_LOG_LIMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* Of one kind so many lines are written in an interval, which begins with the first of them. */
enum { LOG_LIMIT_BURST = 20 };
#define LOG_LIMIT_INTERVAL_NS (10 * NS_PER_S)
/* So many kinds are told apart; what comes after them shares the last one. */
enum { LOG_LIMIT_KINDS = 64 };

struct log_kind {
    const char *format; /* of printf; static */
    int level;
    int64_t ends_ns; /* its interval, monotonic */
    unsigned written;
    int64_t suppressed; /* lines that nobody was told of yet */
};

struct log_limit {
    pthread_mutex_t lock;
    _Atomic int64_t due_ns; /* when a number of suppressed lines is to be told; INT64_MAX: there is none */
    size_t count;
    struct log_kind kinds[LOG_LIMIT_KINDS];
};

void log_limit_init(struct log_limit *limit);
void log_limit_clear(struct log_limit *limit);
/* True: the line may be written. False: it is counted as suppressed. */
bool log_limit_take(struct log_limit *limit, const char *format, int level, int64_t now_ns);
/* When log_limit_next has something to tell; INT64_MAX: never. */
int64_t log_limit_due(const struct log_limit *limit);
/* Tells of one kind whose interval is over how many lines were suppressed, and forgets the number; now_ns of
 * INT64_MAX waits for no interval's end. False if there is none. */
bool log_limit_next(struct log_limit *limit, int64_t now_ns, struct log_kind *kind);

#endif
