/* http_links: a list, and a thread that looks at it twice a second. */
#include "adapters/http_links.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define LOOK_INTERVAL_NS (NS_PER_S / 2)
enum { STUCK_LOOKS = 10 };

enum link_state {
    LINK_IDLE,      /* no request, or a header that is not complete */
    LINK_READING,   /* a body is awaited */
    LINK_HANDLING,  /* the request is whole, and waits for its answer */
    LINK_ANSWERING, /* the answer is on its way */
    LINK_EXPIRED,   /* the watcher ended it */
};

struct http_link {
    struct http_link *next;
    struct http_link **back; /* the pointer that points here */
    int fd;
    atomic_int state;
    _Atomic int64_t since_ns; /* when the state began, unless it is LINK_IDLE */
    atomic_bool fresh;        /* LINK_IDLE has just begun: the next two are not valid yet */
    uint64_t received;        /* bytes at the start of LINK_IDLE; watcher only */
    int64_t header_since_ns;  /* when the watcher saw a header begin, 0: not yet; watcher only */
    int64_t stuck_since_ns;   /* of the request that was seen to be too old, … */
    int stuck_looks;          /* … and how often; watcher only */
};

struct http_links {
    struct http_links_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the list and what follows */
    pthread_cond_t wake;
    struct http_link *first;
    bool stopping;
};

static uint64_t bytes_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
        return 0;
    return info.tcpi_bytes_received;
}

void http_link_say_last(int fd, const struct buf *answer)
{
    if (!answer->failed && answer->len)
        (void)!send(fd, answer->data, answer->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
}

static void expire(struct http_links *links, struct http_link *link, int from)
{
    struct buf answer = {0};
    if (!atomic_compare_exchange_strong(&link->state, &from, LINK_EXPIRED))
        return;
    links->options.write_timeout(links->options.self, &answer);
    http_link_say_last(link->fd, &answer);
    (void)shutdown(link->fd, SHUT_RD);
    buf_clear(&answer);
}

/* An idle connection may stay; a header that began must end. How much the kernel has received tells them apart. */
static void look_at_idle(struct http_links *links, struct http_link *link, int64_t now_ns)
{
    uint64_t received = bytes_received(link->fd);
    if (atomic_exchange(&link->fresh, false)) {
        link->received = received;
        link->header_since_ns = 0;
    } else if (received != link->received && !link->header_since_ns) {
        link->header_since_ns = now_ns;
    } else if (link->header_since_ns && now_ns - link->header_since_ns > links->options.header_limit_ns) {
        expire(links, link, LINK_IDLE);
    }
}

/* Half an answer is out: nothing can be said any more. */
static void cut_off(struct http_link *link)
{
    int answering = LINK_ANSWERING;
    if (atomic_compare_exchange_strong(&link->state, &answering, LINK_EXPIRED))
        (void)shutdown(link->fd, SHUT_RDWR);
}

/* After a pause of the whole process this thread may be the first to run, and every request looks old: only one
 * that is seen so for a while of running time is stuck. */
static void look_at_stuck(struct http_links *links, struct http_link *link, int64_t age_ns)
{
    int64_t since = atomic_load(&link->since_ns);
    link->stuck_looks = link->stuck_since_ns == since ? link->stuck_looks + 1 : 1;
    link->stuck_since_ns = since;
    if (link->stuck_looks >= STUCK_LOOKS)
        links->options.on_stuck(links->options.self, age_ns);
}

static void look_at(struct http_links *links, struct http_link *link, int64_t now_ns)
{
    const struct http_links_options *options = &links->options;
    int state = atomic_load(&link->state);
    int64_t age = now_ns - atomic_load(&link->since_ns);
    if (state == LINK_IDLE)
        look_at_idle(links, link, now_ns);
    else if (state == LINK_READING && age > options->body_limit_ns)
        expire(links, link, LINK_READING);
    else if (state == LINK_HANDLING && age > options->handling_limit_ns)
        look_at_stuck(links, link, age);
    else if (state == LINK_ANSWERING && age > options->body_limit_ns)
        cut_off(link);
}

static void look(struct http_links *links)
{
    int64_t now = clock_monotonic_ns();
    for (struct http_link *link = links->first; link; link = link->next)
        look_at(links, link, now);
}

static void *watch(void *self)
{
    struct http_links *links = self;
    (void)pthread_mutex_lock(&links->lock);
    while (!links->stopping) {
        struct timespec until;
        int64_t next = clock_monotonic_ns() + LOOK_INTERVAL_NS;
        until.tv_sec = next / NS_PER_S;
        until.tv_nsec = next % NS_PER_S;
        (void)pthread_cond_timedwait(&links->wake, &links->lock, &until);
        look(links);
    }
    (void)pthread_mutex_unlock(&links->lock);
    return NULL;
}

struct http_links *http_links_start(const struct http_links_options *options, struct err *err)
{
    struct http_links *links = calloc(1, sizeof *links);
    pthread_condattr_t attributes;
    if (!links) {
        err_set(err, "out of memory");
        return NULL;
    }
    links->options = *options;
    (void)pthread_mutex_init(&links->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&links->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    errno = pthread_create(&links->thread, NULL, watch, links);
    if (errno) {
        err_set_errno(err, "cannot start the watcher of connections");
        free(links);
        return NULL;
    }
    return links;
}

void http_links_stop(struct http_links *links)
{
    if (!links)
        return;
    (void)pthread_mutex_lock(&links->lock);
    links->stopping = true;
    (void)pthread_cond_signal(&links->wake);
    (void)pthread_mutex_unlock(&links->lock);
    (void)pthread_join(links->thread, NULL);
    (void)pthread_cond_destroy(&links->wake);
    (void)pthread_mutex_destroy(&links->lock);
    free(links);
}

struct http_link *http_link_open(struct http_links *links, int fd)
{
    struct http_link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->fd = fd; /* a new connection has received nothing: its first byte begins a header */
    (void)pthread_mutex_lock(&links->lock);
    link->next = links->first;
    link->back = &links->first;
    if (link->next)
        link->next->back = &link->next;
    links->first = link;
    (void)pthread_mutex_unlock(&links->lock);
    return link;
}

void http_link_close(struct http_links *links, struct http_link *link)
{
    if (!link)
        return;
    (void)pthread_mutex_lock(&links->lock);
    *link->back = link->next;
    if (link->next)
        link->next->back = link->back;
    (void)pthread_mutex_unlock(&links->lock);
    free(link);
}

static bool change(struct http_link *link, int from, int to)
{
    atomic_store(&link->since_ns, clock_monotonic_ns());
    return atomic_compare_exchange_strong(&link->state, &from, to);
}

void http_link_reading(struct http_link *link)
{
    (void)change(link, LINK_IDLE, LINK_READING);
}

bool http_link_handling(struct http_link *link)
{
    return change(link, LINK_READING, LINK_HANDLING);
}

void http_link_answering(struct http_link *link)
{
    (void)change(link, LINK_HANDLING, LINK_ANSWERING);
}

void http_link_idle(struct http_link *link)
{
    atomic_store(&link->fresh, true);
    if (!change(link, LINK_ANSWERING, LINK_IDLE))
        (void)change(link, LINK_HANDLING, LINK_IDLE); /* it goes without an answer */
}
