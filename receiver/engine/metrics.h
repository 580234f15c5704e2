/* metrics: which figures the receiver tells, and how what happens becomes figures. The registry is
 * base/metrics.h's; metrics may be NULL everywhere. Any thread may call what is here. */
#ifndef ALPINE_RECEIVER_METRICS_H
#define ALPINE_RECEIVER_METRICS_H

#include <stdint.h>

#include "base/metrics.h"
#include "engine/submission.h"
#include "seams/request.h"

/* The rows of the table in metrics.c, in its order. */
enum receiver_metric {
    RECEIVER_SIGNALS = METRICS_SHARED,
    RECEIVER_REJECTED,
    RECEIVER_FROM_THE_FUTURE,
    RECEIVER_DELIVERY_LATENCY,
    RECEIVER_LAST_STORED,
    RECEIVER_REQUESTS,
    RECEIVER_REQUEST_DURATION,
    RECEIVER_UNAUTHORIZED,
    RECEIVER_CONNECTIONS,
    RECEIVER_COMMIT_DURATION,
    RECEIVER_COMMIT_SIGNALS,
    RECEIVER_QUEUE_SIGNALS,
    RECEIVER_QUEUE_LIMIT,
    RECEIVER_DATABASE_ERRORS,
    RECEIVER_DATABASE_CONNECTS,
    RECEIVER_DATABASE_READY,
    RECEIVER_READY,
    RECEIVER_METRICS_END,
};

/* The label of each route; the api's table says which is whose. */
enum route_label {
    ROUTE_LABEL_OTHER, /* no route: an unknown path, or a request that never came in whole */
    ROUTE_LABEL_SIGNAL,
    ROUTE_LABEL_BATCH,
    ROUTE_LABEL_SYNC_HEALTH,
    ROUTE_LABEL_HEALTH,
    ROUTE_LABEL_LIVEZ,
    ROUTE_LABEL_READYZ,
    ROUTE_LABEL_METRICS,
};

/* metrics_free frees it. NULL and the reason in err on failure. */
struct metrics *receiver_metrics_new(struct err *err);

/* The response of a request is set: counts it by route and status, and how long it took. */
void receiver_metrics_answered(struct metrics *metrics, const struct request *request, enum route_label route);
/* What became of each signal of a submission whose outcome is there; dry runs are left out. */
void receiver_metrics_submission(struct metrics *metrics, const struct submission *submission);
/* A transaction with so many signals is durable, duration_ns after its first statement was sent. */
void receiver_metrics_committed(struct metrics *metrics, size_t signals, int64_t duration_ns);
/* How things stand; for a gauge that is read when the metrics are. */
void receiver_metrics_state(struct metrics *metrics, bool database_ready, bool ready, size_t queued);
/* An error of the database; for struct store_watch. */
void receiver_metrics_database_error(void *metrics, const char *sqlstate);

#endif
