/* status: what was delivered, what waits, what is dead. Looks only. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/source_sqlite.h"
#include "adapters/state_sqlite.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "commands/commands.h"
#include "commands/settings.h"
#include "format/timestamp.h"

struct status {
    struct state_progress progress;
    int64_t pending; /* -1: cannot be told */
    int64_t dead;
    int64_t oldest_us; /* timestamp of the first signal that waits, 0: none */
    pid_t running;     /* the sender that has the state directory */
};

static bool note_first(void *self, const struct source_item *item)
{
    struct status *status = self;
    size_t len;
    const char *text = signal_text(item->signal, FIELD_TIMESTAMP, &len);
    if (timestamp_parse(text, len, &status->oldest_us))
        status->oldest_us = 0;
    return false;
}

static void look_at_source(struct status *status, const char *path)
{
    struct err ignored;
    struct source *source = source_sqlite_new(path, SOURCE_SQLITE_BUSY_COMMAND_MS);
    if (!source)
        return;
    status->pending = source->ops->count_after(source->self, status->progress.place.position);
    if (status->pending > 0)
        (void)source->ops->read(source->self, &status->progress.place, note_first, status, &ignored);
    source_sqlite_free(source);
}

/* A directory in which no sender has run yet says nothing, which is no error. */
static int look_at_state(struct status *status, const char *directory, struct err *err)
{
    pid_t owner;
    status->running = state_sqlite_owner(directory);
    if (!state_sqlite_exists(directory))
        return 0;
    struct state *state = state_sqlite_open(directory, STATE_READ, &owner, err);
    if (!state)
        return -1;
    int failed = state->ops->load(state->self, &status->progress, err);
    status->dead = state_sqlite_count_dead(state);
    state_sqlite_close(state);
    return failed;
}

/* Seconds since the oldest waiting signal was generated; 0 when nothing waits. */
static double lag_seconds(const struct status *status)
{
    double lag = (double)(clock_wall_us() - status->oldest_us) / 1e6;
    return status->oldest_us && lag > 0 ? lag : 0;
}

static void print_json(const struct status *status)
{
    char time[CLOCK_TEXT_SIZE];
    struct buf line = {0};
    int64_t last = status->progress.last_success_us;
    buf_add_char(&line, '{');
    json_text_member_integer(&line, "delivered", status->progress.delivered);
    json_text_name(&line, "pending");
    if (status->pending < 0)
        buf_add_text(&line, "null");
    else
        buf_add_format(&line, "%lld", (long long)status->pending);
    json_text_member_integer(&line, "dead", status->dead);
    json_text_member_cstring(&line, "last_success", last ? clock_format(last, time) : NULL);
    json_text_name(&line, "lag_seconds");
    if (status->pending < 0)
        buf_add_text(&line, "null");
    else
        buf_add_format(&line, "%.3f", lag_seconds(status));
    json_text_member_integer(&line, "position", status->progress.place.position);
    json_text_member_bool(&line, "running", status->running != 0);
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
    if (status->pending < 0)
        (void)printf("pending       cannot be told: the source cannot be read now\n");
    else
        (void)printf("pending       %lld\n", (long long)status->pending);
    (void)printf("dead letters  %lld\n", (long long)status->dead);
    (void)printf("last success  %s\n", last ? clock_format(last, time) : "never");
    if (status->pending >= 0)
        (void)printf("lag           %.1f s\n", lag_seconds(status));
}

int command_status(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct status status = {.pending = -1};
    struct err err = {0};
    if (look_at_state(&status, settings->state_directory, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Status: %s", err.message);
        return EXIT_FAILED;
    }
    look_at_source(&status, settings->database);
    if (command_has_flag(invocation, "--json"))
        print_json(&status);
    else
        print_text(&status);
    return status.pending < 0 || status.dead ? EXIT_ATTENTION : EXIT_DONE;
}
