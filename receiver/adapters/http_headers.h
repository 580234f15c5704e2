/* http_headers: what libmicrohttpd lets through and no server should, because two servers in a row (request
 * smuggling), or the caller and the server, may read it differently. */
#ifndef ALPINE_RECEIVER_HTTP_HEADERS_H
#define ALPINE_RECEIVER_HTTP_HEADERS_H

#include <stdbool.h>

struct MHD_Connection;

/* Returns what is wrong with the request's headers, as a static text, or NULL. http_1_1: Host is obligatory. */
const char *http_headers_problem(struct MHD_Connection *connection, bool http_1_1);

/* The value of an argument in the request's target; NULL if it is not there, "" if it has none or is there more
 * than once. Borrowed from the connection. */
const char *http_headers_argument(struct MHD_Connection *connection, const char *name);

#endif
