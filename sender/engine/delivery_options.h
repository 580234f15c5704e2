/* delivery_options: what a delivery is opened with. */
#ifndef ALPINE_SENDER_DELIVERY_OPTIONS_H
#define ALPINE_SENDER_DELIVERY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "seams/source.h"
#include "seams/state.h"
#include "seams/table.h"
#include "seams/transport.h"

struct delivery_options {
    size_t batch_max;          /* signals in a batch */
    size_t batch_bytes_max;    /* of its body */
    unsigned in_flight_max;    /* requests */
    unsigned single_max;       /* requests in flight to an older receiver, which takes single signals only */
    int64_t retry_first_ns;    /* the first pause after a failure */
    int64_t probe_interval_ns; /* longest pause between retries, and the pause while on hold */
    int64_t sweep_interval_ns; /* between sweeps behind the position */
    bool from_beginning;       /* sends the whole table once more, whatever was settled */
    const char *url;           /* for the log */
};

/* What it works between. All of it is borrowed and must outlive the delivery. */
struct delivery_ends {
    const struct source *rows;  /* Argo's table, or whatever stands for it */
    const struct table *table;  /* the same table, to be asked; NULL: it can only be read */
    const struct source *lines; /* Argo's log; NULL: none. Needs a table */
    const struct transport *transport;
    const struct state *state;
    struct log *log;
    struct metrics *metrics; /* NULL: nothing is counted */
};

#endif
