/* sync: sends all that waits, then exits. */
#include <stdio.h>

#include "adapters/source_sqlite.h"
#include "adapters/state_letters.h"
#include "base/clock.h"
#include "commands/argo.h"
#include "commands/commands.h"
#include "commands/link.h"
#include "commands/progress.h"

#define SHOW_INTERVAL_NS (NS_PER_S / 5)

struct sync {
    struct link link;
    struct argo argo;
    struct progress progress;
    struct loop_timer show_timer;
};

static int64_t done_so_far(const struct delivery_stats *stats)
{
    return stats->delivered + stats->dead;
}

static void on_show(void *context)
{
    struct sync *sync = context;
    struct delivery_stats stats;
    delivery_stats(sync->link.delivery, &stats);
    progress_show(&sync->progress, done_so_far(&stats));
    loop_timer_set(sync->link.loop, &sync->show_timer, clock_monotonic_ns() + SHOW_INTERVAL_NS, on_show, sync);
}

static int open_sync(struct sync *sync, struct invocation *invocation, struct err *err)
{
    struct state_progress before;
    struct argo *argo = &sync->argo;
    bool full = command_has_flag(invocation, "--full");
    if (argo_open(argo, invocation, SOURCE_SQLITE_BUSY_COMMAND_MS, err) ||
        argo->state->ops->load(argo->state->self, &before, err))
        return -1;
    if (full)
        before = (struct state_progress){0};
    progress_start(&sync->progress, argo->table->ops->count_after(argo->table->self, &before.places[ORIGIN_TABLE]));
    if (sync->progress.shown)
        log_set_level(invocation->log, LOG_WARN); /* a line a signal would hide the progress */
    struct delivery_ends ends = argo_ends(argo);
    return link_open(&sync->link, invocation, &ends, full, err);
}

static void close_sync(struct sync *sync)
{
    if (sync->link.loop)
        loop_timer_cancel(sync->link.loop, &sync->show_timer);
    link_close(&sync->link);
    argo_close(&sync->argo);
}

/* Transient failures are tried again for ever; what a person must mend ends it. */
static bool is_over(const struct sync *sync, struct delivery_stats *stats)
{
    delivery_stats(sync->link.delivery, stats);
    if (sync->link.stop_asked || stats->link == LINK_HOLDING || stats->source_away)
        return true;
    if (stats->state_failing && !stats->in_flight && stats->link == LINK_UP)
        return true; /* all that can be sent was; what should be a dead letter cannot be kept as one */
    return stats->source_at_end && !stats->outstanding;
}

static int report(struct sync *sync, const struct delivery_stats *stats, bool json)
{
    int64_t dead = state_letters_count(sync->argo.state);
    bool whole = stats->source_at_end && !stats->source_away && !stats->outstanding;
    if (json)
        (void)printf("{\"delivered\":%lld,\"duplicates\":%lld,\"dead\":%lld,\"complete\":%s}\n",
                     (long long)stats->delivered, (long long)stats->duplicates, (long long)dead,
                     whole ? "true" : "false");
    else
        (void)printf("delivered %lld (of these %lld were there already), dead letters %lld%s\n",
                     (long long)stats->delivered, (long long)stats->duplicates, (long long)dead,
                     whole ? "" : "; not everything was sent");
    if (!whole)
        return EXIT_FAILED;
    return dead ? EXIT_ATTENTION : EXIT_DONE;
}

int command_sync(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct sync sync = {.link.events_fd = -1};
    struct delivery_stats stats;
    struct err err = {0};
    int code = EXIT_FAILED;
    if (!settings->enabled) {
        log_write(invocation->log, LOG_INFO, LOG_PLAIN, "Alpine sync disabled");
        return EXIT_DONE;
    }
    int missing = command_require(invocation, NEEDS_RECEIVER);
    if (missing)
        return missing;
    if (open_sync(&sync, invocation, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot start: %s", err.message);
        goto out;
    }
    delivery_look_at_retries(sync.link.delivery);
    delivery_look(sync.link.delivery);
    if (sync.progress.shown)
        on_show(&sync);
    while (!is_over(&sync, &stats))
        link_step(&sync.link);
    link_finish(&sync.link);
    delivery_stats(sync.link.delivery, &stats);
    progress_end(&sync.progress, done_so_far(&stats));
    code = report(&sync, &stats, command_has_flag(invocation, "--json"));
out:
    close_sync(&sync);
    return code;
}
