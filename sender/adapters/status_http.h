/* status_http: a few pages over HTTP, for whoever watches the sender: GET, and nothing else. Knows libmicrohttpd
 * and the loop; what stands on a page is its owner's.
 *
 * There is no thread: libmicrohttpd works when the loop calls it. A connection carries one request and lives for a
 * few seconds at most, whatever its client does; of those that come when there are too many the rest waits in the
 * kernel's queue. So no client can keep another one waiting for longer than that, nor hold up the loop. */
#ifndef ALPINE_SENDER_STATUS_HTTP_H
#define ALPINE_SENDER_STATUS_HTTP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/loop.h"

/* So many connections at the same time. Far below 128: with that many ready ones libmicrohttpd's epoll sleeps. */
enum { STATUS_HTTP_CONNECTIONS_MAX = 16 };
/* From a connection's beginning to its end. */
#define STATUS_HTTP_LIFE_NS (5 * 1000000000LL)

struct status_page {
    const char *path; /* all of it, without a query: "/livez" */
    const char *content_type;
    /* Appends the page to the body (empty, not NULL) and returns the HTTP status. Called from the loop. */
    int (*write)(void *context, struct buf *body);
};

struct status_http_options {
    struct loop *loop;
    int listen_fd; /* listening (base/listen.h); taken over, whatever becomes of it */
    const struct status_page *pages;
    size_t page_count;
    void *context; /* for the pages */
};

struct status_http;

/* loop and pages are borrowed. NULL and the reason in err on failure. */
struct status_http *status_http_open(const struct status_http_options *options, struct err *err);
/* Before the loop is freed. Cuts off what is under way. NULL is fine. */
void status_http_close(struct status_http *http);

#endif
