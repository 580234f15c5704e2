/* committer: queue and groups; the state of the database is database.c's.
 *
 * The promise of the whole product is kept in finish_group: a submission is told COMMITTED only after the store
 * confirmed a transaction that holds it, and that is after the database's COMMIT. Whatever else happens is
 * UNAVAILABLE, and the sender sends it again.
 *
 * While one group is committed the next one is on its way to the database already. */
#include "engine/committer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pulse.h"
#include "engine/metrics.h"

struct committer {
    const struct store *store;
    struct committer_options options;
    struct log *log;
    pthread_t thread;
    int wake_fd;
    struct database database;
    struct pulse pulse;

    pthread_mutex_t lock; /* guards what follows */
    struct submission *first;
    struct submission **last;
    size_t waiting; /* signals in the queue */
    bool stopping;
};

/* What is stored together. */
struct group {
    struct submission *submissions;
    size_t count; /* signals to store or to look up */
    bool dry_run; /* all of them: it only looks */
    int64_t deadline_ns;
    int64_t sent_ns;
    struct store_row **rows; /* the signals to store, while they are on their way */
    size_t row_count;
    enum outcome outcome;
};

/* --- telling submissions ----------------------------------------------------------------------------------- */

/* Answers and log lines first, and the lines written, before the first of the requests goes on. */
static void finish_all(struct committer *committer, struct submission *list, enum submission_outcome outcome,
                       int retry_after_s)
{
    log_gather(committer->log);
    for (struct submission *submission = list; submission; submission = submission->next) {
        submission->outcome = outcome;
        submission->retry_after_s = retry_after_s;
        submission->done(submission, submission->context);
    }
    log_flush(committer->log);
    while (list) {
        struct submission *next = list->next;
        list->release(list, list->context);
        list = next;
    }
}

/* --- storing ----------------------------------------------------------------------------------------------- */

static size_t collect_rows(const struct group *group)
{
    size_t count = 0;
    for (struct submission *s = group->submissions; s; s = s->next)
        for (size_t i = 0; i < s->count; i++)
            if (!s->entries[i].fault)
                group->rows[count++] = &s->entries[i].row;
    return count;
}

static void look_up_group(struct committer *committer, struct group *group, size_t count)
{
    struct err err = {0};
    const struct store *store = committer->store;
    group->outcome = store->ops->look_up(store->self, group->rows, count, group->deadline_ns, &err);
    if (!store->ops->is_open(store->self))
        database_failed(&committer->database, &err);
}

/* Sends the group on its way, or answers dry runs from a look; nothing else may be on its way then. */
static void start_group(struct committer *committer, struct group *group)
{
    const struct store *store = committer->store;
    group->outcome = OUTCOME_AGAIN;
    group->rows = malloc((group->count ? group->count : 1) * sizeof *group->rows);
    if (!group->rows)
        return;
    size_t count = collect_rows(group);
    if (group->dry_run) {
        look_up_group(committer, group, count);
        return;
    }
    group->outcome = OUTCOME_DONE;
    group->row_count = count;
    group->sent_ns = clock_monotonic_ns();
    store->ops->send(store->self, group->rows, count, group->deadline_ns);
}

static void settle_group(struct committer *committer, struct group *group)
{
    struct err err = {0};
    const struct store *store = committer->store;
    if (group->outcome != OUTCOME_DONE || !group->row_count)
        return;
    if (database_state(&committer->database) == DATABASE_AWAY) /* lost by the group before, and this one with it */
        group->outcome = OUTCOME_AGAIN;
    else if ((group->outcome = store->ops->settle(store->self, &err)) != OUTCOME_DONE)
        database_failed(&committer->database, &err);
}

static void confirm_group(struct committer *committer, struct group *group)
{
    struct err err = {0};
    const struct store *store = committer->store;
    if (group->outcome != OUTCOME_DONE || !group->row_count)
        return;
    group->outcome = store->ops->confirm(store->self, &err);
    if (group->outcome != OUTCOME_DONE) {
        database_failed(&committer->database, &err);
        return;
    }
    database_wrote(&committer->database);
    receiver_metrics_committed(committer->options.metrics, group->row_count, clock_monotonic_ns() - group->sent_ns);
}

/* Tells the group's submissions: this is the only place that says COMMITTED. */
static void finish_group(struct committer *committer, struct group *group)
{
    free(group->rows);
    finish_all(committer, group->submissions,
               group->outcome == OUTCOME_DONE ? SUBMISSION_COMMITTED : SUBMISSION_UNAVAILABLE,
               database_retry_after(&committer->database));
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
static void take_from_queue(struct committer *committer, struct group *group, struct submission **expired)
{
    int64_t oldest = clock_monotonic_ns() - committer->options.time_limit_ns / 2;
    struct submission **tail = &group->submissions;
    (void)pthread_mutex_lock(&committer->lock);
    while (committer->first) {
        bool late = committer->first->queued_ns < oldest;
        if (!late && group->submissions && committer->first->dry_run != group->dry_run)
            break;
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
        group->dry_run = submission->dry_run;
    }
    (void)pthread_mutex_unlock(&committer->lock);
}

/* False if nothing waits. */
static bool take_group(struct committer *committer, struct group *group)
{
    struct submission *expired = NULL;
    *group = (struct group){0};
    take_from_queue(committer, group, &expired);
    finish_all(committer, expired, SUBMISSION_UNAVAILABLE, 1);
    return group->submissions != NULL;
}

enum queue_head { HEAD_NONE, HEAD_DRY_RUN, HEAD_REAL };

static enum queue_head queue_head(struct committer *committer)
{
    (void)pthread_mutex_lock(&committer->lock);
    enum queue_head head = !committer->first ? HEAD_NONE : committer->first->dry_run ? HEAD_DRY_RUN : HEAD_REAL;
    (void)pthread_mutex_unlock(&committer->lock);
    return head;
}

/* Takes and starts a group when nothing is on its way. What comes while the turn is waited for gets into it too. */
static bool start_next(struct committer *committer, struct group *group)
{
    struct err err = {0};
    const struct store *store = committer->store;
    int64_t deadline = clock_monotonic_ns() + committer->options.time_limit_ns / 2;
    enum queue_head head = queue_head(committer);
    bool can = database_state(&committer->database) != DATABASE_AWAY;
    if (head == HEAD_NONE)
        return false;
    if (can && head == HEAD_REAL && store->ops->take_turn(store->self, deadline, &err) != OUTCOME_DONE) {
        database_failed(&committer->database, &err);
        can = false;
    }
    bool more = take_group(committer, group);
    group->deadline_ns = deadline;
    group->outcome = OUTCOME_AGAIN;
    if (more && can && group->dry_run == (head == HEAD_DRY_RUN))
        start_group(committer, group);
    if (can && head == HEAD_REAL && !group->row_count)
        store->ops->leave_turn(store->self);
    return more;
}

/* The next group travels behind the one that is being committed. A dry run is answered from a look, which cannot be
 * taken while anything is on its way. */
static bool send_behind(struct committer *committer, struct group *next)
{
    if (committer->store->ops->is_contended(committer->store->self) || queue_head(committer) != HEAD_REAL ||
        database_state(&committer->database) == DATABASE_AWAY || !take_group(committer, next))
        return false;
    next->deadline_ns = clock_monotonic_ns() + committer->options.time_limit_ns / 2;
    next->outcome = OUTCOME_AGAIN;
    if (!next->dry_run) /* it is one if the head of the queue was too late by now */
        start_group(committer, next);
    return true;
}

/* Stores until nothing waits any more. False if nothing did. */
static bool work(struct committer *committer)
{
    struct group group;
    if (!start_next(committer, &group))
        return false;
    for (bool more = true; more;) {
        struct group next;
        pulse_beat(&committer->pulse);
        settle_group(committer, &group);
        more = send_behind(committer, &next);
        confirm_group(committer, &group);
        finish_group(committer, &group);
        more = more || start_next(committer, &next);
        if (more)
            group = next;
    }
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
    struct database *database = &committer->database;
    bool away = database_state(database) == DATABASE_AWAY;
    int64_t left = database_due(database) - clock_monotonic_ns();
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
        database_check(database);
}

static void *run(void *self)
{
    struct committer *committer = self;
    (void)prctl(PR_SET_NAME, "committer"); /* as top -H and gdb show it */
    for (;;) {
        bool stopping = is_stopping(committer); /* asked before the queue: what came before it is still served */
        database_check(&committer->database);
        if (work(committer))
            continue;
        if (stopping)
            return NULL;
        database_tick(&committer->database);
        log_tick(committer->log);
        pulse_beat(&committer->pulse);
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
    if (database_state(&committer->database) == DATABASE_AWAY) {
        submission->retry_after_s = database_retry_after(&committer->database);
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
    *retry_after_s = database_retry_after(&committer->database);
    return database_state(&committer->database) == DATABASE_READY;
}

enum database_state committer_database(struct committer *committer)
{
    return database_state(&committer->database);
}

size_t committer_waiting(struct committer *committer)
{
    (void)pthread_mutex_lock(&committer->lock);
    size_t waiting = committer->waiting;
    (void)pthread_mutex_unlock(&committer->lock);
    return waiting;
}

int64_t committer_silence_ns(struct committer *committer, int64_t now_ns)
{
    return pulse_look(&committer->pulse, now_ns); /* it turns once a second at least: nobody has to wake it */
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
    database_init(&committer->database, store, log, options->metrics);
    pulse_init(&committer->pulse, clock_monotonic_ns());
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
    database_close(&committer->database);
}
