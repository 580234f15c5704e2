/* file: whole small files, a limit, pipes, directories with their parents. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static void a_file_is_read_whole(void **state)
{
    (void)state;
    static char large[20000];
    char path[] = "/tmp/alpine-unit-XXXXXX";
    struct buf content = {0};
    memset(large, 'x', sizeof large);
    write_file(path, large, sizeof large);
    buf_add_text(&content, "before:");
    assert_int_equal(file_read(path, sizeof large, &content, NULL), 0);
    assert_int_equal(content.len, 7 + sizeof large);
    assert_memory_equal(content.data, "before:xxx", 10);
    assert_int_equal(content.data[content.len], 0);
    buf_clear(&content);
    assert_int_equal(unlink(path), 0);
}

static void one_byte_too_many(void **state)
{
    (void)state;
    char path[] = "/tmp/alpine-unit-XXXXXX";
    struct buf content = {0};
    struct err err = {0};
    write_file(path, "12345", 5);
    assert_int_equal(file_read(path, 5, &content, &err), 0);
    buf_reset(&content);
    assert_int_equal(file_read(path, 4, &content, &err), -1);
    assert_int_equal(errno, EFBIG);
    assert_non_null(strstr(err.message, path));
    buf_clear(&content);
    assert_int_equal(unlink(path), 0);
}

static void no_file(void **state)
{
    (void)state;
    struct buf content = {0};
    struct err err = {0};
    assert_int_equal(file_read("/nowhere/at/all", 10, &content, &err), -1);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_int_equal(file_read("/tmp", 10, &content, &err), -1);
    assert_int_equal(errno, EISDIR);
    buf_clear(&content);
}

/* --- pipes ------------------------------------------------------------------------------------------------- */

static void make_fifo(char path[])
{
    int fd = mkstemp(path);
    assert_true(fd >= 0 && !close(fd) && !unlink(path) && !mkfifo(path, 0600));
}

static void a_fifo_without_a_writer_is_empty(void **state)
{
    (void)state;
    char path[] = "/tmp/alpine-unit-XXXXXX";
    struct buf content = {0};
    make_fifo(path);
    assert_int_equal(file_read(path, 10, &content, NULL), 0);
    assert_int_equal(content.len, 0);
    buf_clear(&content);
    assert_int_equal(unlink(path), 0);
}

/* As the shell's <(…): the writer may need a moment. */
static void what_comes_through_a_fifo_is_waited_for(void **state)
{
    (void)state;
    char path[] = "/tmp/alpine-unit-XXXXXX";
    struct buf content = {0};
    make_fifo(path);
    int held = open(path, O_RDWR);
    pid_t writer = fork();
    if (writer == 0) {
        (void)poll(NULL, 0, 50);
        _exit(write(held, "key", 3) == 3 ? 0 : 1);
    }
    (void)close(held);
    assert_int_equal(file_read(path, 10, &content, NULL), 0);
    assert_string_equal(content.data, "key");
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    buf_clear(&content);
    assert_int_equal(unlink(path), 0);
}

static void a_writer_that_is_silent_is_given_up(void **state)
{
    (void)state;
    char path[] = "/tmp/alpine-unit-XXXXXX";
    struct buf content = {0};
    struct err err = {0};
    make_fifo(path);
    int held = open(path, O_RDWR);
    assert_int_equal(file_read(path, 10, &content, &err), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_non_null(strstr(err.message, path));
    (void)close(held);
    buf_clear(&content);
    assert_int_equal(unlink(path), 0);
}

static void directories_with_their_parents(void **state)
{
    (void)state;
    char top[] = "/tmp/alpine-unit-XXXXXX";
    char path[128];
    struct stat found;
    struct err err = {0};
    assert_non_null(mkdtemp(top));
    (void)snprintf(path, sizeof path, "%s/a/b/c", top);
    assert_int_equal(file_make_directory(path, 0700, &err), 0);
    assert_int_equal(file_make_directory(path, 0700, &err), 0);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777U, 0700);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/a/b", top);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/a", top);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(top), 0);
}

static void a_directory_that_cannot_be(void **state)
{
    (void)state;
    char path[] = "/tmp/alpine-unit-XXXXXX";
    char below[64];
    static char endless[10000];
    struct err err = {0};
    write_file(path, "", 0);
    (void)snprintf(below, sizeof below, "%s/x", path);
    assert_int_equal(file_make_directory(below, 0700, &err), -1);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(file_make_directory("", 0700, &err), -1);
    memset(endless, 'x', sizeof endless - 1);
    assert_int_equal(file_make_directory(endless, 0700, &err), -1);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(one_byte_too_many),
        cmocka_unit_test(no_file),
        cmocka_unit_test(a_fifo_without_a_writer_is_empty),
        cmocka_unit_test(what_comes_through_a_fifo_is_waited_for),
        cmocka_unit_test(a_writer_that_is_silent_is_given_up),
        cmocka_unit_test(directories_with_their_parents),
        cmocka_unit_test(a_directory_that_cannot_be),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
