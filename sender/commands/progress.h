/* progress: one line on a terminal that is written over: done, total, rate, time left. */
#ifndef ALPINE_SENDER_PROGRESS_H
#define ALPINE_SENDER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;    /* standard error is a terminal */
    int64_t total; /* -1: not known */
    int64_t started_ns;
    int64_t next_ns;
};

void progress_start(struct progress *progress, int64_t total);
/* Writes the line if it is time to. */
void progress_show(struct progress *progress, int64_t done);
/* Writes the line once more, and ends it. */
void progress_end(struct progress *progress, int64_t done);

#endif
