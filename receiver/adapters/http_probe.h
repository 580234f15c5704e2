/* http_probe: asks a receiver on this host how it is, for a container's health check. */
#ifndef ALPINE_RECEIVER_HTTP_PROBE_H
#define ALPINE_RECEIVER_HTTP_PROBE_H

#include "base/err.h"

/* GETs a path from the receiver that listens on `listen` (host:port; any address means loopback). Returns the HTTP
 * status, or -1. Gives up after limit_s seconds. */
MUST_CHECK int http_probe(const char *listen, const char *path, int limit_s, struct err *err);

#endif
