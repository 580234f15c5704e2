/* resolve: from a host's name to its addresses, within a time limit. getaddrinfo has none: a name server that hangs
 * would hold its caller for half a minute. */
#ifndef ALPINE_BASE_RESOLVE_H
#define ALPINE_BASE_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

#include "base/err.h"

enum { RESOLVE_TEXT_SIZE = 64 };

/* The TCP addresses of host (a name, or an address as text), each with the port; freeaddrinfo frees them. NULL and
 * the reason in err. A look-up that took too long goes on in a thread of libc's, which ends with it or with the
 * process. */
struct addrinfo *resolve_host(const char *host, const char *port, int64_t limit_ns, struct err *err);
/* "10.0.0.1", "2001:db8::1". Returns text. */
char *resolve_text(const struct addrinfo *info, char text[RESOLVE_TEXT_SIZE]);

#endif
