/* pg_connect: the connection to the host that takes writes, whatever the other hosts do. */
#ifndef ALPINE_RECEIVER_PG_CONNECT_H
#define ALPINE_RECEIVER_PG_CONNECT_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/err.h"

/* Connects to the first host of url that takes writes (or whatever its target_session_attrs asks for), within the
 * deadline. A host that is silent does not keep the others from their turn. Returns NULL and the reason, without
 * any secret of the url, in err. Blocks on the look-up of names, which libpq does. */
PGconn *pg_connect(const char *url, int64_t deadline_ns, struct err *err);

/* Sets "<what>: <message of libpq>" on one line. libpq's messages may name the host and user, never the password.
 * Returns -1. */
int pg_connect_error(struct err *err, const char *what, const char *message);

#endif
