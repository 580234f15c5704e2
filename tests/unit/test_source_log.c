/* source_log: every line once and in order, while it is written, and when it is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/log_files.h"
#include "adapters/log_lines.h"
#include "log_stage.h"
#include "taken.h"

/* --- one file ---------------------------------------------------------------------------------------------- */

static void what_is_appended(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "abc");
    check(stage, SOURCE_END, "a b c ");
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "de");
    check(stage, SOURCE_END, "d e ");
    restart(stage);
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "f");
    check(stage, SOURCE_END, "f ");
}

static void it_may_come_later(void **state)
{
    struct stage *stage = *state;
    struct err err = {0};
    struct taken taken = {0};
    assert_int_equal(stage->source->ops->read(stage->source->self, &stage->place, taken_note, &taken, &err),
                     SOURCE_AWAY);
    assert_non_null(strstr(err.message, "signals.log"));
    assert_true(has_changed(stage));
    folder_write(&stage->folder, "signals.log", "");
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "a");
    check(stage, SOURCE_END, "a ");
}

/* A line that is not taken comes again, in the next read or after a restart. */
static void stopped_in_the_middle(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "abcde");
    assert_int_equal(read_some(stage->source, &stage->place, 2, "a b "), SOURCE_STOPPED);
    assert_int_equal(read_some(stage->source, &stage->place, 1, "c "), SOURCE_STOPPED);
    restart(stage);
    check(stage, SOURCE_END, "d e ");
}

static void read_again_from_an_older_place(void **state)
{
    struct stage *stage = *state;
    struct place older;
    log_lines_of(stage, "abcde");
    assert_int_equal(read_some(stage->source, &stage->place, 2, "a b "), SOURCE_STOPPED);
    older = stage->place;
    check(stage, SOURCE_END, "c d e ");
    stage->place = older;
    check(stage, SOURCE_END, "c d e ");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "a b c d e ");
}

static void a_last_line_that_is_half_written(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "a");
    folder_append(&stage->folder, "signals.log", "{\"signal");
    check(stage, SOURCE_END, "a ");
    check(stage, SOURCE_END, "");
    folder_append(&stage->folder, "signals.log", "_id\":\"b\"}");
    check(stage, SOURCE_END, "");
    folder_append(&stage->folder, "signals.log", "\n{\"signal_id\":");
    check(stage, SOURCE_END, "b ");
    restart(stage);
    folder_append(&stage->folder, "signals.log", "\"c\"}\n");
    check(stage, SOURCE_END, "c ");
}

static void lines_that_are_no_signals(void **state)
{
    struct stage *stage = *state;
    struct taken taken = {0};
    struct err err = {0};
    log_lines_of(stage, "a");
    folder_append(&stage->folder, "signals.log", "\n  \t\r\nTraceback (most recent call last):\n");
    log_lines_of(stage, "b");
    assert_int_equal(stage->source->ops->read(stage->source->self, &stage->place, taken_note, &taken, &err),
                     SOURCE_END);
    assert_string_equal(taken.ids, "a ! b ");
    assert_string_equal(taken.text, "Traceback (most recent call last):");
    assert_true(taken.reason[0]);
}

/* Blank lines are given to nobody, and are not read again. */
static void blank_lines_at_the_end(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "a");
    folder_append(&stage->folder, "signals.log", "\n\n\n");
    check(stage, SOURCE_END, "a ");
    assert_false(has_changed(stage));
    log_lines_of(stage, "b");
    check(stage, SOURCE_END, "b ");
    folder_append(&stage->folder, "signals.log", "\n\n");
    check(stage, SOURCE_END, "");
    rotate(stage, "signals.log.1", 1000);
    log_lines_of(stage, "c");
    check(stage, SOURCE_END, "c ");
}

static void a_line_that_is_too_long(void **state)
{
    struct stage *stage = *state;
    size_t len = 2 * LOG_LINE_MAX;
    char *text = calloc(1, len + 2);
    memset(text, 'x', len);
    text[len] = '\n';
    log_lines_of(stage, "a");
    folder_append(&stage->folder, "signals.log", text);
    log_lines_of(stage, "b");
    check(stage, SOURCE_END, "a ! b ");
    free(text);
}

static void changes_are_seen(void **state)
{
    struct stage *stage = *state;
    assert_true(has_changed(stage));
    log_lines_of(stage, "abc");
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    assert_true(has_changed(stage)); /* the end was not reached */
    check(stage, SOURCE_END, "b c ");
    assert_false(has_changed(stage));
    folder_append(&stage->folder, "signals.log", "{");
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "");
    assert_false(has_changed(stage));
    folder_rename(&stage->folder, "signals.log", "signals.log.1");
    assert_false(has_changed(stage));
    folder_write(&stage->folder, "signals.log", "");
    assert_false(has_changed(stage)); /* Argo may still write to the old one */
    log_lines_of(stage, "d");
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "! d ");
    assert_false(has_changed(stage));
    folder_write(&stage->folder, "signals.log", "");
    assert_true(has_changed(stage));
}

/* What is appended once, as soon as the end of the file was reached: the source asks then whether it is the log. */
static struct late {
    struct stage *stage;
    const char *ids; /* NULL: nothing */
} late;

bool __real_log_files_is_current(const struct log_files *files, int fd);
bool __wrap_log_files_is_current(const struct log_files *files, int fd);

bool __wrap_log_files_is_current(const struct log_files *files, int fd)
{
    const char *ids = late.ids;
    late.ids = NULL;
    if (ids)
        log_lines_of(late.stage, ids);
    return __real_log_files_is_current(files, fd);
}

static void a_line_that_comes_when_the_end_was_reached(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "a");
    late = (struct late){stage, "b"};
    check(stage, SOURCE_END, "a ");
    assert_null(late.ids);
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "b ");
    assert_false(has_changed(stage));
}

/* A rotation that is over, and a signal whose line is as long as what was there. */
static void another_line_of_the_same_length(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "a");
    check(stage, SOURCE_END, "a ");
    assert_false(has_changed(stage));
    rotate_by_copying(stage, "log.1", 1);
    log_lines_of(stage, "b");
    assert_true(has_changed(stage));
    check(stage, SOURCE_END, "b ");
    assert_false(has_changed(stage));
}

/* --- replaced, away ---------------------------------------------------------------------------------------- */

static void truncated_without_a_copy(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    folder_write(&stage->folder, "signals.log", "");
    log_lines_of(stage, "c");
    check(stage, SOURCE_REPLACED, "");
    check(stage, SOURCE_REPLACED, "");
    restart(stage);
    check(stage, SOURCE_REPLACED, "");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "c ");
}

static void replaced_while_it_was_not_running(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    log_lines_of(stage, "cdefg");
    restart(stage);
    check(stage, SOURCE_REPLACED, "");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "c d e f g ");
}

static void missing_it_is_away_and_keeps_its_place(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    char elsewhere[] = "/tmp/alpine-unit-XXXXXX";
    assert_non_null(mkdtemp(elsewhere));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/log", elsewhere);
    assert_int_equal(rename(folder_path(&stage->folder, "signals.log"), path), 0);
    restart(stage);
    check(stage, SOURCE_AWAY, "");
    check(stage, SOURCE_AWAY, "");
    assert_true(has_changed(stage));
    assert_int_equal(rename(path, folder_path(&stage->folder, "signals.log")), 0);
    (void)rmdir(elsewhere);
    check(stage, SOURCE_END, "b ");
}

static void a_directory_in_its_place(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(mkdir(folder_path(&stage->folder, "signals.log"), 0700), 0);
    check(stage, SOURCE_AWAY, "");
    assert_int_equal(rmdir(folder_path(&stage->folder, "signals.log")), 0);
    assert_int_equal(mkfifo(folder_path(&stage->folder, "signals.log"), 0600), 0);
    check(stage, SOURCE_AWAY, "");
}

static void how_many_follow_cannot_be_told(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    assert_int_equal(stage->source->ops->count_after(stage->source->self, &stage->place), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, log_start, log_finish)
    const struct CMUnitTest tests[] = {
        TEST(what_is_appended),
        TEST(it_may_come_later),
        TEST(stopped_in_the_middle),
        TEST(read_again_from_an_older_place),
        TEST(a_last_line_that_is_half_written),
        TEST(lines_that_are_no_signals),
        TEST(blank_lines_at_the_end),
        TEST(a_line_that_is_too_long),
        TEST(changes_are_seen),
        TEST(a_line_that_comes_when_the_end_was_reached),
        TEST(another_line_of_the_same_length),
        TEST(truncated_without_a_copy),
        TEST(replaced_while_it_was_not_running),
        TEST(missing_it_is_away_and_keeps_its_place),
        TEST(a_directory_in_its_place),
        TEST(how_many_follow_cannot_be_told),
    };
    return cmocka_run_group_tests_name("source_log", tests, NULL, NULL);
}
