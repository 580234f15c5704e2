/* loop: epoll, and one timerfd that is always set to the earliest timer (epoll's own time-out has only
 * milliseconds before Linux 5.11). */
#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS_AT_ONCE = 32 };

struct watch {
    loop_ready *ready; /* NULL: not watched */
    void *context;
};

struct loop {
    int epoll_fd;
    int timer_fd;
    int64_t armed_ns;      /* what the timerfd is set to */
    struct watch *watches; /* by descriptor */
    size_t capacity;
    struct loop_timer *timers; /* unordered; there are a handful */
};

static void drain_timer(void *context, int fd, unsigned events)
{
    uint64_t count;
    struct loop *loop = context;
    (void)events;
    (void)!read(fd, &count, sizeof count);
    loop->armed_ns = INT64_MAX;
}

struct loop *loop_new(struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        err_set(err, "out of memory");
        return NULL;
    }
    loop->armed_ns = INT64_MAX;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->timer_fd < 0) {
        err_set_errno(err, "cannot make an event loop");
        loop_free(loop);
        return NULL;
    }
    if (loop_watch(loop, loop->timer_fd, LOOP_READ, drain_timer, loop, err)) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->timer_fd >= 0)
        (void)close(loop->timer_fd);
    if (loop->epoll_fd >= 0)
        (void)close(loop->epoll_fd);
    free(loop->watches);
    free(loop);
}

static int make_room(struct loop *loop, size_t fd)
{
    if (fd < loop->capacity)
        return 0;
    size_t capacity = fd * 2 + 16;
    struct watch *watches = realloc(loop->watches, capacity * sizeof *watches);
    if (!watches)
        return -1;
    memset(watches + loop->capacity, 0, (capacity - loop->capacity) * sizeof *watches);
    loop->watches = watches;
    loop->capacity = capacity;
    return 0;
}

int loop_watch(struct loop *loop, int fd, unsigned events, loop_ready *ready, void *context, struct err *err)
{
    struct epoll_event event = {.data.fd = fd};
    if (events & LOOP_READ)
        event.events |= EPOLLIN;
    if (events & LOOP_WRITE)
        event.events |= EPOLLOUT;
    if (make_room(loop, (size_t)fd))
        return err_set(err, "out of memory");
    int operation = loop->watches[fd].ready ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int failed = epoll_ctl(loop->epoll_fd, operation, fd, &event);
    if (failed && operation == EPOLL_CTL_MOD && errno == ENOENT) /* it was closed and opened again */
        failed = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (failed)
        return err_set_errno(err, "cannot watch a descriptor");
    loop->watches[fd] = (struct watch){ready, context};
    return 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->capacity || !loop->watches[fd].ready)
        return;
    loop->watches[fd].ready = NULL;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    struct loop_timer **at = &loop->timers;
    while (*at && *at != timer)
        at = &(*at)->next;
    if (*at)
        *at = timer->next;
    timer->set = 0;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ns, loop_due *due, void *context)
{
    if (timer->set)
        loop_timer_cancel(loop, timer);
    if (at_ns == INT64_MAX)
        return;
    *timer = (struct loop_timer){loop->timers, at_ns, due, context, 1};
    loop->timers = timer;
}

void loop_timer_set_regular(struct loop *loop, struct loop_timer *timer, int64_t interval_ns, loop_due *due,
                            void *context)
{
    int64_t next = clock_monotonic_ns() / interval_ns + 1;
    loop_timer_set(loop, timer, next * interval_ns, due, context);
}

static void arm(struct loop *loop)
{
    int64_t earliest = INT64_MAX;
    for (const struct loop_timer *timer = loop->timers; timer; timer = timer->next)
        earliest = timer->at_ns < earliest ? timer->at_ns : earliest;
    if (earliest == loop->armed_ns)
        return;
    int64_t at = earliest == INT64_MAX ? 0 : earliest > 0 ? earliest : 1; /* 0 disarms it */
    struct itimerspec when = {.it_value = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S}};
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    loop->armed_ns = earliest;
}

/* A timer's call may set and cancel others, so the list is read from its head after each. */
static void run_timers(struct loop *loop)
{
    int64_t now = clock_monotonic_ns();
    struct loop_timer *timer = loop->timers;
    while (timer) {
        if (timer->at_ns > now) {
            timer = timer->next;
            continue;
        }
        loop_timer_cancel(loop, timer);
        timer->due(timer->context);
        timer = loop->timers;
    }
}

static unsigned seen(uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP))
        return LOOP_READ | LOOP_WRITE;
    return (events & EPOLLIN ? (unsigned)LOOP_READ : 0) | (events & EPOLLOUT ? (unsigned)LOOP_WRITE : 0);
}

void loop_step(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    arm(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, -1);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        struct watch watch = loop->watches[fd];
        if (watch.ready)
            watch.ready(watch.context, fd, seen(events[i].events));
    }
    run_timers(loop);
}
