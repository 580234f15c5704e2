/* notify: what the service manager is told, when, and when not. The tests are the manager. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/notify.h"

struct manager {
    int fd;
    char name[64]; /* as NOTIFY_SOCKET has it */
    int log_fds[2];
    struct log *log;
    struct notify *notify;
    char text[512];
};

static void listen_at(struct manager *manager, char first)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(manager->name, sizeof manager->name, "%ctmp/alpine-notify-%ld", first, (long)getpid());
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->name);
    size_t len = offsetof(struct sockaddr_un, sun_path) + strlen(manager->name) + (first == '/');
    if (first == '@')
        address.sun_path[0] = '\0';
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, (socklen_t)len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", manager->name, 1), 0);
}

static int start(void **state)
{
    struct manager *manager = calloc(1, sizeof *manager);
    *state = manager;
    assert_int_equal(pipe(manager->log_fds), 0);
    manager->log = log_open(manager->log_fds[1], LOG_TEXT, LOG_INFO);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    manager->fd = -1;
    return 0;
}

static int finish(void **state)
{
    struct manager *manager = *state;
    notify_close(manager->notify);
    log_close(manager->log);
    (void)close(manager->log_fds[0]);
    (void)close(manager->log_fds[1]);
    if (manager->fd >= 0)
        (void)close(manager->fd);
    free(manager);
    return 0;
}

static struct notify *opened(struct manager *manager)
{
    manager->notify = notify_open(manager->log);
    assert_non_null(manager->notify);
    return manager->notify;
}

/* The next message; "" if there is none. */
static const char *next(struct manager *manager)
{
    ssize_t len = recv(manager->fd, manager->text, sizeof manager->text - 1, 0);
    manager->text[len < 0 ? 0 : len] = '\0';
    return manager->text;
}

/* What was logged, at least one line. */
static const char *logged(struct manager *manager)
{
    ssize_t len = read(manager->log_fds[0], manager->text, sizeof manager->text - 1);
    assert_true(len > 0);
    manager->text[len] = '\0';
    return manager->text;
}

static void nobody_asked(void **state)
{
    struct manager *manager = *state;
    assert_null(notify_open(manager->log));
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    assert_null(notify_open(manager->log));
    notify_tell(NULL, NOTIFY_READY);
    notify_tick(NULL, 1, true, "status");
    assert_int_equal(notify_due(NULL), INT64_MAX);
    notify_close(NULL);
}

static void states_by_path_and_by_abstract_name(void **state)
{
    struct manager *manager = *state;
    static const char kinds[] = "/@";
    for (const char *kind = kinds; *kind; kind++) {
        listen_at(manager, *kind);
        struct notify *notify = opened(manager);
        notify_tell(notify, NOTIFY_READY);
        notify_tell(notify, NOTIFY_STOPPING);
        assert_string_equal(next(manager), "READY=1");
        assert_string_equal(next(manager), "STOPPING=1");
        assert_string_equal(next(manager), "");
        notify_close(notify);
        manager->notify = NULL;
        (void)close(manager->fd);
        (void)unlink(manager->name);
        manager->fd = -1;
    }
}

static void a_reload_says_when(void **state)
{
    struct manager *manager = *state;
    static const char start_of_it[] = "RELOADING=1\nMONOTONIC_USEC=";
    listen_at(manager, '@');
    int64_t before = clock_monotonic_ns() / NS_PER_US;
    notify_tell(opened(manager), NOTIFY_RELOADING);
    int64_t after = clock_monotonic_ns() / NS_PER_US;
    const char *text = next(manager);
    assert_memory_equal(text, start_of_it, sizeof start_of_it - 1);
    int64_t said = strtoll(text + sizeof start_of_it - 1, NULL, 10);
    assert_true(said >= before && said <= after);
}

static void a_watchdog_is_fed_at_half_its_time(void **state)
{
    struct manager *manager = *state;
    listen_at(manager, '@');
    assert_int_equal(setenv("WATCHDOG_USEC", "8000000", 1), 0);
    struct notify *notify = opened(manager);
    notify_tick(notify, 100 * NS_PER_S, true, "");
    assert_string_equal(next(manager), "WATCHDOG=1");
    assert_int_equal(notify_due(notify), 104 * NS_PER_S);
    notify_tick(notify, 103 * NS_PER_S, true, "");
    assert_string_equal(next(manager), "");
    notify_tick(notify, 104 * NS_PER_S, true, "");
    assert_string_equal(next(manager), "WATCHDOG=1");
    assert_string_equal(next(manager), "");
}

static void not_without_life(void **state)
{
    struct manager *manager = *state;
    listen_at(manager, '@');
    assert_int_equal(setenv("WATCHDOG_USEC", "60000000", 1), 0);
    struct notify *notify = opened(manager);
    notify_tick(notify, 100 * NS_PER_S, false, "stuck");
    assert_string_equal(next(manager), "STATUS=stuck");
    assert_string_equal(next(manager), "");
    assert_int_equal(notify_due(notify), 105 * NS_PER_S); /* it may be over soon */
    notify_tick(notify, 105 * NS_PER_S, true, "stuck");
    assert_string_equal(next(manager), "WATCHDOG=1");
    notify_tick(notify, 110 * NS_PER_S, true, "stuck");
    assert_string_equal(next(manager), "");
}

static void another_process_is_watched(void **state)
{
    struct manager *manager = *state;
    char pid[32];
    listen_at(manager, '@');
    assert_int_equal(setenv("WATCHDOG_USEC", "8000000", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    notify_tick(opened(manager), NS_PER_S, true, "");
    assert_string_equal(next(manager), "");
    notify_close(manager->notify);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    notify_tick(opened(manager), NS_PER_S, true, "");
    assert_string_equal(next(manager), "WATCHDOG=1");
}

static void a_status_only_if_it_changed_and_not_too_often(void **state)
{
    struct manager *manager = *state;
    listen_at(manager, '@');
    struct notify *notify = opened(manager);
    notify_tick(notify, 100 * NS_PER_S, true, "one\nREADY=1"); /* nothing slips in */
    assert_string_equal(next(manager), "STATUS=one READY=1");
    notify_tick(notify, 101 * NS_PER_S, true, "two");
    assert_string_equal(next(manager), "");
    notify_tick(notify, 105 * NS_PER_S, true, "two");
    assert_string_equal(next(manager), "STATUS=two");
    notify_tick(notify, 120 * NS_PER_S, true, "two");
    assert_string_equal(next(manager), "");
    notify_tick(notify, 121 * NS_PER_S, true, "three");
    assert_string_equal(next(manager), "STATUS=three");
    notify_tell(notify, NOTIFY_STOPPING); /* which is news enough */
    assert_string_equal(next(manager), "STOPPING=1");
    assert_int_equal(notify_due(notify), 0);
    notify_tick(notify, 122 * NS_PER_S, true, "four");
    assert_string_equal(next(manager), "STATUS=four");
}

/* The kernel's queue is full: nothing waits, and what was lost is told when there is room. */
static void a_manager_that_does_not_read(void **state)
{
    struct manager *manager = *state;
    listen_at(manager, '@');
    assert_int_equal(setenv("WATCHDOG_USEC", "2000000", 1), 0);
    struct notify *notify = opened(manager);
    int64_t now = 100 * NS_PER_S;
    int64_t began = clock_monotonic_ns();
    for (int i = 0; i < 2000; i++)
        notify_tick(notify, now += NS_PER_S, true, "");
    assert_true(clock_monotonic_ns() - began < NS_PER_S);
    notify_tick(notify, now, true, "lost at first");
    while (*next(manager))
        assert_string_equal(manager->text, "WATCHDOG=1");
    notify_tick(notify, now, true, "lost at first");
    assert_string_equal(next(manager), "WATCHDOG=1");
    assert_string_equal(next(manager), "STATUS=lost at first");
}

static void a_manager_that_is_gone(void **state)
{
    struct manager *manager = *state;
    assert_int_equal(setenv("NOTIFY_SOCKET", "@tmp/alpine-notify-nobody", 1), 0);
    notify_tell(opened(manager), NOTIFY_READY);
    assert_non_null(strstr(logged(manager), "cannot be told READY=1: Connection refused"));
}

static void nonsense_is_logged(void **state)
{
    struct manager *manager = *state;
    char long_name[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
    const char *const names[] = {"relative", "vsock:2:1234", "/", "@", long_name};
    memset(long_name, '/', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_null(notify_open(manager->log));
        assert_non_null(strstr(logged(manager), "told nothing: NOTIFY_SOCKET is n"));
    }
}

static void a_nonsensical_watchdog_is_logged_and_the_rest_works(void **state)
{
    struct manager *manager = *state;
    static const char *const numbers[] = {"", "0", "-5", "5s", "99999999999999999999"};
    listen_at(manager, '@');
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_int_equal(setenv("WATCHDOG_USEC", numbers[i], 1), 0);
        notify_close(manager->notify);
        notify_tick(opened(manager), NS_PER_S, true, "works");
        assert_string_equal(next(manager), "STATUS=works");
        assert_string_equal(next(manager), "");
        assert_non_null(strstr(logged(manager), "WATCHDOG_USEC is no such number"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_asked, start, finish),
        cmocka_unit_test_setup_teardown(states_by_path_and_by_abstract_name, start, finish),
        cmocka_unit_test_setup_teardown(a_reload_says_when, start, finish),
        cmocka_unit_test_setup_teardown(a_watchdog_is_fed_at_half_its_time, start, finish),
        cmocka_unit_test_setup_teardown(not_without_life, start, finish),
        cmocka_unit_test_setup_teardown(another_process_is_watched, start, finish),
        cmocka_unit_test_setup_teardown(a_status_only_if_it_changed_and_not_too_often, start, finish),
        cmocka_unit_test_setup_teardown(a_manager_that_does_not_read, start, finish),
        cmocka_unit_test_setup_teardown(a_manager_that_is_gone, start, finish),
        cmocka_unit_test_setup_teardown(nonsense_is_logged, start, finish),
        cmocka_unit_test_setup_teardown(a_nonsensical_watchdog_is_logged_and_the_rest_works, start, finish),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
