/* progress: on standard error, five times a second. */
#include "commands/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SHOW_INTERVAL_NS (NS_PER_S / 5)

void progress_start(struct progress *progress, int64_t total)
{
    *progress = (struct progress){isatty(STDERR_FILENO), total, clock_monotonic_ns(), 0};
}

static void write_line(const struct progress *progress, int64_t done, const char *end)
{
    double seconds = (double)(clock_monotonic_ns() - progress->started_ns) / (double)NS_PER_S;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (progress->total < 0) {
        (void)fprintf(stderr, "\r\033[K%lld signals, %.0f/s%s", (long long)done, rate, end);
        return;
    }
    double left = rate > 0 ? (double)(progress->total - done) / rate : 0;
    int percent = progress->total ? (int)(done * 100 / progress->total) : 100;
    (void)fprintf(stderr, "\r\033[K%lld of %lld signals (%d %%), %.0f/s, %d:%02d left%s", (long long)done,
                  (long long)progress->total, percent, rate, (int)left / 60, (int)left % 60, end);
}

void progress_show(struct progress *progress, int64_t done)
{
    int64_t now = clock_monotonic_ns();
    if (!progress->shown || now < progress->next_ns)
        return;
    progress->next_ns = now + SHOW_INTERVAL_NS;
    write_line(progress, done, "");
}

void progress_end(struct progress *progress, int64_t done)
{
    if (progress->shown)
        write_line(progress, done, "\n");
}
