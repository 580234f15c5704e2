/* manager: its timer is one of the loop's, so that a loop that hangs feeds no watchdog; nor does one that turns
 * while its requests neither end nor run into their time-outs. */
#include "commands/manager.h"

#include "base/buf.h"
#include "base/clock.h"
#include "engine/backlog.h"
#include "engine/health.h"

/* Far beyond what a request's own time-outs can be late. */
#define STILL_MARGIN_NS (20 * NS_PER_S)

/* --- the status line --------------------------------------------------------------------------------------- */

static void add_link(struct buf *line, const struct health_facts *facts)
{
    if (health_has(facts, HEALTH_HOLD))
        health_explain(facts, HEALTH_HOLD, line);
    else if (facts->stats.link != LINK_UP)
        buf_add_text(line, "Alpine is out of reach");
    if (facts->stats.link != LINK_UP)
        buf_add_text(line, "; ");
}

static void add_waiting(struct buf *line, const struct health_facts *facts)
{
    const struct delivery_stats *stats = &facts->stats;
    if (!stats->outstanding) {
        buf_add_text(line, stats->source_at_end ? ", nothing waits" : ", reading");
        return;
    }
    buf_add_format(line, ", %zu %swaiting", stats->outstanding, stats->source_at_end ? "" : "or more ");
    if (facts->oldest_age_us >= 0)
        buf_add_format(line, ", oldest %lld s", (long long)(facts->oldest_age_us / 1000000));
}

static void write_status(struct buf *line, const struct delivery *delivery, int64_t now_ns)
{
    struct health_facts facts = {.oldest_age_us = backlog_age_us(delivery, clock_wall_us(), now_ns)};
    delivery_stats(delivery, &facts.stats);
    add_link(line, &facts);
    buf_add_format(line, "delivered %lld", (long long)facts.stats.delivered);
    add_waiting(line, &facts);
    for (unsigned trouble = HEALTH_SOURCE; trouble <= HEALTH_STATE; trouble++) {
        if (!health_has(&facts, (enum health_trouble)trouble))
            continue;
        buf_add_text(line, "; ");
        health_explain(&facts, (enum health_trouble)trouble, line);
    }
}

/* --- the watchdog ------------------------------------------------------------------------------------------ */

static bool is_alive(struct manager *manager, int64_t now_ns)
{
    const struct link *link = manager->link;
    int64_t since = backlog_still_since_ns(link->delivery);
    bool stuck = since && now_ns - since > link->settings->request_timeout_ns + STILL_MARGIN_NS;
    manager->stuck_looks = stuck ? manager->stuck_looks + 1 : 0;
    if (manager->stuck_looks == 2) /* once may be the first look after a pause of the whole process */
        log_write(link->invocation->log, LOG_ERROR, LOG_PLAIN,
                  "A request neither ends nor times out: the service manager's watchdog is not fed");
    return !stuck;
}

static void on_tick(void *context)
{
    struct manager *manager = context;
    struct link *link = manager->link;
    struct buf line = {0};
    int64_t now = clock_monotonic_ns();
    write_status(&line, link->delivery, now);
    notify_tick(link->notify, now, is_alive(manager, now), line.failed ? "" : line.data);
    buf_clear(&line);
    loop_timer_set(link->loop, &manager->timer, notify_due(link->notify), on_tick, manager);
}

void manager_open(struct manager *manager, struct link *link)
{
    *manager = (struct manager){.link = link};
    notify_tell(link->notify, NOTIFY_READY);
    if (link->notify)
        on_tick(manager);
}

void manager_close(struct manager *manager)
{
    if (manager->link)
        loop_timer_cancel(manager->link->loop, &manager->timer);
}
