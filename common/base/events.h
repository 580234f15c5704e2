/* events: process signals as a file descriptor, so that a loop can wait for them like for anything else. */
#ifndef ALPINE_BASE_EVENTS_H
#define ALPINE_BASE_EVENTS_H

#include "base/err.h"

enum event {
    EVENT_NONE,
    EVENT_STOP,   /* SIGTERM or SIGINT */
    EVENT_RELOAD, /* SIGHUP */
};

/* Blocks SIGTERM, SIGINT and SIGHUP in this thread (start every other thread after it, so that all inherit
 * that), ignores SIGPIPE, and returns a non-blocking descriptor that becomes readable when one comes. -1 on error.
 */
MUST_CHECK int events_open(struct err *err);
/* The next event that waits, EVENT_NONE if there is none. */
enum event events_next(int fd);
/* Waits up to timeout_ms (-1: for ever) for an event. */
enum event events_wait(int fd, int timeout_ms);

#endif
