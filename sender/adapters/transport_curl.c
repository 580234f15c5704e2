/* transport_curl: the requests, and libcurl in the event loop.
 *
 * libcurl sends a POST again by itself when a reused connection turns out to be closed; the receiver drops the
 * duplicate. Everything else is kept tight: no redirects, HTTP/1.1, no Expect, answers of bounded size, time-outs.
 */
#include "adapters/transport_curl.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/curl_answer.h"
#include "adapters/curl_trust.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/digest.h"

#define API_PREFIX "/api/v1/external-signals/sync"

enum { ANSWER_MAX = 8 * 1024 * 1024, KEPT_CONNECTIONS = 8, COMPRESS_MIN = 1024 };

struct transport_curl {
    struct transport transport;
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    char *url; /* without a slash at the end, with the API's prefix */
    char *key_header;
    char *ca_pem;
    int64_t connect_limit_ns;
    int64_t request_limit_ns;
    bool may_compress;
    bool offered;       /* the last answer said that it takes compressed bodies */
    struct call *calls; /* in flight */
};

struct call {
    struct call *next;
    struct transport_curl *curl;
    CURL *easy;
    struct curl_slist *headers;
    struct buf packed; /* the body, if it is sent compressed */
    struct buf answer;
    transport_done *done;
    void *context;
    char id[REQUEST_ID_SIZE];
    char error[CURL_ERROR_SIZE];
};

/* --- the end of a call ------------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    buf_clear(&call->packed);
    buf_clear(&call->answer);
    free(call);
}

static void forget(struct transport_curl *curl, const struct call *call)
{
    struct call **at = &curl->calls;
    while (*at && *at != call)
        at = &(*at)->next;
    if (*at)
        *at = call->next;
}

/* The key that this request went with; another one may be in use by now. */
static const char *key_of(const struct call *call)
{
    static const char name[] = "X-API-Key: ";
    const struct curl_slist *line = call->headers;
    while (line && strncmp(line->data, name, sizeof name - 1) != 0)
        line = line->next;
    return line ? line->data + sizeof name - 1 : NULL;
}

static void finish(struct call *call, CURLcode code)
{
    long status = 0;
    curl_answer_hide(call->answer.data, call->answer.len, key_of(call));
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        call->curl->offered = curl_answer_offers(call->easy, COMPRESS_CODING);
    struct transport_answer answer = {
        .failure = curl_answer_failure(code, call->easy),
        .error = code == CURLE_OK ? ""
                 : *call->error   ? call->error
                                  : curl_easy_strerror(code),
        .status = code == CURLE_OK ? (int)status : 0,
        .body = call->answer.data ? call->answer.data : "",
        .len = call->answer.len,
        .compressed = call->packed.len != 0,
        .retry_after_ns = curl_answer_retry_after_ns(call->easy),
        .request_id = call->id,
        .answered_id = code == CURLE_OK ? curl_answer_header(call->easy, "X-Request-Id") : NULL,
        .date_us = curl_answer_date_us(call->easy),
    };
    (void)curl_multi_remove_handle(call->curl->multi, call->easy);
    forget(call->curl, call);
    call->done(call->context, &answer);
    call_free(call);
}

static void finish_all(struct transport_curl *curl)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(curl->multi, &left))) {
        struct call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(call, message->data.result);
    }
}

/* --- libcurl and the loop ---------------------------------------------------------------------------------- */

static void on_ready(void *context, int fd, unsigned events)
{
    struct transport_curl *curl = context;
    int running;
    int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(curl->multi, fd, mask, &running);
    finish_all(curl);
}

static void on_due(void *context)
{
    struct transport_curl *curl = context;
    int running;
    (void)curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(curl);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *per_socket)
{
    struct transport_curl *curl = context;
    struct err ignored;
    (void)easy;
    (void)per_socket;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(curl->loop, fd);
        return 0;
    }
    unsigned events =
        (what & CURL_POLL_IN ? (unsigned)LOOP_READ : 0) | (what & CURL_POLL_OUT ? (unsigned)LOOP_WRITE : 0);
    return loop_watch(curl->loop, fd, events, on_ready, curl, &ignored);
}

/* libcurl must not be called from here, so "now" is the loop's next turn. */
static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct transport_curl *curl = context;
    (void)multi;
    int64_t at = timeout_ms < 0 ? INT64_MAX : clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    loop_timer_set(curl->loop, &curl->timer, at, on_due, curl);
    return 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t len = size * count;
    if (len > ANSWER_MAX - call->answer.len)
        return 0; /* libcurl ends the transfer: CURLE_WRITE_ERROR */
    buf_add(&call->answer, data, len);
    return call->answer.failed ? 0 : len;
}

/* --- the beginning of a call ------------------------------------------------------------------------------- */

/* name ends in its colon. */
static int add_header(struct call *call, const char *name, const char *value)
{
    char text[512];
    if (snprintf(text, sizeof text, "%s %s", name, value) >= (int)sizeof text)
        return -1;
    struct curl_slist *headers = curl_slist_append(call->headers, text);
    digest_wipe(text, sizeof text);
    if (!headers)
        return -1;
    call->headers = headers;
    return 0;
}

/* Only what has several signals, and only to a receiver that offered it in its last answer (RFC 7694). What becomes
 * of one that was not understood is landing's affair. */
static void pack(struct call *call, const struct transport_request *request)
{
    const struct transport_curl *curl = call->curl;
    bool batch = request->content_type && !strcmp(request->content_type, "application/x-ndjson");
    if (!curl->may_compress || !request->may_compress || !curl->offered || !batch || request->len < COMPRESS_MIN)
        return;
    if (compress_pack(request->body, request->len, &call->packed))
        buf_clear(&call->packed);
}

static int set_headers(struct call *call, const struct transport_request *request)
{
    const char *key = call->curl->key_header;
    if (call->packed.len && add_header(call, "Content-Encoding:", COMPRESS_CODING))
        return -1;
    if ((key && add_header(call, "X-API-Key:", key)) || add_header(call, "X-Request-Id:", request->id) ||
        add_header(call, "Expect:", "")) /* none: the body goes at once */
        return -1;
    return request->content_type ? add_header(call, "Content-Type:", request->content_type) : 0;
}

static int set_options(struct call *call, const struct transport_request *request)
{
    const struct transport_curl *curl = call->curl;
    CURL *easy = call->easy;
    char url[2048];
    if (snprintf(url, sizeof url, "%s%s", curl->url, request->path) >= (int)sizeof url)
        return -1;
    bool post = !strcmp(request->method, "POST");
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, url);
    failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    failed |=
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is left behind, not waited for */
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "alpine-sender/" ALPINE_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(curl->request_limit_ns / NS_PER_MS));
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(curl->connect_limit_ns / NS_PER_MS));
    failed |= curl_trust(easy, curl->ca_pem);
    if (post) {
        bool packed = call->packed.len != 0;
        curl_off_t len = (curl_off_t)(packed ? call->packed.len : request->len);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, len);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, packed ? call->packed.data : request->body);
    }
    return failed == CURLE_OK ? 0 : -1;
}

static int transport_send(void *self, const struct transport_request *request, struct err *err)
{
    struct transport_curl *curl = self;
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return err_set(err, "out of memory");
    call->curl = curl;
    call->done = request->done;
    call->context = request->context;
    memcpy(call->id, request->id, sizeof call->id);
    call->easy = curl_easy_init();
    pack(call, request);
    if (!call->easy || set_headers(call, request) || set_options(call, request) ||
        curl_multi_add_handle(curl->multi, call->easy) != CURLM_OK) {
        call_free(call);
        return err_set(err, "libcurl cannot begin a request");
    }
    call->next = curl->calls;
    curl->calls = call;
    return 0;
}

/* --- life -------------------------------------------------------------------------------------------------- */

int transport_curl_check_url(const char *url, struct err *err)
{
    CURLU *parts = curl_url();
    char *value = NULL;
    int result = -1;
    if (!parts)
        return err_set(err, "could not be read: out of memory");
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK) {
        err_set(err, "must be a URL such as https://alpine.example:8001");
        goto out;
    }
    if (curl_url_get(parts, CURLUPART_SCHEME, &value, 0) != CURLUE_OK ||
        (strcmp(value, "http") != 0 && strcmp(value, "https") != 0)) {
        err_set(err, "must begin with http:// or https://");
        goto out;
    }
    curl_free(value);
    value = NULL;
    if (curl_url_get(parts, CURLUPART_USER, &value, 0) == CURLUE_OK ||
        curl_url_get(parts, CURLUPART_QUERY, &value, 0) == CURLUE_OK) {
        err_set(err, "must have neither a user name nor a query");
        goto out;
    }
    result = 0;
out:
    curl_free(value);
    curl_url_cleanup(parts);
    return result;
}

/* People configure the base of the server, the API's prefix, or the full address of the signal call. */
static char *full_url(const char *url)
{
    static const char *const known[] = {"/", API_PREFIX "/signal", API_PREFIX};
    char *full = malloc(strlen(url) + sizeof API_PREFIX + 1);
    if (!full)
        return NULL;
    memcpy(full, url, strlen(url) + 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(full);
        size_t tail = strlen(known[i]);
        if (len > tail && !strcmp(full + len - tail, known[i]))
            full[len - tail] = '\0';
    }
    memcpy(full + strlen(full), API_PREFIX, sizeof API_PREFIX);
    return full;
}

int transport_curl_switch(struct transport *transport, const char *api_key, const char *ca_pem, struct err *err)
{
    struct transport_curl *curl = transport->self;
    char *key = api_key ? strdup(api_key) : NULL;
    char *pem = ca_pem ? strdup(ca_pem) : NULL;
    if ((api_key && !key) || (ca_pem && !pem)) {
        free(key);
        free(pem);
        return err_set(err, "out of memory");
    }
    if (curl->key_header)
        digest_wipe(curl->key_header, strlen(curl->key_header));
    free(curl->key_header);
    free(curl->ca_pem);
    curl->key_header = key;
    curl->ca_pem = pem;
    return 0;
}

static const struct transport_ops ops = {.send = transport_send};

struct transport *transport_curl_new(const struct transport_curl_options *options, struct loop *loop,
                                     struct err *err)
{
    struct transport_curl *curl = calloc(1, sizeof *curl);
    if (!curl) {
        err_set(err, "out of memory");
        return NULL;
    }
    curl->transport = (struct transport){&ops, curl};
    curl->loop = loop;
    curl->connect_limit_ns = options->connect_limit_ns;
    curl->request_limit_ns = options->request_limit_ns;
    curl->may_compress = options->compress;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    curl->multi = curl_multi_init();
    curl->url = full_url(options->url);
    if (!curl->multi || !curl->url ||
        transport_curl_switch(&curl->transport, options->api_key, options->ca_pem, err)) {
        transport_curl_free(&curl->transport);
        err_set(err, "out of memory");
        return NULL;
    }
    (void)curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    (void)curl_multi_setopt(curl->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return &curl->transport;
}

void transport_curl_free(struct transport *transport)
{
    if (!transport)
        return;
    struct transport_curl *curl = transport->self;
    struct err ignored;
    while (curl->calls)
        finish(curl->calls, CURLE_ABORTED_BY_CALLBACK);
    if (curl->multi)
        (void)curl_multi_cleanup(curl->multi);
    loop_timer_cancel(curl->loop, &curl->timer);
    (void)!transport_curl_switch(transport, NULL, NULL, &ignored);
    free(curl->url);
    free(curl);
    curl_global_cleanup();
}
