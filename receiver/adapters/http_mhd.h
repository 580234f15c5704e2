/* http_mhd: the HTTP server, by libmicrohttpd: a few threads (http_worker) whose handlers never block while they
 * have more than one connection. */
#ifndef ALPINE_RECEIVER_HTTP_MHD_H
#define ALPINE_RECEIVER_HTTP_MHD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "seams/request.h"

enum { HTTP_THREADS_MAX = 64 };

struct http;

struct http_options {
    int listen_fd;    /* a listening socket (base/listen.h); taken over */
    unsigned threads; /* 1 to HTTP_THREADS_MAX */
    unsigned connections_max;
    unsigned idle_limit_s;     /* a connection without a request is closed then */
    int64_t header_limit_ns;   /* 408 beyond */
    int64_t body_limit_ns;     /* 408 beyond; and for the client to take the answer, which is cut off beyond */
    int64_t handling_limit_ns; /* from a whole request to its answer; on_stuck beyond */
    size_t bodies_max;         /* bytes of all bodies in memory, 503 beyond; one request alone is always taken */
    /* A request has no answer yet, age_ns after it came in. From a thread of the server's own. */
    void (*on_stuck)(void *context, int64_t age_ns);
    void *on_stuck_context;
};

/* Starts the server; the service must outlive it. NULL and the reason in err on failure. */
struct http *http_start(const struct http_options *options, const struct service *service, struct err *err);
/* Accepts no further connection; those that are open go on. */
void http_quiesce(struct http *http);
/* How many requests came in whole and have no answer yet. */
unsigned http_active(struct http *http);
/* For one thread that looks now and then: since how long one of the HTTP threads owes a sign that it turns. */
int64_t http_silence_ns(struct http *http, int64_t now_ns);
/* Closes every connection and ends the threads. No request may be pending in the service any more. */
void http_stop(struct http *http);

#endif
