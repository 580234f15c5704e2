/* loop: waits for descriptors and timers, and calls who asked for them. One thread. */
#ifndef ALPINE_BASE_LOOP_H
#define ALPINE_BASE_LOOP_H

#include <stdint.h>

#include "base/err.h"

struct loop;

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

/* events: which of LOOP_READ and LOOP_WRITE are so (both, if the descriptor failed). */
typedef void loop_ready(void *context, int fd, unsigned events);
typedef void loop_due(void *context);

/* A timer; zero-initialise it. Its owner keeps the memory as long as it is set. */
struct loop_timer {
    struct loop_timer *next;
    int64_t at_ns;
    loop_due *due;
    void *context;
    int set;
};

struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop);

/* Watches a descriptor, or changes what is watched. Returns -1 on error. */
MUST_CHECK int loop_watch(struct loop *loop, int fd, unsigned events, loop_ready *ready, void *context,
                          struct err *err);
/* Stops watching; call it before the descriptor is closed. One that is not watched is fine. */
void loop_unwatch(struct loop *loop, int fd);

/* Calls due once, at at_ns (clock_monotonic_ns) or as soon after it as can be; a set timer is moved. Precise to
 * well below a millisecond. INT64_MAX cancels it. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ns, loop_due *due, void *context);
/* The same at the clock's next multiple of interval_ns: what is done regularly wakes an idle process at the same
 * moments. */
void loop_timer_set_regular(struct loop *loop, struct loop_timer *timer, int64_t interval_ns, loop_due *due,
                            void *context);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Waits for what comes next and calls for it. */
void loop_step(struct loop *loop);

#endif
