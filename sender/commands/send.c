/* send: signals from a file or standard input, one JSON object a line. Touches no position and keeps no letters:
 * what is refused is said, and the exit code tells. */
#include <stdio.h>

#include "adapters/source_lines.h"
#include "adapters/state_none.h"
#include "commands/commands.h"
#include "commands/input.h"
#include "commands/link.h"

static bool is_over(const struct link *link, struct delivery_stats *stats)
{
    delivery_stats(link->delivery, stats);
    if (link->stop_asked || stats->link == LINK_HOLDING || stats->source_away)
        return true;
    return stats->source_at_end && !stats->outstanding;
}

static int report(const struct delivery_stats *stats, bool json)
{
    bool whole = stats->source_at_end && !stats->source_away && !stats->outstanding;
    if (json)
        (void)printf("{\"delivered\":%lld,\"duplicates\":%lld,\"refused\":%lld,\"skipped\":%lld,\"complete\":%s}\n",
                     (long long)stats->delivered, (long long)stats->duplicates, (long long)stats->dead,
                     (long long)stats->skipped, whole ? "true" : "false");
    else
        (void)printf("delivered %lld (of these %lld were there already), refused %lld, skipped %lld neutral%s\n",
                     (long long)stats->delivered, (long long)stats->duplicates, (long long)stats->dead,
                     (long long)stats->skipped, whole ? "" : "; not everything was sent");
    if (!whole)
        return EXIT_FAILED;
    return stats->dead ? EXIT_ATTENTION : EXIT_DONE;
}

int command_send(struct invocation *invocation)
{
    struct link link = {.events_fd = -1};
    struct delivery_stats stats;
    struct err err = {0};
    int code = EXIT_FAILED;
    FILE *file = input_open(invocation);
    struct source *source = file ? source_lines_new(file) : NULL;
    if (!source)
        goto out;
    if (link_open(&link, invocation, &(struct delivery_ends){.rows = source, .state = state_none()}, false, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot start: %s", err.message);
        goto out;
    }
    delivery_look(link.delivery);
    while (!is_over(&link, &stats))
        link_step(&link);
    link_finish(&link);
    delivery_stats(link.delivery, &stats);
    code = report(&stats, command_has_flag(invocation, "--json"));
out:
    link_close(&link);
    source_lines_free(source);
    input_close(file);
    return code;
}
