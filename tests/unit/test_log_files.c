/* log_files: a file is known by what it holds, whatever its name is now, and the next one by when it was written.
 */
#include "folder.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/log_files.h"

struct stage {
    struct folder folder;
    struct log_files *files;
};

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    stage->files = log_files_new(folder_path(&stage->folder, "signals.log"), &(struct log_files_shut){0});
    assert_non_null(stage->files);
    *state = stage;
    return 0;
}

static int finish(void **state)
{
    struct stage *stage = *state;
    log_files_free(stage->files);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

static int open_current(const struct stage *stage)
{
    struct err err = {0};
    int fd = log_files_open_current(stage->files, &err);
    assert_true(fd >= 0);
    return fd;
}

/* A place in the current file. */
static struct place place_at(const struct stage *stage, int64_t position)
{
    struct place place = {0};
    int fd = open_current(stage);
    assert_int_equal(log_files_place(fd, position, &place), 0);
    assert_int_equal(place.position, position);
    (void)close(fd);
    return place;
}

/* The file of that name, and no other one; closes it. NULL: no file. */
static void check_file(struct stage *stage, int fd, const char *name)
{
    struct stat opened;
    struct stat named;
    if (!name) {
        assert_int_equal(fd, -1);
        return;
    }
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &opened), 0);
    assert_int_equal(stat(folder_path(&stage->folder, name), &named), 0);
    assert_int_equal(opened.st_ino, named.st_ino);
    (void)close(fd);
}

static void check_found(struct stage *stage, const struct place *place, const char *name)
{
    check_file(stage, log_files_find(stage->files, place, -1), name);
}

static void check_next(struct stage *stage, const char *after, const char *name)
{
    struct err err = {0};
    FILE *file = fopen(folder_path(&stage->folder, after), "r");
    assert_non_null(file);
    check_file(stage, log_files_open_next(stage->files, fileno(file), &(struct log_files_read){0}, &err), name);
    (void)fclose(file);
}

/* --- places ------------------------------------------------------------------------------------------------ */

static bool current_holds(const struct stage *stage, const struct place *place)
{
    int fd = open_current(stage);
    bool holds = log_files_holds(fd, place);
    (void)close(fd);
    return holds;
}

static void a_place_is_held_while_the_file_grows(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    assert_true(current_holds(stage, &place));
    folder_append(&stage->folder, "signals.log", "three\n");
    assert_true(current_holds(stage, &place));
    struct place again = place_at(stage, 4);
    assert_true(place_equal(&place, &again));
}

static void another_content_holds_it_not(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    folder_write(&stage->folder, "signals.log", "ONE\ntwo\n");
    assert_false(current_holds(stage, &place));
    folder_write(&stage->folder, "signals.log", "on");
    assert_false(current_holds(stage, &place));
    folder_write(&stage->folder, "signals.log", "");
    assert_false(current_holds(stage, &place));
    folder_write(&stage->folder, "signals.log", "one\nanother\n");
    assert_true(current_holds(stage, &place));
}

/* Written anew with the same first line, the bytes before the place tell; and with the same last one, the first. */
static void both_ends_are_looked_at(void **state)
{
    struct stage *stage = *state;
    char text[4097];
    memset(text, 'x', 4096);
    text[4096] = '\0';
    text[0] = 'a';
    text[4095] = 'z';
    folder_write(&stage->folder, "signals.log", text);
    struct place place = place_at(stage, 4096);
    text[0] = 'b';
    folder_write(&stage->folder, "signals.log", text);
    assert_false(current_holds(stage, &place));
    text[0] = 'a';
    text[4095] = 'y';
    folder_write(&stage->folder, "signals.log", text);
    assert_false(current_holds(stage, &place));
    text[4095] = 'z';
    folder_write(&stage->folder, "signals.log", text);
    assert_true(current_holds(stage, &place));
}

static void the_start_is_held_by_none(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\n");
    struct place place = place_at(stage, 0);
    assert_false(current_holds(stage, &place));
    assert_false(current_holds(stage, &(struct place){0}));
    assert_false(current_holds(stage, &(struct place){.position = 4, .mark = "damaged"}));
    assert_false(current_holds(stage, &(struct place){.position = INT64_MAX, .mark = "1:2"}));
}

static void no_place_behind_the_end(void **state)
{
    struct stage *stage = *state;
    struct place place;
    folder_write(&stage->folder, "signals.log", "one\n");
    int fd = open_current(stage);
    assert_int_equal(log_files_place(fd, 4, &place), 0);
    assert_int_equal(log_files_place(fd, 5, &place), -1);
    (void)close(fd);
    assert_int_equal(log_files_place(-1, 4, &place), -1);
}

/* --- finding ----------------------------------------------------------------------------------------------- */

static void found_under_its_own_name(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    check_found(stage, &place, "signals.log");
}

static void found_where_it_was_renamed_to(void **state)
{
    struct stage *stage = *state;
    static const char *const names[] = {"signals.log.1", "signals.log-20261124", "old", "archive.1.log"};
    const char *now = "signals.log";
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    for (size_t i = 0; i < COUNT(names); i++) {
        folder_rename(&stage->folder, now, names[i]);
        now = names[i];
        check_found(stage, &place, now);
        folder_write(&stage->folder, "signals.log", "three\n");
        check_found(stage, &place, now);
    }
}

static void found_in_the_copy_of_what_was_truncated(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    folder_copy(&stage->folder, "signals.log", "signals.log.1");
    folder_write(&stage->folder, "signals.log", "");
    check_found(stage, &place, "signals.log.1");
    folder_write(&stage->folder, "signals.log", "a line that is longer than the place\n"); /* regrown */
    check_found(stage, &place, "signals.log.1");
}

/* A log that was restored from a backup, say: another inode, the same content. */
static void found_in_another_inode(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    folder_copy(&stage->folder, "signals.log", "new");
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    folder_write(&stage->folder, "taker", "another file takes the inode");
    folder_rename(&stage->folder, "new", "signals.log");
    check_found(stage, &place, "signals.log");
}

/* The inode alone is no proof: it is given to the next file. */
static void an_inode_that_was_reused_is_not_it(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    folder_write(&stage->folder, "signals.log", "another one\n");
    check_found(stage, &place, NULL);
}

static void found_nowhere(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 8);
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    check_found(stage, &place, NULL);
    folder_write(&stage->folder, "signals.log", "three\n");
    folder_write(&stage->folder, "signals.log.1", "one\ntw"); /* shorter than the place */
    check_found(stage, &place, NULL);
}

static void one_file_is_excepted(void **state)
{
    struct stage *stage = *state;
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    struct place place = place_at(stage, 4);
    int fd = open_current(stage);
    assert_int_equal(log_files_find(stage->files, &place, fd), -1);
    folder_copy(&stage->folder, "signals.log", "signals.log.1");
    check_file(stage, log_files_find(stage->files, &place, fd), "signals.log.1");
    (void)close(fd);
}

/* What is no regular file is neither opened, which could block, nor followed. */
static void fifos_and_directories_in_the_way(void **state)
{
    struct stage *stage = *state;
    struct err err = {0};
    folder_write(&stage->folder, "signals.log", "one\ntwo\n");
    folder_date(&stage->folder, "signals.log", 1000);
    struct place place = place_at(stage, 4);
    assert_int_equal(mkfifo(folder_path(&stage->folder, "a-fifo"), 0600), 0);
    assert_int_equal(mkfifo(folder_path(&stage->folder, "signals.log.2"), 0600), 0);
    assert_int_equal(mkdir(folder_path(&stage->folder, "signals.log.3"), 0700), 0);
    folder_rename(&stage->folder, "signals.log", "signals.log.1");
    check_found(stage, &place, "signals.log.1");
    folder_write(&stage->folder, "signals.log", "three\n");
    check_next(stage, "signals.log.1", "signals.log");
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    assert_int_equal(mkfifo(folder_path(&stage->folder, "signals.log"), 0600), 0);
    check_found(stage, &place, "signals.log.1");
    assert_int_equal(log_files_open_current(stage->files, &err), -1);
    assert_true(err.message[0]);
    (void)unlink(folder_path(&stage->folder, "signals.log"));
    assert_int_equal(mkdir(folder_path(&stage->folder, "signals.log"), 0700), 0);
    assert_int_equal(log_files_open_current(stage->files, &err), -1);
}

/* --- the next one ------------------------------------------------------------------------------------------ */

static void write_dated(struct stage *stage, const char *name, int64_t seconds)
{
    folder_write(&stage->folder, name, name);
    folder_date(&stage->folder, name, seconds);
}

static void rotated_files_follow_each_other_by_age(void **state)
{
    struct stage *stage = *state;
    write_dated(stage, "signals.log.3", 1000);
    write_dated(stage, "signals.log.2", 2000);
    write_dated(stage, "signals.log-20261124", 3000);
    write_dated(stage, "signals.log", 4000);
    check_next(stage, "signals.log.3", "signals.log.2");
    check_next(stage, "signals.log.2", "signals.log-20261124");
    check_next(stage, "signals.log-20261124", "signals.log");
    write_dated(stage, "signals.log", 500); /* its time counts for nothing: it is the last one */
    check_next(stage, "signals.log.3", "signals.log.2");
    check_next(stage, "signals.log-20261124", "signals.log");
}

static void what_is_packed_or_another_log_does_not_follow(void **state)
{
    struct stage *stage = *state;
    static const char *const others[] = {"signals.log.2.gz",  "signals.log.2.xz",  "signals.log.2.bz2",
                                         "signals.log.2.zst", "signals.log.2.lz4", "signals.log.zip",
                                         "errors.log.1",      "signals",           ".signals.log.swp"};
    write_dated(stage, "signals.log.3", 1000);
    for (size_t i = 0; i < COUNT(others); i++)
        write_dated(stage, others[i], 2000);
    write_dated(stage, "signals.log", 3000);
    check_next(stage, "signals.log.3", "signals.log");
}

static void nothing_follows_what_is_gone(void **state)
{
    struct stage *stage = *state;
    struct err err = {0};
    write_dated(stage, "signals.log.1", 1000);
    FILE *file = fopen(folder_path(&stage->folder, "signals.log.1"), "r");
    assert_non_null(file);
    assert_int_equal(log_files_open_next(stage->files, fileno(file), &(struct log_files_read){0}, &err), -1);
    assert_non_null(strstr(err.message, "signals.log"));
    (void)fclose(file);
}

/* --- the current one --------------------------------------------------------------------------------------- */

static void which_one_is_current(void **state)
{
    struct stage *stage = *state;
    struct err err = {0};
    struct stat now;
    assert_false(log_files_stat_current(stage->files, &now));
    assert_int_equal(log_files_open_current(stage->files, &err), -1);
    assert_non_null(strstr(err.message, "signals.log"));
    folder_write(&stage->folder, "signals.log", "one\n");
    int fd = open_current(stage);
    assert_true(log_files_is_current(stage->files, fd));
    assert_true(log_files_stat_current(stage->files, &now));
    assert_int_equal(now.st_size, 4);
    folder_rename(&stage->folder, "signals.log", "signals.log.1");
    assert_false(log_files_is_current(stage->files, fd));
    folder_write(&stage->folder, "signals.log", "");
    assert_false(log_files_is_current(stage->files, fd));
    (void)close(fd);
    assert_false(log_files_is_current(stage->files, -1));
}

/* A path without a directory means the current one. */
static void a_bare_name(void **state)
{
    struct stage *stage = *state;
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    folder_write(&stage->folder, "signals.log", "one\n");
    struct place place = place_at(stage, 4);
    folder_rename(&stage->folder, "signals.log", "signals.log.1");
    assert_int_equal(chdir(stage->folder.path), 0);
    struct log_files *bare = log_files_new("signals.log", &(struct log_files_shut){0});
    assert_non_null(bare);
    int fd = log_files_find(bare, &place, -1);
    log_files_free(bare);
    assert_int_equal(chdir(before), 0);
    check_file(stage, fd, "signals.log.1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_place_is_held_while_the_file_grows),
        TEST(another_content_holds_it_not),
        TEST(both_ends_are_looked_at),
        TEST(the_start_is_held_by_none),
        TEST(no_place_behind_the_end),
        TEST(found_under_its_own_name),
        TEST(found_where_it_was_renamed_to),
        TEST(found_in_the_copy_of_what_was_truncated),
        TEST(found_in_another_inode),
        TEST(an_inode_that_was_reused_is_not_it),
        TEST(found_nowhere),
        TEST(one_file_is_excepted),
        TEST(fifos_and_directories_in_the_way),
        TEST(rotated_files_follow_each_other_by_age),
        TEST(what_is_packed_or_another_log_does_not_follow),
        TEST(nothing_follows_what_is_gone),
        TEST(which_one_is_current),
        TEST(a_bare_name),
    };
    return cmocka_run_group_tests_name("log_files", tests, NULL, NULL);
}
