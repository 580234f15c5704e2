/* endpoint: the host behind a URL, and which of its addresses take a connection. */
#ifndef ALPINE_SENDER_ENDPOINT_H
#define ALPINE_SENDER_ENDPOINT_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct endpoint {
    char host[256]; /* without the brackets of an IPv6 address */
    char port[8];
    bool is_tls;
};

/* url has passed transport_curl_check_url. */
MUST_CHECK int endpoint_parse(const char *url, struct endpoint *endpoint, struct err *err);
/* Whether the address leads back to this host. */
bool endpoint_is_loopback(const struct addrinfo *info);

enum { ENDPOINT_ADDRESSES_MAX = 16 };

/* One address and what came of connecting to it. */
struct endpoint_try {
    const struct addrinfo *info; /* borrowed */
    int fd;
    int error; /* errno; 0: connected; ETIMEDOUT: no answer within the limit */
    int64_t took_ns;
};

/* Connects to all of them at once, and closes again. Returns how many were tried, ENDPOINT_ADDRESSES_MAX at most.
 */
size_t endpoint_connect(const struct addrinfo *list, int64_t limit_ns,
                        struct endpoint_try tries[ENDPOINT_ADDRESSES_MAX]);

#endif
