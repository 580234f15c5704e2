/* acceptor: a thread that waits for connections, and for room. Knows nothing of HTTP. */
#include "adapters/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long to leave alone a kernel that has no descriptor or no memory for one more connection. */
enum { SHORTAGE_PAUSE_MS = 100 };

struct acceptor {
    struct acceptor_options options;
    pthread_t thread;
    bool started; /* and not stopped again: there is a thread, and the listening socket is ours */
    int wake_fd;  /* an eventfd: there is room again, or it is time to stop */
    atomic_uint open;
    atomic_bool stopping;
};

static void wake(struct acceptor *acceptor)
{
    uint64_t one = 1;
    (void)!write(acceptor->wake_fd, &one, sizeof one);
}

static bool full(struct acceptor *acceptor)
{
    return atomic_load(&acceptor->open) >= acceptor->options.open_max;
}

static bool is_shortage(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM;
}

/* Until the queue is empty or the limit is reached. Returns whether the kernel ran short of something; a client
 * that was gone before it was accepted is nobody's concern. */
static bool accept_all(struct acceptor *acceptor)
{
    const struct acceptor_options *options = &acceptor->options;
    while (!full(acceptor) && !atomic_load(&acceptor->stopping)) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd = accept4(options->listen_fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return is_shortage(errno);
        atomic_fetch_add(&acceptor->open, 1);
        options->take(options->self, fd, (struct sockaddr *)&address, len);
    }
    return false;
}

static void *run(void *self)
{
    struct acceptor *acceptor = self;
    bool short_of = false;
    while (!atomic_load(&acceptor->stopping)) {
        bool listens = !short_of && !full(acceptor);
        struct pollfd fds[] = {{.fd = acceptor->wake_fd, .events = POLLIN},
                               {.fd = listens ? acceptor->options.listen_fd : -1, .events = POLLIN}};
        (void)poll(fds, sizeof fds / sizeof *fds, short_of ? SHORTAGE_PAUSE_MS : -1);
        uint64_t count;
        if (fds[0].revents)
            (void)!read(acceptor->wake_fd, &count, sizeof count);
        short_of = accept_all(acceptor);
    }
    return NULL;
}

struct acceptor *acceptor_new(const struct acceptor_options *options, struct err *err)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (!acceptor) {
        err_set(err, "out of memory");
        return NULL;
    }
    acceptor->options = *options;
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wake_fd >= 0)
        return acceptor;
    err_set_errno(err, "eventfd");
    free(acceptor);
    return NULL;
}

int acceptor_start(struct acceptor *acceptor, struct err *err)
{
    errno = pthread_create(&acceptor->thread, NULL, run, acceptor);
    if (errno)
        return err_set_errno(err, "cannot start the acceptor's thread");
    acceptor->started = true;
    return 0;
}

/* The thread sleeps only with a full house, so only then is there somebody to wake. */
void acceptor_closed(struct acceptor *acceptor)
{
    if (atomic_fetch_sub(&acceptor->open, 1) == acceptor->options.open_max)
        wake(acceptor);
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor->started)
        return;
    acceptor->started = false;
    atomic_store(&acceptor->stopping, true);
    wake(acceptor);
    (void)pthread_join(acceptor->thread, NULL);
    (void)close(acceptor->options.listen_fd);
}

void acceptor_free(struct acceptor *acceptor)
{
    if (!acceptor)
        return;
    acceptor_stop(acceptor);
    (void)close(acceptor->wake_fd);
    free(acceptor);
}
