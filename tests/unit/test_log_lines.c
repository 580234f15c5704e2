/* log_lines: whole lines only, whatever the chunks they are read in; a line stays until it is accepted. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/log_lines.h"

enum { CHUNK = 64 * 1024 };

struct stage {
    int fd;
    struct log_lines lines;
    struct log_line line; /* that was given last */
};

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    stage->fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(stage->fd >= 0);
    log_lines_seek(&stage->lines, stage->fd, 0);
    *state = stage;
    return 0;
}

static int finish(void **state)
{
    struct stage *stage = *state;
    log_lines_clear(&stage->lines);
    (void)close(stage->fd);
    free(stage);
    return 0;
}

static void append(const struct stage *stage, const char *text, size_t len)
{
    assert_true(write(stage->fd, text, len) == (ssize_t)len);
}

static void append_text(const struct stage *stage, const char *text)
{
    append(stage, text, strlen(text));
}

/* So many bytes of that letter. */
static void append_run(const struct stage *stage, char letter, size_t len)
{
    char *run = malloc(len + 1);
    memset(run, letter, len);
    append(stage, run, len);
    free(run);
}

static void check_next(struct stage *stage, bool unfinished, const char *text)
{
    assert_int_equal(log_lines_peek(&stage->lines, unfinished, &stage->line), 1);
    assert_string_equal(stage->line.text, text);
    assert_int_equal(stage->line.len, strlen(text));
    assert_false(stage->line.too_long);
    log_lines_accept(&stage->lines, &stage->line);
}

static void check_none(struct stage *stage, bool unfinished)
{
    assert_int_equal(log_lines_peek(&stage->lines, unfinished, &stage->line), 0);
}

static void one_after_the_other(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\n\nthree\r\nfour\n");
    check_next(stage, false, "one");
    assert_int_equal(stage->line.end, 4);
    check_next(stage, false, "");
    assert_int_equal(stage->line.end, 5);
    check_next(stage, false, "three\r");
    check_next(stage, false, "four");
    assert_int_equal(stage->line.end, 17);
    check_none(stage, false);
    check_none(stage, true);
}

static void an_empty_file(void **state)
{
    struct stage *stage = *state;
    check_none(stage, false);
    check_none(stage, true);
    append_text(stage, "late\n");
    check_next(stage, false, "late");
}

static void a_line_without_its_end_waits(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\nha");
    check_next(stage, false, "one");
    check_none(stage, false);
    append_text(stage, "lf");
    check_none(stage, false);
    append_text(stage, "\ntwo\n");
    check_next(stage, false, "half");
    check_next(stage, false, "two");
}

static void an_unfinished_line_is_given_when_wanted(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\nhalf");
    check_next(stage, true, "one");
    check_none(stage, false);
    check_next(stage, true, "half");
    assert_int_equal(stage->line.end, 8);
    check_none(stage, true);
}

/* It was given as it stood, not accepted, and goes on. */
static void an_unfinished_line_may_still_grow(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "half");
    assert_int_equal(log_lines_peek(&stage->lines, true, &stage->line), 1);
    assert_string_equal(stage->line.text, "half");
    append_text(stage, " and more\n");
    check_next(stage, false, "half and more");
}

static void a_line_stays_until_it_is_accepted(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\ntwo\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
        assert_string_equal(stage->line.text, "one");
        assert_int_equal(stage->line.end, 4);
    }
    log_lines_accept(&stage->lines, &stage->line);
    check_next(stage, false, "two");
}

/* Ends that fall before, on and behind the border of what one read brings. */
static void lines_across_the_borders_of_chunks(void **state)
{
    struct stage *stage = *state;
    int64_t offset = 0;
    for (int around = -2; around <= 2; around++) {
        size_t len = (size_t)((long)CHUNK + around);
        append_run(stage, (char)('c' + around), len);
        append_text(stage, "\nshort\n");
    }
    for (int around = -2; around <= 2; around++) {
        size_t len = (size_t)((long)CHUNK + around);
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
            assert_int_equal(stage->line.len, len);
            assert_int_equal(strlen(stage->line.text), len);
            assert_int_equal(stage->line.text[0], 'c' + around);
            assert_int_equal(stage->line.text[len - 1], 'c' + around);
        }
        log_lines_accept(&stage->lines, &stage->line);
        offset += (int64_t)len + 1;
        assert_int_equal(stage->line.end, offset);
        check_next(stage, false, "short");
        offset += 6;
    }
    check_none(stage, true);
}

static void the_longest_line(void **state)
{
    struct stage *stage = *state;
    append_run(stage, 'x', LOG_LINE_MAX);
    append_text(stage, "\nnext\n");
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
    assert_int_equal(stage->line.len, LOG_LINE_MAX);
    assert_false(stage->line.too_long);
    log_lines_accept(&stage->lines, &stage->line);
    check_next(stage, false, "next");
}

static void check_too_long(struct stage *stage, size_t len)
{
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
        assert_true(stage->line.too_long);
        assert_int_equal(stage->line.len, LOG_LINE_MAX);
        assert_int_equal(strlen(stage->line.text), LOG_LINE_MAX);
        assert_int_equal(stage->line.end, len + 1);
    }
    log_lines_accept(&stage->lines, &stage->line);
    check_next(stage, false, "next");
    check_none(stage, false);
}

static void one_byte_too_long(void **state)
{
    struct stage *stage = *state;
    append_run(stage, 'x', LOG_LINE_MAX + 1);
    append_text(stage, "\nnext\n");
    check_too_long(stage, LOG_LINE_MAX + 1);
}

static void much_too_long(void **state)
{
    struct stage *stage = *state;
    size_t len = 3 * LOG_LINE_MAX + 4711;
    append_run(stage, 'x', len);
    append_text(stage, "\nnext\n");
    check_too_long(stage, len);
}

/* While it is written it is no line, and costs no memory. */
static void a_long_line_that_is_still_written(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\n");
    append_run(stage, 'x', 2 * LOG_LINE_MAX);
    check_next(stage, false, "one");
    for (int i = 0; i < 5; i++) {
        check_none(stage, false);
        append_run(stage, 'x', LOG_LINE_MAX);
    }
    assert_true(stage->lines.data.capacity < 3 * LOG_LINE_MAX);
    append_text(stage, "\nnext\n");
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
    assert_true(stage->line.too_long);
    log_lines_accept(&stage->lines, &stage->line);
    check_next(stage, false, "next");
}

static void nul_bytes(void **state)
{
    struct stage *stage = *state;
    append(stage, "a\0b\n\0\nnext\n", 11);
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
    assert_int_equal(stage->line.len, 3);
    assert_memory_equal(stage->line.text, "a\0b", 4);
    log_lines_accept(&stage->lines, &stage->line);
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
    assert_int_equal(stage->line.len, 1);
    log_lines_accept(&stage->lines, &stage->line);
    check_next(stage, false, "next");
}

static void seeking(void **state)
{
    struct stage *stage = *state;
    append_text(stage, "one\ntwo\nthree\n");
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), 1);
    log_lines_seek(&stage->lines, stage->fd, 8);
    check_next(stage, false, "three");
    log_lines_seek(&stage->lines, stage->fd, 4);
    check_next(stage, false, "two");
    log_lines_seek(&stage->lines, stage->fd, 14);
    check_none(stage, true);
    log_lines_seek(&stage->lines, stage->fd, 1000); /* the file was cut */
    check_none(stage, true);
}

static void what_cannot_be_read(void **state)
{
    struct stage *stage = *state;
    log_lines_seek(&stage->lines, -1, 0);
    assert_int_equal(log_lines_peek(&stage->lines, false, &stage->line), -1);
    assert_int_equal(errno, EBADF);
    append_text(stage, "one\n");
    log_lines_seek(&stage->lines, stage->fd, 0);
    check_next(stage, false, "one");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(one_after_the_other),
        TEST(an_empty_file),
        TEST(a_line_without_its_end_waits),
        TEST(an_unfinished_line_is_given_when_wanted),
        TEST(an_unfinished_line_may_still_grow),
        TEST(a_line_stays_until_it_is_accepted),
        TEST(lines_across_the_borders_of_chunks),
        TEST(the_longest_line),
        TEST(one_byte_too_long),
        TEST(much_too_long),
        TEST(a_long_line_that_is_still_written),
        TEST(nul_bytes),
        TEST(seeking),
        TEST(what_cannot_be_read),
    };
    return cmocka_run_group_tests_name("log_lines", tests, NULL, NULL);
}
