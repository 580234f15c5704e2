/* state_lock: one sender a directory; who has it can be told without taking it. */
#include "folder.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/state_lock.h"

static int start(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    folder_make(folder);
    *state = folder;
    return 0;
}

static int finish(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

/* Runs it in a process of its own, for a record lock is never in its owner's way. It must return true. */
typedef bool elsewhere(const struct folder *folder, pid_t owner);

static void check_elsewhere(const struct folder *folder, elsewhere *run)
{
    int status;
    pid_t owner = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        _exit(run(folder, owner) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool is_refused(const struct folder *folder, pid_t owner)
{
    struct err err = {0};
    pid_t found = 0;
    char pid[32];
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)owner);
    return state_lock_take(folder->path, &found, &err) == -1 && found == owner && strstr(err.message, pid) &&
           strstr(err.message, folder->path);
}

static bool is_owned(const struct folder *folder, pid_t owner)
{
    return state_lock_owner(folder->path) == owner;
}

static bool is_free(const struct folder *folder, pid_t owner)
{
    (void)owner;
    return state_lock_owner(folder->path) == 0;
}

static bool can_be_taken(const struct folder *folder, pid_t owner)
{
    struct err err = {0};
    pid_t found = -1;
    (void)owner;
    return state_lock_take(folder->path, &found, &err) >= 0 && found == 0;
}

static int take(const struct folder *folder)
{
    struct err err = {0};
    pid_t owner = -1;
    int fd = state_lock_take(folder->path, &owner, &err);
    assert_true(fd >= 0);
    assert_int_equal(owner, 0);
    return fd;
}

static void a_second_one_is_refused(void **state)
{
    int fd = take(*state);
    check_elsewhere(*state, is_refused);
    check_elsewhere(*state, is_refused); /* asking takes nothing away */
    (void)close(fd);
    check_elsewhere(*state, can_be_taken);
}

static void its_owner_can_be_told(void **state)
{
    check_elsewhere(*state, is_free); /* there is no file yet */
    int fd = take(*state);
    check_elsewhere(*state, is_owned);
    check_elsewhere(*state, is_owned);
    check_elsewhere(*state, is_refused);
    (void)close(fd);
    check_elsewhere(*state, is_free);
}

/* However the owner ends, the lock goes with it. */
static void it_goes_with_its_process(void **state)
{
    check_elsewhere(*state, can_be_taken);
    check_elsewhere(*state, is_free);
    int fd = take(*state);
    check_elsewhere(*state, is_owned);
    (void)close(fd);
}

/* A child of the owner is another process. */
static void a_child_does_not_have_it(void **state)
{
    int fd = take(*state);
    check_elsewhere(*state, is_refused);
    check_elsewhere(*state, is_owned); /* and its end does not drop it */
    (void)close(fd);
}

static void where_there_is_no_directory(void **state)
{
    (void)state;
    struct err err = {0};
    pid_t owner = -1;
    static const char missing[] = "/nonexistent/alpine";
    assert_int_equal(state_lock_take(missing, &owner, &err), -1);
    assert_int_equal(owner, 0);
    assert_non_null(strstr(err.message, missing));
    assert_int_equal(state_lock_owner(missing), 0);
    char longer[PATH_MAX + 1];
    memset(longer, 'x', PATH_MAX);
    longer[PATH_MAX] = '\0';
    assert_int_equal(state_lock_take(longer, &owner, &err), -1);
    assert_non_null(strstr(err.message, "the path"));
    assert_int_equal(state_lock_owner(longer), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_second_one_is_refused),  TEST(its_owner_can_be_told),       TEST(it_goes_with_its_process),
        TEST(a_child_does_not_have_it), TEST(where_there_is_no_directory),
    };
    return cmocka_run_group_tests_name("state_lock", tests, NULL, NULL);
}
