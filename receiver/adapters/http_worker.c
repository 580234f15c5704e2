/* http_worker: one poll for new connections, for what libmicrohttpd waits for, and for what we have to say. */
#include "adapters/http_worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pulse.h"

/* A few at a time, so that the workers share a crowd; and how long to leave alone a kernel that has no descriptor
 * or no memory for one more. */
enum { ACCEPTS_PER_TURN = 4, SHORTAGE_PAUSE_MS = 100 };

struct http_worker {
    int listen_fd;
    struct http_room *room;
    struct MHD_Daemon *daemon; /* NULL: not started */
    pthread_t thread;
    struct pulse pulse;
    int wake_fd; /* an eventfd: one of these was set */
    atomic_bool woken;
    atomic_bool quiesced;
    atomic_bool stopping;
};

static bool has_room(const struct http_worker *worker)
{
    return atomic_load(&worker->room->open) < worker->room->max;
}

static bool is_shortage(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM;
}

/* Keeps a place while a connection is taken, so that the workers together do not take too many. */
static bool enter(struct http_room *room)
{
    if (atomic_fetch_add(&room->open, 1) < room->max)
        return true;
    atomic_fetch_sub(&room->open, 1);
    return false;
}

static void leave(struct http_room *room)
{
    atomic_fetch_sub(&room->open, 1);
}

/* Returns 0, or why there is none. libmicrohttpd closes what it does not take. */
static int accept_one(struct http_worker *worker)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept4(worker->listen_fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno;
    (void)MHD_add_connection(worker->daemon, fd, (struct sockaddr *)&address, len);
    return 0;
}

/* Returns whether the kernel ran short of something; a client that was gone before it was accepted is nobody's
 * concern. */
static bool accept_some(struct http_worker *worker)
{
    int reason = 0;
    for (int i = 0; i < ACCEPTS_PER_TURN && !reason && !atomic_load(&worker->quiesced) && enter(worker->room);
         i++) {
        reason = accept_one(worker);
        leave(worker->room); /* whoever was announced is counted by that */
    }
    return is_shortage(reason);
}

/* In milliseconds; -1: for ever. */
static int time_out(const struct http_worker *worker, bool is_short)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(worker->daemon, &ms) != MHD_YES)
        return is_short ? SHORTAGE_PAUSE_MS : -1;
    if (is_short && ms > SHORTAGE_PAUSE_MS)
        return SHORTAGE_PAUSE_MS;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void *run(void *self)
{
    struct http_worker *worker = self;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    bool is_short = false;
    (void)prctl(PR_SET_NAME, "http"); /* as top -H and gdb show it */
    while (!atomic_load(&worker->stopping)) {
        bool listens = !is_short && has_room(worker) && !atomic_load(&worker->quiesced);
        struct pollfd fds[] = {{.fd = worker->wake_fd, .events = POLLIN},
                               {.fd = info->epoll_fd, .events = POLLIN},
                               {.fd = listens ? worker->listen_fd : -1, .events = POLLIN}};
        (void)poll(fds, sizeof fds / sizeof *fds, time_out(worker, is_short));
        uint64_t count;
        if (fds[0].revents)
            (void)!read(worker->wake_fd, &count, sizeof count);
        atomic_store(&worker->woken, false); /* before MHD_run looks for what was resumed */
        is_short = (fds[2].revents || is_short) && accept_some(worker);
        (void)MHD_run(worker->daemon);
        pulse_beat(&worker->pulse);
    }
    return NULL;
}

struct http_worker *http_worker_new(int listen_fd, struct http_room *room, struct err *err)
{
    struct http_worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        err_set(err, "out of memory");
        return NULL;
    }
    worker->listen_fd = listen_fd;
    worker->room = room;
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake_fd >= 0)
        return worker;
    err_set_errno(err, "cannot make an eventfd");
    free(worker);
    return NULL;
}

int http_worker_start(struct http_worker *worker, struct MHD_Daemon *daemon, struct err *err)
{
    worker->daemon = daemon;
    errno = pthread_create(&worker->thread, NULL, run, worker);
    if (!errno)
        return 0;
    worker->daemon = NULL;
    return err_set_errno(err, "cannot start an HTTP thread");
}

void http_worker_wake(struct http_worker *worker)
{
    uint64_t one = 1;
    if (!atomic_exchange(&worker->woken, true))
        (void)!write(worker->wake_fd, &one, sizeof one);
}

int64_t http_worker_silence_ns(struct http_worker *worker, int64_t now_ns)
{
    int64_t silence = pulse_look(&worker->pulse, now_ns);
    http_worker_wake(worker);
    return silence;
}

void http_worker_quiesce(struct http_worker *worker)
{
    atomic_store(&worker->quiesced, true);
    http_worker_wake(worker);
}

void http_worker_stop(struct http_worker *worker)
{
    atomic_store(&worker->stopping, true);
    http_worker_wake(worker);
    if (worker->daemon) {
        (void)pthread_join(worker->thread, NULL);
        MHD_stop_daemon(worker->daemon);
    }
    (void)close(worker->wake_fd);
    free(worker);
}
