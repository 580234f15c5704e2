/* listen: getaddrinfo, bind, listen. */
#include "base/listen.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

int listen_parse(const char *text, struct listen_address *address, struct err *err)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return err_set(err, "must be host:port or [v6]:port");
    size_t len = (size_t)(colon - text);
    bool bracketed = text[0] == '[' && text[len - 1] == ']';
    if (bracketed) {
        text++;
        len -= 2;
    }
    if (!len || len >= sizeof address->host || (!bracketed && memchr(text, ':', len)))
        return err_set(err, "must be host:port or [v6]:port");
    if (!isdigit((unsigned char)colon[1]))
        return err_set(err, "must end in a port from 1 to 65535");
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || port < 1 || port > 65535)
        return err_set(err, "must end in a port from 1 to 65535");
    memcpy(address->host, text, len);
    address->host[len] = '\0';
    (void)snprintf(address->port, sizeof address->port, "%ld", port);
    return 0;
}

int listen_check(const char *text, struct err *err)
{
    struct listen_address address;
    return listen_parse(text, &address, err);
}

static int open_address(const struct addrinfo *info, bool only_try)
{
    int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!bind(fd, info->ai_addr, info->ai_addrlen) && (only_try || !listen(fd, BACKLOG)))
        return fd;
    (void)close(fd);
    return -1;
}

static int open_any(const char *text, bool only_try, struct err *err)
{
    struct listen_address address;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1;
    if (listen_parse(text, &address, err))
        return -1;
    int failed = getaddrinfo(address.host, address.port, &hints, &list);
    if (failed)
        return err_set(err, "cannot listen on %s: %s", text, gai_strerror(failed));
    for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
        fd = open_address(info, only_try);
    if (fd < 0)
        err_set_errno(err, "cannot listen on %s", text);
    freeaddrinfo(list);
    return fd;
}

int listen_open(const char *text, struct err *err)
{
    return open_any(text, false, err);
}

int listen_try(const char *text, struct err *err)
{
    int fd = open_any(text, true, err);
    return fd < 0 ? -1 : close(fd);
}
