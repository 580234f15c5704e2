/* metrics: one row a figure. Labels are closed lists: no id, path or text from outside gets into one. */
#include "engine/metrics.h"

#include <string.h>

#include "base/clock.h"

/* --- labels ------------------------------------------------------------------------------------------------ */

enum result { RESULT_STORED, RESULT_DUPLICATE, RESULT_CONFLICT, RESULT_REJECTED, RESULT_UNAVAILABLE, RESULTS };

static const char *const results[] = {"stored", "duplicate", "conflict", "rejected", "unavailable", NULL};

/* Where each fault stands in the list of codes. */
static const unsigned code_of[] = {[FAULT_NONE] = 2,
                                   [FAULT_MALFORMED] = 0,
                                   [FAULT_HASH_MISMATCH] = 1,
                                   [FAULT_INVALID_FIELD] = 2,
                                   [FAULT_TOO_LARGE] = 3};
static const char *const codes[] = {"malformed", "hash_mismatch", "invalid_field", "too_large", NULL};
enum { CODES = sizeof codes / sizeof *codes - 1 };

static const char *const routes[] = {
    [ROUTE_LABEL_OTHER] = "other",
    [ROUTE_LABEL_SIGNAL] = "/api/v1/external-signals/sync/signal",
    [ROUTE_LABEL_BATCH] = "/api/v1/external-signals/sync/batch",
    [ROUTE_LABEL_SYNC_HEALTH] = "/api/v1/external-signals/sync/health",
    [ROUTE_LABEL_HEALTH] = "/health",
    [ROUTE_LABEL_LIVEZ] = "/livez",
    [ROUTE_LABEL_READYZ] = "/readyz",
    [ROUTE_LABEL_METRICS] = "/metrics",
    NULL,
};

/* Every status that this receiver answers; the two lists go together. */
static const int status_numbers[] = {200, 201, 400, 401, 404, 405, 408, 409, 413, 415, 422, 429, 503};
static const char *const statuses[] = {"200", "201", "400", "401", "404", "405", "408",
                                       "409", "413", "415", "422", "429", "503", NULL};
enum { STATUSES = sizeof status_numbers / sizeof *status_numbers };

/* PostgreSQL's error classes (its documentation, appendix A). The first is for an error without an SQLSTATE: the
 * connection could not be made, or is lost. */
static const char *const sqlstate_classes[] = {
    "connection", "other", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "20", "21", "22", "23",
    "24",         "25",    "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40",
    "42",         "44",    "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX", NULL,
};
enum { CLASS_CONNECTION, CLASS_OTHER };

/* --- the table --------------------------------------------------------------------------------------------- */

/* Seconds. A request waits for a COMMIT at most as long as the request's time limit, some seconds. */
static const double durations[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                   0.25,  0.5,    1,     2.5,  5,     10,   INFINITY};
/* From milliseconds to what an outage of some hours leaves behind. */
static const double latencies[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,       2.5,
                                   5,     10,   30,    60,   300, 1800, 7200, INFINITY};
static const double group_sizes[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, INFINITY};

#define ROW(id) [(id)-METRICS_SHARED]

static const struct metric table[RECEIVER_METRICS_END - METRICS_SHARED] = {
    ROW(RECEIVER_SIGNALS) = {.name = "alpine_receiver_signals_total",
                             .help = "Signals that were answered, by what became of them; dry runs are left out.",
                             .kind = METRIC_COUNTER,
                             .labels = {{"result", results}}},
    ROW(RECEIVER_REJECTED) = {.name = "alpine_receiver_rejected_signals_total",
                              .help = "Signals that were rejected, by the code of the answer.",
                              .kind = METRIC_COUNTER,
                              .labels = {{"code", codes}}},
    ROW(RECEIVER_FROM_THE_FUTURE) = {.name = "alpine_receiver_signals_from_the_future_total",
                                     .help =
                                         "Signals that were stored before their own timestamp: a clock is wrong.",
                                     .kind = METRIC_COUNTER},
    ROW(RECEIVER_DELIVERY_LATENCY) = {.name = "alpine_receiver_delivery_latency_seconds",
                                      .help =
                                          "From a stored signal's timestamp to its COMMIT; 0 if that is negative.",
                                      .kind = METRIC_HISTOGRAM,
                                      .bounds = latencies},
    ROW(RECEIVER_LAST_STORED) = {.name = "alpine_receiver_last_stored_timestamp_seconds",
                                 .help = "When a signal was last stored, Unix time.",
                                 .kind = METRIC_GAUGE},
    ROW(RECEIVER_REQUESTS) = {.name = "alpine_receiver_http_requests_total",
                              .help = "Requests that were answered.",
                              .kind = METRIC_COUNTER,
                              .labels = {{"route", routes}, {"status", statuses}}},
    ROW(RECEIVER_REQUEST_DURATION) = {.name = "alpine_receiver_request_duration_seconds",
                                      .help = "From a request's headers to its answer.",
                                      .kind = METRIC_HISTOGRAM,
                                      .labels = {{"route", routes}},
                                      .bounds = durations},
    ROW(RECEIVER_UNAUTHORIZED) = {.name = "alpine_receiver_unauthorized_requests_total",
                                  .help = "Requests without a valid API key.",
                                  .kind = METRIC_COUNTER},
    ROW(RECEIVER_CONNECTIONS) = {.name = "alpine_receiver_http_connections",
                                 .help = "Connections of clients that are open.",
                                 .kind = METRIC_GAUGE},
    ROW(RECEIVER_COMMIT_DURATION) = {.name = "alpine_receiver_commit_duration_seconds",
                                     .help = "From a transaction's first statement to the end of its COMMIT.",
                                     .kind = METRIC_HISTOGRAM,
                                     .bounds = durations},
    ROW(RECEIVER_COMMIT_SIGNALS) = {.name = "alpine_receiver_commit_signals",
                                    .help = "Signals in one transaction.",
                                    .kind = METRIC_HISTOGRAM,
                                    .bounds = group_sizes},
    ROW(RECEIVER_QUEUE_SIGNALS) = {.name = "alpine_receiver_queue_signals",
                                   .help = "Signals that wait to be stored.",
                                   .kind = METRIC_GAUGE},
    ROW(RECEIVER_QUEUE_LIMIT) = {.name = "alpine_receiver_queue_limit_signals",
                                 .help = "Signals that may wait; beyond that requests are answered 503.",
                                 .kind = METRIC_GAUGE},
    ROW(RECEIVER_DATABASE_ERRORS) = {.name = "alpine_receiver_database_errors_total",
                                     .help = "Errors of the database by SQLSTATE class, retried ones included; "
                                             "connection: it was lost or could not be made.",
                                     .kind = METRIC_COUNTER,
                                     .labels = {{"class", sqlstate_classes}}},
    ROW(RECEIVER_DATABASE_CONNECTS) = {.name = "alpine_receiver_database_connects_total",
                                       .help = "Connections to the database that were made and can write.",
                                       .kind = METRIC_COUNTER},
    ROW(RECEIVER_DATABASE_READY) = {.name = "alpine_receiver_database_ready",
                                    .help = "1 if a write would work now, 0 if not.",
                                    .kind = METRIC_GAUGE},
    ROW(RECEIVER_READY) = {.name = "alpine_receiver_ready",
                           .help = "1 if /readyz says ready, 0 if not.",
                           .kind = METRIC_GAUGE},
};

struct metrics *receiver_metrics_new(struct err *err)
{
    struct metrics *metrics = metrics_new("alpine-receiver", table, sizeof table / sizeof *table, err);
    metrics_set(metrics, RECEIVER_CONNECTIONS, 0, 0);
    return metrics;
}

/* --- from what happens to figures -------------------------------------------------------------------------- */

static double seconds(int64_t ns)
{
    return (double)ns / NS_PER_S;
}

void receiver_metrics_answered(struct metrics *metrics, const struct request *request, enum route_label route)
{
    unsigned status = 0;
    while (status < STATUSES && status_numbers[status] != request->response.status)
        status++;
    metrics_add(metrics, RECEIVER_REQUESTS, metrics_series(metrics, RECEIVER_REQUESTS, route, status), 1);
    if (request->response.status == 401)
        metrics_add(metrics, RECEIVER_UNAUTHORIZED, 0, 1);
    if (request->begun_ns)
        metrics_observe(metrics, RECEIVER_REQUEST_DURATION, route,
                        seconds(clock_monotonic_ns() - request->begun_ns));
}

static enum result result_of(const struct submission_entry *entry)
{
    static const enum result of_verdict[] = {
        [STORE_UNKNOWN] = RESULT_REJECTED, /* of a dry run only */
        [STORE_STORED] = RESULT_STORED,     [STORE_DUPLICATE] = RESULT_DUPLICATE,
        [STORE_CONFLICT] = RESULT_CONFLICT, [STORE_REFUSED] = RESULT_REJECTED,
    };
    return entry->fault ? RESULT_REJECTED : of_verdict[entry->row.verdict];
}

static void count_stored(struct metrics *metrics, const struct submission_entry *entry, int64_t now_us)
{
    int64_t late_us = now_us - entry->signal.timestamp_us;
    if (late_us < 0)
        metrics_add(metrics, RECEIVER_FROM_THE_FUTURE, 0, 1);
    metrics_observe(metrics, RECEIVER_DELIVERY_LATENCY, 0, late_us < 0 ? 0 : (double)late_us / 1e6);
}

/* One addition for each result, however many signals there are. */
static void add_counts(struct metrics *metrics, enum receiver_metric metric, const unsigned *counts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (counts[i])
            metrics_add(metrics, metric, i, counts[i]);
}

void receiver_metrics_submission(struct metrics *metrics, const struct submission *submission)
{
    unsigned by_result[RESULTS] = {0};
    unsigned by_code[CODES] = {0};
    int64_t now_us = clock_wall_us();
    if (!metrics || submission->dry_run)
        return;
    if (submission->outcome == SUBMISSION_UNAVAILABLE) {
        metrics_add(metrics, RECEIVER_SIGNALS, RESULT_UNAVAILABLE, (double)submission->count);
        return;
    }
    for (size_t i = 0; i < submission->count; i++) {
        const struct submission_entry *entry = &submission->entries[i];
        enum result result = result_of(entry);
        by_result[result]++;
        if (result == RESULT_REJECTED)
            by_code[code_of[entry->fault]]++;
        else if (result == RESULT_STORED)
            count_stored(metrics, entry, now_us);
    }
    add_counts(metrics, RECEIVER_SIGNALS, by_result, RESULTS);
    add_counts(metrics, RECEIVER_REJECTED, by_code, CODES);
    if (by_result[RESULT_STORED])
        metrics_set(metrics, RECEIVER_LAST_STORED, 0, (double)now_us / 1e6);
}

void receiver_metrics_committed(struct metrics *metrics, size_t signals, int64_t duration_ns)
{
    metrics_observe(metrics, RECEIVER_COMMIT_DURATION, 0, seconds(duration_ns));
    metrics_observe(metrics, RECEIVER_COMMIT_SIGNALS, 0, (double)signals);
}

void receiver_metrics_state(struct metrics *metrics, bool database_ready, bool ready, size_t queued)
{
    metrics_set(metrics, RECEIVER_DATABASE_READY, 0, database_ready);
    metrics_set(metrics, RECEIVER_READY, 0, ready);
    metrics_set(metrics, RECEIVER_QUEUE_SIGNALS, 0, (double)queued);
}

void receiver_metrics_database_error(void *metrics, const char *sqlstate)
{
    unsigned place = *sqlstate ? CLASS_OTHER : CLASS_CONNECTION;
    for (unsigned i = CLASS_OTHER + 1; *sqlstate && sqlstate_classes[i]; i++)
        if (!strncmp(sqlstate, sqlstate_classes[i], 2))
            place = i;
    metrics_add(metrics, RECEIVER_DATABASE_ERRORS, place, 1);
}
