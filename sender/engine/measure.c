/* measure: see measure.h. */
#include "engine/measure.h"

#include "base/clock.h"
#include "base/skew.h"
#include "engine/metrics.h"

void measure_answer(const struct flight *flight, const struct transport_answer *answer)
{
    struct metrics *metrics = flight->delivery->metrics;
    if (!metrics)
        return;
    int64_t took_ns = clock_monotonic_ns() - flight->sent_ns;
    int64_t answered_us = clock_wall_us();
    metrics_observe(metrics, SENDER_REQUEST_DURATION, 0, (double)took_ns / (double)NS_PER_S);
    metrics_observe(metrics, SENDER_BATCH_SIGNALS, 0, (double)flight->batch->count);
    if (answer->date_us)
        metrics_set(metrics, SENDER_CLOCK_SKEW, 0,
                    (double)skew_us(answered_us - took_ns / NS_PER_US, answered_us, answer->date_us,
                                    SKEW_HTTP_DATE_STEP_US) /
                        1e6);
}

void measure_outcome(const struct delivery *delivery, enum outcome outcome)
{
    metrics_add(delivery->metrics, SENDER_REQUESTS, outcome, 1);
}

void measure_delivered(const struct flight *flight, const struct batch_item *item)
{
    struct metrics *metrics = flight->delivery->metrics;
    const struct batch *batch = flight->batch;
    if (!metrics || item->dead_id)
        return;
    int64_t age_us = batch_age_us(batch, (size_t)(item - batch->items), clock_wall_us(), clock_monotonic_ns());
    metrics_observe(metrics, SENDER_DELIVERY_LATENCY, 0, (double)age_us / 1e6);
}
