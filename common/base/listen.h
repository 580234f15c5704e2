/* listen: from host:port to a listening TCP socket. */
#ifndef ALPINE_BASE_LISTEN_H
#define ALPINE_BASE_LISTEN_H

#include "base/err.h"

enum { LISTEN_HOST_SIZE = 256, LISTEN_PORT_SIZE = 8 };

struct listen_address {
    char host[LISTEN_HOST_SIZE];
    char port[LISTEN_PORT_SIZE];
};

/* Reads "host:port" or "[v6]:port". */
MUST_CHECK int listen_parse(const char *text, struct listen_address *address, struct err *err);
/* The same as a rule for a setting (base/config.h). */
int listen_check(const char *text, struct err *err);
/* Binds and listens. Returns the descriptor, or -1. */
MUST_CHECK int listen_open(const char *text, struct err *err);
/* Whether listen_open would work now; listens on nothing. */
MUST_CHECK int listen_try(const char *text, struct err *err);

#endif
