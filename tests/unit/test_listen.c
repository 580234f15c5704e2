/* listen: which texts are an address, and that it then listens there. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listen.h"

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        const char *port;
    } good[] = {
        {"0.0.0.0:8001", "0.0.0.0", "8001"},
        {"localhost:1", "localhost", "1"},
        {"[::]:65535", "::", "65535"},
        {"[::1]:8001", "::1", "8001"},
        {"[fe80::1%eth0]:80", "fe80::1%eth0", "80"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct listen_address address;
        struct err err = {0};
        assert_int_equal(listen_parse(good[i].text, &address, &err), 0);
        assert_string_equal(address.host, good[i].host);
        assert_string_equal(address.port, good[i].port);
        assert_int_equal(listen_check(good[i].text, &err), 0);
    }
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "8001",
        ":8001",
        "localhost",
        "localhost:",
        "localhost:x",
        "localhost:80x",
        "host:0",
        "host:65536",
        "host:-1",
        "::1:8001",
        "::",
        "[]:80",
        "[::1]",
        "[::1]8001",
        "[::1]:",
        "host:99999999999999999999",
        "a:b:80",
        "host:8 0",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        if (listen_check(bad[i], &err) != -1)
            fail_msg("'%s' was taken", bad[i]);
        assert_true(err.message[0] != '\0');
    }
}

static void the_longest_host(void **state)
{
    (void)state;
    char text[LISTEN_HOST_SIZE + 8];
    struct listen_address address;
    struct err err = {0};
    memset(text, 'h', sizeof text);
    (void)snprintf(text + LISTEN_HOST_SIZE - 1, 9, ":80");
    assert_int_equal(listen_parse(text, &address, &err), 0);
    assert_int_equal(strlen(address.host), LISTEN_HOST_SIZE - 1);
    memset(text, 'h', sizeof text);
    (void)snprintf(text + LISTEN_HOST_SIZE, 8, ":80");
    assert_int_equal(listen_parse(text, &address, &err), -1);
}

/* A port that was free a moment ago. */
static in_port_t free_port(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
    assert_int_equal(close(fd), 0);
    return any.sin_port;
}

static void it_listens(void **state)
{
    (void)state;
    char text[32];
    int fd = -1;
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct err err = {0};
    for (int attempt = 0; attempt < 20 && fd < 0; attempt++) { /* somebody else may be faster */
        there.sin_port = free_port();
        (void)snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(there.sin_port));
        fd = listen_open(text, &err);
    }
    assert_true(fd >= 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&there, sizeof there), 0);
    assert_int_equal(close(client), 0);
    assert_int_equal(listen_open(text, &err), -1); /* taken */
    assert_non_null(strstr(err.message, text));
    assert_int_equal(close(fd), 0);
}

static void it_says_why_it_cannot(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(listen_open("nonsense", &err), -1);
    assert_true(err.message[0] != '\0');
    err_clear(&err);
    assert_int_equal(listen_open("192.0.2.1:8001", &err), -1); /* no address of ours */
    assert_non_null(strstr(err.message, "cannot listen on 192.0.2.1:8001: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),  cmocka_unit_test(what_is_none),          cmocka_unit_test(the_longest_host),
        cmocka_unit_test(it_listens), cmocka_unit_test(it_says_why_it_cannot),
    };
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
