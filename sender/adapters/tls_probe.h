/* tls_probe: a TLS handshake and nothing else, to see what the other side shows. */
#ifndef ALPINE_SENDER_TLS_PROBE_H
#define ALPINE_SENDER_TLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct tls_probe {
    char protocol[64]; /* "TLSv1.3 / TLS_AES_256_GCM_SHA384"; "" if unknown */
    char subject[128];
    char issuer[128];
    int64_t expires_s; /* Unix seconds; 0: the other side showed no certificate that can be read */
    bool is_trusted;
    char reason[160]; /* why not; of libcurl and OpenSSL */
};

/* Shakes hands with the host of url, in trust of ca_pem (NULL: the system's). A certificate that is not trusted is
 * looked at all the same; nothing is sent over either connection. Takes twice limit_ns at most. Returns -1 and the
 * reason in err if there is no handshake at all. */
MUST_CHECK int tls_probe(const char *url, const char *ca_pem, int64_t limit_ns, struct tls_probe *probe,
                         struct err *err);

#endif
