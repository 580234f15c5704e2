/* status_http: between libmicrohttpd, the loop and the table of pages. */
#include "adapters/status_http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/mhd_library.h"
#include "base/clock.h"
#include "base/json_text.h"

/* Of a request's header, the answer's header included. */
enum { CONNECTION_MEMORY = 16384 };

/* An open connection. libmicrohttpd's own time-out counts idle time only: a byte a second would keep one for ever.
 */
struct visit {
    int fd;         /* -1: the slot is free */
    int64_t end_ns; /* it is cut off then; INT64_MAX: it was */
};

struct status_http {
    struct status_http_options options;
    struct mhd_library mhd;
    struct MHD_Daemon *daemon;
    int epoll_fd;  /* the daemon's; watched */
    bool has_left; /* a connection, in the last run */
    struct loop_timer timer;
    struct visit visits[STATUS_HTTP_CONNECTIONS_MAX];
};

/* --- answering --------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(const struct status_http *http, struct MHD_Connection *connection, int status,
                               const char *content_type, struct buf *body)
{
    const struct mhd_library *mhd = &http->mhd;
    size_t len = 0;
    char *data = buf_take(body, &len);
    struct MHD_Response *response =
        data ? mhd->create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(data);
        return MHD_NO;
    }
    (void)mhd->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    (void)mhd->add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)mhd->add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)mhd->add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
    enum MHD_Result queued = mhd->queue_response(connection, (unsigned)status, response);
    mhd->destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(const struct status_http *http, struct MHD_Connection *connection, int status,
                              const char *code, const char *detail)
{
    struct buf body = {0};
    buf_add_char(&body, '{');
    json_text_member_cstring(&body, "status", "error");
    json_text_member_cstring(&body, "code", code);
    json_text_member_cstring(&body, "detail", detail);
    buf_add_text(&body, "}\n");
    return respond(http, connection, status, "application/json", &body);
}

static const struct status_page *find_page(const struct status_http *http, const char *path)
{
    for (size_t i = 0; i < http->options.page_count; i++)
        if (!strcmp(http->options.pages[i].path, path))
            return &http->options.pages[i];
    return NULL;
}

/* Called with the header; a body that follows is not read: the connection ends with the answer. */
static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **context)
{
    const struct status_http *http = self;
    struct buf body = {0};
    (void)version;
    (void)upload_data;
    *upload_data_size = 0;
    (void)context;
    const struct status_page *page = find_page(http, url);
    if (!page)
        return refuse(http, connection, MHD_HTTP_NOT_FOUND, "not_found", "there is no such page");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return refuse(http, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed", "only GET is");
    buf_add_text(&body, "");
    int status = page->write(http->options.context, &body);
    return respond(http, connection, status, page->content_type, &body);
}

/* --- the loop ---------------------------------------------------------------------------------------------- */

static void on_connection(void *self, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct status_http *http = self;
    const union MHD_ConnectionInfo *info =
        http->mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct visit *visit = *socket_context;
    http->has_left |= code == MHD_CONNECTION_NOTIFY_CLOSED;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && visit)
        visit->fd = -1;
    if (code != MHD_CONNECTION_NOTIFY_STARTED || !info)
        return;
    for (size_t i = 0; i < STATUS_HTTP_CONNECTIONS_MAX; i++) {
        visit = &http->visits[i];
        if (visit->fd >= 0)
            continue;
        *visit = (struct visit){info->connect_fd, clock_monotonic_ns() + STATUS_HTTP_LIFE_NS};
        *socket_context = visit;
        return;
    }
}

/* Returns when the next one is to be cut off. libmicrohttpd notices by itself that a connection was shut down. */
static int64_t cut_off(struct status_http *http, int64_t now_ns)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < STATUS_HTTP_CONNECTIONS_MAX; i++) {
        struct visit *visit = &http->visits[i];
        if (visit->fd < 0)
            continue;
        if (visit->end_ns <= now_ns) {
            (void)shutdown(visit->fd, SHUT_RDWR);
            visit->end_ns = INT64_MAX;
        }
        next = visit->end_ns < next ? visit->end_ns : next;
    }
    return next;
}

static void work(void *context)
{
    struct status_http *http = context;
    MHD_UNSIGNED_LONG_LONG ms;
    http->has_left = false;
    (void)http->mhd.run(http->daemon);
    int64_t now = clock_monotonic_ns();
    int64_t at = cut_off(http, now);
    /* There may be more to do at once. libmicrohttpd does not say so when it has no place for a further connection:
     * that it has one again it finds out with the next run. */
    if (http->has_left || (http->mhd.get_timeout(http->daemon, &ms) == MHD_YES && !ms))
        at = now;
    loop_timer_set(http->options.loop, &http->timer, at, work, http);
}

static void on_ready(void *context, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    work(context);
}

/* --- life -------------------------------------------------------------------------------------------------- */

static int start_daemon(struct status_http *http, struct err *err)
{
    if (mhd_library_load(&http->mhd, err))
        return -1;
    http->daemon = http->mhd.start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, http->options.listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)STATUS_HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (!http->daemon)
        return err_set_errno(err, "cannot start the HTTP server");
    const union MHD_DaemonInfo *info = http->mhd.get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int epoll_fd = info ? info->epoll_fd : -1;
    if (loop_watch(http->options.loop, epoll_fd, LOOP_READ, on_ready, http, err))
        return -1;
    http->epoll_fd = epoll_fd;
    return 0;
}

struct status_http *status_http_open(const struct status_http_options *options, struct err *err)
{
    struct status_http *http = calloc(1, sizeof *http);
    if (!http) {
        (void)close(options->listen_fd);
        err_set(err, "out of memory");
        return NULL;
    }
    http->options = *options;
    http->epoll_fd = -1;
    for (size_t i = 0; i < STATUS_HTTP_CONNECTIONS_MAX; i++)
        http->visits[i].fd = -1;
    if (!start_daemon(http, err))
        return http;
    status_http_close(http);
    return NULL;
}

void status_http_close(struct status_http *http)
{
    if (!http)
        return;
    loop_timer_cancel(http->options.loop, &http->timer);
    loop_unwatch(http->options.loop, http->epoll_fd);
    if (http->daemon)
        http->mhd.stop_daemon(http->daemon);
    else
        (void)close(http->options.listen_fd);
    free(http);
}
