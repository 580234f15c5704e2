/* healthcheck: exit code 0 if a sender works on this state directory and keeps up, else 1. For containers. It asks
 * the files, as `status` does, and so needs no page that the service would have to show. */
#include <stdio.h>

#include "adapters/state_lock.h"
#include "adapters/state_sqlite.h"
#include "base/clock.h"
#include "commands/commands.h"
#include "commands/pending.h"
#include "commands/settings.h"

static int look(const struct sender_settings *settings, struct pending *pending, struct err *err)
{
    struct state_options options = {.directory = settings->state_directory, .access = STATE_READ};
    struct state_progress progress = {0};
    struct state *state = NULL;
    if (!state_lock_owner(settings->state_directory))
        return err_set(err, "no sender runs on %s", settings->state_directory);
    if (state_sqlite_exists(settings->state_directory)) {
        state = state_sqlite_open(&options, err);
        if (!state || state->ops->load(state->self, &progress, err)) {
            state_sqlite_close(state);
            return -1;
        }
    }
    *pending = pending_count(settings, state, &progress);
    state_sqlite_close(state);
    if (pending->count < 0)
        return err_set(err, "%s cannot be read", settings->database);
    return 0;
}

int command_healthcheck(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct pending pending = {0};
    struct err err = {0};
    if (look(settings, &pending, &err)) {
        (void)printf("unhealthy: %s\n", err.message);
        return EXIT_FAILED;
    }
    int64_t lag_us = pending.oldest_us ? clock_wall_us() - pending.oldest_us : 0;
    if (lag_us > settings->lag_max_ns / 1000) {
        (void)printf("unhealthy: %lld signals wait, the oldest for %lld s\n", (long long)pending.count,
                     (long long)(lag_us / 1000000));
        return EXIT_FAILED;
    }
    (void)printf("healthy\n");
    return EXIT_DONE;
}
