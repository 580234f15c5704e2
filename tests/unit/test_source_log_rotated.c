/* source_log: every line once and in order, through whatever rotation does to the file. */
#include <string.h>
#include <unistd.h>

#include "adapters/source_log.h"
#include "log_stage.h"
#include "taken.h"

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
        struct source *first =
            source_log_new(folder_path(&stage->folder, "signals.log.2"), &(struct log_files_shut){0});
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

/* Restored from an archive, say, all of the same time: which one comes first is not known, but each does, once. */
static void many_files_of_the_same_time(void **state)
{
    struct stage *stage = *state;
    static const char ids[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct taken taken = {.limit = 200};
    struct err err = {0};
    char name[] = "signals.log.x-0";
    log_lines_of(stage, "0");
    check(stage, SOURCE_END, "0 ");
    rotate(stage, "signals.log.0", 1000);
    for (size_t i = 0; ids[i]; i++) {
        char id[] = {ids[i], '\0'};
        name[12] = ids[i];
        log_to(stage, name, id);
        folder_date(&stage->folder, name, 1000);
    }
    log_lines_of(stage, "1");
    assert_int_equal(stage->source->ops->read(stage->source->self, &stage->place, taken_note, &taken, &err),
                     SOURCE_END);
    assert_int_equal(taken.count, strlen(ids) + 1);
    for (size_t i = 0; ids[i]; i++)
        assert_non_null(strchr(taken.ids, ids[i]));
    assert_int_equal(taken.ids[strlen(taken.ids) - 2], '1');
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, log_start, log_finish)
    const struct CMUnitTest tests[] = {
        TEST(renamed_after_all_was_read),
        TEST(renamed_with_a_rest),
        TEST(renamed_with_an_unfinished_line),
        TEST(renamed_twice),
        TEST(restarts_across_two_renames),
        TEST(renamed_while_it_was_not_running),
        TEST(the_rotated_file_is_removed_while_it_is_read),
        TEST(many_files_of_the_same_time),
        TEST(truncated_after_all_was_read),
        TEST(truncated_with_a_rest),
        TEST(truncated_and_regrown),
        TEST(truncated_twice),
        TEST(truncated_while_it_was_not_running),
        TEST(truncated_in_the_middle_of_a_reading),
        TEST(truncated_with_a_half_line_read),
    };
    return cmocka_run_group_tests_name("source_log_rotated", tests, NULL, NULL);
}
