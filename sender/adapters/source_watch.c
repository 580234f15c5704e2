/* source_watch: inotify and the ladder of looks. Knows nothing of what is in the file. */
#include "adapters/source_watch.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"

/* After an event, in nanoseconds. The first four find a commit that was not flushed; one that was is visible only
 * when its fsync is through, and that makes no event of its own: the others wait for it. */
static const int64_t ladder[] = {
    100 * NS_PER_US, 300 * NS_PER_US, NS_PER_MS,       3 * NS_PER_MS, 10 * NS_PER_MS,
    30 * NS_PER_MS,  100 * NS_PER_MS, 300 * NS_PER_MS, NS_PER_S,      3 * NS_PER_S,
};

enum { RUNGS = sizeof ladder / sizeof *ladder };

struct source_watch {
    struct loop *loop;
    char directory[PATH_MAX];
    char name[NAME_MAX + 1];
    int fd;
    bool watching; /* the directory */
    int rung;
    int64_t event_ns;
    int64_t interval_ns;
    struct loop_timer ladder_timer;
    struct loop_timer interval_timer;
    loop_due *look;
    void *context;
};

static void climb(void *context)
{
    struct source_watch *watch = context;
    watch->look(watch->context);
    if (++watch->rung < RUNGS)
        loop_timer_set(watch->loop, &watch->ladder_timer, watch->event_ns + ladder[watch->rung], climb, watch);
}

/* An event during the climb starts it again, but puts no look off that is due already. */
static void start_ladder(struct source_watch *watch)
{
    watch->event_ns = clock_monotonic_ns();
    if (watch->ladder_timer.set && watch->rung == 0)
        return;
    watch->rung = 0;
    loop_timer_set(watch->loop, &watch->ladder_timer, watch->event_ns + ladder[0], climb, watch);
}

/* The database itself, its -wal or its -journal; the -shm is written by readers too. */
static bool concerns(const struct source_watch *watch, const struct inotify_event *event)
{
    size_t len = strlen(watch->name);
    if (!event->len || strncmp(event->name, watch->name, len) != 0)
        return false;
    const char *suffix = event->name + len;
    return !*suffix || !strcmp(suffix, "-wal") || !strcmp(suffix, "-journal");
}

static void on_events(void *context, int fd, unsigned events)
{
    struct source_watch *watch = context;
    _Alignas(struct inotify_event) char buffer[4096];
    bool concerned = false;
    ssize_t len;
    (void)events;
    while ((len = read(fd, buffer, sizeof buffer)) > 0)
        for (char *at = buffer; at < buffer + len;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            if (event->mask & (IN_IGNORED | IN_Q_OVERFLOW))
                concerned = true;
            if (event->mask & IN_IGNORED)
                watch->watching = false;
            concerned |= concerns(watch, event);
            at += sizeof *event + event->len;
        }
    if (concerned)
        start_ladder(watch);
}

static void watch_directory(struct source_watch *watch)
{
    const uint32_t mask =
        IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    if (watch->fd < 0 || watch->watching)
        return;
    watch->watching = inotify_add_watch(watch->fd, watch->directory, mask) >= 0;
    /* A commit whose write came before the watch makes no event any more, and may not be visible yet. */
    if (watch->watching)
        start_ladder(watch);
}

static void on_interval(void *context)
{
    struct source_watch *watch = context;
    watch_directory(watch);
    watch->look(watch->context);
    loop_timer_set_regular(watch->loop, &watch->interval_timer, watch->interval_ns, on_interval, watch);
}

struct source_watch *source_watch_new(struct loop *loop, const char *path, int64_t interval_ns, loop_due *look,
                                      void *context)
{
    struct source_watch *watch = calloc(1, sizeof *watch);
    char copy[PATH_MAX];
    struct err ignored;
    if (!watch)
        return NULL;
    watch->loop = loop;
    watch->interval_ns = interval_ns;
    watch->look = look;
    watch->context = context;
    watch->rung = RUNGS;
    (void)snprintf(copy, sizeof copy, "%s", path);
    (void)snprintf(watch->name, sizeof watch->name, "%s", basename(copy));
    (void)snprintf(copy, sizeof copy, "%s", path);
    (void)snprintf(watch->directory, sizeof watch->directory, "%s", dirname(copy));
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd >= 0 && loop_watch(loop, watch->fd, LOOP_READ, on_events, watch, &ignored)) {
        (void)close(watch->fd);
        watch->fd = -1;
    }
    loop_timer_set(loop, &watch->interval_timer, 0, on_interval, watch);
    return watch;
}

void source_watch_free(struct source_watch *watch)
{
    if (!watch)
        return;
    loop_timer_cancel(watch->loop, &watch->ladder_timer);
    loop_timer_cancel(watch->loop, &watch->interval_timer);
    loop_unwatch(watch->loop, watch->fd);
    if (watch->fd >= 0)
        (void)close(watch->fd);
    free(watch);
}
