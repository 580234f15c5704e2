/* http_probe: one request over one blocking socket. */
#include "adapters/http_probe.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/listen.h"

static const char *reachable(const char *host)
{
    if (!strcmp(host, "0.0.0.0") || !strcmp(host, "*"))
        return "127.0.0.1";
    return strcmp(host, "::") ? host : "::1";
}

static int connect_to(const struct listen_address *address, int limit_s, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct timeval limit = {.tv_sec = limit_s};
    int failed = getaddrinfo(reachable(address->host), address->port, &hints, &list);
    if (failed)
        return err_set(err, "%s", gai_strerror(failed));
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen)) {
        err_set_errno(err, "cannot connect to %s port %s", reachable(address->host), address->port);
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

/* The number behind "HTTP/1.1 ", or -1. */
static int read_status(const char *text)
{
    static const char version[] = "HTTP/1.";
    size_t skip = sizeof version; /* and the minor version's digit */
    if (strncmp(text, version, sizeof version - 1) != 0 || strlen(text) < skip)
        return -1;
    long status = strtol(text + skip, NULL, 10);
    return status >= 100 && status <= 599 ? (int)status : -1;
}

int http_probe(const char *listen, const char *path, int limit_s, struct err *err)
{
    struct listen_address address;
    char text[512];
    int status = -1;
    if (listen_parse(listen, &address, err))
        return -1;
    int fd = connect_to(&address, limit_s, err);
    if (fd < 0)
        return -1;
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        err_set_errno(err, "cannot ask");
        goto out;
    }
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    status = read_status(text);
    if (status < 0)
        err_set(err, "no HTTP answer");
out:
    (void)close(fd);
    return status;
}
