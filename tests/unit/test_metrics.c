/* metrics: what is counted is what is written, in Prometheus' text format. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"

enum { LIT = METRICS_SHARED, BRIGHTNESS, GLOW, PAIRS, AGES };
enum { THREADS = 4, ROUNDS = 250000 }; /* long enough for the threads to meet */

static const char *const colours[] = {"red", "a \"green\\\nblue\"", NULL};
static const char *const sizes[] = {"small", "middle", "large", NULL};
static const double bounds[] = {0.1, 1, 2.5, INFINITY};

static const struct metric table[] = {
    {.name = "lamps_lit_total",
     .help = "One \\ and\ntwo.",
     .kind = METRIC_COUNTER,
     .labels = {{"colour", colours}}},
    {.name = "lamps_brightness_ratio", .help = "How bright.", .kind = METRIC_GAUGE},
    {.name = "lamps_glow_seconds", .help = "How long.", .kind = METRIC_HISTOGRAM, .bounds = bounds},
    {.name = "lamps_pairs_total",
     .help = "Both.",
     .kind = METRIC_COUNTER,
     .labels = {{"colour", colours}, {"size", sizes}}},
    {.name = "lamps_age_seconds",
     .help = "Ages.",
     .kind = METRIC_HISTOGRAM,
     .labels = {{"colour", colours}, {"size", sizes}},
     .bounds = bounds},
};

static int set_up(void **state)
{
    struct err err = {0};
    *state = metrics_new("a-lamp", table, COUNT(table), &err);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    metrics_free(*state);
    return 0;
}

/* Asserts that the text has (or lacks) these whole lines. */
static void expect(struct metrics *metrics, const char *lines, bool there)
{
    struct buf text = {0};
    struct buf wanted = {0};
    buf_add_char(&text, '\n');
    metrics_write(metrics, &text);
    buf_add_format(&wanted, "\n%s\n", lines);
    if ((strstr(text.data, wanted.data) != NULL) != there)
        fail_msg("%s lines\n%s\nin\n%s", there ? "there are no" : "there must be no", lines, text.data);
    buf_clear(&wanted);
    buf_clear(&text);
}

static void a_counter_with_one_label_starts_at_0_and_is_escaped(void **state)
{
    expect(*state,
           "# HELP lamps_lit_total One \\\\ and\\ntwo.\n"
           "# TYPE lamps_lit_total counter\n"
           "lamps_lit_total{colour=\"red\"} 0\n"
           "lamps_lit_total{colour=\"a \\\"green\\\\\\nblue\\\"\"} 0\n"
           "# HELP lamps_brightness_ratio How bright.",
           true);
}

static void what_is_added_is_written(void **state)
{
    metrics_add(*state, LIT, 1, 1);
    metrics_add(*state, LIT, 1, 9007199254740990.0);
    expect(*state, "lamps_lit_total{colour=\"a \\\"green\\\\\\nblue\\\"\"} 9007199254740991", true);
    assert_true(metrics_value(*state, LIT, 1) == 9007199254740991.0);
    assert_true(metrics_value(*state, LIT, 0) == 0);
}

static void a_gauge_that_was_never_set_is_not_written(void **state)
{
    static const char declared[] = "# TYPE lamps_brightness_ratio gauge\n# HELP lamps_glow_seconds How long.";
    expect(*state, declared, true);
    metrics_set(*state, BRIGHTNESS, 0, 0.1);
    expect(*state, "# TYPE lamps_brightness_ratio gauge\nlamps_brightness_ratio 0.1", true);
    metrics_add(*state, BRIGHTNESS, 0, -2);
    expect(*state, "lamps_brightness_ratio -1.9", true);
    metrics_set(*state, BRIGHTNESS, 0, NAN);
    expect(*state, declared, true);
    metrics_add(*state, BRIGHTNESS, 0, 3);
    expect(*state, "lamps_brightness_ratio 3", true);
}

static void numbers_are_read_back_as_they_were(void **state)
{
    static const struct {
        double value;
        const char *line;
    } cases[] = {
        {0.1 + 0.2, "lamps_brightness_ratio 0.30000000000000004"},
        {1790000000.123456, "lamps_brightness_ratio 1790000000.123456"},
        {1e300, "lamps_brightness_ratio 1e+300"},
        {INFINITY, "lamps_brightness_ratio +Inf"},
        {-INFINITY, "lamps_brightness_ratio -Inf"},
        {-0.0, "lamps_brightness_ratio -0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        metrics_set(*state, BRIGHTNESS, 0, cases[i].value);
        expect(*state, cases[i].line, true);
    }
}

static void a_histogram_is_cumulative(void **state)
{
    static const double observed[] = {0, 0.05, 0.1, 0.5, 2.5, 3, 1e9};
    expect(*state,
           "lamps_glow_seconds_bucket{le=\"0.1\"} 0\n"
           "lamps_glow_seconds_bucket{le=\"1\"} 0\n"
           "lamps_glow_seconds_bucket{le=\"2.5\"} 0\n"
           "lamps_glow_seconds_bucket{le=\"+Inf\"} 0\n"
           "lamps_glow_seconds_sum 0\n"
           "lamps_glow_seconds_count 0",
           true);
    for (size_t i = 0; i < COUNT(observed); i++)
        metrics_observe(*state, GLOW, 0, observed[i]);
    metrics_observe(*state, GLOW, 0, NAN);
    expect(*state,
           "# TYPE lamps_glow_seconds histogram\n"
           "lamps_glow_seconds_bucket{le=\"0.1\"} 3\n"
           "lamps_glow_seconds_bucket{le=\"1\"} 4\n"
           "lamps_glow_seconds_bucket{le=\"2.5\"} 5\n"
           "lamps_glow_seconds_bucket{le=\"+Inf\"} 7\n"
           "lamps_glow_seconds_sum 1000000006.15\n"
           "lamps_glow_seconds_count 7",
           true);
}

static void a_pair_of_labels_is_written_once_it_happened(void **state)
{
    expect(*state, "# TYPE lamps_pairs_total counter\n# HELP lamps_age_seconds Ages.", true);
    metrics_add(*state, PAIRS, metrics_series(*state, PAIRS, 0, 2), 1);
    metrics_add(*state, PAIRS, metrics_series(*state, PAIRS, 1, 0), 2);
    metrics_observe(*state, AGES, metrics_series(*state, AGES, 0, 1), 2);
    expect(*state,
           "# TYPE lamps_pairs_total counter\n"
           "lamps_pairs_total{colour=\"red\",size=\"large\"} 1\n"
           "lamps_pairs_total{colour=\"a \\\"green\\\\\\nblue\\\"\",size=\"small\"} 2\n"
           "# HELP lamps_age_seconds Ages.\n"
           "# TYPE lamps_age_seconds histogram\n"
           "lamps_age_seconds_bucket{colour=\"red\",size=\"middle\",le=\"0.1\"} 0\n"
           "lamps_age_seconds_bucket{colour=\"red\",size=\"middle\",le=\"1\"} 0\n"
           "lamps_age_seconds_bucket{colour=\"red\",size=\"middle\",le=\"2.5\"} 1\n"
           "lamps_age_seconds_bucket{colour=\"red\",size=\"middle\",le=\"+Inf\"} 1\n"
           "lamps_age_seconds_sum{colour=\"red\",size=\"middle\"} 2\n"
           "lamps_age_seconds_count{colour=\"red\",size=\"middle\"} 1",
           true);
}

static void what_there_is_not_is_ignored(void **state)
{
    metrics_add(*state, LIT, 2, 1);
    metrics_add(*state, AGES + 1, 0, 1);
    metrics_add(*state, GLOW, 0, 1);
    metrics_set(*state, PAIRS, metrics_series(*state, PAIRS, 2, 0), 1);
    metrics_set(*state, PAIRS, metrics_series(*state, PAIRS, 0, 3), 1);
    metrics_observe(*state, LIT, 0, 1);
    assert_true(isnan(metrics_value(*state, GLOW, 0)));
    assert_true(isnan(metrics_value(*state, LIT, 2)));
    a_counter_with_one_label_starts_at_0_and_is_escaped(state);
    expect(*state, "lamps_glow_seconds_count 0", true);
    expect(*state, "# TYPE lamps_pairs_total counter\n# HELP lamps_age_seconds Ages.", true);
}

static void no_metrics_count_nothing(void **state)
{
    (void)state;
    metrics_add(NULL, LIT, 0, 1);
    metrics_set(NULL, BRIGHTNESS, 0, 1);
    metrics_observe(NULL, GLOW, 0, 1);
    metrics_reloaded(NULL, true);
    assert_true(isnan(metrics_value(NULL, LIT, 0)));
}

static void every_program_says_what_it_is(void **state)
{
    expect(*state, "alpine_build_info{program=\"a-lamp\",version=\"" ALPINE_VERSION "\"} 1", true);
    expect(*state, "# TYPE process_cpu_seconds_total counter", true);
    double now_s = (double)clock_wall_us() / 1e6;
    assert_true(metrics_value(*state, METRICS_PROCESS_RESIDENT, 0) > 100e3);
    assert_true(metrics_value(*state, METRICS_PROCESS_VIRTUAL, 0) > 100e3);
    assert_true(metrics_value(*state, METRICS_PROCESS_CPU, 0) >= 0);
    assert_true(metrics_value(*state, METRICS_PROCESS_OPEN_FDS, 0) >= 3);
    assert_true(metrics_value(*state, METRICS_PROCESS_MAX_FDS, 0) >= 20);
    assert_true(metrics_value(*state, METRICS_PROCESS_START, 0) > now_s - 600);
    assert_true(metrics_value(*state, METRICS_PROCESS_START, 0) <= now_s + 1);
}

static void reloads_are_counted_by_result(void **state)
{
    expect(
        *state,
        "alpine_config_reloads_total{result=\"applied\"} 0\n"
        "alpine_config_reloads_total{result=\"refused\"} 0\n"
        "# HELP alpine_config_last_reload_timestamp_seconds When settings that were read again were last applied, "
        "Unix time.\n"
        "# TYPE alpine_config_last_reload_timestamp_seconds gauge\n"
        "# HELP process_cpu_seconds_total Processor time that the process has used, user and system.",
        true);
    metrics_reloaded(*state, false);
    assert_true(isnan(metrics_value(*state, METRICS_CONFIG_LAST_RELOAD, 0)));
    metrics_reloaded(*state, true);
    metrics_reloaded(*state, true);
    expect(*state,
           "alpine_config_reloads_total{result=\"applied\"} 2\nalpine_config_reloads_total{result=\"refused\"} 1",
           true);
    double now_s = (double)clock_wall_us() / 1e6;
    assert_true(metrics_value(*state, METRICS_CONFIG_LAST_RELOAD, 0) > now_s - 60);
}

static void *count_a_lot(void *self)
{
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(self, LIT, 0, 1);
        metrics_add(self, PAIRS, metrics_series(self, PAIRS, 1, 1), 2);
        metrics_observe(self, GLOW, 0, i % 2 ? 0.5 : 2);
        metrics_add(self, BRIGHTNESS, 0, i % 2 ? -1 : 1);
    }
    return NULL;
}

static long count_of(struct metrics *metrics, const char *series)
{
    struct buf text = {0};
    metrics_write(metrics, &text);
    const char *at = strstr(text.data, series);
    assert_non_null(at);
    long count = strtol(at + strlen(series), NULL, 10);
    buf_clear(&text);
    return count;
}

static void no_thread_loses_a_count(void **state)
{
    pthread_t threads[THREADS];
    long seen = 0;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_a_lot, *state), 0);
    while (seen < ROUNDS) { /* who looks meanwhile never sees less than before */
        long now = count_of(*state, "lamps_glow_seconds_count ");
        assert_true(now >= seen);
        seen = now;
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_true(metrics_value(*state, LIT, 0) == (double)THREADS * ROUNDS);
    assert_true(metrics_value(*state, PAIRS, metrics_series(*state, PAIRS, 1, 1)) == 2.0 * THREADS * ROUNDS);
    assert_true(metrics_value(*state, BRIGHTNESS, 0) == 0);
    expect(*state,
           "lamps_glow_seconds_bucket{le=\"1\"} 500000\n"
           "lamps_glow_seconds_bucket{le=\"2.5\"} 1000000\n"
           "lamps_glow_seconds_bucket{le=\"+Inf\"} 1000000\n"
           "lamps_glow_seconds_sum 1250000\n"
           "lamps_glow_seconds_count 1000000",
           true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_counter_with_one_label_starts_at_0_and_is_escaped),
        TEST(what_is_added_is_written),
        TEST(a_gauge_that_was_never_set_is_not_written),
        TEST(numbers_are_read_back_as_they_were),
        TEST(a_histogram_is_cumulative),
        TEST(a_pair_of_labels_is_written_once_it_happened),
        TEST(what_there_is_not_is_ignored),
        TEST(no_metrics_count_nothing),
        TEST(every_program_says_what_it_is),
        TEST(reloads_are_counted_by_result),
        TEST(no_thread_loses_a_count),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
