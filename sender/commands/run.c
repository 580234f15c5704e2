/* run: the service. */
#include "adapters/source_sqlite.h"
#include "adapters/source_watch.h"
#include "base/clock.h"
#include "commands/argo.h"
#include "commands/commands.h"
#include "commands/link.h"
#include "commands/manager.h"
#include "commands/status_pages.h"
#include "engine/answer.h"
#include "engine/metrics.h"

#define RETRY_LOOK_NS NS_PER_S

struct service {
    struct link link;
    struct argo argo;
    struct notify *notify;
    struct manager manager;
    struct metrics *metrics;    /* NULL: nobody can see them */
    struct status_pages *pages; /* NULL: there are none */
    struct source_watch *table_watch;
    struct source_watch *log_watch;
    struct loop_timer retry_timer;
};

static void on_look(void *context)
{
    struct service *service = context;
    delivery_look(service->link.delivery);
}

/* Dead letters are marked by another process; nobody waits for them to the millisecond. */
static void on_retry_look(void *context)
{
    struct service *service = context;
    delivery_look_at_retries(service->link.delivery);
    loop_timer_set_regular(service->link.loop, &service->retry_timer, RETRY_LOOK_NS, on_retry_look, service);
}

static void on_health(void *context, const struct transport_answer *answer)
{
    struct service *service = context;
    struct log *log = service->link.invocation->log;
    bool dry_run;
    if (answer_is_healthy(answer, &dry_run))
        log_write(log, LOG_INFO, LOG_PLAIN, "Alpine backend health check passed");
    else if (answer->failure != TRANSPORT_OK)
        log_write(log, LOG_WARN,
                  LOG_WITH(LOG_STR("error", answer->error), LOG_STR("request_id", answer->request_id)),
                  "Connection error - Alpine backend unreachable: %s", service->link.settings->url);
    else
        log_write(log, LOG_WARN,
                  LOG_WITH(LOG_INT("status", answer->status), LOG_STR("request_id", answer->request_id)),
                  "Alpine backend health check failed: %s", service->link.settings->url);
}

static void ask_health(struct service *service)
{
    struct err err = {0};
    struct transport_request request = {.method = "GET", .path = "/health", .done = on_health, .context = service};
    request_id_make(request.id);
    if (link_send(&service->link, &request, &err))
        log_write(service->link.invocation->log, LOG_WARN, LOG_PLAIN, "Health check: %s", err.message);
}

static int open_service(struct service *service, struct invocation *invocation, struct err *err)
{
    const struct sender_settings *settings = invocation->values;
    if (argo_open(&service->argo, invocation, SOURCE_SQLITE_BUSY_LOOP_MS, err))
        return -1;
    struct delivery_ends ends = argo_ends(&service->argo);
    if (settings->status_listen) {
        service->metrics = sender_metrics_new(err);
        if (!service->metrics)
            return -1;
        ends.metrics = service->metrics;
    }
    if (link_open(&service->link, invocation, &ends, false, err))
        return -1;
    if (settings->status_listen) {
        service->pages = status_pages_open(&service->link, service->argo.state, service->metrics, err);
        if (!service->pages)
            return -1;
    }
    service->link.notify = service->notify;
    service->table_watch =
        source_watch_new(service->link.loop, settings->database, settings->poll_interval_ns, on_look, service);
    if (settings->log_file)
        service->log_watch =
            source_watch_new(service->link.loop, settings->log_file, settings->poll_interval_ns, on_look, service);
    if (service->table_watch && (service->log_watch || !settings->log_file))
        return 0;
    return err_set(err, "out of memory");
}

static void close_service(struct service *service)
{
    manager_close(&service->manager);
    status_pages_close(service->pages);
    if (service->link.loop)
        loop_timer_cancel(service->link.loop, &service->retry_timer);
    source_watch_free(service->log_watch);
    source_watch_free(service->table_watch);
    link_close(&service->link);
    argo_close(&service->argo);
    metrics_free(service->metrics);
    notify_close(service->notify);
}

/* A service that ends before it was ready counts as one that failed. */
static int end_disabled(struct service *service, struct invocation *invocation)
{
    log_write(invocation->log, LOG_INFO, LOG_PLAIN, "Alpine sync disabled");
    notify_tell(service->notify, NOTIFY_READY);
    notify_tick(service->notify, clock_monotonic_ns(), true, "disabled");
    notify_tell(service->notify, NOTIFY_STOPPING);
    notify_close(service->notify);
    return EXIT_DONE;
}

int command_run(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct service service = {.link.events_fd = -1};
    struct err err = {0};
    int missing = settings->enabled ? command_require(invocation, NEEDS_RECEIVER) : 0;
    if (missing)
        return missing;
    service.notify = notify_open(invocation->log);
    if (!settings->enabled)
        return end_disabled(&service, invocation);
    if (open_service(&service, invocation, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot start: %s", err.message);
        close_service(&service);
        return EXIT_FAILED;
    }
    log_write(invocation->log, LOG_INFO,
              LOG_WITH(LOG_STR("database", settings->database), LOG_STR("log", settings->log_file),
                       LOG_STR("version", ALPINE_VERSION)),
              "Alpine sync service initialized: %s", settings->url);
    ask_health(&service);
    on_retry_look(&service);
    manager_open(&service.manager, &service.link);
    while (!service.link.stop_asked)
        link_step(&service.link);
    notify_tell(service.notify, NOTIFY_STOPPING);
    log_write(invocation->log, LOG_INFO, LOG_PLAIN, "Stopping: finishing what is in flight");
    link_finish(&service.link);
    close_service(&service);
    log_write(invocation->log, LOG_INFO, LOG_PLAIN, "Stopped");
    return EXIT_DONE;
}
