/* status: what was delivered, what waits, what is dead. Looks only. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/state_letters.h"
#include "adapters/state_lock.h"
#include "adapters/state_sqlite.h"
#include "base/clock.h"
#include "commands/commands.h"
#include "commands/pending.h"
#include "commands/settings.h"
#include "commands/status_json.h"

struct status {
    struct state_progress progress;
    struct pending pending;
    int64_t dead;
    pid_t running; /* the sender that has the state directory */
};

/* A directory in which no sender has run yet says nothing, which is no error. */
static int look(struct status *status, const struct sender_settings *settings, struct err *err)
{
    struct state_options options = {.directory = settings->state_directory, .access = STATE_READ};
    struct state *state = NULL;
    int failed = 0;
    status->running = state_lock_owner(settings->state_directory);
    if (state_sqlite_exists(settings->state_directory)) {
        state = state_sqlite_open(&options, err);
        failed = !state || state->ops->load(state->self, &status->progress, err);
    }
    if (state && !failed)
        status->dead = state_letters_count(state);
    if (!failed)
        status->pending = pending_count(settings, state, &status->progress);
    state_sqlite_close(state);
    return failed ? -1 : 0;
}

/* Seconds since the oldest waiting signal was generated; 0 when nothing waits. */
static double lag_seconds(const struct status *status)
{
    double lag = (double)(clock_wall_us() - status->pending.oldest_us) / 1e6;
    return status->pending.oldest_us && lag > 0 ? lag : 0;
}

static void print_json(const struct status *status)
{
    const struct state_progress *progress = &status->progress;
    struct buf line = {0};
    struct status_figures figures = {
        .delivered = progress->delivered,
        .pending = status->pending.count,
        .dead = status->dead,
        .last_success_us = progress->last_success_us,
        .lag_s = lag_seconds(status),
        .position = progress->places[ORIGIN_TABLE].position,
        .running = status->running != 0,
    };
    buf_add_char(&line, '{');
    status_json_add(&line, &figures);
    (void)printf("%s}\n", line.data ? line.data : "");
    buf_clear(&line);
}

static void print_text(const struct status *status)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t last = status->progress.last_success_us;
    if (status->running)
        (void)printf("sender        running, pid %ld\n", (long)status->running);
    else
        (void)printf("sender        not running\n");
    (void)printf("delivered     %lld\n", (long long)status->progress.delivered);
    if (status->pending.count < 0)
        (void)printf("pending       cannot be told: the source cannot be read now\n");
    else
        (void)printf("pending       %lld\n", (long long)status->pending.count);
    (void)printf("dead letters  %lld\n", (long long)status->dead);
    (void)printf("last success  %s\n", last ? clock_format(last, time) : "never");
    if (status->pending.count >= 0)
        (void)printf("lag           %.1f s\n", lag_seconds(status));
}

int command_status(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct status status = {0};
    struct err err = {0};
    if (look(&status, settings, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Status: %s", err.message);
        return EXIT_FAILED;
    }
    if (command_has_flag(invocation, "--json"))
        print_json(&status);
    else
        print_text(&status);
    return status.pending.count < 0 || status.dead ? EXIT_ATTENTION : EXIT_DONE;
}
