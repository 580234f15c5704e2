/* log: one event is one line, whatever is in it. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json_doc.h"
#include "base/log.h"
#include "base/utf8.h"

static const char hostile[] = "a\nb\r\tc\x1b[31m\"d\\e\" \x7f \xc2\x85 \xe2\x80\xa8 \xff\xfe \xc3\xa9 level=error";

struct capture {
    int fds[2];
    struct log *log;
    char text[16384];
};

static int start(void **state)
{
    struct capture *capture = calloc(1, sizeof *capture);
    *state = capture;
    return capture && !pipe(capture->fds) ? 0 : -1;
}

static int finish(void **state)
{
    struct capture *capture = *state;
    log_close(capture->log);
    (void)close(capture->fds[0]);
    if (capture->fds[1] >= 0)
        (void)close(capture->fds[1]);
    free(capture);
    return 0;
}

static struct log *opened(struct capture *capture, enum log_format format, enum log_level level)
{
    capture->log = log_open(capture->fds[1], format, level);
    assert_non_null(capture->log);
    return capture->log;
}

/* Everything that was written. */
static const char *written(struct capture *capture)
{
    size_t used = 0;
    ssize_t n;
    (void)close(capture->fds[1]);
    capture->fds[1] = -1;
    while ((n = read(capture->fds[0], capture->text + used, sizeof capture->text - 1 - used)) > 0)
        used += (size_t)n;
    capture->text[used] = '\0';
    return capture->text;
}

/* Exactly one line, of printable characters. */
static void check_one_line(const char *text)
{
    size_t len = strlen(text);
    assert_true(len > 0);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    for (size_t i = 0; i + 1 < len; i++)
        assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    assert_true(utf8_valid(text, len));
    assert_null(strstr(text, "\xc2\x85"));
    assert_null(strstr(text, "\xe2\x80\xa8"));
}

static void text_has_time_level_message_and_pairs(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_INFO);
    log_write(log, LOG_WARN,
              LOG_WITH(LOG_STR("id", "abc"), LOG_INT("n", -5), LOG_STR("left_out", NULL),
                       LOG_STR("why", "two words"), LOG_STR("empty", "")),
              "Signal synced to Alpine: %s (%s %s)", "abc", "AAPL", "BUY");
    const char *text = written(capture);
    check_one_line(text);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24, " warn Signal synced to Alpine: abc (AAPL BUY) id=abc n=-5 why=\"two words\" "
                                   "empty=\"\"\n");
}

static void hostile_text_is_one_line(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_INFO);
    log_write(log, LOG_INFO, LOG_WITH(LOG_STR("value", hostile)), "got %s", hostile);
    const char *text = written(capture);
    check_one_line(text);
    assert_non_null(strstr(text, "got a\\nb\\u000d\\u0009c\\u001b[31m"));
    assert_non_null(strstr(text, "value=\"a\\nb"));
    assert_non_null(strstr(text, "\\\"d\\\\e\\\""));
    assert_non_null(strstr(text, "\\xff\\xfe \xc3\xa9 "));
}

static void every_byte_alone_is_one_line(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_INFO);
    for (int byte = 1; byte < 256; byte++) {
        char value[] = {(char)byte, '\0'};
        log_write(log, LOG_INFO, LOG_WITH(LOG_STR("v", value)), "%s", value);
    }
    const char *text = written(capture);
    size_t lines = 0;
    for (const char *at = text; *at; at++) {
        lines += *at == '\n';
        assert_true((unsigned char)*at >= 0x20 || *at == '\n');
    }
    assert_int_equal(lines, 255);
    assert_true(utf8_valid(text, strlen(text)));
}

static void hostile_text_is_valid_json(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_JSON, LOG_DEBUG);
    log_write(log, LOG_DEBUG, LOG_WITH(LOG_STR("value", hostile), LOG_INT("n", INT64_MAX), LOG_STR("none", NULL)),
              "got %s", hostile);
    const char *text = written(capture);
    check_one_line(text);
    struct json_doc *doc = json_doc_parse(text, strlen(text), NULL);
    assert_non_null(doc);
    const struct json_value *root = json_doc_root(doc);
    size_t len;
    assert_string_equal(json_value_text(json_value_member(root, "level"), &len), "debug");
    assert_int_equal(json_value_integer(json_value_member(root, "n")), INT64_MAX);
    assert_null(json_value_member(root, "none"));
    assert_non_null(json_value_member(root, "time"));
    const char *value = json_value_text(json_value_member(root, "value"), &len);
    assert_memory_equal(value, hostile, strstr(hostile, "\xff") - hostile);
    assert_non_null(strstr(value, "\xef\xbf\xbd\xef\xbf\xbd \xc3\xa9 level=error"));
    json_doc_free(doc);
}

/* Each name once, whatever a caller calls its fields. */
static void a_field_does_not_take_a_name_of_the_lines_own(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_JSON, LOG_INFO);
    log_write(
        log, LOG_INFO,
        LOG_WITH(LOG_STR("time", "noon"), LOG_STR("level", "sea"), LOG_INT("message", 5), LOG_STR("timer", "t")),
        "hello");
    const char *text = written(capture);
    assert_non_null(strstr(text, "\"level\":\"info\",\"message\":\"hello\",\"time_\":\"noon\",\"level_\":\"sea\","
                                 "\"message_\":5,\"timer\":\"t\"}\n"));
}

/* Cut between characters, with a mark. */
static void what_is_too_long_is_cut(void **state)
{
    struct capture *capture = *state;
    static const enum log_format formats[] = {LOG_TEXT, LOG_JSON};
    enum { MEGABYTE = 1 << 20 };
    char *huge = malloc(MEGABYTE + 1);
    assert_non_null(huge);
    for (size_t i = 0; i < MEGABYTE; i += 2)
        memcpy(huge + i, "\xc3\xa9", 2);
    huge[MEGABYTE] = '\0';
    assert_true(fcntl(capture->fds[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct log *log = log_open(capture->fds[1], formats[i], LOG_INFO);
        log_write(log, LOG_INFO, LOG_WITH(LOG_STR("v", huge + 1)), "x%s", huge);
        log_close(log);
    }
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    ssize_t len = read(capture->fds[0], text, (1 << 17) - 1);
    assert_in_range(len, 8192 + 1000, 8 * 8192);
    assert_true(utf8_valid(text, (size_t)len));
    char *second = strchr(text, '\n') + 1;
    assert_true(second - text < 8192 + 1300);
    assert_non_null(strstr(text, "\xc3\xa9... v="));
    assert_memory_equal(second - 6, "\xc3\xa9...\n", 6);
    assert_string_equal(second + strlen(second) - 6, "...\"}\n");
    assert_non_null(strstr(second, "\\u00e9...\",\"v\":\"\\ufffd\\u00e9"));
    free(text);
    free(huge);
}

static void what_is_below_the_level_is_left_out(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_WARN);
    log_write(log, LOG_INFO, LOG_PLAIN, "one");
    log_write(log, LOG_WARN, LOG_PLAIN, "two");
    assert_false(log_enabled(log, LOG_DEBUG));
    log_set_level(log, LOG_DEBUG);
    assert_true(log_enabled(log, LOG_DEBUG));
    log_write(log, LOG_DEBUG, LOG_PLAIN, "three");
    const char *text = written(capture);
    assert_null(strstr(text, "one"));
    assert_non_null(strstr(text, " warn two\n"));
    assert_non_null(strstr(text, " debug three\n"));
}

static void a_long_message_is_still_one_line(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_INFO);
    char value[5001];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_write(log, LOG_INFO, LOG_WITH(LOG_STR("v", value)), "%05000d", 1);
    const char *text = written(capture);
    check_one_line(text);
    assert_non_null(strstr(text, value));
}

static size_t waiting(const struct capture *capture)
{
    int bytes = 0;
    assert_int_equal(ioctl(capture->fds[0], FIONREAD, &bytes), 0);
    return (size_t)bytes;
}

static void *write_from_elsewhere(void *log)
{
    log_write(log, LOG_INFO, LOG_PLAIN, "other");
    return NULL;
}

/* What is gathered comes in one piece and in its order; another thread's line does not wait for it. */
static void gathered_lines_are_written_together(void **state)
{
    struct capture *capture = *state;
    pthread_t thread;
    struct log *log = opened(capture, LOG_JSON, LOG_INFO);
    log_gather(log);
    for (int i = 0; i < 3; i++)
        log_write(log, LOG_INFO, LOG_WITH(LOG_INT("n", i)), "gathered");
    assert_int_equal(waiting(capture), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_from_elsewhere, log), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    size_t before = waiting(capture);
    assert_true(before > 0);
    log_flush(log);
    assert_true(waiting(capture) > before);
    log_write(log, LOG_INFO, LOG_PLAIN, "after");
    const char *at = written(capture);
    static const char *const expected[] = {"\"other\"", "\"n\":0}", "\"n\":1}", "\"n\":2}", "\"after\""};
    for (size_t i = 0; i < COUNT(expected); i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
    }
}

static void much_that_is_gathered_does_not_wait(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_TEXT, LOG_INFO);
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(fcntl(capture->fds[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
    log_gather(log);
    for (int i = 0; i < 100; i++)
        log_write(log, LOG_INFO, LOG_PLAIN, "%s", text);
    assert_true(waiting(capture) > 60000);
    log_flush(log);
    assert_true(waiting(capture) > 100000);
}

/* Of one event only a part finds room, as on a disk that is full: the next one has a line of its own. */
static void a_line_that_was_cut_off_takes_no_other_along(void **state)
{
    struct capture *capture = *state;
    struct log *log = opened(capture, LOG_JSON, LOG_INFO);
    char text[8000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(fcntl(capture->fds[1], F_SETPIPE_SZ, 4096) == 4096);
    assert_int_equal(fcntl(capture->fds[1], F_SETFL, O_NONBLOCK), 0);
    log_write(log, LOG_INFO, LOG_WITH(LOG_STR("text", text)), "cut off");
    log_write(log, LOG_INFO, LOG_PLAIN, "lost");
    ssize_t cut = read(capture->fds[0], text, sizeof text);
    assert_true(cut > 0 && text[cut - 1] == 'x');
    log_write(log, LOG_INFO, LOG_PLAIN, "next");
    log_write(log, LOG_INFO, LOG_PLAIN, "and next");
    const char *rest = written(capture);
    assert_int_equal(rest[0], '\n');
    check_one_line(strchr(rest + 1, '\n') + 1);
    assert_non_null(strstr(rest, "\"next\""));
    assert_null(strstr(rest, "\"lost\""));
    assert_null(strstr(rest + 1, "\n\n"));
}

static void names_of_levels(void **state)
{
    (void)state;
    enum log_level level = LOG_INFO;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(log_level_parse("", &level), -1);
    assert_int_equal(log_level_parse("ERROR", &level), -1);
    assert_int_equal(log_level_parse("warning", &level), -1);
    log_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_has_time_level_message_and_pairs, start, finish),
        cmocka_unit_test_setup_teardown(hostile_text_is_one_line, start, finish),
        cmocka_unit_test_setup_teardown(every_byte_alone_is_one_line, start, finish),
        cmocka_unit_test_setup_teardown(hostile_text_is_valid_json, start, finish),
        cmocka_unit_test_setup_teardown(a_field_does_not_take_a_name_of_the_lines_own, start, finish),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_cut, start, finish),
        cmocka_unit_test_setup_teardown(what_is_below_the_level_is_left_out, start, finish),
        cmocka_unit_test_setup_teardown(a_long_message_is_still_one_line, start, finish),
        cmocka_unit_test_setup_teardown(gathered_lines_are_written_together, start, finish),
        cmocka_unit_test_setup_teardown(much_that_is_gathered_does_not_wait, start, finish),
        cmocka_unit_test_setup_teardown(a_line_that_was_cut_off_takes_no_other_along, start, finish),
        cmocka_unit_test(names_of_levels),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
