/* http: libcurl's easy interface, with its Signature Version 4.
 *
 * libcurl 7.88 signs Host, X-Amz-Date and every header that it is given, also one that it then does not send
 * because it is empty: so there are no empty ones here. */
#include "aws/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"

struct aws_http {
    CURL *easy;
};

struct call {
    struct buf *answer;
    size_t answer_max;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
};

/* Debian's libcurl brings GnuTLS along, for protocols that are not spoken here, and GnuTLS tests itself when it is
 * loaded: 700 KB of memory that would never be used again. A program says with this function that it does without
 * (gnutls.h, GNUTLS_SKIP_GLOBAL_INIT). The linker must export it. */
int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}

struct aws_http *aws_http_new(void)
{
    return calloc(1, sizeof(struct aws_http));
}

void aws_http_free(struct aws_http *http)
{
    if (!http)
        return;
    if (http->easy)
        curl_easy_cleanup(http->easy);
    free(http);
}

void aws_http_wipe(struct buf *answer)
{
    if (answer->data)
        digest_wipe(answer->data, answer->len);
    buf_clear(answer);
}

/* Room for all that may come is reserved before: a buffer that grows would leave a copy of a secret behind. */
static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t len = size * count;
    if (len > call->answer_max - call->answer->len)
        return 0; /* libcurl ends the transfer: CURLE_WRITE_ERROR */
    buf_add(call->answer, data, len);
    return call->answer->failed ? 0 : len;
}

static void free_headers(struct call *call)
{
    for (struct curl_slist *header = call->headers; header; header = header->next)
        digest_wipe(header->data, strlen(header->data));
    curl_slist_free_all(call->headers);
}

/* A line end in a header would begin another one. */
static int add_header(struct call *call, const char *header)
{
    if (strpbrk(header, "\r\n"))
        return -1;
    struct curl_slist *headers = curl_slist_append(call->headers, header);
    if (!headers)
        return -1;
    call->headers = headers;
    return 0;
}

static int add_headers(struct call *call, const struct aws_http_request *request)
{
    static const char name[] = "X-Amz-Security-Token: ";
    const char *token = request->signing ? request->signing->session_token : NULL;
    for (size_t i = 0; i < AWS_HTTP_HEADERS_MAX && request->headers[i]; i++)
        if (add_header(call, request->headers[i]))
            return -1;
    if (!token || !*token)
        return 0;
    char *line = malloc(sizeof name + strlen(token));
    if (!line)
        return -1;
    size_t len = (size_t)sprintf(line, "%s%s", name, token);
    int failed = add_header(call, line);
    digest_wipe(line, len);
    free(line);
    return failed;
}

static CURLcode set_signing(CURL *easy, const struct aws_signing *signing)
{
    char provider[160];
    if (snprintf(provider, sizeof provider, "aws:amz:%s:%s", signing->region, signing->service) >=
        (int)sizeof provider)
        return CURLE_BAD_FUNCTION_ARGUMENT;
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, provider);
    failed |= curl_easy_setopt(easy, CURLOPT_USERNAME, signing->access_key);
    failed |= curl_easy_setopt(easy, CURLOPT_PASSWORD, signing->secret_key);
    return failed;
}

static CURLcode set_options(CURL *easy, struct call *call, const struct aws_http_request *request, int64_t left_ns)
{
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is left behind */
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "alpine-sync/" ALPINE_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left_ns / NS_PER_MS));
    if (request->direct)
        failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (request->ca_file)
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->body) {
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    } else if (strcmp(request->method, "GET") != 0) {
        failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    return failed | (request->signing ? set_signing(easy, request->signing) : CURLE_OK);
}

/* What no later try would get over. */
static bool is_lasting(CURLcode code)
{
    static const CURLcode lasting[] = {CURLE_URL_MALFORMAT,      CURLE_UNSUPPORTED_PROTOCOL,
                                       CURLE_SSL_CACERT_BADFILE, CURLE_PEER_FAILED_VERIFICATION,
                                       CURLE_WRITE_ERROR,        CURLE_BAD_FUNCTION_ARGUMENT};
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        if (lasting[i] == code)
            return true;
    return false;
}

static enum outcome fail(const struct call *call, CURLcode code, struct err *err)
{
    if (code == CURLE_WRITE_ERROR)
        err_set(err, "the answer is too long");
    else
        err_set(err, "%s", *call->error ? call->error : curl_easy_strerror(code));
    return is_lasting(code) ? OUTCOME_HOLD : OUTCOME_AGAIN;
}

enum outcome aws_http_call(struct aws_http *http, const struct aws_http_request *request, int *status,
                           struct buf *answer, struct err *err)
{
    struct call call = {.answer = answer, .answer_max = request->answer_max};
    enum outcome outcome = OUTCOME_AGAIN;
    long code = 0;
    int64_t left_ns = request->deadline_ns - clock_monotonic_ns();
    if (left_ns < NS_PER_MS) {
        err_set(err, "no time is left");
        return OUTCOME_AGAIN;
    }
    if (http->easy)
        curl_easy_reset(http->easy);
    else
        http->easy = curl_easy_init();
    if (!http->easy || buf_reserve(answer, request->answer_max)) {
        err_set(err, "out of memory");
        return OUTCOME_AGAIN;
    }
    CURLcode result = add_headers(&call, request) ? CURLE_BAD_FUNCTION_ARGUMENT : CURLE_OK;
    if (!result)
        result = set_options(http->easy, &call, request, left_ns);
    if (!result)
        result = curl_easy_perform(http->easy);
    if (result) {
        outcome = fail(&call, result, err);
        goto out;
    }
    (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    outcome = OUTCOME_DONE;
out:
    curl_easy_reset(http->easy);
    free_headers(&call);
    return outcome;
}
