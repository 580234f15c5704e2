/* pg_url: whether a connection string can be used at all. */
#ifndef ALPINE_RECEIVER_PG_URL_H
#define ALPINE_RECEIVER_PG_URL_H

#include "base/err.h"

/* A rule for settings (base/config.h): libpq can read it. The reason never repeats any of it. */
int pg_url_check(const char *url, struct err *err);

/* Called for each host that libpq would look up to connect to url: not for the paths of sockets, and not where the
 * url has the addresses besides. */
typedef void pg_url_host(void *context, const char *host);
void pg_url_each_host(const char *url, pg_url_host *each, void *context);

#endif
