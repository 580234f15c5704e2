/* metrics: one array of cells. A counter and a gauge have one cell for each series; a histogram has one for each
 * bound and one for the sum. Everything is an atomic double, so that there is one way to add. */
#include "base/metrics.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/process.h"

enum { NUMBER_SIZE = 32 };

struct row {
    struct metric metric;
    size_t values[METRIC_LABELS_MAX]; /* how many; 1 for a label that there is not */
    size_t bounds;
    size_t series;
    size_t width; /* cells of one series */
    _Atomic double *cells;
};

struct metrics {
    const char *programs[2]; /* the values of build_info's labels */
    const char *versions[2];
    _Atomic double *cells;
    size_t count;
    struct row rows[];
};

static const char *const reload_results[] = {"applied", "refused", NULL};

static const struct metric shared[METRICS_SHARED] = {
    [METRICS_BUILD_INFO] = {.name = "alpine_build_info",
                            .help = "Always 1; the labels say what runs.",
                            .kind = METRIC_GAUGE,
                            .labels = {{"program", NULL}, {"version", NULL}}}, /* metrics_new has the values */
    [METRICS_CONFIG_RELOADS] = {.name = "alpine_config_reloads_total",
                                .help = "Times that the settings were read again (SIGHUP), by what came of it.",
                                .kind = METRIC_COUNTER,
                                .labels = {{"result", reload_results}}},
    [METRICS_CONFIG_LAST_RELOAD] = {.name = "alpine_config_last_reload_timestamp_seconds",
                                    .help = "When settings that were read again were last applied, Unix time.",
                                    .kind = METRIC_GAUGE},
    [METRICS_PROCESS_CPU] = {.name = "process_cpu_seconds_total",
                             .help = "Processor time that the process has used, user and system.",
                             .kind = METRIC_COUNTER},
    [METRICS_PROCESS_RESIDENT] = {.name = "process_resident_memory_bytes",
                                  .help = "Memory of the process that is in RAM.",
                                  .kind = METRIC_GAUGE},
    [METRICS_PROCESS_VIRTUAL] = {.name = "process_virtual_memory_bytes",
                                 .help = "Address space of the process.",
                                 .kind = METRIC_GAUGE},
    [METRICS_PROCESS_OPEN_FDS] = {.name = "process_open_fds",
                                  .help = "File descriptors that are open.",
                                  .kind = METRIC_GAUGE},
    [METRICS_PROCESS_MAX_FDS] = {.name = "process_max_fds",
                                 .help = "File descriptors that may be open.",
                                 .kind = METRIC_GAUGE},
    [METRICS_PROCESS_START] = {.name = "process_start_time_seconds",
                               .help = "When the process started, Unix time.",
                               .kind = METRIC_GAUGE},
};

/* --- cells ------------------------------------------------------------------------------------------------- */

/* A sum that nobody has told yet is NAN. */
static void add(_Atomic double *cell, double n)
{
    double before = atomic_load_explicit(cell, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(cell, &before, isnan(before) ? n : before + n,
                                                  memory_order_relaxed, memory_order_relaxed))
        ; /* before is what another thread made of it */
}

/* A counter whose count is kept elsewhere: two who write it at once may come in the wrong order. */
static void raise_to(_Atomic double *cell, double value)
{
    double before = atomic_load_explicit(cell, memory_order_relaxed);
    while (!(before >= value) &&
           !atomic_compare_exchange_weak_explicit(cell, &before, value, memory_order_relaxed, memory_order_relaxed))
        ;
}

static double load(const _Atomic double *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static const struct row *find(const struct metrics *metrics, unsigned id, unsigned series)
{
    if (!metrics || id >= metrics->count || series >= metrics->rows[id].series)
        return NULL;
    return &metrics->rows[id];
}

unsigned metrics_series(const struct metrics *metrics, unsigned id, unsigned first, unsigned second)
{
    const struct row *row = find(metrics, id, 0);
    if (!row || first >= row->values[0] || second >= row->values[1])
        return UINT32_MAX; /* no series */
    return (unsigned)(first * row->values[1] + second);
}

void metrics_add(struct metrics *metrics, unsigned id, unsigned series, double n)
{
    const struct row *row = find(metrics, id, series);
    if (row && row->metric.kind != METRIC_HISTOGRAM)
        add(&row->cells[series], n);
}

void metrics_set(struct metrics *metrics, unsigned id, unsigned series, double value)
{
    const struct row *row = find(metrics, id, series);
    if (row && row->metric.kind != METRIC_HISTOGRAM)
        atomic_store_explicit(&row->cells[series], value, memory_order_relaxed);
}

double metrics_value(const struct metrics *metrics, unsigned id, unsigned series)
{
    const struct row *row = find(metrics, id, series);
    return row && row->metric.kind != METRIC_HISTOGRAM ? load(&row->cells[series]) : NAN;
}

void metrics_observe(struct metrics *metrics, unsigned id, unsigned series, double value)
{
    const struct row *row = find(metrics, id, series);
    size_t bound = 0;
    if (!row || row->metric.kind != METRIC_HISTOGRAM || isnan(value))
        return;
    while (value > row->metric.bounds[bound]) /* the last one is INFINITY */
        bound++;
    add(&row->cells[series * row->width + bound], 1);
    add(&row->cells[series * row->width + row->bounds], value);
}

void metrics_reloaded(struct metrics *metrics, bool applied)
{
    metrics_add(metrics, METRICS_CONFIG_RELOADS, applied ? 0 : 1, 1);
    if (applied)
        metrics_set(metrics, METRICS_CONFIG_LAST_RELOAD, 0, (double)clock_wall_us() / 1e6);
}

/* --- text -------------------------------------------------------------------------------------------------- */

/* The shortest of 15 to 17 digits that is read back as the same number. */
static void write_number(struct buf *text, double value)
{
    char digits[NUMBER_SIZE];
    if (isinf(value)) {
        buf_add_text(text, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    buf_add_text(text, digits);
}

/* A help text escapes backslash and line feed, a label's value its quotes too. */
static void write_escaped(struct buf *text, const char *from, bool quotes)
{
    for (; *from; from++) {
        if (*from == '\n')
            buf_add_text(text, "\\n");
        else if (*from == '\\' || (quotes && *from == '"'))
            buf_add_format(text, "\\%c", *from);
        else
            buf_add_char(text, *from);
    }
}

/* `name suffix {label="value",…} `, with the bound of a bucket, if bound is not NULL. */
static void write_series(struct buf *text, const struct row *row, size_t series, const char *suffix,
                         const double *bound)
{
    const size_t places[METRIC_LABELS_MAX] = {series / row->values[1], series % row->values[1]};
    char before = '{';
    buf_add_text(text, row->metric.name);
    buf_add_text(text, suffix);
    for (size_t i = 0; i < METRIC_LABELS_MAX && row->metric.labels[i].name; i++) {
        buf_add_char(text, before);
        buf_add_format(text, "%s=\"", row->metric.labels[i].name);
        write_escaped(text, row->metric.labels[i].values[places[i]], true);
        buf_add_char(text, '"');
        before = ',';
    }
    if (bound) {
        buf_add_format(text, "%cle=\"", before);
        write_number(text, *bound);
        buf_add_char(text, '"');
        before = ',';
    }
    buf_add_text(text, before == ',' ? "} " : " ");
}

static void write_line(struct buf *text, const struct row *row, size_t series, const char *suffix,
                       const double *bound, double value)
{
    write_series(text, row, series, suffix, bound);
    write_number(text, value);
    buf_add_char(text, '\n');
}

/* The count is the last bucket's, whatever is observed meanwhile. */
static void write_histogram(struct buf *text, const struct row *row, size_t series)
{
    const _Atomic double *cells = &row->cells[series * row->width];
    double count = 0;
    if (isnan(load(&cells[row->bounds])))
        return;
    double sum = load(&cells[row->bounds]);
    for (size_t i = 0; i < row->bounds; i++) {
        count += load(&cells[i]);
        write_line(text, row, series, "_bucket", &row->metric.bounds[i], count);
    }
    write_line(text, row, series, "_sum", NULL, sum);
    write_line(text, row, series, "_count", NULL, count);
}

static void write_row(struct buf *text, const struct row *row)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    buf_add_format(text, "# HELP %s ", row->metric.name);
    write_escaped(text, row->metric.help, false);
    buf_add_format(text, "\n# TYPE %s %s\n", row->metric.name, kinds[row->metric.kind]);
    for (size_t series = 0; series < row->series; series++) {
        if (row->metric.kind == METRIC_HISTOGRAM) {
            write_histogram(text, row, series);
            continue;
        }
        double value = load(&row->cells[series]);
        if (!isnan(value))
            write_line(text, row, series, "", NULL, value);
    }
}

static void set_process(struct metrics *metrics)
{
    struct process_figures figures;
    process_read(&figures);
    raise_to(metrics->rows[METRICS_PROCESS_CPU].cells, figures.cpu_s);
    metrics_set(metrics, METRICS_PROCESS_RESIDENT, 0, figures.resident);
    metrics_set(metrics, METRICS_PROCESS_VIRTUAL, 0, figures.address_space);
    metrics_set(metrics, METRICS_PROCESS_OPEN_FDS, 0, figures.open_fds);
    metrics_set(metrics, METRICS_PROCESS_MAX_FDS, 0, figures.max_fds);
}

void metrics_write(struct metrics *metrics, struct buf *text)
{
    set_process(metrics);
    for (size_t i = 0; i < metrics->count; i++)
        write_row(text, &metrics->rows[i]);
}

/* --- life -------------------------------------------------------------------------------------------------- */

static void init_row(struct row *row, const struct metric *metric)
{
    bool is_histogram = metric->kind == METRIC_HISTOGRAM;
    row->metric = *metric;
    row->series = 1;
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
        row->values[i] = metric->labels[i].name ? 0 : 1;
        while (metric->labels[i].name && metric->labels[i].values[row->values[i]])
            row->values[i]++;
        row->series *= row->values[i];
    }
    while (is_histogram && (!row->bounds || !isinf(metric->bounds[row->bounds - 1])))
        row->bounds++;
    row->width = is_histogram ? row->bounds + 1 : 1;
}

/* A histogram's last cell, its sum, tells whether it is written. */
static void init_cells(const struct row *row)
{
    bool starts_at_0 = row->metric.kind != METRIC_GAUGE && !row->metric.labels[1].name;
    for (size_t i = 0; i < row->series * row->width; i++) {
        bool is_bucket = i % row->width < row->bounds;
        atomic_init(&row->cells[i], is_bucket || starts_at_0 ? 0 : NAN);
    }
}

static int init_all_cells(struct metrics *metrics)
{
    size_t count = 0;
    for (size_t i = 0; i < metrics->count; i++)
        count += metrics->rows[i].series * metrics->rows[i].width;
    metrics->cells = calloc(count + 1, sizeof *metrics->cells);
    if (!metrics->cells)
        return -1;
    count = 0;
    for (size_t i = 0; i < metrics->count; i++) {
        struct row *row = &metrics->rows[i];
        row->cells = metrics->cells + count;
        count += row->series * row->width;
        init_cells(row);
    }
    return 0;
}

struct metrics *metrics_new(const char *program, const struct metric *table, size_t count, struct err *err)
{
    struct process_figures figures;
    struct metrics *metrics = calloc(1, sizeof *metrics + (METRICS_SHARED + count) * sizeof *metrics->rows);
    if (!metrics) {
        err_set(err, "out of memory");
        return NULL;
    }
    metrics->programs[0] = program;
    metrics->versions[0] = ALPINE_VERSION;
    metrics->count = METRICS_SHARED + count;
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric metric = i < METRICS_SHARED ? shared[i] : table[i - METRICS_SHARED];
        if (i == METRICS_BUILD_INFO) {
            metric.labels[0].values = metrics->programs;
            metric.labels[1].values = metrics->versions;
        }
        init_row(&metrics->rows[i], &metric);
    }
    if (init_all_cells(metrics)) {
        err_set(err, "out of memory");
        metrics_free(metrics);
        return NULL;
    }
    process_read(&figures);
    metrics_set(metrics, METRICS_BUILD_INFO, 0, 1);
    metrics_set(metrics, METRICS_PROCESS_START, 0, figures.start_s);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    free(metrics->cells);
    free(metrics);
}
