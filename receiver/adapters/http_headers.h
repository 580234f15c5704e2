/* http_headers: what libmicrohttpd lets through and no server should, because two servers in a row may read it
 * differently (request smuggling). */
#ifndef ALPINE_RECEIVER_HTTP_HEADERS_H
#define ALPINE_RECEIVER_HTTP_HEADERS_H

#include <stdbool.h>

struct MHD_Connection;

/* Returns what is wrong with the request's headers, as a static text, or NULL. http_1_1: Host is obligatory. */
const char *http_headers_problem(struct MHD_Connection *connection, bool http_1_1);

#endif
