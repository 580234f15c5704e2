/* manager: its timer is one of the loop's, so that a loop that hangs feeds no watchdog; nor does one that turns
 * while its requests neither end nor run into their time-outs. */
#include "commands/manager.h"

#include "base/buf.h"
#include "base/clock.h"
#include "engine/backlog.h"

/* Far beyond what a request's own time-outs can be late. */
#define STILL_MARGIN_NS (20 * NS_PER_S)

/* --- the status line --------------------------------------------------------------------------------------- */

static void add_link(struct buf *line, const struct delivery_stats *stats)
{
    if (stats->link == LINK_HOLDING)
        buf_add_format(line, "on hold (%s); ", stats->hold_advice);
    else if (stats->link != LINK_UP)
        buf_add_text(line, "Alpine is out of reach; ");
}

static void add_waiting(struct buf *line, const struct delivery *delivery, const struct delivery_stats *stats)
{
    int64_t oldest = backlog_oldest_us(delivery);
    if (!stats->outstanding) {
        buf_add_text(line, stats->source_at_end ? ", nothing waits" : ", reading");
        return;
    }
    buf_add_format(line, ", %zu %swaiting", stats->outstanding, stats->source_at_end ? "" : "or more ");
    int64_t age = clock_wall_us() - oldest;
    if (oldest && age >= 0)
        buf_add_format(line, ", oldest %lld s", (long long)(age / 1000000));
}

static void write_status(struct buf *line, const struct delivery *delivery)
{
    struct delivery_stats stats;
    delivery_stats(delivery, &stats);
    add_link(line, &stats);
    buf_add_format(line, "delivered %lld", (long long)stats.delivered);
    add_waiting(line, delivery, &stats);
    if (stats.source_away)
        buf_add_text(line, "; Argo's table cannot be read");
    if (stats.state_failing)
        buf_add_text(line, "; the state directory cannot be written");
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
    write_status(&line, link->delivery);
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
