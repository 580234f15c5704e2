/* api: one row a route. Nothing here blocks. */
#include "engine/api.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/compress.h"
#include "base/digest.h"
#include "base/hex.h"
#include "engine/answer.h"

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
    bool (*handle)(struct api *api, struct request *request); /* as in struct service */
};

/* --- posts of signals -------------------------------------------------------------------------------------- */

static void log_result(struct api *api, const struct request *request, const struct submission_entry *entry)
{
    const char *id = signal_text(&entry->signal, FIELD_SIGNAL_ID, NULL);
    if (entry->fault == FAULT_HASH_MISMATCH) {
        log_write(api->parts.log, LOG_WARN, LOG_WITH(LOG_STR("request_id", request->id)),
                  "Hash verification failed for signal %s", id);
    } else if (entry->fault) {
        log_write(api->parts.log, LOG_WARN,
                  LOG_WITH(LOG_STR("signal_id", id), LOG_STR("code", fault_code(entry->fault)),
                           LOG_STR("field", entry->field), LOG_STR("request_id", request->id)),
                  "Signal rejected: %s", entry->detail ? entry->detail : "");
    } else if (entry->row.verdict == STORE_STORED) {
        struct value action = signal_stored(&entry->signal, FIELD_ACTION);
        log_write(api->parts.log, LOG_INFO,
                  LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request->id)),
                  "Signal synced from external provider: %s %s (%s)", entry->signal.symbol.as.text.data,
                  action.as.text.data, id);
    } else if (entry->row.verdict == STORE_CONFLICT) {
        log_write(api->parts.log, LOG_ERROR,
                  LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request->id)),
                  "Conflict: signal %s is stored with another hash", id);
    } else if (entry->row.verdict == STORE_DUPLICATE) {
        log_write(api->parts.log, LOG_DEBUG,
                  LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request->id)),
                  "Duplicate signal %s", id);
    }
}

static void answer_submission(struct api *api, struct request *request, const struct submission *submission)
{
    const struct route *route = request->route;
    if (submission->outcome == SUBMISSION_UNAVAILABLE) {
        answer_retry(&request->response, ERROR_UNAVAILABLE, "the signals could not be stored now; send them again",
                     submission->retry_after_s);
        return;
    }
    for (size_t i = 0; i < submission->count; i++)
        log_result(api, request, &submission->entries[i]);
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

/* On the committer's thread. */
static void on_done(struct submission *submission, void *context)
{
    struct pending *pending = context;
    answer_submission(pending->api, pending->request, submission);
}

/* On the committer's thread: the request may be over as soon as it goes on. */
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
        answer_retry(&request->response, ERROR_UNAVAILABLE, "out of memory", 1);
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
    if (committer_submit(api->parts.committer, submission))
        return false;
    answer_submission(api, request, submission);
    return true;
}

static bool is_draining(struct api *api, struct request *request)
{
    if (!atomic_load(&api->draining))
        return false;
    answer_retry(&request->response, ERROR_UNAVAILABLE, "the receiver is stopping; send it again", 1);
    request->response.close_connection = true;
    return true;
}

/* Returns 1 for a dry run, 0 for a real one, -1 if the query's value is neither (the response is set). */
static int read_dry_run(struct request *request)
{
    static const char *const words[] = {"false", "true", "0", "1"};
    if (!request->dry_run)
        return 0;
    for (int i = 0; i < 4; i++)
        if (!strcasecmp(request->dry_run, words[i]))
            return i % 2;
    answer_error(&request->response, ERROR_INVALID_FIELD, "dry_run", "dry_run must be true or false");
    return -1;
}

static bool post_signal(struct api *api, struct request *request)
{
    int dry_run = read_dry_run(request);
    if (dry_run < 0 || is_draining(api, request))
        return true;
    struct submission *submission = ingest_single(&api->parts.rules, &request->body, request->received_us);
    if (!submission) {
        answer_retry(&request->response, ERROR_UNAVAILABLE, "out of memory", 1);
        return true;
    }
    submission->dry_run = dry_run;
    return submit(api, request, submission);
}

static bool media_type_is(const char *content_type, const char *name)
{
    size_t len = strlen(name);
    if (!content_type || strncasecmp(content_type, name, len) != 0)
        return false;
    const char *rest = content_type + len + strspn(content_type + len, " \t");
    if (!*rest)
        return true;
    if (*rest++ != ';')
        return false;
    rest += strspn(rest, " \t");
    return !*rest || !strcasecmp(rest, "charset=utf-8") || !strcasecmp(rest, "charset=\"utf-8\"");
}

static bool post_batch(struct api *api, struct request *request)
{
    struct err err = {0};
    enum ingest_problem problem;
    int dry_run = read_dry_run(request);
    if (dry_run < 0 || is_draining(api, request))
        return true;
    enum batch_layout layout =
        media_type_is(request->content_type, "application/x-ndjson") ? BATCH_LINES : BATCH_ARRAY;
    struct submission *submission =
        ingest_batch(&api->parts.rules, layout, &request->body, request->received_us, &problem, &err);
    if (!submission) {
        if (problem == INGEST_OUT_OF_MEMORY)
            answer_retry(&request->response, ERROR_UNAVAILABLE, err.message, 1);
        else
            answer_error(&request->response, problem == INGEST_TOO_MANY ? ERROR_TOO_LARGE : ERROR_MALFORMED, NULL,
                         err.message);
        return true;
    }
    submission->dry_run = dry_run;
    return submit(api, request, submission);
}

/* --- health ------------------------------------------------------------------------------------------------ */

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

/* --- routing ----------------------------------------------------------------------------------------------- */

static const struct route routes[] = {
    {PREFIX "/signal", "POST", ROUTE_KEY, post_signal},
    {PREFIX "/batch", "POST", ROUTE_KEY | ROUTE_BATCH, post_batch},
    {PREFIX "/health", "GET", 0, get_health},
    {"/health", "GET", 0, get_health},
    {"/livez", "GET", 0, get_livez},
    {"/readyz", "GET", 0, get_readyz},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (!strcmp(routes[i].path, path))
            return &routes[i];
    return NULL;
}

static bool sane_id(const char *id)
{
    size_t len = strlen(id);
    return len && len <= REQUEST_ID_MAX &&
           !id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")];
}

static void set_id(struct request *request)
{
    unsigned char bytes[8] = {0};
    struct err ignored;
    if (request->caller_id && sane_id(request->caller_id)) {
        (void)snprintf(request->id, sizeof request->id, "%s", request->caller_id);
        return;
    }
    (void)!digest_random(bytes, sizeof bytes, &ignored);
    hex_encode(bytes, sizeof bytes, request->id);
}

static bool refuse(struct request *request, enum answer_error error, const char *detail)
{
    answer_error(&request->response, error, NULL, detail);
    return false;
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
        return refuse(request, ERROR_UNSUPPORTED_MEDIA_TYPE,
                      batch ? "Content-Type must be application/x-ndjson or application/json"
                            : "Content-Type must be application/json");
    request->response.accept_encoding = COMPRESS_CODING;
    request->is_compressed = request->content_encoding && !strcasecmp(request->content_encoding, COMPRESS_CODING);
    if (request->content_encoding && !request->is_compressed &&
        strcasecmp(request->content_encoding, "identity") != 0)
        return refuse(request, ERROR_UNSUPPORTED_MEDIA_TYPE,
                      "Content-Encoding must be " COMPRESS_CODING ", or none");
    request->body_limit = batch ? api->parts.batch_bytes_max : api->parts.single_bytes_max;
    if (request->content_length > (int64_t)request->body_limit)
        return refuse(request, ERROR_TOO_LARGE, BODY_TOO_LARGE);
    int64_t wait = rate_limit_take(api->parts.rate_limit, clock_monotonic_ns());
    if (wait) {
        answer_retry(&request->response, ERROR_RATE_LIMITED, "too many requests",
                     (int)((wait + NS_PER_S - 1) / NS_PER_S));
        return false;
    }
    return true;
}

static bool begin(void *self, struct request *request)
{
    struct api *api = self;
    const struct route *route = find_route(request->path);
    set_id(request);
    request->received_us = clock_wall_us();
    request->route = route;
    if (request->malformed) {
        request->response.close_connection = true;
        return refuse(request, ERROR_MALFORMED, request->malformed);
    }
    if (!route)
        return refuse(request, ERROR_NOT_FOUND, "there is nothing here");
    if (!method_allowed(route, request->method)) {
        request->response.allow = strcmp(route->method, "GET") ? route->method : "GET, HEAD";
        return refuse(request, ERROR_METHOD_NOT_ALLOWED, "this path does not take that method");
    }
    if (!(route->flags & ROUTE_KEY))
        return true;
    if (!keyring_accepts(api->parts.keyring, request->api_key)) {
        log_write(api->parts.log, LOG_WARN, LOG_WITH(LOG_STR("request_id", request->id)),
                  "Request without a valid API key");
        return refuse(request, ERROR_UNAUTHORIZED,
                      request->api_key ? "the API key is not valid" : "the X-API-Key header is missing");
    }
    return check_post(api, request, route);
}

static bool handle(void *self, struct request *request)
{
    const struct route *route = request->route;
    if (!request->is_compressed && compress_is_packed(request->body.data, request->body.len)) {
        /* Something on the way forgets headers; the sender must not take this for an answer about its signals. */
        request->response.accept_encoding = NULL;
        answer_error(&request->response, ERROR_UNSUPPORTED_MEDIA_TYPE, NULL,
                     "the body is " COMPRESS_CODING ", but no Content-Encoding says so");
        return true;
    }
    return route->handle(self, request);
}

static void refuse_late(void *self, struct request *request, int status)
{
    (void)self;
    if (!request->id[0])
        set_id(request);
    request->response.close_connection = true;
    if (status == 503)
        answer_retry(&request->response, ERROR_UNAVAILABLE, "too much is being received at once; send it again", 1);
    else if (status == 413)
        answer_error(&request->response, ERROR_TOO_LARGE, NULL, BODY_TOO_LARGE);
    else if (status == 400)
        answer_error(&request->response, ERROR_MALFORMED, NULL, "the body is not whole and valid " COMPRESS_CODING);
    else
        answer_error(&request->response, ERROR_TIMEOUT, NULL, "the request took too long to arrive");
}

static void discard(void *self, struct request *request)
{
    (void)self;
    struct pending *pending = request->work;
    if (!pending)
        return;
    submission_free(pending->submission);
    free(pending);
    request->work = NULL;
}

struct service api_service(struct api *api)
{
    return (struct service){api, begin, handle, refuse_late, discard};
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
