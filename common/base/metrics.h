/* metrics: the figures that a program tells Prometheus, and their text (exposition format 0.0.4). A program lists
 * its metrics in one table; the rows that every program has are in metrics.c. Knows nothing of HTTP, or of what is
 * counted.
 *
 *     enum { LAMPS_LIT = METRICS_SHARED, LAMPS_BRIGHTNESS };                    the ids, in the order of the table
 *     static const struct metric table[] = {
 *         {.name = "alpine_lamps_lit_total", .help = "Lamps that were lit.", .kind = METRIC_COUNTER,
 *          .labels = {{"colour", colours}}},
 *         {.name = "alpine_lamps_brightness_ratio", .help = "How bright it is.", .kind = METRIC_GAUGE},
 *     };
 *     metrics_add(metrics, LAMPS_LIT, COLOUR_RED, 1);
 *
 * A metric has one series for each value of its label, or for each pair of values of its two labels. The values are
 * closed lists: never an id, a path or a text from outside. A series is a number counted from 0: 0 for a metric
 * without labels, the value's place in its list for one with a label, and metrics_series() for one with two.
 *
 * Whatever was never told is not written, with one exception: a counter or a histogram with one label or none
 * starts at 0, so that Prometheus sees its first step. */
#ifndef ALPINE_BASE_METRICS_H
#define ALPINE_BASE_METRICS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { METRIC_LABELS_MAX = 2 };

enum metric_kind {
    METRIC_COUNTER,   /* only grows; the name ends in _total */
    METRIC_GAUGE,     /* goes up and down */
    METRIC_HISTOGRAM, /* how many observations were not above each bound */
};

struct metric_label {
    const char *name;          /* NULL: there is none */
    const char *const *values; /* ends with NULL */
};

/* One row. All of it is borrowed for as long as the metrics live. Times are seconds, sizes bytes. */
struct metric {
    const char *name;
    const char *help; /* one sentence */
    enum metric_kind kind;
    struct metric_label labels[METRIC_LABELS_MAX];
    const double *bounds; /* of a histogram: rising, the last one is INFINITY */
};

/* The rows that every program has. A program's own ids begin with METRICS_SHARED. */
enum metrics_shared {
    METRICS_BUILD_INFO,
    METRICS_CONFIG_RELOADS, /* see metrics_reloaded */
    METRICS_CONFIG_LAST_RELOAD,
    METRICS_PROCESS_CPU, /* these six: read when they are written */
    METRICS_PROCESS_RESIDENT,
    METRICS_PROCESS_VIRTUAL,
    METRICS_PROCESS_OPEN_FDS,
    METRICS_PROCESS_MAX_FDS,
    METRICS_PROCESS_START,
    METRICS_SHARED,
};

struct metrics;

/* table: `count` rows, the first of which has the id METRICS_SHARED. NULL and the reason in err on failure. */
struct metrics *metrics_new(const char *program, const struct metric *table, size_t count, struct err *err);
void metrics_free(struct metrics *metrics);

/* Any thread may call what follows, at any time; nothing takes a lock or allocates but metrics_write. metrics may
 * be NULL: then nothing is counted. An id or a series that there is not is ignored. */

/* The series of a pair of label values, each by its place in its list. */
unsigned metrics_series(const struct metrics *metrics, unsigned id, unsigned first, unsigned second);
/* Counts n more; in a gauge, n may be negative. Exact for whole numbers up to 2^53. */
void metrics_add(struct metrics *metrics, unsigned id, unsigned series, double n);
/* Sets a gauge, or a counter whose count is kept elsewhere. NAN: it is not known (any more), and not written. */
void metrics_set(struct metrics *metrics, unsigned id, unsigned series, double value);
/* One observation of a histogram, in its unit (seconds for a time). */
void metrics_observe(struct metrics *metrics, unsigned id, unsigned series, double value);
/* What a counter or a gauge stands at; NAN: never told, or no such series. */
double metrics_value(const struct metrics *metrics, unsigned id, unsigned series);
/* The settings were read again, and applied or refused: counts it, with the time. */
void metrics_reloaded(struct metrics *metrics, bool applied);
/* Appends everything as text, one family after the other in the order of the tables; reads the process figures.
 * Counts are never smaller than what an earlier call wrote. */
void metrics_write(struct metrics *metrics, struct buf *text);

#endif
