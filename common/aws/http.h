/* http: one request after the other, each of them waited for. Blocks the thread, never beyond the deadline. */
#ifndef ALPINE_AWS_HTTP_H
#define ALPINE_AWS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/outcome.h"

struct aws_http;

/* Signature Version 4. */
struct aws_signing {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: none */
    const char *region;
    const char *service;
};

enum { AWS_HTTP_HEADERS_MAX = 4 };

struct aws_http_request {
    const char *method; /* GET, PUT or POST */
    const char *url;
    const char *headers[AWS_HTTP_HEADERS_MAX]; /* "Name: value", up to the first NULL */
    const char *body;                          /* of a POST; NULL: none */
    const struct aws_signing *signing;         /* NULL: not signed */
    const char *ca_file;                       /* NULL: the system's certificates */
    bool direct;                               /* past any proxy that the environment names: the address is local */
    int64_t deadline_ns;                       /* monotonic */
    size_t answer_max;                         /* an answer with more bytes is none */
};

/* Costs nothing before the first call: libcurl is set up by it. NULL when out of memory. */
struct aws_http *aws_http_new(void);
void aws_http_free(struct aws_http *http);

/* Sends it and waits. OUTCOME_DONE: status and answer are set (the caller wipes and clears the answer, in every
 * case). OUTCOME_AGAIN: nobody answered in time. OUTCOME_HOLD: this address cannot be asked, say for its
 * certificate. */
enum outcome aws_http_call(struct aws_http *http, const struct aws_http_request *request, int *status,
                           struct buf *answer, struct err *err);

/* Overwrites what is in the buffer, then frees it. */
void aws_http_wipe(struct buf *answer);

#endif
