/* transport_curl: HTTP by libcurl's multi interface, driven by the event loop. */
#ifndef ALPINE_SENDER_TRANSPORT_CURL_H
#define ALPINE_SENDER_TRANSPORT_CURL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "seams/transport.h"

struct transport_curl_options {
    const char *url; /* of the receiver; the API's prefix is added if it is not there */
    const char *api_key;
    int64_t connect_limit_ns;
    int64_t request_limit_ns;
    const char *ca_pem; /* certificates to trust; NULL: the system's */
    bool compress;      /* batches, once the receiver has offered to take them so */
};

/* loop must outlive it. The strings are copied. NULL and the reason in err on failure. */
struct transport *transport_curl_new(const struct transport_curl_options *options, struct loop *loop,
                                     struct err *err);
/* Requests begun from now on show this key and trust these certificates (NULL: the system's); no connection that
 * was made in other trust carries them. On failure both stay as they were. */
MUST_CHECK int transport_curl_switch(struct transport *transport, const char *api_key, const char *ca_pem,
                                     struct err *err);
/* Ends what is in flight: each gets TRANSPORT_UNREACHABLE, and must begin nothing new. */
void transport_curl_free(struct transport *transport);

/* A rule for settings (base/config.h): http:// or https://, a host, no user, no query. */
int transport_curl_check_url(const char *url, struct err *err);

#endif
