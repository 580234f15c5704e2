/* http_worker: a thread that accepts connections and drives a libmicrohttpd daemon, which has neither a listening
 * socket nor a thread of its own. Two defects of 0.9.75's own threads make that necessary:
 *
 * - its epoll loop asks for up to 128 events, and if it gets exactly that many it asks again with the same time-out
 *   before it looks at any of them (MHD_epoll in daemon.c): with 128 busy connections it sleeps on full sockets.
 * Run from outside it asks without a time-out.
 * - a quiesce ends the whole process when one of the threads takes the listening socket out of its epoll set at the
 *   same moment (MHD_PANIC, "Failed to remove listen FD from epoll set"). */
#ifndef ALPINE_RECEIVER_HTTP_WORKER_H
#define ALPINE_RECEIVER_HTTP_WORKER_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct http_worker;

/* How many connections all workers together may have open; the rest wait in the kernel's queue. */
struct http_room {
    unsigned max;
    atomic_uint
        open; /* counted by who hears of MHD_CONNECTION_NOTIFY_STARTED and _CLOSED, which always come in pairs */
};

/* listen_fd is listening and non-blocking, the same for all workers, and open until they are stopped. The room is
 * borrowed. NULL and the reason in err on failure. */
struct http_worker *http_worker_new(int listen_fd, struct http_room *room, struct err *err);
/* Starts the thread. The daemon has MHD_USE_EPOLL and MHD_USE_NO_LISTEN_SOCKET; it is taken over on success. */
MUST_CHECK int http_worker_start(struct http_worker *worker, struct MHD_Daemon *daemon, struct err *err);
/* A connection of this worker's was resumed. Any thread; costs next to nothing while the worker has not looked yet.
 */
void http_worker_wake(struct http_worker *worker);
/* For one thread that looks now and then: since how long the worker's thread owes a sign that it turns (pulse.h).
 * Wakes it, so that an idle one has something to turn for. */
int64_t http_worker_silence_ns(struct http_worker *worker, int64_t now_ns);
/* Accepts nothing any more from some moment soon; what is open goes on. Any thread. */
void http_worker_quiesce(struct http_worker *worker);
/* Ends the thread, closes the connections and the daemon, as far as there are any, and frees the worker. */
void http_worker_stop(struct http_worker *worker);

#endif
