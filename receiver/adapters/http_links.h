/* http_links: the open connections and their deadlines. libmicrohttpd's own time-out counts idle time only: one
 * byte a second would hold a request open for ever. A watcher thread ends what takes too long. */
#ifndef ALPINE_RECEIVER_HTTP_LINKS_H
#define ALPINE_RECEIVER_HTTP_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_links;
struct http_link;

struct http_links_options {
    int64_t header_limit_ns;   /* from a request's first byte to the end of its header */
    int64_t body_limit_ns;     /* from the end of the header to the end of the body; and for taking the answer */
    int64_t handling_limit_ns; /* from the end of the body to the answer */
    /* Appends the whole HTTP answer that a request gets which took too long. Any thread. */
    void (*write_timeout)(void *self, struct buf *answer);
    /* A request was not answered within handling_limit_ns, age_ns after it came in: this cannot be, unless
     * something here hangs. Called by the watcher, again and again for as long as it stays so. */
    void (*on_stuck)(void *self, int64_t age_ns);
    void *self;
};

/* Starts the watcher. NULL and the reason in err on failure. */
struct http_links *http_links_start(const struct http_links_options *options, struct err *err);
/* Ends the watcher; every link must have been closed. */
void http_links_stop(struct http_links *links);

/* A connection begins and ends. The descriptor must be open until http_link_close returns. */
struct http_link *http_link_open(struct http_links *links, int fd);
void http_link_close(struct http_links *links, struct http_link *link);

/* The header is in, and the body is awaited. */
void http_link_reading(struct http_link *link);
/* The body is in. False: the watcher has already answered, and shut the connection down. */
MUST_CHECK bool http_link_handling(struct http_link *link);
/* The answer is there, and begins to be sent. */
void http_link_answering(struct http_link *link);
/* The answer is out: the next request may come, whenever it likes. */
void http_link_idle(struct http_link *link);

/* Writes an answer past libmicrohttpd, which takes none while a body comes in; nothing can be written after it. */
void http_link_say_last(int fd, const struct buf *answer);

#endif
