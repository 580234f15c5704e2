/* http_mhd: between libmicrohttpd's callbacks and the service seam. Knows no path, key or signal.
 *
 * libmicrohttpd calls on_request several times for one request: once with the header, once for each piece of the
 * body, once with the body's end, and once more after a suspended connection was resumed. */
#include "adapters/http_mhd.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http_answer.h"
#include "adapters/http_headers.h"
#include "adapters/http_links.h"
#include "adapters/http_worker.h"
#include "base/compress.h"

/* What a daemon's callbacks get. */
struct side {
    struct http *http;
    struct http_worker *worker;
    unsigned open; /* its connections; only its own thread counts */
};

struct http {
    struct service service;
    struct http_links *links;
    int listen_fd;
    struct http_room room;
    struct side sides[HTTP_THREADS_MAX];
    unsigned side_count;
    bool has_others; /* there is more than one side */
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
    struct http_worker *worker;
    struct MHD_Connection *connection;
    struct http_link *link;
    bool whole;          /* it came in whole: its answer is waited for when the server stops */
    bool pending;        /* handed to the service; suspended until it resumes */
    bool answered_early; /* nothing more is to be done with it … */
    size_t swallow_left; /* … than to read this much of its body at most */
};

/* --- answering --------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(struct exchange *exchange)
{
    http_link_answering(exchange->link);
    return http_answer_queue(exchange->connection, &exchange->request);
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
    http_answer_write(&request, answer);
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
    http_answer_write(&exchange->request, &answer);
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
    struct http_worker *worker = exchange->worker; /* the exchange may be over as soon as it is resumed */
    MHD_resume_connection(exchange->connection);
    http_worker_wake(worker);
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
        .content_encoding = header(connection, "Content-Encoding"),
        .caller_id = header(connection, "X-Request-Id"),
        .dry_run = http_headers_argument(connection, "dry_run"),
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

static enum MHD_Result first_call(const struct side *side, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, void **context)
{
    struct http *http = side->http;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct exchange *exchange = info && info->socket_context ? calloc(1, sizeof *exchange) : NULL;
    if (!exchange)
        return MHD_NO;
    *context = exchange;
    exchange->http = http;
    exchange->worker = side->worker;
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

/* What the compressed bytes stand for counts as much as what came in. False: the response is set. */
static bool expand_body(struct exchange *exchange)
{
    static const int statuses[] = {
        [EXPAND_TOO_LARGE] = 413, [EXPAND_MALFORMED] = 400, [EXPAND_OUT_OF_MEMORY] = 503};
    struct request *request = &exchange->request;
    const struct service *service = &exchange->http->service;
    struct buf plain = {0};
    if (!request->is_compressed)
        return true;
    enum expand_result result = compress_expand(request->body.data, request->body.len, request->body_limit, &plain);
    if (result == EXPAND_DONE && !reserve(exchange, plain.len))
        result = EXPAND_OUT_OF_MEMORY;
    if (result == EXPAND_DONE) {
        forget_body(exchange);
        request->body = plain;
        return true;
    }
    buf_clear(&plain);
    forget_body(exchange);
    service->refuse(service->self, request, statuses[result]);
    request->response.close_connection = false; /* the request was read to its end */
    return false;
}

/* Suspended before it is handed on: the service may resume it before handle returns. Who is this thread's only
 * client may keep it waiting, for as long as other threads take the connections that come. */
static enum MHD_Result whole_request(const struct side *side, struct exchange *exchange)
{
    struct http *http = exchange->http;
    if (!begin_handling(exchange))
        return MHD_NO;
    if (!expand_body(exchange))
        return respond(exchange);
    exchange->pending = true;
    exchange->request.may_wait = http->has_others && side->open == 1;
    MHD_suspend_connection(exchange->connection);
    if (http->service.handle(http->service.self, &exchange->request))
        resume(&exchange->request);
    return MHD_YES;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **context)
{
    const struct side *side = self;
    struct exchange *exchange = *context;
    if (!exchange)
        return first_call(side, connection, url, method, version, context);
    if (exchange->answered_early)
        return *upload_data_size ? swallow(exchange, upload_data_size) : MHD_NO;
    if (*upload_data_size)
        return take_body(exchange, upload_data, upload_data_size);
    return exchange->pending ? respond(exchange) : whole_request(side, exchange);
}

static void on_completed(void *self, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = ((const struct side *)self)->http;
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
    struct side *side = self;
    struct http *http = side->http;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        side->open++;
        atomic_fetch_add(&http->room.open, 1);
        http->service.connection(http->service.self, 1);
        *socket_context = http_link_open(http->links, descriptor(connection));
        return;
    }
    http_link_close(http->links, *socket_context);
    *socket_context = NULL;
    side->open--;
    http->service.connection(http->service.self, -1);
    atomic_fetch_sub(&http->room.open, 1);
}

/* --- life -------------------------------------------------------------------------------------------------- */

/* The room counts the connections; libmicrohttpd's own limit only has to be out of its way. */
static struct MHD_Daemon *start_daemon(struct side *side, const struct http_options *options)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                            on_request, side, MHD_OPTION_CONNECTION_LIMIT, options->connections_max + 1,
                            MHD_OPTION_CONNECTION_TIMEOUT, options->idle_limit_s, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, side, MHD_OPTION_NOTIFY_CONNECTION, on_connection, side, MHD_OPTION_END);
}

static int start_side(struct http *http, const struct http_options *options, struct err *err)
{
    struct side *side = &http->sides[http->side_count];
    side->http = http;
    side->worker = http_worker_new(options->listen_fd, &http->room, err);
    if (!side->worker)
        return -1;
    http->side_count++;
    struct MHD_Daemon *daemon = start_daemon(side, options);
    if (!daemon)
        return err_set_errno(err, "cannot start the HTTP server");
    if (!http_worker_start(side->worker, daemon, err))
        return 0;
    MHD_stop_daemon(daemon);
    return -1;
}

struct http *http_start(const struct http_options *options, const struct service *service, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        err_set(err, "out of memory");
        return NULL;
    }
    http->service = *service;
    http->listen_fd = -1;
    http->has_others = options->threads > 1;
    http->room.max = options->connections_max;
    http->bodies_max = options->bodies_max;
    http->on_stuck = options->on_stuck;
    http->on_stuck_context = options->on_stuck_context;
    struct http_links_options link_options = {.header_limit_ns = options->header_limit_ns,
                                              .body_limit_ns = options->body_limit_ns,
                                              .handling_limit_ns = options->handling_limit_ns,
                                              .write_timeout = write_timeout,
                                              .on_stuck = on_stuck,
                                              .self = http};
    http->links = http_links_start(&link_options, err);
    if (!http->links)
        goto failed;
    while (http->side_count < options->threads && http->side_count < HTTP_THREADS_MAX)
        if (start_side(http, options, err))
            goto failed;
    http->listen_fd = options->listen_fd;
    return http;
failed:
    http_stop(http);
    return NULL;
}

void http_quiesce(struct http *http)
{
    for (unsigned i = 0; i < http->side_count; i++)
        http_worker_quiesce(http->sides[i].worker);
    (void)shutdown(http->listen_fd, SHUT_RDWR); /* who comes now is refused, and not left waiting */
}

unsigned http_active(struct http *http)
{
    return atomic_load(&http->active);
}

int64_t http_silence_ns(struct http *http, int64_t now_ns)
{
    int64_t longest = 0;
    for (unsigned i = 0; i < http->side_count; i++) {
        int64_t silence = http_worker_silence_ns(http->sides[i].worker, now_ns);
        longest = silence > longest ? silence : longest;
    }
    return longest;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    for (unsigned i = 0; i < http->side_count; i++)
        http_worker_stop(http->sides[i].worker);
    if (http->listen_fd >= 0)
        (void)close(http->listen_fd);
    http_links_stop(http->links);
    free(http);
}
