/* request: an HTTP request and its answer, as the engine sees them. http_mhd fills the first half; the service
 * behind the seam fills the second. */
#ifndef ALPINE_RECEIVER_REQUEST_H
#define ALPINE_RECEIVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/request_id.h"

struct response {
    int status;
    struct buf body;             /* JSON, unless content_type says something else */
    const char *content_type;    /* static; NULL: application/json */
    const char *allow;           /* static; Allow, or NULL */
    const char *accept_encoding; /* static; Accept-Encoding: how a body may be encoded; or NULL */
    int retry_after_s;           /* Retry-After, 0: none */
    bool authenticate;           /* WWW-Authenticate */
    bool close_connection;       /* the connection cannot be used again */
};

struct request {
    /* set by the HTTP side; borrowed until the request is discarded */
    const char *method;
    const char *path;
    const char *api_key;          /* X-API-Key, or NULL */
    const char *content_type;     /* or NULL */
    const char *content_encoding; /* or NULL */
    const char *dry_run;          /* the query's value; "": none, or several; NULL: it is not there */
    const char *caller_id;        /* X-Request-Id as it came in, or NULL */
    const char *malformed;        /* what is wrong with the headers, or NULL */
    int64_t content_length;       /* -1: unknown */
    bool may_wait;                /* the thread that calls handle serves nobody else: handle may wait */
    struct buf body;
    void (*resume)(struct request *request); /* any thread: the response of a pending request is ready */

    /* set by the service */
    char id[REQUEST_ID_MAX + 1]; /* what X-Request-Id answers */
    size_t body_limit;
    bool is_compressed;  /* the body has to be expanded (base/compress.h) before it is handled */
    int64_t received_us; /* wall clock */
    int64_t begun_ns;    /* the same moment, monotonic; 0: its headers never came in */
    const void *route;
    void *work; /* what the service attached; freed by discard */
    struct response response;
};

/* All calls but resume come from an HTTP thread, one at a time for one request. None of them blocks, but for a
 * handle that may wait. */
struct service {
    void *self;
    /* The headers are in. True: go on and read the body, up to body_limit. False: the response is set. */
    bool (*begin)(void *self, struct request *request);
    /* The body is in, and expanded. True: the response is set. False: request->resume will be called, perhaps
     * already was. */
    bool (*handle)(void *self, struct request *request);
    /* Sets the response for a failure that the HTTP side found: 400 (it does not expand), 408 (too slow), 413 (too
     * large) or 503 (too many at once). */
    void (*refuse)(void *self, struct request *request, int status);
    /* The request is over: frees what the service attached. */
    void (*discard)(void *self, struct request *request);
    /* A connection was opened (1) or closed (-1). */
    void (*connection)(void *self, int change);
};

#endif
