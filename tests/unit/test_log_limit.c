/* log_limit, and the log's limited lines: each line is either written or counted, and time passes only by hand. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "fake_clock.h"

/* --- counting ---------------------------------------------------------------------------------------------- */

static void a_burst_goes_and_the_rest_is_counted(void **state)
{
    (void)state;
    static const char format[] = "one";
    struct log_limit limit;
    struct log_kind kind;
    log_limit_init(&limit);
    for (int i = 0; i < LOG_LIMIT_BURST; i++)
        assert_true(log_limit_take(&limit, format, 0, 5));
    assert_int_equal(log_limit_due(&limit), INT64_MAX);
    for (int i = 0; i < 7; i++)
        assert_false(log_limit_take(&limit, format, 0, 5 + LOG_LIMIT_INTERVAL_NS - 1));
    assert_int_equal(log_limit_due(&limit), 5 + LOG_LIMIT_INTERVAL_NS);
    assert_false(log_limit_next(&limit, 5 + LOG_LIMIT_INTERVAL_NS - 1, &kind));
    assert_true(log_limit_next(&limit, 5 + LOG_LIMIT_INTERVAL_NS, &kind));
    assert_ptr_equal(kind.format, format);
    assert_int_equal(kind.suppressed, 7);
    assert_int_equal(log_limit_due(&limit), INT64_MAX);
    assert_false(log_limit_next(&limit, INT64_MAX, &kind));
    assert_true(log_limit_take(&limit, format, 0, 5 + LOG_LIMIT_INTERVAL_NS));
    log_limit_clear(&limit);
}

static void what_was_not_told_is_told_later(void **state)
{
    (void)state;
    struct log_limit limit;
    struct log_kind kind;
    log_limit_init(&limit);
    for (int i = 0; i < LOG_LIMIT_BURST + 3; i++)
        (void)log_limit_take(&limit, "late", 0, 0);
    for (int i = 0; i < LOG_LIMIT_BURST + 4; i++)
        (void)log_limit_take(&limit, "late", 0, LOG_LIMIT_INTERVAL_NS);
    assert_false(log_limit_next(&limit, LOG_LIMIT_INTERVAL_NS, &kind));
    assert_true(log_limit_next(&limit, INT64_MAX, &kind));
    assert_int_equal(kind.suppressed, 7);
    log_limit_clear(&limit);
}

static void kinds_do_not_count_for_each_other(void **state)
{
    (void)state;
    static const char *const formats[] = {"a", "b"};
    struct log_limit limit;
    log_limit_init(&limit);
    for (int i = 0; i < LOG_LIMIT_BURST; i++)
        for (int level = 0; level < 2; level++)
            for (size_t k = 0; k < COUNT(formats); k++)
                assert_true(log_limit_take(&limit, formats[k], level, 0));
    assert_false(log_limit_take(&limit, formats[0], 0, 0));
    log_limit_clear(&limit);
}

static void a_table_that_is_full_still_counts(void **state)
{
    (void)state;
    static const char formats[LOG_LIMIT_KINDS + 10];
    struct log_limit limit;
    struct log_kind kind;
    int64_t written = 0;
    int64_t suppressed = 0;
    log_limit_init(&limit);
    for (int i = 0; i < LOG_LIMIT_BURST; i++)
        for (size_t k = 0; k < COUNT(formats); k++)
            written += log_limit_take(&limit, &formats[k], 0, 0);
    assert_int_equal(written, LOG_LIMIT_KINDS * LOG_LIMIT_BURST);
    while (log_limit_next(&limit, INT64_MAX, &kind))
        suppressed += kind.suppressed;
    assert_int_equal(written + suppressed, LOG_LIMIT_BURST * COUNT(formats));
    log_limit_clear(&limit);
}

/* --- in the log -------------------------------------------------------------------------------------------- */

struct capture {
    struct log *log;
    int fd;
    char text[512 * 1024];
};

static int start(void **state)
{
    struct capture *capture = calloc(1, sizeof *capture);
    fake_clock_freeze();
    capture->fd = memfd_create("log", MFD_CLOEXEC);
    capture->log = log_open(capture->fd, LOG_TEXT, LOG_INFO);
    *state = capture;
    return capture->log ? 0 : -1;
}

static int finish(void **state)
{
    struct capture *capture = *state;
    log_close(capture->log);
    (void)close(capture->fd);
    free(capture);
    return 0;
}

static const char *written(struct capture *capture)
{
    ssize_t len = pread(capture->fd, capture->text, sizeof capture->text - 1, 0);
    assert_true(len >= 0);
    capture->text[len] = '\0';
    return capture->text;
}

static int times(struct capture *capture, const char *phrase)
{
    int count = 0;
    for (const char *at = written(capture); (at = strstr(at, phrase)); at++)
        count++;
    return count;
}

static void refuse(struct log *log, int count)
{
    for (int i = 0; i < count; i++)
        log_write_limited(log, LOG_WARN, LOG_WITH(LOG_INT("n", i)), "Refused %.3s at 100%% by %d", "signal", i);
}

#define SUPPRESSED "The log suppressed 5 lines like this: Refused ... at 100% by ... suppressed=5\n"

static void the_next_line_of_any_kind_tells(void **state)
{
    struct capture *capture = *state;
    refuse(capture->log, LOG_LIMIT_BURST + 5);
    assert_int_equal(times(capture, "warn Refused sig at 100% by "), LOG_LIMIT_BURST);
    fake_clock_advance(LOG_LIMIT_INTERVAL_NS - 1);
    log_write(capture->log, LOG_INFO, LOG_PLAIN, "too early");
    assert_int_equal(times(capture, "suppressed"), 0);
    fake_clock_advance(1);
    log_write(capture->log, LOG_INFO, LOG_PLAIN, "in time");
    assert_non_null(strstr(written(capture), " warn " SUPPRESSED));
    assert_true(strstr(capture->text, "in time") > strstr(capture->text, "suppressed"));
    refuse(capture->log, 1);
    assert_int_equal(times(capture, "warn Refused"), LOG_LIMIT_BURST + 1);
}

static void a_tick_tells_when_nothing_else_is_said(void **state)
{
    struct capture *capture = *state;
    refuse(capture->log, LOG_LIMIT_BURST + 5);
    log_tick(capture->log);
    assert_int_equal(times(capture, "suppressed"), 0);
    fake_clock_advance(LOG_LIMIT_INTERVAL_NS);
    log_tick(capture->log);
    log_tick(capture->log);
    assert_int_equal(times(capture, SUPPRESSED), 1);
}

static void the_end_tells_without_waiting(void **state)
{
    struct capture *capture = *state;
    refuse(capture->log, LOG_LIMIT_BURST + 5);
    log_close(capture->log);
    capture->log = NULL;
    assert_int_equal(times(capture, SUPPRESSED), 1);
}

static void evidence_is_never_limited(void **state)
{
    struct capture *capture = *state;
    for (int i = 0; i < 1000; i++)
        log_write(capture->log, LOG_INFO, LOG_PLAIN, "Signal synced to Alpine: %d", i);
    assert_int_equal(times(capture, "Signal synced to Alpine: "), 1000);
    assert_int_equal(times(capture, "suppressed"), 0);
}

static void what_is_below_the_level_is_not_counted(void **state)
{
    struct capture *capture = *state;
    log_set_level(capture->log, LOG_ERROR);
    refuse(capture->log, LOG_LIMIT_BURST + 5);
    log_set_level(capture->log, LOG_INFO);
    fake_clock_advance(LOG_LIMIT_INTERVAL_NS);
    log_tick(capture->log);
    assert_string_equal(written(capture), "");
}

enum { THREADS = 4, EACH = 5000 };

static void *refuse_often(void *log)
{
    refuse(log, EACH);
    return NULL;
}

static void threads_lose_no_line(void **state)
{
    struct capture *capture = *state;
    pthread_t threads[THREADS];
    long long suppressed = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refuse_often, capture->log), 0);
    for (int round = 0; round < 3; round++)
        fake_clock_advance(LOG_LIMIT_INTERVAL_NS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_close(capture->log);
    capture->log = NULL;
    int lines = times(capture, "warn Refused");
    for (const char *at = capture->text; (at = strstr(at, " suppressed=")); at++)
        suppressed += strtoll(at + strlen(" suppressed="), NULL, 10);
    assert_true(lines >= LOG_LIMIT_BURST && lines <= 4 * LOG_LIMIT_BURST);
    assert_int_equal(lines + suppressed, THREADS * EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_and_the_rest_is_counted),
        cmocka_unit_test(what_was_not_told_is_told_later),
        cmocka_unit_test(kinds_do_not_count_for_each_other),
        cmocka_unit_test(a_table_that_is_full_still_counts),
        TEST(the_next_line_of_any_kind_tells),
        TEST(a_tick_tells_when_nothing_else_is_said),
        TEST(the_end_tells_without_waiting),
        TEST(evidence_is_never_limited),
        TEST(what_is_below_the_level_is_not_counted),
        TEST(threads_lose_no_line),
    };
    return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
