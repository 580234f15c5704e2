/* pg_url: whether a connection string can be used at all. */
#ifndef ALPINE_RECEIVER_PG_URL_H
#define ALPINE_RECEIVER_PG_URL_H

#include "base/err.h"

/* A rule for settings (base/config.h): libpq can read it. The reason never repeats any of it. */
int pg_url_check(const char *url, struct err *err);

#endif
