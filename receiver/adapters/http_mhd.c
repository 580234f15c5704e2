/* http_mhd: between libmicrohttpd's callbacks and the service seam. Knows no path, key or signal.
 *
 * libmicrohttpd calls on_request several times for one request: once with the header, once for each piece of the
 * body, once with the body's end, and once more after a suspended connection was resumed. */
#include "adapters/http_mhd.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/acceptor.h"
#include "adapters/http_headers.h"
#include "adapters/http_links.h"

struct http {
    struct MHD_Daemon *daemon;
    struct service service;
    struct http_links *links;
    struct acceptor *acceptor;
    void (*on_stuck)(void *context, int64_t age_ns);
    void *on_stuck_context;
    atomic_uint active;
    size_t bodies_max;
    atomic_size_t bodies; /* bytes of all bodies that are in memory */
};

/* Twice the largest body that is taken by default. */
enum { SWALLOW_MAX = 16 * 1024 * 1024 };

struct exchange {
    struct request request; /* first: resume gets a pointer to it */
    struct http *http;
    struct MHD_Connection *connection;
    struct http_link *link;
    bool whole;          /* it came in whole: its answer is waited for when the server stops */
    bool pending;        /* handed to the service; suspended until it resumes */
    bool answered_early; /* nothing more is to be done with it … */
    size_t swallow_left; /* … than to read this much of its body at most */
};

/* --- answering --------------------------------------------------------------------------------------------- */

enum { HEADERS_MAX = 6, SECONDS_SIZE = 16 };

struct header_line {
    const char *name;
    const char *value;
};

/* What every answer says, however it is sent. Returns how many lines there are; seconds is their memory. */
static size_t header_lines(const struct request *request, struct header_line lines[HEADERS_MAX],
                           char seconds[SECONDS_SIZE])
{
    const struct response *answer = &request->response;
    size_t count = 0;
    lines[count++] = (struct header_line){"Content-Type", "application/json"};
    lines[count++] = (struct header_line){"X-Request-Id", request->id};
    if (answer->allow)
        lines[count++] = (struct header_line){"Allow", answer->allow};
    if (answer->authenticate)
        lines[count++] =
            (struct header_line){"WWW-Authenticate", "ApiKey realm=\"external-signals\", header=\"X-API-Key\""};
    if (answer->retry_after_s) {
        (void)snprintf(seconds, SECONDS_SIZE, "%d", answer->retry_after_s);
        lines[count++] = (struct header_line){"Retry-After", seconds};
    }
    if (answer->close_connection)
        lines[count++] = (struct header_line){"Connection", "close"};
    return count;
}

static enum MHD_Result respond(struct exchange *exchange)
{
    struct header_line lines[HEADERS_MAX];
    char seconds[SECONDS_SIZE];
    size_t len = 0;
    http_link_answering(exchange->link);
    char *body = buf_take(&exchange->request.response.body, &len);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body ? len : 0, body, body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    size_t count = header_lines(&exchange->request, lines, seconds);
    for (size_t i = 0; i < count; i++)
        (void)MHD_add_response_header(response, lines[i].name, lines[i].value);
    unsigned status = (unsigned)exchange->request.response.status;
    enum MHD_Result queued = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The whole answer as bytes, for the cases in which libmicrohttpd takes none. */
static void write_raw(struct request *request, struct buf *answer)
{
    const struct buf *body = &request->response.body;
    struct header_line lines[HEADERS_MAX];
    char seconds[SECONDS_SIZE];
    request->response.close_connection = true;
    size_t count = header_lines(request, lines, seconds);
    buf_add_format(answer, "HTTP/1.1 %d %s\r\n", request->response.status,
                   MHD_get_reason_phrase_for((unsigned)request->response.status));
    for (size_t i = 0; i < count; i++)
        buf_add_format(answer, "%s: %s\r\n", lines[i].name, lines[i].value);
    buf_add_format(answer, "Content-Length: %zu\r\n\r\n", body->len);
    buf_add(answer, body->data ? body->data : "", body->len);
}

static void on_stuck(void *self, int64_t age_ns)
{
    struct http *http = self;
    http->on_stuck(http->on_stuck_context, age_ns);
}

/* For a request that never came in whole, and so may have no exchange. */
static void write_timeout(void *self, struct buf *answer)
{
    struct http *http = self;
    struct request request = {0};
    http->service.refuse(http->service.self, &request, 408);
    write_raw(&request, answer);
    buf_clear(&request.response.body);
}

static int descriptor(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* Answers before the body is in, which libmicrohttpd would do only by closing the connection on what it has not
 * read; the reset that follows from that can overtake the answer. So the answer goes out at once, and of the body a
 * bounded rest is read and forgotten, until its end or the body's deadline. */
static enum MHD_Result answer_early(struct exchange *exchange)
{
    struct buf answer = {0};
    write_raw(&exchange->request, &answer);
    http_link_say_last(descriptor(exchange->connection), &answer);
    buf_clear(&answer);
    exchange->answered_early = true;
    exchange->swallow_left = SWALLOW_MAX;
    return MHD_YES;
}

/* --- a request --------------------------------------------------------------------------------------------- */

/* Called by whichever thread has the response ready. */
static void resume(struct request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    MHD_resume_connection(exchange->connection);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void fill_request(struct exchange *exchange, const char *url, const char *method, const char *version)
{
    struct MHD_Connection *connection = exchange->connection;
    const char *length = header(connection, "Content-Length");
    exchange->request = (struct request){
        .method = method,
        .path = url,
        .api_key = header(connection, "X-API-Key"),
        .content_type = header(connection, "Content-Type"),
        .caller_id = header(connection, "X-Request-Id"),
        .dry_run = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "dry_run"),
        .malformed = http_headers_problem(connection, !strcmp(version, "HTTP/1.1")),
        .content_length = length ? strtoll(length, NULL, 10) : -1,
        .resume = resume,
    };
}

static bool begin_handling(struct exchange *exchange)
{
    exchange->whole = http_link_handling(exchange->link);
    if (exchange->whole)
        atomic_fetch_add(&exchange->http->active, 1);
    return exchange->whole;
}

/* Is a body on its way whose end is known, or will be? A client that expects a 100 first sends none. */
static bool body_follows(const struct exchange *exchange)
{
    bool chunked = header(exchange->connection, "Transfer-Encoding") != NULL;
    return !exchange->request.malformed && !header(exchange->connection, "Expect") &&
           (chunked || exchange->request.content_length > 0);
}

static enum MHD_Result first_call(struct http *http, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct exchange *exchange = info && info->socket_context ? calloc(1, sizeof *exchange) : NULL;
    if (!exchange)
        return MHD_NO;
    *context = exchange;
    exchange->http = http;
    exchange->connection = connection;
    exchange->link = info->socket_context;
    http_link_reading(exchange->link);
    fill_request(exchange, url, method, version);
    if (http->service.begin(http->service.self, &exchange->request))
        return MHD_YES;
    if (body_follows(exchange))
        return answer_early(exchange);
    return begin_handling(exchange) ? respond(exchange) : MHD_NO;
}

static enum MHD_Result swallow(struct exchange *exchange, size_t *size)
{
    if (*size > exchange->swallow_left)
        return MHD_NO;
    exchange->swallow_left -= *size;
    *size = 0;
    return MHD_YES;
}

static void forget_body(struct exchange *exchange)
{
    atomic_fetch_sub(&exchange->http->bodies, exchange->request.body.len);
    buf_clear(&exchange->request.body);
}

/* Whether the bodies in memory, this much more included, are within their limit. One alone always is. */
static bool reserve(struct exchange *exchange, size_t size)
{
    struct http *http = exchange->http;
    size_t before = atomic_fetch_add(&http->bodies, size);
    if (before + size <= http->bodies_max || before == exchange->request.body.len)
        return true;
    atomic_fetch_sub(&http->bodies, size);
    return false;
}

static enum MHD_Result refuse_body(struct exchange *exchange, int status, size_t *size)
{
    forget_body(exchange);
    exchange->http->service.refuse(exchange->http->service.self, &exchange->request, status);
    (void)answer_early(exchange);
    return swallow(exchange, size);
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *size)
{
    struct request *request = &exchange->request;
    if (!request->body_limit) { /* a GET's body is read over */
        *size = 0;
        return MHD_YES;
    }
    if (*size > request->body_limit - request->body.len)
        return refuse_body(exchange, 413, size);
    if (!reserve(exchange, *size))
        return refuse_body(exchange, 503, size);
    size_t before = request->body.len;
    buf_add(&request->body, data, *size);
    atomic_fetch_sub(&exchange->http->bodies, before + *size - request->body.len); /* if there was no memory */
    *size = 0;
    return request->body.failed ? MHD_NO : MHD_YES;
}

/* Suspended before it is handed on: the service may resume it before handle returns. */
static enum MHD_Result whole_request(struct exchange *exchange)
{
    struct http *http = exchange->http;
    if (!begin_handling(exchange))
        return MHD_NO;
    exchange->pending = true;
    MHD_suspend_connection(exchange->connection);
    if (http->service.handle(http->service.self, &exchange->request))
        MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **context)
{
    struct http *http = self;
    struct exchange *exchange = *context;
    if (!exchange)
        return first_call(http, connection, url, method, version, context);
    if (exchange->answered_early)
        return *upload_data_size ? swallow(exchange, upload_data_size) : MHD_NO;
    if (*upload_data_size)
        return take_body(exchange, upload_data, upload_data_size);
    return exchange->pending ? respond(exchange) : whole_request(exchange);
}

static void on_completed(void *self, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = self;
    struct exchange *exchange = *context;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    http->service.discard(http->service.self, &exchange->request);
    http_link_idle(exchange->link);
    forget_body(exchange);
    buf_clear(&exchange->request.response.body);
    if (exchange->whole)
        atomic_fetch_sub(&http->active, 1);
    free(exchange);
    *context = NULL;
}

static void on_connection(void *self, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = self;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = http_link_open(http->links, descriptor(connection));
        return;
    }
    http_link_close(http->links, *socket_context);
    *socket_context = NULL;
    acceptor_closed(http->acceptor);
}

/* libmicrohttpd closes what it does not take, without a word to on_connection. */
static void take_connection(void *self, int fd, const struct sockaddr *address, socklen_t address_len)
{
    struct http *http = self;
    if (MHD_add_connection(http->daemon, fd, address, address_len) != MHD_YES)
        acceptor_closed(http->acceptor);
}

/* --- life -------------------------------------------------------------------------------------------------- */

/* The acceptor counts the connections. libmicrohttpd's own limit only has to be out of its way: each of its threads
 * has an equal share of it, and which connection goes to which is its affair. */
static struct MHD_Daemon *start_daemon(struct http *http, const struct http_options *options)
{
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                                MHD_USE_ITC,
                            0, NULL, NULL, on_request, http, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
                            MHD_OPTION_CONNECTION_LIMIT, options->connections_max * options->threads,
                            MHD_OPTION_CONNECTION_TIMEOUT, options->idle_limit_s, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
}

struct http *http_start(const struct http_options *options, const struct service *service, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        err_set(err, "out of memory");
        return NULL;
    }
    http->service = *service;
    http->bodies_max = options->bodies_max;
    http->on_stuck = options->on_stuck;
    http->on_stuck_context = options->on_stuck_context;
    struct http_links_options link_options = {.header_limit_ns = options->header_limit_ns,
                                              .body_limit_ns = options->body_limit_ns,
                                              .handling_limit_ns = options->handling_limit_ns,
                                              .write_timeout = write_timeout,
                                              .on_stuck = on_stuck,
                                              .self = http};
    struct acceptor_options accept_options = {.listen_fd = options->listen_fd,
                                              .open_max = options->connections_max,
                                              .take = take_connection,
                                              .self = http};
    http->links = http_links_start(&link_options, err);
    if (!http->links)
        goto failed;
    http->acceptor = acceptor_new(&accept_options, err);
    if (!http->acceptor)
        goto failed;
    http->daemon = start_daemon(http, options);
    if (!http->daemon) {
        err_set_errno(err, "cannot start the HTTP server");
        goto failed;
    }
    if (!acceptor_start(http->acceptor, err))
        return http;
failed:
    http_stop(http);
    return NULL;
}

void http_quiesce(struct http *http)
{
    acceptor_stop(http->acceptor);
}

unsigned http_active(struct http *http)
{
    return atomic_load(&http->active);
}

/* The acceptor first, for it hands connections to the daemon; but its count goes on to the last one's end. */
void http_stop(struct http *http)
{
    if (!http)
        return;
    if (http->acceptor)
        acceptor_stop(http->acceptor);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    acceptor_free(http->acceptor);
    http_links_stop(http->links);
    free(http);
}
