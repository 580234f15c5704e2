/* process: the figures are those of this very process. */
#include "support.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

static void the_figures_are_within_what_can_be(void **state)
{
    (void)state;
    struct process_figures figures;
    process_read(&figures);
    double now_s = (double)clock_wall_us() / 1e6;
    assert_true(figures.start_s > now_s - 600 && figures.start_s <= now_s + 1);
    assert_true(figures.resident > 100e3 && figures.resident < figures.address_space);
    assert_true(figures.cpu_s >= 0 && figures.cpu_s < 600);
}

static void processor_time_grows_with_work(void **state)
{
    (void)state;
    struct process_figures before, after;
    volatile unsigned work = 0;
    process_read(&before);
    do {
        for (unsigned i = 0; i < 10 * 1000 * 1000; i++)
            work = work + i;
        process_read(&after);
    } while (after.cpu_s == before.cpu_s);
    assert_true(after.cpu_s > before.cpu_s);
}

static void an_open_file_counts_once(void **state)
{
    (void)state;
    struct process_figures before, after;
    int open_now = 0;
    for (int one = 0; one < 1024; one++)
        open_now += fcntl(one, F_GETFD) >= 0;
    process_read(&before);
    assert_true(before.open_fds == open_now);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    process_read(&after);
    (void)close(fd);
    assert_true(after.open_fds == before.open_fds + 1);
    process_read(&after);
    assert_true(after.open_fds == before.open_fds);
}

static void resident_memory_grows_with_use(void **state)
{
    (void)state;
    enum { SIZE = 32 * 1024 * 1024 };
    struct process_figures before, after;
    process_read(&before);
    char *memory = malloc(SIZE);
    assert_non_null(memory);
    memset(memory, 1, SIZE);
    process_read(&after);
    free(memory);
    assert_true(after.resident >= before.resident + SIZE / 2.0);
}

static void the_limit_of_files_is_the_soft_one(void **state)
{
    (void)state;
    struct rlimit limit;
    struct process_figures figures;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 99;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    process_read(&figures);
    assert_true(figures.max_fds == 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_within_what_can_be), cmocka_unit_test(processor_time_grows_with_work),
        cmocka_unit_test(an_open_file_counts_once),           cmocka_unit_test(resident_memory_grows_with_use),
        cmocka_unit_test(the_limit_of_files_is_the_soft_one),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
