/* committer: queue, groups, and the state of the database.
 *
 * The promise of the whole product is kept in commit_group: a submission is told COMMITTED only after the store
 * said DONE for a transaction that holds it, and that is after the database's COMMIT. Whatever else happens is
 * UNAVAILABLE, and the sender sends it again. */
#include "engine/committer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/digest.h"

#define RECONNECT_FIRST_NS (50 * NS_PER_MS)
#define RECONNECT_CAP_NS   (1 * NS_PER_S) /* back in under 2 s once the database is */
#define CONNECT_LIMIT_NS   (3 * NS_PER_S)
#define PROBE_LIMIT_NS     (2 * NS_PER_S)
#define PROBE_INTERVAL_NS  (1 * NS_PER_S)

enum database_state {
    DATABASE_AWAY,    /* not connected: submissions are refused at once */
    DATABASE_FAILING, /* connected, but the last write failed: submissions are tried, readiness says no */
    DATABASE_READY,
};

struct committer {
    const struct store *store;
    struct committer_options options;
    struct log *log;
    pthread_t thread;
    int wake_fd;
    atomic_int state;             /* enum database_state; written by the committer's thread only */
    _Atomic int64_t reconnect_ns; /* when the next attempt is due */
    struct backoff backoff;
    int64_t probe_ns; /* when the next probe is due */

    pthread_mutex_t lock; /* guards what follows */
    struct submission *first;
    struct submission **last;
    size_t waiting; /* signals in the queue */
    bool stopping;
};

/* What is stored together. */
struct group {
    struct submission *submissions;
    struct store_row **rows;
    size_t count;
};

static void set_state(struct committer *committer, enum database_state state)
{
    static const char *const names[] = {"away", "failing", "ready"};
    int before = atomic_exchange(&committer->state, (int)state);
    if (before != (int)state)
        log_write(committer->log, state == DATABASE_READY ? LOG_INFO : LOG_WARN,
                  LOG_WITH(LOG_STR("from", names[before]), LOG_STR("to", names[state])), "Database is %s",
                  names[state]);
}

static enum database_state state_of(struct committer *committer)
{
    return (enum database_state)atomic_load(&committer->state);
}

static int retry_after(struct committer *committer)
{
    int64_t left = atomic_load(&committer->reconnect_ns) - clock_monotonic_ns();
    return left <= NS_PER_S ? 1 : (int)((left + NS_PER_S - 1) / NS_PER_S);
}

/* --- telling submissions ----------------------------------------------------------------------------------- */

static void finish(struct submission *submission, enum submission_outcome outcome, int retry_after_s)
{
    submission->outcome = outcome;
    submission->retry_after_s = retry_after_s;
    submission->done(submission, submission->context);
}

static void finish_all(struct submission *list, enum submission_outcome outcome, int retry_after_s)
{
    while (list) {
        struct submission *next = list->next;
        finish(list, outcome, retry_after_s);
        list = next;
    }
}

/* --- the connection ---------------------------------------------------------------------------------------- */

static void schedule_reconnect(struct committer *committer)
{
    uint32_t random = 0;
    struct err ignored;
    if (digest_random((unsigned char *)&random, sizeof random, &ignored))
        random = UINT32_MAX;
    int64_t pause = backoff_next(&committer->backoff, random, 0);
    atomic_store(&committer->reconnect_ns, clock_monotonic_ns() + pause);
}

static void say_away(struct committer *committer, const struct err *err)
{
    if (committer->backoff.failures == 0)
        log_write(committer->log, LOG_ERROR, LOG_PLAIN, "Database unavailable: %s", err->message);
    else
        log_write(committer->log, LOG_DEBUG, LOG_PLAIN, "Database still unavailable: %s", err->message);
}

static void lose_connection(struct committer *committer, const struct err *err)
{
    say_away(committer, err);
    committer->store->ops->close(committer->store->self);
    schedule_reconnect(committer);
    set_state(committer, DATABASE_AWAY);
}

static void connect_if_due(struct committer *committer)
{
    struct err err = {0};
    int64_t now = clock_monotonic_ns();
    if (state_of(committer) != DATABASE_AWAY || now < atomic_load(&committer->reconnect_ns))
        return;
    if (committer->store->ops->open(committer->store->self, now + CONNECT_LIMIT_NS, &err) != OUTCOME_DONE) {
        lose_connection(committer, &err);
        return;
    }
    backoff_reset(&committer->backoff);
    committer->probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_NS;
    set_state(committer, DATABASE_READY);
}

static void probe_if_due(struct committer *committer)
{
    struct err err = {0};
    int64_t now = clock_monotonic_ns();
    if (state_of(committer) == DATABASE_AWAY || now < committer->probe_ns)
        return;
    committer->probe_ns = now + PROBE_INTERVAL_NS;
    bool thorough = state_of(committer) == DATABASE_FAILING; /* it looked well before, and a write failed */
    enum outcome outcome =
        committer->store->ops->probe(committer->store->self, thorough, now + PROBE_LIMIT_NS, &err);
    if (!committer->store->ops->is_open(committer->store->self))
        lose_connection(committer, &err);
    else
        set_state(committer, outcome == OUTCOME_DONE ? DATABASE_READY : DATABASE_FAILING);
}

static void check_connection(struct committer *committer)
{
    struct err err;
    if (state_of(committer) == DATABASE_AWAY || committer->store->ops->is_open(committer->store->self))
        return;
    err_set(&err, "the database closed the connection");
    lose_connection(committer, &err);
}

/* --- storing ----------------------------------------------------------------------------------------------- */

static void log_refused(struct committer *committer, struct store_row **rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i]->verdict == STORE_REFUSED)
            log_write(committer->log, LOG_WARN,
                      LOG_WITH(LOG_STR("signal_id", signal_text(rows[i]->signal, FIELD_SIGNAL_ID, NULL))),
                      "The database refused a signal: %s", rows[i]->refusal);
}

static enum outcome store_rows(struct committer *committer, struct store_row **rows, size_t count,
                               int64_t deadline_ns)
{
    struct err err = {0};
    const struct store *store = committer->store;
    enum outcome outcome = store->ops->insert(store->self, rows, count, deadline_ns, &err);
    if (outcome == OUTCOME_DONE) {
        set_state(committer, DATABASE_READY);
        log_refused(committer, rows, count);
        return OUTCOME_DONE;
    }
    if (!store->ops->is_open(store->self)) {
        lose_connection(committer, &err);
        return OUTCOME_AGAIN;
    }
    if (state_of(committer) == DATABASE_READY)
        log_write(committer->log, LOG_ERROR, LOG_PLAIN, "Could not store signals: %s", err.message);
    set_state(committer, DATABASE_FAILING);
    return OUTCOME_AGAIN;
}

static size_t collect_rows(struct group *group, bool dry_run)
{
    size_t count = 0;
    for (struct submission *s = group->submissions; s; s = s->next)
        for (size_t i = 0; s->dry_run == dry_run && i < s->count; i++)
            if (!s->entries[i].fault)
                group->rows[count++] = &s->entries[i].row;
    return count;
}

static enum outcome look_up_rows(struct committer *committer, struct group *group, size_t count,
                                 int64_t deadline_ns)
{
    struct err err = {0};
    const struct store *store = committer->store;
    enum outcome outcome = store->ops->look_up(store->self, group->rows, count, deadline_ns, &err);
    if (!store->ops->is_open(store->self))
        lose_connection(committer, &err);
    return outcome;
}

/* Stores the group and tells its submissions: this is the only place that says COMMITTED. */
static void commit_group(struct committer *committer, struct group *group)
{
    int64_t deadline = clock_monotonic_ns() + committer->options.time_limit_ns / 2;
    enum outcome outcome = OUTCOME_AGAIN;
    group->rows = malloc((group->count ? group->count : 1) * sizeof *group->rows);
    if (group->rows && state_of(committer) != DATABASE_AWAY) {
        size_t dry = collect_rows(group, true);
        outcome = dry ? look_up_rows(committer, group, dry, deadline) : OUTCOME_DONE;
        size_t real = outcome == OUTCOME_DONE ? collect_rows(group, false) : 0;
        if (real)
            outcome = store_rows(committer, group->rows, real, deadline);
    }
    free(group->rows);
    finish_all(group->submissions, outcome == OUTCOME_DONE ? SUBMISSION_COMMITTED : SUBMISSION_UNAVAILABLE,
               retry_after(committer));
}

/* --- the queue --------------------------------------------------------------------------------------------- */

static struct submission *pop(struct committer *committer)
{
    struct submission *submission = committer->first;
    committer->first = submission->next;
    if (!committer->first)
        committer->last = &committer->first;
    committer->waiting -= submission->count;
    submission->next = NULL;
    return submission;
}

/* Takes from the queue what is stored together, and apart from it what has waited for too long already. */
static void take_group(struct committer *committer, struct group *group, struct submission **expired)
{
    int64_t oldest = clock_monotonic_ns() - committer->options.time_limit_ns / 2;
    struct submission **tail = &group->submissions;
    (void)pthread_mutex_lock(&committer->lock);
    while (committer->first) {
        bool late = committer->first->queued_ns < oldest;
        if (!late && group->count && group->count + committer->first->to_store > committer->options.group_max)
            break;
        struct submission *submission = pop(committer);
        if (late) {
            submission->next = *expired;
            *expired = submission;
            continue;
        }
        *tail = submission;
        tail = &submission->next;
        group->count += submission->to_store;
    }
    (void)pthread_mutex_unlock(&committer->lock);
}

static bool work(struct committer *committer)
{
    struct group group = {0};
    struct submission *expired = NULL;
    take_group(committer, &group, &expired);
    finish_all(expired, SUBMISSION_UNAVAILABLE, 1);
    if (!group.submissions)
        return false;
    commit_group(committer, &group);
    return true;
}

static bool is_stopping(struct committer *committer)
{
    (void)pthread_mutex_lock(&committer->lock);
    bool stopping = committer->stopping;
    (void)pthread_mutex_unlock(&committer->lock);
    return stopping;
}

static void wait_for_work(struct committer *committer)
{
    bool away = state_of(committer) == DATABASE_AWAY;
    int64_t due = away ? atomic_load(&committer->reconnect_ns) : committer->probe_ns;
    int64_t left = due - clock_monotonic_ns();
    struct pollfd waits[2] = {
        {.fd = committer->wake_fd, .events = POLLIN},
        {.fd = away ? -1 : committer->store->ops->descriptor(committer->store->self), .events = POLLIN},
    };
    if (left > 0)
        (void)poll(waits, 2, (int)(left / NS_PER_MS) + 1);
    if (waits[0].revents & POLLIN) {
        uint64_t count;
        (void)!read(committer->wake_fd, &count, sizeof count);
    }
    if (waits[1].revents)
        check_connection(committer);
}

static void *run(void *self)
{
    struct committer *committer = self;
    (void)prctl(PR_SET_NAME, "committer"); /* as top -H and gdb show it */
    for (;;) {
        bool stopping = is_stopping(committer); /* asked before the queue: what came before it is still served */
        check_connection(committer);
        if (work(committer))
            continue;
        if (stopping)
            return NULL;
        connect_if_due(committer);
        probe_if_due(committer);
        wait_for_work(committer);
    }
}

static void wake(struct committer *committer)
{
    uint64_t one = 1;
    (void)!write(committer->wake_fd, &one, sizeof one);
}

bool committer_submit(struct committer *committer, struct submission *submission)
{
    bool taken = false;
    submission->outcome = SUBMISSION_UNAVAILABLE;
    submission->retry_after_s = 1;
    if (state_of(committer) == DATABASE_AWAY) {
        submission->retry_after_s = retry_after(committer);
        return false;
    }
    (void)pthread_mutex_lock(&committer->lock);
    bool fits = !committer->waiting || committer->waiting + submission->count <= committer->options.queue_max;
    if (fits && !committer->stopping) {
        submission->outcome = SUBMISSION_WAITING;
        submission->queued_ns = clock_monotonic_ns();
        submission->next = NULL;
        *committer->last = submission;
        committer->last = &submission->next;
        committer->waiting += submission->count;
        taken = true;
    }
    (void)pthread_mutex_unlock(&committer->lock);
    if (taken)
        wake(committer);
    return taken;
}

bool committer_is_ready(struct committer *committer, int *retry_after_s)
{
    *retry_after_s = retry_after(committer);
    return state_of(committer) == DATABASE_READY;
}

/* --- life -------------------------------------------------------------------------------------------------- */

void committer_free(struct committer *committer)
{
    if (!committer)
        return;
    if (committer->wake_fd >= 0)
        (void)close(committer->wake_fd);
    (void)pthread_mutex_destroy(&committer->lock);
    free(committer);
}

struct committer *committer_start(const struct store *store, const struct committer_options *options,
                                  struct log *log, struct err *err)
{
    struct committer *committer = calloc(1, sizeof *committer);
    if (!committer) {
        err_set(err, "out of memory");
        return NULL;
    }
    committer->store = store;
    committer->options = *options;
    committer->log = log;
    committer->backoff = (struct backoff){.first_ns = RECONNECT_FIRST_NS, .cap_ns = RECONNECT_CAP_NS};
    committer->last = &committer->first;
    (void)pthread_mutex_init(&committer->lock, NULL);
    committer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (committer->wake_fd < 0) {
        err_set_errno(err, "cannot make an eventfd");
        committer_free(committer);
        return NULL;
    }
    errno = pthread_create(&committer->thread, NULL, run, committer);
    if (errno) {
        err_set_errno(err, "cannot start the committer's thread");
        committer_free(committer);
        return NULL;
    }
    return committer;
}

void committer_stop(struct committer *committer)
{
    if (!committer)
        return;
    (void)pthread_mutex_lock(&committer->lock);
    committer->stopping = true;
    (void)pthread_mutex_unlock(&committer->lock);
    wake(committer);
    (void)pthread_join(committer->thread, NULL);
    committer->store->ops->close(committer->store->self);
    set_state(committer, DATABASE_AWAY);
}
