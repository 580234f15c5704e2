/* api: one row a route. Nothing here blocks. */
#include "engine/api.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/compress.h"
#include "engine/answer.h"
#include "engine/media_type.h"
#include "engine/metrics.h"
#include "engine/result_log.h"

#define BODY_TOO_LARGE "the body is larger than this receiver allows"
#define PREFIX         "/api/v1/external-signals/sync"

struct api {
    struct api_parts parts;
    atomic_bool draining;
};

enum route_flags {
    ROUTE_KEY = 1,   /* needs a valid API key */
    ROUTE_BATCH = 2, /* takes a batch */
};

struct route {
    const char *path;
    const char *method;
    unsigned flags;
    enum route_label label;
    bool (*handle)(struct api *api, struct request *request); /* as in struct service */
};

/* The response is set, and nobody has it yet: who reads the metrics after an answer finds it in them. */
static void count_answer(struct api *api, const struct request *request)
{
    const struct route *route = request->route;
    receiver_metrics_answered(api->parts.metrics, request, route ? route->label : ROUTE_LABEL_OTHER);
}

/* --- refusals ---------------------------------------------------------------------------------------------- */

/* Answers a request that is refused as a whole, and says so in the log. Returns false, for begin. */
static bool refuse_field(struct api *api, struct request *request, enum answer_error error, const char *field,
                         const char *detail)
{
    answer_error(&request->response, error, field, detail);
    log_write_limited(api->parts.log, LOG_WARN,
                      LOG_WITH(LOG_INT("status", request->response.status), LOG_STR("request_id", request->id)),
                      "Request refused: %s", detail);
    return false;
}

static bool refuse(struct api *api, struct request *request, enum answer_error error, const char *detail)
{
    return refuse_field(api, request, error, NULL, detail);
}

static bool refuse_for_now(struct api *api, struct request *request, enum answer_error error, const char *detail,
                           int retry_after_s)
{
    (void)refuse(api, request, error, detail);
    answer_retry(&request->response, error, detail, retry_after_s);
    return false;
}

/* --- posts of signals -------------------------------------------------------------------------------------- */

static void answer_submission(struct api *api, struct request *request, const struct submission *submission)
{
    const struct route *route = request->route;
    receiver_metrics_submission(api->parts.metrics, submission);
    if (submission->outcome == SUBMISSION_UNAVAILABLE) {
        (void)refuse_for_now(api, request, ERROR_UNAVAILABLE,
                             "the signals could not be stored now; send them again", submission->retry_after_s);
        return;
    }
    for (size_t i = 0; i < submission->count; i++)
        result_log(api->parts.log, request->id, &submission->entries[i]);
    if (route->flags & ROUTE_BATCH)
        answer_batch(&request->response, submission);
    else
        answer_single(&request->response, submission);
}

struct pending {
    struct api *api;
    struct request *request;
    struct submission *submission;
};

/* On the thread that stores, which may be the request's own. */
static void on_done(struct submission *submission, void *context)
{
    struct pending *pending = context;
    answer_submission(pending->api, pending->request, submission);
    count_answer(pending->api, pending->request);
}

/* On the same thread: the request may be over as soon as it goes on. */
static void on_release(struct submission *submission, void *context)
{
    struct pending *pending = context;
    (void)submission;
    pending->request->resume(pending->request);
}

static bool submit(struct api *api, struct request *request, struct submission *submission)
{
    struct pending *pending = malloc(sizeof *pending);
    if (!pending) {
        submission_free(submission);
        (void)refuse_for_now(api, request, ERROR_UNAVAILABLE, "out of memory", 1);
        return true;
    }
    *pending = (struct pending){api, request, submission};
    request->work = pending; /* discard frees both */
    submission->done = on_done;
    submission->release = on_release;
    submission->context = pending;
    if (!submission->to_store) {
        submission->outcome = SUBMISSION_COMMITTED;
        answer_submission(api, request, submission);
        return true;
    }
    if (committer_submit(api->parts.committer, submission, request->may_wait))
        return false;
    answer_submission(api, request, submission);
    return true;
}

static bool is_draining(struct api *api, struct request *request)
{
    if (!atomic_load(&api->draining))
        return false;
    (void)refuse_for_now(api, request, ERROR_UNAVAILABLE, "the receiver is stopping; send it again", 1);
    request->response.close_connection = true;
    return true;
}

/* Returns 1 for a dry run, 0 for a real one, -1 if the query's value is neither (the response is set). */
static int read_dry_run(struct api *api, struct request *request)
{
    static const char *const words[] = {"false", "true", "0", "1"};
    if (!request->dry_run)
        return 0;
    for (int i = 0; i < 4; i++)
        if (!strcasecmp(request->dry_run, words[i]))
            return i % 2;
    (void)refuse_field(api, request, ERROR_INVALID_FIELD, "dry_run", "dry_run must be true or false");
    return -1;
}

static bool post_signal(struct api *api, struct request *request)
{
    int dry_run = read_dry_run(api, request);
    if (dry_run < 0 || is_draining(api, request))
        return true;
    struct submission *submission = ingest_single(&api->parts.rules, &request->body, request->received_us);
    if (!submission) {
        (void)refuse_for_now(api, request, ERROR_UNAVAILABLE, "out of memory", 1);
        return true;
    }
    submission->dry_run = dry_run;
    return submit(api, request, submission);
}

static bool post_batch(struct api *api, struct request *request)
{
    struct err err = {0};
    enum ingest_problem problem;
    int dry_run = read_dry_run(api, request);
    if (dry_run < 0 || is_draining(api, request))
        return true;
    enum batch_layout layout =
        media_type_is(request->content_type, "application/x-ndjson") ? BATCH_LINES : BATCH_ARRAY;
    struct submission *submission =
        ingest_batch(&api->parts.rules, layout, &request->body, request->received_us, &problem, &err);
    if (!submission) {
        if (problem == INGEST_OUT_OF_MEMORY)
            (void)refuse_for_now(api, request, ERROR_UNAVAILABLE, err.message, 1);
        else
            (void)refuse(api, request, problem == INGEST_TOO_MANY ? ERROR_TOO_LARGE : ERROR_MALFORMED, err.message);
        return true;
    }
    submission->dry_run = dry_run;
    return submit(api, request, submission);
}

/* --- health and metrics ------------------------------------------------------------------------------------ */

static bool get_health(struct api *api, struct request *request)
{
    int retry_after_s;
    bool healthy = committer_is_ready(api->parts.committer, &retry_after_s);
    answer_health(&request->response, healthy, retry_after_s);
    return true;
}

static bool get_readyz(struct api *api, struct request *request)
{
    int retry_after_s;
    bool draining = atomic_load(&api->draining);
    bool ready = committer_is_ready(api->parts.committer, &retry_after_s) && !draining;
    answer_state(&request->response,
                 draining ? "draining"
                 : ready  ? "ready"
                          : "database unavailable",
                 ready, retry_after_s);
    return true;
}

static bool get_livez(struct api *api, struct request *request)
{
    (void)api;
    answer_state(&request->response, "alive", true, 0);
    return true;
}

static bool get_metrics(struct api *api, struct request *request)
{
    int ignored;
    struct metrics *metrics = api->parts.metrics;
    bool writable = committer_is_ready(api->parts.committer, &ignored);
    receiver_metrics_state(metrics, writable, writable && !atomic_load(&api->draining),
                           committer_waiting(api->parts.committer));
    request->response.status = 200;
    request->response.content_type = METRICS_CONTENT_TYPE;
    metrics_write(metrics, &request->response.body);
    return true;
}

/* --- routing ----------------------------------------------------------------------------------------------- */

static const struct route routes[] = {
    {PREFIX "/signal", "POST", ROUTE_KEY, ROUTE_LABEL_SIGNAL, post_signal},
    {PREFIX "/batch", "POST", ROUTE_KEY | ROUTE_BATCH, ROUTE_LABEL_BATCH, post_batch},
    {PREFIX "/health", "GET", 0, ROUTE_LABEL_SYNC_HEALTH, get_health},
    {"/health", "GET", 0, ROUTE_LABEL_HEALTH, get_health},
    {"/livez", "GET", 0, ROUTE_LABEL_LIVEZ, get_livez},
    {"/readyz", "GET", 0, ROUTE_LABEL_READYZ, get_readyz},
    {"/metrics", "GET", 0, ROUTE_LABEL_METRICS, get_metrics},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (!strcmp(routes[i].path, path))
            return &routes[i];
    return NULL;
}

static void set_id(struct request *request)
{
    if (request->caller_id && request_id_is_sane(request->caller_id))
        (void)snprintf(request->id, sizeof request->id, "%s", request->caller_id);
    else
        request_id_make(request->id);
}

static bool method_allowed(const struct route *route, const char *method)
{
    return !strcmp(route->method, method) || (!strcmp(route->method, "GET") && !strcmp(method, "HEAD"));
}

static bool check_post(struct api *api, struct request *request, const struct route *route)
{
    bool batch = route->flags & ROUTE_BATCH;
    bool json = media_type_is(request->content_type, "application/json");
    if (!json && !(batch && media_type_is(request->content_type, "application/x-ndjson")))
        return refuse(api, request, ERROR_UNSUPPORTED_MEDIA_TYPE,
                      batch ? "Content-Type must be application/x-ndjson or application/json"
                            : "Content-Type must be application/json");
    request->response.accept_encoding = COMPRESS_CODING;
    request->is_compressed = request->content_encoding && !strcasecmp(request->content_encoding, COMPRESS_CODING);
    if (request->content_encoding && !request->is_compressed &&
        strcasecmp(request->content_encoding, "identity") != 0)
        return refuse(api, request, ERROR_UNSUPPORTED_MEDIA_TYPE,
                      "Content-Encoding must be " COMPRESS_CODING ", or none");
    request->body_limit = batch ? api->parts.batch_bytes_max : api->parts.single_bytes_max;
    if (request->content_length > (int64_t)request->body_limit)
        return refuse(api, request, ERROR_TOO_LARGE, BODY_TOO_LARGE);
    int64_t wait = rate_limit_take(api->parts.rate_limit, clock_monotonic_ns());
    if (wait)
        return refuse_for_now(api, request, ERROR_RATE_LIMITED, "too many requests",
                              (int)((wait + NS_PER_S - 1) / NS_PER_S));
    return true;
}

static bool admit(struct api *api, struct request *request)
{
    const struct route *route = find_route(request->path);
    set_id(request);
    request->received_us = clock_wall_us();
    request->begun_ns = clock_monotonic_ns();
    request->route = route;
    if (request->malformed) {
        request->response.close_connection = true;
        return refuse(api, request, ERROR_MALFORMED, request->malformed);
    }
    if (!route)
        return refuse(api, request, ERROR_NOT_FOUND, "there is nothing here");
    if (!method_allowed(route, request->method)) {
        request->response.allow = strcmp(route->method, "GET") ? route->method : "GET, HEAD";
        return refuse(api, request, ERROR_METHOD_NOT_ALLOWED, "this path does not take that method");
    }
    if (!(route->flags & ROUTE_KEY))
        return true;
    if (!keyring_accepts(api->parts.keyring, request->api_key)) {
        log_write_limited(api->parts.log, LOG_WARN, LOG_WITH(LOG_STR("request_id", request->id)),
                          "Request without a valid API key");
        answer_error(&request->response, ERROR_UNAUTHORIZED, NULL,
                     request->api_key ? "the API key is not valid" : "the X-API-Key header is missing");
        return false;
    }
    return check_post(api, request, route);
}

static bool begin(void *self, struct request *request)
{
    if (admit(self, request))
        return true;
    count_answer(self, request);
    return false;
}

static bool answer_now(struct api *api, struct request *request)
{
    const struct route *route = request->route;
    if (!request->is_compressed && compress_is_packed(request->body.data, request->body.len)) {
        /* Something on the way forgets headers; the sender must not take this for an answer about its signals. */
        request->response.accept_encoding = NULL;
        (void)refuse(api, request, ERROR_UNSUPPORTED_MEDIA_TYPE,
                     "the body is " COMPRESS_CODING ", but no Content-Encoding says so");
        return true;
    }
    return route->handle(api, request);
}

static bool handle(void *self, struct request *request)
{
    if (!answer_now(self, request))
        return false; /* the request may be over by now */
    count_answer(self, request);
    return true;
}

static void refuse_late(void *self, struct request *request, int status)
{
    struct api *api = self;
    if (!request->id[0])
        set_id(request);
    request->response.close_connection = true;
    if (status == 503)
        (void)refuse_for_now(api, request, ERROR_UNAVAILABLE, "too much is being received at once; send it again",
                             1);
    else if (status == 413)
        (void)refuse(api, request, ERROR_TOO_LARGE, BODY_TOO_LARGE);
    else if (status == 400)
        (void)refuse(api, request, ERROR_MALFORMED, "the body is not whole and valid " COMPRESS_CODING);
    else
        (void)refuse(api, request, ERROR_TIMEOUT, "the request took too long to arrive");
    count_answer(api, request);
}

/* What an access log would say. Health checks are requests too, so it is for debugging. */
static void log_request(const struct api *api, const struct request *request)
{
    if (log_enabled(api->parts.log, LOG_DEBUG))
        log_write(api->parts.log, LOG_DEBUG,
                  LOG_WITH(LOG_INT("status", request->response.status),
                           LOG_INT("milliseconds", (clock_wall_us() - request->received_us) / 1000),
                           LOG_STR("request_id", request->id)),
                  "Request: %s %s", request->method, request->path);
}

static void discard(void *self, struct request *request)
{
    struct pending *pending = request->work;
    log_request(self, request);
    if (!pending)
        return;
    submission_free(pending->submission);
    free(pending);
    request->work = NULL;
}

static void count_connection(void *self, int change)
{
    struct api *api = self;
    metrics_add(api->parts.metrics, RECEIVER_CONNECTIONS, 0, change);
}

struct service api_service(struct api *api)
{
    return (struct service){api, begin, handle, refuse_late, discard, count_connection};
}

struct api *api_new(const struct api_parts *parts)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return NULL;
    api->parts = *parts;
    atomic_init(&api->draining, false);
    return api;
}

void api_free(struct api *api)
{
    free(api);
}

void api_drain(struct api *api)
{
    atomic_store(&api->draining, true);
}
