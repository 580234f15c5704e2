/* metrics: the table. */
#include "engine/metrics.h"

#include <string.h>

/* As enum sender_result, and as enum outcome. */
static const char *const results[] = {"delivered", "duplicate", "dead", "skipped", NULL};
static const char *const outcomes[] = {"done", "again", "hold", "never", NULL};
static const char *const dead_reasons[SENDER_DEAD_REASONS + 1] = {
    "hash_mismatch", "invalid_field", "malformed", "conflict", "too_large", "rejected", "stuck", "other", NULL};

static const double durations[] = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, INFINITY};
static const double latencies[] = {.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, INFINITY};
static const double sizes[] = {1, 10, 50, 100, 250, 500, 1000, 2500, 5000, INFINITY};

static const struct metric table[] = {
    {.name = "alpine_sender_signals_total",
     .help = "Signals that this process settled: stored by Alpine, there already, made dead letters, or neutral.",
     .kind = METRIC_COUNTER,
     .labels = {{"result", results}}},
    {.name = "alpine_sender_requests_total",
     .help = "Requests with signals that ended, by what is to be done about them.",
     .kind = METRIC_COUNTER,
     .labels = {{"outcome", outcomes}}},
    {.name = "alpine_sender_request_duration_seconds",
     .help = "From the beginning of a request with signals to its answer or failure.",
     .kind = METRIC_HISTOGRAM,
     .bounds = durations},
    {.name = "alpine_sender_batch_signals",
     .help = "Signals in a request.",
     .kind = METRIC_HISTOGRAM,
     .bounds = sizes},
    {.name = "alpine_sender_delivery_latency_seconds",
     .help = "From a signal's own timestamp to the answer that it is stored; retried dead letters are left out.",
     .kind = METRIC_HISTOGRAM,
     .bounds = latencies},
    {.name = "alpine_sender_pending_signals",
     .help = "Signals in Argo's files that are not settled.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_oldest_unsent_age_seconds",
     .help = "Age of the oldest signal that is not settled, by its own timestamp; 0 if there is none, and left out "
             "while Argo's table cannot be read.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_dead_letters",
     .help = "Dead letters that are kept, by reason.",
     .kind = METRIC_GAUGE,
     .labels = {{"reason", dead_reasons}}},
    {.name = "alpine_sender_link_up",
     .help = "1 while the receiver takes signals, as far as is known.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_on_hold",
     .help = "1 while something is misconfigured, and a person must mend it.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_ready", .help = "What /readyz answers: 1 for 200.", .kind = METRIC_GAUGE},
    {.name = "alpine_sender_clock_skew_seconds",
     .help = "How far this host's clock is ahead of the receiver's, at least; 0 within a second.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_last_success_timestamp_seconds",
     .help = "When a signal was delivered last, Unix time.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_source_readable",
     .help = "1 if the last look at Argo's table succeeded.",
     .kind = METRIC_GAUGE},
    {.name = "alpine_sender_state_writable",
     .help = "1 if the last write to the state directory succeeded.",
     .kind = METRIC_GAUGE},
};

_Static_assert(sizeof table / sizeof *table == SENDER_METRICS_END - METRICS_SHARED, "a row for each id");

struct metrics *sender_metrics_new(struct err *err)
{
    return metrics_new("alpine-sender", table, sizeof table / sizeof *table, err);
}

unsigned sender_metrics_dead_series(const char *reason)
{
    unsigned series = 0;
    while (series < SENDER_DEAD_REASONS - 1 && strcmp(dead_reasons[series], reason) != 0)
        series++;
    return series;
}
