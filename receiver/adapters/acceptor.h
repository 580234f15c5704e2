/* acceptor: takes new connections from a listening socket, as many as may be open, and hands them on. The rest wait
 * in the kernel's queue. libmicrohttpd could do this itself, but 0.9.75 ends the whole process when a quiesce and
 * one of its threads take the listening socket out of the same epoll set at the same moment (MHD_PANIC in MHD_epoll
 * and in MHD_quiesce_daemon, "Failed to remove listen FD from epoll set"; still so in 1.0). */
#ifndef ALPINE_RECEIVER_ACCEPTOR_H
#define ALPINE_RECEIVER_ACCEPTOR_H

#include <sys/socket.h>

#include "base/err.h"

struct acceptor;

struct acceptor_options {
    int listen_fd; /* listening, non-blocking (adapters/listen.h); acceptor_start takes it over */
    unsigned open_max;
    /* Takes over a new connection. Called by the acceptor's thread. */
    void (*take)(void *self, int fd, const struct sockaddr *address, socklen_t address_len);
    void *self;
};

/* NULL and the reason in err on failure. */
struct acceptor *acceptor_new(const struct acceptor_options *options, struct err *err);
/* Starts the thread: connections come from now on. */
MUST_CHECK int acceptor_start(struct acceptor *acceptor, struct err *err);
/* A connection that was taken is closed, so another may come. Any thread, until acceptor_free. */
void acceptor_closed(struct acceptor *acceptor);
/* Ends the thread, if there is one, and closes the listening socket: who comes now, or still waited, is refused. */
void acceptor_stop(struct acceptor *acceptor);
/* Accepts NULL. Stops first, unless that was done. */
void acceptor_free(struct acceptor *acceptor);

#endif
