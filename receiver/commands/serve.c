/* serve: joins the parts, waits for signals, and takes the parts down again in the right order. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "adapters/http_mhd.h"
#include "adapters/migrate.h"
#include "adapters/store_pg.h"
#include "base/clock.h"
#include "base/events.h"
#include "base/listen.h"
#include "base/notify.h"
#include "base/reload.h"
#include "commands/commands.h"
#include "commands/settings.h"
#include "engine/api.h"
#include "engine/metrics.h"

enum { START_LOOK_MS = 10, DRAIN_LOOK_MS = 20 };

/* Far beyond what a deadline that is kept can be late. */
#define STUCK_MARGIN_NS (20 * NS_PER_S)
/* The same for a thread's sign of life; there the manager's own patience comes on top. */
#define SILENCE_MARGIN_NS (5 * NS_PER_S)

struct server {
    struct invocation *invocation;
    const struct receiver_settings *settings;
    int events_fd;
    struct metrics *metrics;
    struct store *store;
    struct committer *committer;
    struct keyring *keyring;
    struct rate_limit *rate_limit;
    struct api *api;
    struct http *http;
    struct notify *notify;
    struct reload reload;
    int silent_looks; /* so many times in a row a thread gave no sign of life */
};

static void log_migration(void *self, const char *name, bool applied, bool fresh)
{
    struct invocation *invocation = self;
    (void)applied;
    log_write(invocation->log, fresh ? LOG_INFO : LOG_DEBUG, LOG_PLAIN, "Migration %s is %s", name,
              fresh ? "applied" : "present");
}

/* Connections are descriptors; the soft limit of 1,024 would lock out everybody after that many. */
static void set_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int start_metrics(struct server *server, struct err *err)
{
    server->metrics = receiver_metrics_new(err);
    metrics_set(server->metrics, RECEIVER_QUEUE_LIMIT, 0, (double)server->settings->queue_max);
    return server->metrics ? 0 : -1;
}

static int start_engine(struct server *server, struct err *err)
{
    const struct receiver_settings *settings = server->settings;
    struct committer_options options = {.queue_max = (size_t)settings->queue_max,
                                        .group_max = (size_t)settings->group_max,
                                        .time_limit_ns = settings->request_timeout_ns,
                                        .metrics = server->metrics};
    server->store = store_pg_new(settings->database_url, migrate_latest(),
                                 committer_transaction_ns(settings->request_timeout_ns));
    server->keyring = keyring_new();
    server->rate_limit = rate_limit_new(settings->rate_limit);
    if (!server->store || !server->keyring || !server->rate_limit)
        return err_set(err, "out of memory");
    store_pg_watch(server->store, &(struct store_watch){receiver_metrics_database_error, server->metrics});
    keyring_set(server->keyring, settings->api_key, settings->api_key_next);
    server->committer = committer_start(server->store, &options, server->invocation->log, err);
    if (!server->committer)
        return -1;
    struct api_parts parts = {
        .committer = server->committer,
        .keyring = server->keyring,
        .rate_limit = server->rate_limit,
        .log = server->invocation->log,
        .metrics = server->metrics,
        .rules = {.provider = settings->provider,
                  .signal_bytes_max = (size_t)settings->signal_bytes_max,
                  .batch_signals_max = (size_t)settings->batch_max},
        .single_bytes_max = (size_t)settings->signal_bytes_max,
        .batch_bytes_max = (size_t)settings->batch_bytes_max,
    };
    server->api = api_new(&parts);
    return server->api ? 0 : err_set(err, "out of memory");
}

/* Everything that waits has a deadline, so a request without an answer long after it means that a thread hangs. The
 * senders have no answer either and send again, but only to a process that answers. */
static void end_stuck(void *context, int64_t age_ns)
{
    struct invocation *invocation = context;
    log_write(invocation->log, LOG_ERROR, LOG_PLAIN,
              "A request has no answer after %d s: this process hangs, and ends to be started anew",
              (int)(age_ns / NS_PER_S));
    _exit(EXIT_FAILED);
}

static int start_http(struct server *server, struct err *err)
{
    const struct receiver_settings *settings = server->settings;
    struct service service = api_service(server->api);
    struct http_options options = {
        .listen_fd = listen_open(settings->listen, err),
        .threads = (unsigned)settings->http_threads,
        .connections_max = (unsigned)settings->connections_max,
        .idle_limit_s = (unsigned)(settings->idle_timeout_ns / NS_PER_S),
        .header_limit_ns = settings->header_timeout_ns,
        .body_limit_ns = settings->body_timeout_ns,
        .handling_limit_ns = settings->request_timeout_ns + STUCK_MARGIN_NS,
        .bodies_max = (size_t)settings->bodies_bytes_max,
        .on_stuck = end_stuck,
        .on_stuck_context = server->invocation,
    };
    if (options.listen_fd < 0)
        return -1;
    server->http = http_start(&options, &service, err);
    if (server->http)
        return 0;
    (void)close(options.listen_fd);
    return -1;
}

/* The keys, in one step. */
static int apply(void *context, const void *values, struct err *err)
{
    struct server *server = context;
    const struct receiver_settings *fresh = values;
    (void)err;
    keyring_set(server->keyring, fresh->api_key, fresh->api_key_next);
    return 0;
}

/* --- what the service manager is told ---------------------------------------------------------------------- */

static bool is_alive(struct server *server, int64_t now_ns)
{
    int64_t committer = committer_silence_ns(server->committer, now_ns);
    int64_t http = http_silence_ns(server->http, now_ns);
    int64_t limit = server->settings->request_timeout_ns + SILENCE_MARGIN_NS;
    bool silent = committer > limit || http > limit;
    const char *thread = http > limit ? "http" : "committer"; /* which may wait for an HTTP thread that stores */
    server->silent_looks = silent ? server->silent_looks + 1 : 0;
    if (server->silent_looks == 2) /* once may be the first look after a pause of the whole process */
        log_write(server->invocation->log, LOG_ERROR, LOG_WITH(LOG_STR("thread", thread)),
                  "A thread gives no sign of life: the service manager's watchdog is not fed");
    return !silent;
}

static void tick(struct server *server, const char *status)
{
    int64_t now = clock_monotonic_ns();
    if (now >= notify_due(server->notify))
        notify_tick(server->notify, now, is_alive(server, now), status);
}

static const char *status_text(struct server *server)
{
    static const char *const texts[] = {
        [DATABASE_AWAY] = "Database is away: signals are answered 503, and come again",
        [DATABASE_FAILING] = "Database is failing: it is connected, but the last write failed",
        [DATABASE_READY] = "Database is ready",
    };
    return texts[committer_database(server->committer)];
}

/* Until the next tick; -1: for ever. */
static int tick_wait_ms(const struct server *server)
{
    int64_t left = notify_due(server->notify) - clock_monotonic_ns();
    if (!server->notify)
        return -1;
    return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

/* Ready is who listens and has tried the database, whatever came of that: a database that is away is waited for,
 * and neither a start that hangs nor one that is tried again would bring it back. */
static void tell_ready(struct server *server)
{
    struct pollfd stop = {.fd = server->events_fd, .events = POLLIN};
    while (server->notify && committer_silence_ns(server->committer, clock_monotonic_ns()))
        if (poll(&stop, 1, START_LOOK_MS))
            break; /* a signal waits */
    notify_tell(server->notify, NOTIFY_READY);
}

/* ----------------------------------------------------------------------------------------------------------- */

static void on_reload(struct server *server)
{
    notify_tell(server->notify, NOTIFY_RELOADING);
    metrics_reloaded(server->metrics, reload_run(&server->reload, server->invocation->command->needs));
    notify_tell(server->notify, NOTIFY_READY);
}

/* Requests that were taken are finished; a second signal does not wait for them. */
static void drain(struct server *server)
{
    int64_t deadline = clock_monotonic_ns() + server->settings->request_timeout_ns + NS_PER_S;
    log_write(server->invocation->log, LOG_INFO, LOG_PLAIN, "Stopping: finishing %u requests",
              http_active(server->http));
    notify_tell(server->notify, NOTIFY_STOPPING);
    api_drain(server->api);
    http_quiesce(server->http);
    while (http_active(server->http) && clock_monotonic_ns() < deadline) {
        tick(server, "Finishing the requests that were taken");
        if (events_wait(server->events_fd, DRAIN_LOOK_MS) == EVENT_STOP) {
            log_write(server->invocation->log, LOG_WARN, LOG_PLAIN, "Stopped at once");
            _exit(EXIT_FAILED);
        }
    }
}

static void serve_until_stopped(struct server *server)
{
    log_write(server->invocation->log, LOG_INFO,
              LOG_WITH(LOG_STR("listen", server->settings->listen), LOG_STR("version", ALPINE_VERSION)),
              "Alpine receiver listening on %s", server->settings->listen);
    tell_ready(server);
    for (;;) {
        tick(server, status_text(server));
        enum event event = events_wait(server->events_fd, tick_wait_ms(server));
        if (event == EVENT_RELOAD)
            on_reload(server);
        if (event == EVENT_STOP)
            break;
    }
    drain(server);
}

/* The committer answers what it still has before the HTTP side goes: libmicrohttpd must not be stopped while
 * connections are suspended. */
static void stop(struct server *server)
{
    committer_stop(server->committer);
    http_stop(server->http);
    committer_free(server->committer);
    api_free(server->api);
    rate_limit_free(server->rate_limit);
    keyring_free(server->keyring);
    store_pg_free(server->store);
    metrics_free(server->metrics);
    notify_close(server->notify);
    reload_clear(&server->reload);
    if (server->events_fd >= 0)
        (void)close(server->events_fd);
}

int command_serve(struct invocation *invocation)
{
    struct server server = {.invocation = invocation,
                            .settings = invocation->values,
                            .events_fd = -1,
                            .reload = {.invocation = invocation, .apply = apply, .context = &server}};
    struct err err = {0};
    int code = EXIT_FAILED;
    set_limits();
    if (command_has_flag(invocation, "--migrate") &&
        migrate_apply(server.settings->database_url, log_migration, invocation, &err))
        goto out;
    server.notify = notify_open(invocation->log);
    server.events_fd = events_open(&err);
    if (server.events_fd < 0 || start_metrics(&server, &err) || start_engine(&server, &err) ||
        start_http(&server, &err))
        goto out;
    serve_until_stopped(&server);
    code = EXIT_DONE;
out:
    if (code)
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot start: %s", err.message);
    stop(&server);
    if (!code)
        log_write(invocation->log, LOG_INFO, LOG_PLAIN, "Stopped");
    return code;
}
