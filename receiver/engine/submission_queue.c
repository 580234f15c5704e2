/* submission_queue: a list under a lock. */
#include "engine/submission_queue.h"

#include "base/clock.h"

void submission_queue_init(struct submission_queue *queue, size_t max)
{
    *queue = (struct submission_queue){.max = max};
    queue->last = &queue->first;
    (void)pthread_mutex_init(&queue->lock, NULL);
}

void submission_queue_clear(struct submission_queue *queue)
{
    (void)pthread_mutex_destroy(&queue->lock);
}

bool submission_queue_push(struct submission_queue *queue, struct submission *submission)
{
    (void)pthread_mutex_lock(&queue->lock);
    bool fits = !queue->waiting || queue->waiting + submission->count <= queue->max;
    bool taken = fits && !queue->closed;
    if (taken) {
        submission->outcome = SUBMISSION_WAITING;
        submission->queued_ns = clock_monotonic_ns();
        submission->next = NULL;
        *queue->last = submission;
        queue->last = &submission->next;
        queue->waiting += submission->count;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return taken;
}

void submission_queue_close(struct submission_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    (void)pthread_mutex_unlock(&queue->lock);
}

bool submission_queue_is_closed(struct submission_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    (void)pthread_mutex_unlock(&queue->lock);
    return closed;
}

size_t submission_queue_waiting(struct submission_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    size_t waiting = queue->waiting;
    (void)pthread_mutex_unlock(&queue->lock);
    return waiting;
}

enum queue_head submission_queue_head(struct submission_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    enum queue_head head = !queue->first ? HEAD_NONE : queue->first->dry_run ? HEAD_DRY_RUN : HEAD_REAL;
    (void)pthread_mutex_unlock(&queue->lock);
    return head;
}

static struct submission *pop(struct submission_queue *queue)
{
    struct submission *submission = queue->first;
    queue->first = submission->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->waiting -= submission->count;
    submission->next = NULL;
    return submission;
}

struct submission_group submission_queue_take(struct submission_queue *queue, size_t max, int64_t oldest_ns)
{
    struct submission_group group = {0};
    struct submission **tail = &group.submissions;
    (void)pthread_mutex_lock(&queue->lock);
    while (queue->first) {
        bool late = queue->first->queued_ns < oldest_ns;
        if (!late && group.submissions && queue->first->dry_run != group.dry_run)
            break;
        if (!late && group.count && group.count + queue->first->to_store > max)
            break;
        struct submission *submission = pop(queue);
        if (late) {
            submission->next = group.expired;
            group.expired = submission;
            continue;
        }
        *tail = submission;
        tail = &submission->next;
        group.count += submission->to_store;
        group.dry_run = submission->dry_run;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return group;
}
