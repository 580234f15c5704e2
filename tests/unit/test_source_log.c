/* source_log: every line once and in order, through whatever rotation does to the file. */
#include "folder.h"
#include "support.h"
#include "taken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/log_lines.h"
#include "adapters/source_log.h"

struct stage {
    struct folder folder;
    struct source *source;
    struct place place; /* behind what was read */
};

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    stage->source = source_log_new(folder_path(&stage->folder, "signals.log"));
    assert_non_null(stage->source);
    *state = stage;
    return 0;
}

static int finish(void **state)
{
    struct stage *stage = *state;
    source_log_free(stage->source);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

/* As after a restart of the program: only the place is known. */
static void restart(struct stage *stage)
{
    source_log_free(stage->source);
    stage->source = source_log_new(folder_path(&stage->folder, "signals.log"));
    assert_non_null(stage->source);
}

/* Appends a line for each letter of ids. */
static void log_to(struct stage *stage, const char *name, const char *ids)
{
    char line[32];
    for (; *ids; ids++) {
        (void)snprintf(line, sizeof line, "{\"signal_id\":\"%c\"}\n", *ids);
        folder_append(&stage->folder, name, line);
    }
}

static void log_lines_of(struct stage *stage, const char *ids)
{
    log_to(stage, "signals.log", ids);
}

/* A rotation by renaming, so long ago. */
static void rotate(struct stage *stage, const char *to, int64_t seconds)
{
    folder_rename(&stage->folder, "signals.log", to);
    folder_date(&stage->folder, to, seconds);
}

static void rotate_by_copying(struct stage *stage, const char *to, int64_t seconds)
{
    folder_copy(&stage->folder, "signals.log", to);
    folder_date(&stage->folder, to, seconds);
    folder_write(&stage->folder, "signals.log", "");
}

static void check(struct stage *stage, enum source_status expected, const char *ids)
{
    assert_int_equal(read_on(stage->source, &stage->place, ids), expected);
}

static bool has_changed(const struct stage *stage)
{
    return stage->source->ops->changed(stage->source->self);
}

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

/* --- renamed ----------------------------------------------------------------------------------------------- */

static void renamed_after_all_was_read(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    rotate(stage, "signals.log.1", 1000);
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "cd");
    check(stage, SOURCE_END, "c d ");
    check(stage, SOURCE_END, "");
}

static void renamed_with_a_rest(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate(stage, "signals.log.1", 1000);
    log_to(stage, "signals.log.1", "d"); /* by a writer that has it open still */
    check(stage, SOURCE_END, "c d ");
    folder_write(&stage->folder, "signals.log", "");
    log_to(stage, "signals.log.1", "e");
    check(stage, SOURCE_END, "e ");
    folder_date(&stage->folder, "signals.log.1", 1000);
    log_lines_of(stage, "f");
    check(stage, SOURCE_END, "f ");
}

/* The end of a rotated file is the end of its last line, with or without a newline. */
static void renamed_with_an_unfinished_line(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "{\"signal_id\":\"a\"}\n{\"signal_id\":\"b\"}");
    check(stage, SOURCE_END, "a ");
    rotate(stage, "signals.log.1", 1000);
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "c");
    check(stage, SOURCE_END, "b c ");
}

static void renamed_twice(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate(stage, "signals.log.2", 1000);
    log_lines_of(stage, "de");
    rotate(stage, "signals.log.1", 2000);
    log_lines_of(stage, "f");
    check(stage, SOURCE_END, "c d e f ");
    check(stage, SOURCE_END, "");
}

/* Stopped in each of the files, and started again there. */
static void restarts_across_two_renames(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    rotate(stage, "signals.log.2", 1000);
    log_lines_of(stage, "cd");
    rotate(stage, "signals.log.1", 2000);
    log_lines_of(stage, "ef");
    stage->place = (struct place){0};
    check(stage, SOURCE_END, "e f "); /* a first start begins with the log as it is */
    for (int each = 1; each <= 4; each++) {
        /* A place as it was saved when the first file was the log. */
        struct source *first = source_log_new(folder_path(&stage->folder, "signals.log.2"));
        stage->place = (struct place){0};
        assert_int_equal(read_some(first, &stage->place, 1, "a "), SOURCE_STOPPED);
        source_log_free(first);
        static const char *const ids[] = {"b ", "c ", "d ", "e ", "f "};
        for (int i = 0; i < 5; i++) {
            if (i % each == 0)
                restart(stage);
            assert_int_equal(read_some(stage->source, &stage->place, 1, ids[i]),
                             i < 4 ? SOURCE_STOPPED : SOURCE_END);
        }
    }
}

static void renamed_while_it_was_not_running(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate(stage, "signals.log.1", 1000);
    restart(stage);
    check(stage, SOURCE_END, "c "); /* the log is not there yet, its last file is */
    log_lines_of(stage, "d");
    restart(stage);
    check(stage, SOURCE_END, "d ");
}

static void the_rotated_file_is_removed_while_it_is_read(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    log_lines_of(stage, "d");
    check(stage, SOURCE_END, "c d "); /* what is open can still be read */
}

/* --- copied and truncated ---------------------------------------------------------------------------------- */

static void truncated_after_all_was_read(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    rotate_by_copying(stage, "signals.log.1", 1000);
    check(stage, SOURCE_END, "");
    log_lines_of(stage, "c");
    check(stage, SOURCE_END, "c ");
    log_lines_of(stage, "d");
    check(stage, SOURCE_END, "d ");
}

static void truncated_with_a_rest(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate_by_copying(stage, "signals.log.1", 1000);
    log_lines_of(stage, "d");
    check(stage, SOURCE_END, "c d ");
}

/* Longer than before, so that the size says nothing. */
static void truncated_and_regrown(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate_by_copying(stage, "signals.log.1", 1000);
    log_lines_of(stage, "defghi");
    check(stage, SOURCE_END, "c d e f g h i ");
}

static void truncated_twice(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate_by_copying(stage, "signals.log.2", 1000);
    log_lines_of(stage, "de");
    rotate_by_copying(stage, "signals.log.1", 2000);
    log_lines_of(stage, "f");
    check(stage, SOURCE_END, "c d e f ");
}

static void truncated_while_it_was_not_running(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "ab");
    check(stage, SOURCE_END, "a b ");
    log_lines_of(stage, "c");
    rotate_by_copying(stage, "signals.log.1", 1000);
    restart(stage);
    check(stage, SOURCE_END, "c ");
    log_lines_of(stage, "defghi");
    restart(stage);
    check(stage, SOURCE_END, "d e f g h i ");
}

static void truncated_in_the_middle_of_a_reading(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "abcd");
    assert_int_equal(read_some(stage->source, &stage->place, 1, "a "), SOURCE_STOPPED);
    rotate_by_copying(stage, "signals.log.1", 1000);
    log_lines_of(stage, "e");
    assert_int_equal(read_some(stage->source, &stage->place, 1, "b "), SOURCE_STOPPED);
    check(stage, SOURCE_END, "c d e ");
}

static void truncated_with_a_half_line_read(void **state)
{
    struct stage *stage = *state;
    log_lines_of(stage, "a");
    folder_append(&stage->folder, "signals.log", "{\"signal_id\":");
    check(stage, SOURCE_END, "a ");
    folder_append(&stage->folder, "signals.log", "\"b\"}\n");
    rotate_by_copying(stage, "signals.log.1", 1000);
    log_lines_of(stage, "c");
    check(stage, SOURCE_END, "b c ");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
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
        TEST(renamed_after_all_was_read),
        TEST(renamed_with_a_rest),
        TEST(renamed_with_an_unfinished_line),
        TEST(renamed_twice),
        TEST(restarts_across_two_renames),
        TEST(renamed_while_it_was_not_running),
        TEST(the_rotated_file_is_removed_while_it_is_read),
        TEST(truncated_after_all_was_read),
        TEST(truncated_with_a_rest),
        TEST(truncated_and_regrown),
        TEST(truncated_twice),
        TEST(truncated_while_it_was_not_running),
        TEST(truncated_in_the_middle_of_a_reading),
        TEST(truncated_with_a_half_line_read),
        TEST(truncated_without_a_copy),
        TEST(replaced_while_it_was_not_running),
        TEST(missing_it_is_away_and_keeps_its_place),
        TEST(a_directory_in_its_place),
        TEST(how_many_follow_cannot_be_told),
    };
    return cmocka_run_group_tests_name("source_log", tests, NULL, NULL);
}
