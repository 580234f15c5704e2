/* endpoint: plain sockets, and libcurl's parser of URLs, so that the host is the one that the transport connects
 * to. */
#include "adapters/endpoint.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static int copy_part(CURLU *parts, CURLUPart part, unsigned flags, char *text, size_t size)
{
    char *value = NULL;
    if (curl_url_get(parts, part, &value, flags) != CURLUE_OK)
        return -1;
    int len = snprintf(text, size, "%s", value);
    curl_free(value);
    return len >= 0 && (size_t)len < size ? 0 : -1;
}

/* "[::1]" becomes "::1". */
static void drop_brackets(char *host)
{
    size_t len = strlen(host);
    if (len < 2 || host[0] != '[')
        return;
    memmove(host, host + 1, len - 2);
    host[len - 2] = '\0';
}

int endpoint_parse(const char *url, struct endpoint *endpoint, struct err *err)
{
    char scheme[8];
    CURLU *parts = curl_url();
    int result = -1;
    if (!parts)
        return err_set(err, "out of memory");
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        copy_part(parts, CURLUPART_SCHEME, 0, scheme, sizeof scheme) ||
        copy_part(parts, CURLUPART_HOST, 0, endpoint->host, sizeof endpoint->host) ||
        copy_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, endpoint->port, sizeof endpoint->port)) {
        err_set(err, "the URL has no host that can be read");
        goto out;
    }
    drop_brackets(endpoint->host);
    endpoint->is_tls = !strcmp(scheme, "https");
    result = 0;
out:
    curl_url_cleanup(parts);
    return result;
}

bool endpoint_is_loopback(const struct addrinfo *info)
{
    if (info->ai_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr);
    const struct sockaddr_in *v4 = (const void *)info->ai_addr;
    return info->ai_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void begin(struct endpoint_try *try)
{
    const struct addrinfo *info = try->info;
    try->fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (try->fd < 0 || connect(try->fd, info->ai_addr, info->ai_addrlen))
        try->error = errno;
}

static void finish(struct endpoint_try *try, int error, int64_t took_ns)
{
    try->error = error;
    try->took_ns = took_ns;
}

/* Looks once at what has come of those that are under way. */
static void settle(struct endpoint_try *tries, size_t count, struct pollfd *waits, int64_t took_ns)
{
    for (size_t i = 0; i < count; i++) {
        int error = 0;
        socklen_t len = sizeof error;
        if (tries[i].error == EINPROGRESS && waits[i].revents &&
            !getsockopt(tries[i].fd, SOL_SOCKET, SO_ERROR, &error, &len))
            finish(&tries[i], error, took_ns);
    }
}

/* Returns how many are under way, with what to wait for. */
static size_t still_under_way(const struct endpoint_try *tries, size_t count, struct pollfd *waits)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        bool waits_for = tries[i].error == EINPROGRESS;
        waits[i] = (struct pollfd){.fd = waits_for ? tries[i].fd : -1, .events = POLLOUT};
        left += waits_for;
    }
    return left;
}

size_t endpoint_connect(const struct addrinfo *list, int64_t limit_ns,
                        struct endpoint_try tries[ENDPOINT_ADDRESSES_MAX])
{
    struct pollfd waits[ENDPOINT_ADDRESSES_MAX];
    size_t count = 0;
    int64_t start = clock_monotonic_ns();
    for (; list && count < ENDPOINT_ADDRESSES_MAX; list = list->ai_next, count++) {
        tries[count] = (struct endpoint_try){.info = list, .fd = -1};
        begin(&tries[count]);
    }
    while (still_under_way(tries, count, waits)) {
        int64_t left = start + limit_ns - clock_monotonic_ns();
        if (left <= 0 || (poll(waits, count, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR))
            break;
        settle(tries, count, waits, clock_monotonic_ns() - start);
    }
    for (size_t i = 0; i < count; i++) {
        if (tries[i].error == EINPROGRESS)
            finish(&tries[i], ETIMEDOUT, limit_ns);
        if (tries[i].fd >= 0)
            (void)close(tries[i].fd);
        tries[i].fd = -1;
    }
    return count;
}
