/* committer: who stores, and when; how is group_commit's, and the state of the database is database.c's.
 *
 * Whoever stores has the role: the committer's thread, or an HTTP thread that may wait and brings a submission
 * while nobody has it. That spares a wake-up before the transaction and one after it, which over one connection are
 * a good part of the whole. While somebody has the role the connection is his alone; otherwise the committer's
 * thread watches it. */
#include "engine/committer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pulse.h"
#include "engine/group_commit.h"

struct committer {
    pthread_t thread;
    int wake_fd;
    int watch_fd; /* an epoll instance: readable when the connection is, as long as nobody has the role */
    struct submission_queue queue;
    struct pulse pulse;

    atomic_bool wants_role; /* the thread: nobody else takes it now, for a lock may be taken again and again */
    pthread_mutex_t role;   /* guards what follows, and the store */
    struct database database;
    struct group_commit commit;
    int watched_fd; /* in watch_fd; -1: none */
};

/* --- the role ---------------------------------------------------------------------------------------------- */

static void unwatch(struct committer *committer)
{
    if (committer->watched_fd >= 0)
        (void)epoll_ctl(committer->watch_fd, EPOLL_CTL_DEL, committer->watched_fd, NULL);
    committer->watched_fd = -1;
}

static void take_role(struct committer *committer)
{
    atomic_store(&committer->wants_role, true);
    (void)pthread_mutex_lock(&committer->role);
    atomic_store(&committer->wants_role, false);
    unwatch(committer);
}

static bool try_role(struct committer *committer)
{
    if (atomic_load(&committer->wants_role) || pthread_mutex_trylock(&committer->role))
        return false;
    unwatch(committer);
    return true;
}

static void leave_role(struct committer *committer)
{
    const struct store *store = committer->commit.store;
    bool away = database_state(&committer->database) == DATABASE_AWAY;
    int fd = away ? -1 : store->ops->descriptor(store->self);
    struct epoll_event event = {.events = EPOLLIN};
    if (fd >= 0 && !epoll_ctl(committer->watch_fd, EPOLL_CTL_ADD, fd, &event))
        committer->watched_fd = fd;
    (void)pthread_mutex_unlock(&committer->role);
}

/* --- the thread -------------------------------------------------------------------------------------------- */

/* Without the role in the meantime, unless something is due. */
static void wait_for_work(struct committer *committer)
{
    struct pollfd waits[2] = {
        {.fd = committer->wake_fd, .events = POLLIN},
        {.fd = committer->watch_fd, .events = POLLIN},
    };
    int64_t left = database_due(&committer->database) - clock_monotonic_ns();
    if (left <= 0)
        return;
    leave_role(committer);
    (void)poll(waits, 2, (int)(left / NS_PER_MS) + 1);
    if (waits[0].revents & POLLIN) {
        uint64_t count;
        (void)!read(committer->wake_fd, &count, sizeof count);
    }
    take_role(committer);
}

static void *run(void *self)
{
    struct committer *committer = self;
    (void)prctl(PR_SET_NAME, "committer"); /* as top -H and gdb show it */
    take_role(committer);
    for (;;) {
        /* asked before the queue: what came before it is still served */
        bool stopping = submission_queue_is_closed(&committer->queue);
        database_check(&committer->database);
        if (group_commit_all(&committer->commit, &committer->pulse))
            continue;
        if (stopping)
            break;
        database_tick(&committer->database);
        log_tick(committer->commit.log);
        pulse_beat(&committer->pulse);
        wait_for_work(committer);
    }
    leave_role(committer);
    return NULL;
}

static void wake(struct committer *committer)
{
    uint64_t one = 1;
    (void)!write(committer->wake_fd, &one, sizeof one);
}

/* --- submissions ------------------------------------------------------------------------------------------- */

/* One group, from the head of the queue; what is brought here may not be in it. Nothing is forgotten for that:
 * whoever has put something in either wakes the committer's thread, which empties the queue, or comes here and
 * takes something out, so that never more is in it than there are threads that still have to do one or the other.
 * That thread also connects, and has to be woken for it: it rests until what was due when it went to rest. */
static void store_here(struct committer *committer)
{
    database_check(&committer->database);
    (void)group_commit_once(&committer->commit);
    bool is_well = database_state(&committer->database) == DATABASE_READY;
    leave_role(committer);
    if (!is_well)
        wake(committer);
}

bool committer_submit(struct committer *committer, struct submission *submission, bool may_wait)
{
    submission->outcome = SUBMISSION_UNAVAILABLE;
    submission->retry_after_s = 1;
    if (database_state(&committer->database) == DATABASE_AWAY) {
        submission->retry_after_s = database_retry_after(&committer->database);
        return false;
    }
    if (!submission_queue_push(&committer->queue, submission))
        return false;
    if (may_wait && try_role(committer))
        store_here(committer);
    else
        wake(committer);
    return true;
}

bool committer_is_ready(struct committer *committer, int *retry_after_s)
{
    *retry_after_s = database_retry_after(&committer->database);
    return database_state(&committer->database) == DATABASE_READY;
}

enum database_state committer_database(struct committer *committer)
{
    return database_state(&committer->database);
}

size_t committer_waiting(struct committer *committer)
{
    return submission_queue_waiting(&committer->queue);
}

int64_t committer_silence_ns(struct committer *committer, int64_t now_ns)
{
    return pulse_look(&committer->pulse, now_ns); /* it turns once a second at least: nobody has to wake it */
}

int64_t committer_transaction_ns(int64_t time_limit_ns)
{
    return time_limit_ns / 2;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static void close_descriptor(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void committer_free(struct committer *committer)
{
    if (!committer)
        return;
    close_descriptor(committer->watch_fd);
    close_descriptor(committer->wake_fd);
    submission_queue_clear(&committer->queue);
    (void)pthread_mutex_destroy(&committer->role);
    free(committer);
}

static void init(struct committer *committer, const struct store *store, const struct committer_options *options,
                 struct log *log)
{
    int64_t transaction_ns = committer_transaction_ns(options->time_limit_ns);
    submission_queue_init(&committer->queue, options->queue_max);
    pulse_init(&committer->pulse, clock_monotonic_ns());
    (void)pthread_mutex_init(&committer->role, NULL);
    database_init(&committer->database, store, log, options->metrics);
    committer->commit = (struct group_commit){.store = store,
                                              .queue = &committer->queue,
                                              .database = &committer->database,
                                              .metrics = options->metrics,
                                              .log = log,
                                              .group_max = options->group_max,
                                              .waiting_ns = options->time_limit_ns - transaction_ns,
                                              .transaction_ns = transaction_ns};
    committer->watched_fd = -1;
    committer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    committer->watch_fd = epoll_create1(EPOLL_CLOEXEC);
}

struct committer *committer_start(const struct store *store, const struct committer_options *options,
                                  struct log *log, struct err *err)
{
    struct committer *committer = calloc(1, sizeof *committer);
    if (!committer) {
        err_set(err, "out of memory");
        return NULL;
    }
    init(committer, store, options, log);
    if (committer->wake_fd < 0 || committer->watch_fd < 0) {
        err_set_errno(err, "cannot make a descriptor to wait with");
        goto failed;
    }
    errno = pthread_create(&committer->thread, NULL, run, committer);
    if (!errno)
        return committer;
    err_set_errno(err, "cannot start the committer's thread");
failed:
    committer_free(committer);
    return NULL;
}

void committer_stop(struct committer *committer)
{
    if (!committer)
        return;
    submission_queue_close(&committer->queue);
    wake(committer);
    (void)pthread_join(committer->thread, NULL);
    take_role(committer);
    database_close(&committer->database);
    leave_role(committer);
}
