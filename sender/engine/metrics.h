/* metrics: what the sender tells Prometheus: one table of all its figures. docs/operations.md lists the same. */
#ifndef ALPINE_SENDER_METRICS_H
#define ALPINE_SENDER_METRICS_H

#include "base/metrics.h"

/* In the order of the table. Whoever knows a figure tells it by this id (base/metrics.h). */
enum sender_metric {
    SENDER_SIGNALS = METRICS_SHARED, /* series: enum sender_result */
    SENDER_REQUESTS,                 /* series: enum outcome */
    SENDER_REQUEST_DURATION,
    SENDER_BATCH_SIGNALS,
    SENDER_DELIVERY_LATENCY,
    SENDER_PENDING,
    SENDER_OLDEST_UNSENT_AGE,
    SENDER_DEAD_LETTERS, /* series: sender_metrics_dead_series */
    SENDER_LINK_UP,
    SENDER_ON_HOLD,
    SENDER_READY,
    SENDER_CLOCK_SKEW,
    SENDER_LAST_SUCCESS,
    SENDER_SOURCE_READABLE,
    SENDER_STATE_WRITABLE,
    SENDER_METRICS_END
};

enum sender_result { RESULT_DELIVERED, RESULT_DUPLICATE, RESULT_DEAD, RESULT_SKIPPED };

/* The reasons of dead letters that are told apart; the last one is any other. */
enum { SENDER_DEAD_REASONS = 8 };

/* NULL and the reason in err on failure. Free it by metrics_free. */
struct metrics *sender_metrics_new(struct err *err);
/* The series of a dead letter's reason; it may come from a receiver, and be any text. */
unsigned sender_metrics_dead_series(const char *reason);

#endif
