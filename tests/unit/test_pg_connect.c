/* pg_connect: hosts that refuse and hosts that say nothing, within the deadline and without a secret in the reason.
 */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/pg_connect.h"
#include "base/clock.h"

/* A port on which the kernel accepts and nobody answers; or, closed again, one on which nobody listens. */
static int silent_port(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(*fd >= 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(*fd, 8), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static int64_t time_to_fail(const char *url, int64_t limit_ns, struct err *err)
{
    int64_t start = clock_monotonic_ns();
    assert_null(pg_connect(url, start + limit_ns, err));
    assert_null(strstr(err->message, "secret"));
    return clock_monotonic_ns() - start;
}

static void who_says_nothing_costs_the_deadline(void **state)
{
    (void)state;
    char url[256];
    struct err err = {0};
    int first;
    int second;
    int ports[2] = {silent_port(&first), silent_port(&second)};
    (void)snprintf(url, sizeof url, "postgresql://u:secret@127.0.0.1:%d,127.0.0.1:%d/d", ports[0], ports[1]);
    int64_t took = time_to_fail(url, 400 * NS_PER_MS, &err);
    assert_true(took >= 400 * NS_PER_MS && took < 5 * NS_PER_S);
    assert_non_null(strstr(err.message, "no answer in time"));
    assert_true(accept(first, NULL, NULL) >= 0); /* both were asked */
    assert_true(accept(second, NULL, NULL) >= 0);
    (void)close(first);
    (void)close(second);
}

static void who_refuses_costs_nothing(void **state)
{
    (void)state;
    char url[256];
    struct err err = {0};
    int fd;
    int port = silent_port(&fd);
    (void)close(fd);
    (void)snprintf(url, sizeof url, "host=127.0.0.1,127.0.0.1,127.0.0.1 port=%d user=u password=secret", port);
    assert_true(time_to_fail(url, 60 * NS_PER_S, &err) < 5 * NS_PER_S);
    assert_non_null(strstr(err.message, "cannot connect to the database: "));
    assert_null(strchr(err.message, '\n'));
}

static void lists_that_do_not_fit_are_libpqs_to_name(void **state)
{
    (void)state;
    static const char *const urls[] = {"host=a,b,c port=1,2 password=secret", "hostaddr=127.0.0.1,127.0.0.2 host=a",
                                       "no connection string", "host=127.0.0.1 port=70000 password=secret"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct err err = {0};
        assert_true(time_to_fail(urls[i], 60 * NS_PER_S, &err) < 5 * NS_PER_S);
        assert_non_null(strstr(err.message, "cannot connect to the database: "));
    }
}

/* Whichever host is the last to fail, the reason names its port. */
static void a_port_that_is_left_out_is_the_usual_one(void **state)
{
    (void)state;
    static const char *const heads[] = {"postgresql://u:secret@127.0.0.1:",
                                        "user=u password=secret dbname=d host=127.0.0.1,127.0.0.1 port="};
    static const char *const tails[] = {",127.0.0.1/d", ","};
    int fd;
    int port = silent_port(&fd);
    (void)close(fd);
    for (size_t i = 0; i < COUNT(heads); i++) {
        char url[256];
        struct err err = {0};
        (void)snprintf(url, sizeof url, "%s%d%s", heads[i], port, tails[i]);
        assert_true(time_to_fail(url, 60 * NS_PER_S, &err) < 5 * NS_PER_S);
        assert_non_null(strstr(err.message, "port 5432"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_nothing_costs_the_deadline),
        cmocka_unit_test(who_refuses_costs_nothing),
        cmocka_unit_test(lists_that_do_not_fit_are_libpqs_to_name),
        cmocka_unit_test(a_port_that_is_left_out_is_the_usual_one),
    };
    return cmocka_run_group_tests_name("pg_connect", tests, NULL, NULL);
}
