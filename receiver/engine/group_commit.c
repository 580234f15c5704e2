/* group_commit: one group's way, and what follows what. */
#include "engine/group_commit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "engine/metrics.h"

/* What is stored together, on its way. */
struct group {
    struct submission_group taken;
    int64_t deadline_ns;
    int64_t sent_ns;
    struct store_row **rows; /* the signals to store, while they are on their way */
    size_t row_count;
    enum outcome outcome;
};

/* --- telling submissions ----------------------------------------------------------------------------------- */

/* Answers and log lines first, and the lines written, before the first of the requests goes on. */
static void finish_all(const struct group_commit *commit, struct submission *list, enum submission_outcome outcome,
                       int retry_after_s)
{
    log_gather(commit->log);
    for (struct submission *submission = list; submission; submission = submission->next) {
        submission->outcome = outcome;
        submission->retry_after_s = retry_after_s;
        submission->done(submission, submission->context);
    }
    log_flush(commit->log);
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
    for (struct submission *s = group->taken.submissions; s; s = s->next)
        for (size_t i = 0; i < s->count; i++)
            if (!s->entries[i].fault)
                group->rows[count++] = &s->entries[i].row;
    return count;
}

static void look_up_group(const struct group_commit *commit, struct group *group, size_t count)
{
    struct err err = {0};
    const struct store *store = commit->store;
    group->outcome = store->ops->look_up(store->self, group->rows, count, group->deadline_ns, &err);
    if (!store->ops->is_open(store->self))
        database_failed(commit->database, &err);
}

/* Sends the group on its way, or answers dry runs from a look; nothing else may be on its way then. */
static void start_group(const struct group_commit *commit, struct group *group)
{
    const struct store *store = commit->store;
    group->outcome = OUTCOME_AGAIN;
    group->rows = malloc((group->taken.count ? group->taken.count : 1) * sizeof *group->rows);
    if (!group->rows)
        return;
    size_t count = collect_rows(group);
    if (group->taken.dry_run) {
        look_up_group(commit, group, count);
        return;
    }
    group->outcome = OUTCOME_DONE;
    group->row_count = count;
    group->sent_ns = clock_monotonic_ns();
    store->ops->send(store->self, group->rows, count, group->deadline_ns);
}

static void settle_group(const struct group_commit *commit, struct group *group)
{
    struct err err = {0};
    const struct store *store = commit->store;
    if (group->outcome != OUTCOME_DONE || !group->row_count)
        return;
    if (database_state(commit->database) == DATABASE_AWAY) /* lost by the group before, and this one with it */
        group->outcome = OUTCOME_AGAIN;
    else if ((group->outcome = store->ops->settle(store->self, &err)) != OUTCOME_DONE)
        database_failed(commit->database, &err);
}

static void confirm_group(const struct group_commit *commit, struct group *group)
{
    struct err err = {0};
    const struct store *store = commit->store;
    if (group->outcome != OUTCOME_DONE || !group->row_count)
        return;
    group->outcome = store->ops->confirm(store->self, &err);
    if (group->outcome != OUTCOME_DONE) {
        database_failed(commit->database, &err);
        return;
    }
    database_wrote(commit->database);
    receiver_metrics_committed(commit->metrics, group->row_count, clock_monotonic_ns() - group->sent_ns);
}

/* Tells the group's submissions: this is the only place that says COMMITTED. */
static void finish_group(const struct group_commit *commit, struct group *group)
{
    free(group->rows);
    finish_all(commit, group->taken.submissions,
               group->outcome == OUTCOME_DONE ? SUBMISSION_COMMITTED : SUBMISSION_UNAVAILABLE,
               database_retry_after(commit->database));
}

/* --- one group after the other ------------------------------------------------------------------------------ */

/* False if nothing waits. */
static bool take_group(const struct group_commit *commit, struct group *group)
{
    int64_t oldest_ns = clock_monotonic_ns() - commit->waiting_ns;
    *group = (struct group){.taken = submission_queue_take(commit->queue, commit->group_max, oldest_ns)};
    finish_all(commit, group->taken.expired, SUBMISSION_UNAVAILABLE, 1);
    return group->taken.submissions != NULL;
}

/* Takes and starts a group when nothing is on its way. What comes while the turn is waited for gets into it too. */
static bool start_next(const struct group_commit *commit, struct group *group)
{
    struct err err = {0};
    const struct store *store = commit->store;
    int64_t deadline = clock_monotonic_ns() + commit->transaction_ns;
    enum queue_head head = submission_queue_head(commit->queue);
    bool can = database_state(commit->database) != DATABASE_AWAY;
    if (head == HEAD_NONE)
        return false;
    if (can && head == HEAD_REAL && store->ops->take_turn(store->self, deadline, &err) != OUTCOME_DONE) {
        database_failed(commit->database, &err);
        can = false;
    }
    bool more = take_group(commit, group);
    group->deadline_ns = deadline;
    group->outcome = OUTCOME_AGAIN;
    if (more && can && group->taken.dry_run == (head == HEAD_DRY_RUN))
        start_group(commit, group);
    if (can && head == HEAD_REAL && !group->row_count)
        store->ops->leave_turn(store->self);
    return more;
}

/* The next group travels behind the one that is being committed. A dry run is answered from a look, which cannot be
 * taken while anything is on its way. */
static bool send_behind(const struct group_commit *commit, struct group *next)
{
    if (commit->store->ops->is_contended(commit->store->self) ||
        submission_queue_head(commit->queue) != HEAD_REAL || database_state(commit->database) == DATABASE_AWAY ||
        !take_group(commit, next))
        return false;
    next->deadline_ns = clock_monotonic_ns() + commit->transaction_ns;
    next->outcome = OUTCOME_AGAIN;
    if (!next->taken.dry_run) /* it is one if the head of the queue was too late by now */
        start_group(commit, next);
    return true;
}

static void end_group(const struct group_commit *commit, struct group *group)
{
    confirm_group(commit, group);
    finish_group(commit, group);
}

bool group_commit_once(const struct group_commit *commit)
{
    struct group group;
    if (!start_next(commit, &group))
        return false;
    settle_group(commit, &group);
    end_group(commit, &group);
    return true;
}

bool group_commit_all(const struct group_commit *commit, struct pulse *pulse)
{
    struct group group;
    if (!start_next(commit, &group))
        return false;
    for (bool more = true; more;) {
        struct group next;
        pulse_beat(pulse);
        settle_group(commit, &group);
        more = send_behind(commit, &next);
        end_group(commit, &group);
        more = more || start_next(commit, &next);
        if (more)
            group = next;
    }
    return true;
}
