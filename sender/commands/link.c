/* link: joins the engine with the adapters. */
#include "commands/link.h"

#include <unistd.h>

#include "adapters/transport_curl.h"
#include "base/clock.h"
#include "base/events.h"

#define STOP_LIMIT_NS (25 * NS_PER_S)

/* The key and the certificates, in one step. */
static int apply(void *context, const void *values, struct err *err)
{
    struct link *link = context;
    const struct sender_settings *fresh = values;
    return transport_curl_switch(link->transport, fresh->api_key, fresh->ca_file.content, err);
}

static void reload(struct link *link)
{
    notify_tell(link->notify, NOTIFY_RELOADING);
    bool applied = reload_run(&link->reload, NEEDS_RECEIVER);
    metrics_reloaded(link->metrics, applied);
    if (applied)
        delivery_retry_now(link->delivery);
    notify_tell(link->notify, NOTIFY_READY);
}

static void on_event(void *context, int fd, unsigned events)
{
    struct link *link = context;
    (void)events;
    enum event event = events_next(fd);
    if (event == EVENT_RELOAD)
        reload(link);
    if (event != EVENT_STOP)
        return;
    if (link->stop_asked) {
        log_write(link->invocation->log, LOG_WARN, LOG_PLAIN, "Stopped at once");
        _exit(EXIT_FAILED);
    }
    link->stop_asked = true;
}

static void on_delivery_due(void *context)
{
    struct link *link = context;
    delivery_tick(link->delivery, clock_monotonic_ns());
}

int link_open(struct link *link, struct invocation *invocation, const struct delivery_ends *ends,
              bool from_beginning, struct err *err)
{
    const struct sender_settings *settings = invocation->values;
    struct delivery_ends joined = *ends;
    *link = (struct link){.invocation = invocation,
                          .settings = settings,
                          .metrics = ends->metrics,
                          .events_fd = -1,
                          .reload = {.invocation = invocation, .apply = apply, .context = link}};
    struct transport_curl_options transport = {.url = settings->url,
                                               .api_key = settings->api_key,
                                               .connect_limit_ns = settings->connect_timeout_ns,
                                               .compress = settings->compression,
                                               .request_limit_ns = settings->request_timeout_ns,
                                               .ca_pem = settings->ca_file.content};
    struct delivery_options delivery = {.batch_max = (size_t)settings->batch_max,
                                        .batch_bytes_max = (size_t)settings->batch_bytes_max,
                                        .in_flight_max = (unsigned)settings->in_flight_max,
                                        .single_max = (unsigned)settings->single_max,
                                        .retry_first_ns = settings->retry_first_ns,
                                        .probe_interval_ns = settings->probe_interval_ns,
                                        .sweep_interval_ns = settings->sweep_interval_ns,
                                        .from_beginning = from_beginning,
                                        .url = settings->url};
    link->events_fd = events_open(err);
    link->loop = link->events_fd < 0 ? NULL : loop_new(err);
    if (!link->loop || loop_watch(link->loop, link->events_fd, LOOP_READ, on_event, link, err))
        return -1;
    link->transport = transport_curl_new(&transport, link->loop, err);
    if (!link->transport)
        return -1;
    joined.transport = link->transport;
    joined.log = invocation->log;
    link->delivery = delivery_open(&delivery, &joined, err);
    return link->delivery ? 0 : -1;
}

void link_close(struct link *link)
{
    transport_curl_free(link->transport);
    delivery_close(link->delivery);
    if (link->loop) {
        loop_timer_cancel(link->loop, &link->delivery_timer);
        loop_timer_cancel(link->loop, &link->stop_timer);
    }
    loop_free(link->loop);
    reload_clear(&link->reload);
    if (link->events_fd >= 0)
        (void)close(link->events_fd);
}

int link_send(struct link *link, const struct transport_request *request, struct err *err)
{
    return link->transport->ops->send(link->transport->self, request, err);
}

void link_step(struct link *link)
{
    loop_timer_set(link->loop, &link->delivery_timer, delivery_due(link->delivery), on_delivery_due, link);
    loop_step(link->loop);
    log_tick(link->invocation->log);
}

static void on_stop_overdue(void *context)
{
    struct link *link = context;
    link->stop_overdue = true;
}

void link_finish(struct link *link)
{
    struct delivery_stats stats;
    delivery_stop(link->delivery);
    loop_timer_set(link->loop, &link->stop_timer, clock_monotonic_ns() + STOP_LIMIT_NS, on_stop_overdue, link);
    for (;;) {
        delivery_stats(link->delivery, &stats);
        if (!stats.in_flight || link->stop_overdue)
            return;
        link_step(link);
    }
}
