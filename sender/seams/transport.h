/* transport: how requests reach the receiver. transport_curl and the tests' fakes fill it. */
#ifndef ALPINE_SENDER_TRANSPORT_H
#define ALPINE_SENDER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/request_id.h"

enum transport_failure {
    TRANSPORT_OK,          /* there is an HTTP answer */
    TRANSPORT_UNREACHABLE, /* DNS, connect: nothing was sent */
    TRANSPORT_BROKEN,      /* connected, and broken off */
    TRANSPORT_TIMED_OUT,   /* connected, and no answer in time */
    TRANSPORT_UNTRUSTED,   /* TLS: the other side is not who it should be */
    TRANSPORT_NONSENSE,    /* what came back is no HTTP, or too much of it */
};

struct transport_answer {
    enum transport_failure failure;
    const char *error; /* for people; "" if there is an answer */
    int status;        /* of HTTP; 0 without an answer */
    const char *body;  /* borrowed for the call */
    size_t len;
    int64_t retry_after_ns;  /* 0: none */
    int64_t date_us;         /* its Date, wall clock of who wrote it, in whole seconds; 0: none */
    bool compressed;         /* the request travelled so */
    const char *request_id;  /* of the request; NULL if it could not even begin; borrowed as body is */
    const char *answered_id; /* X-Request-Id of the answer; NULL: it has none, as an older receiver's */
};

typedef void transport_done(void *context, const struct transport_answer *answer);

struct transport_request {
    const char *method; /* "GET", "POST" */
    const char *path;   /* below /api/v1/external-signals/sync */
    const char *content_type;
    const char *body; /* borrowed until done */
    size_t len;
    char id[REQUEST_ID_SIZE]; /* X-Request-Id; libcurl's own second attempt has the same */
    bool may_compress;
    bool fresh; /* over a connection of its own: the name is looked up again */
    transport_done *done;
    void *context;
};

struct transport_ops {
    /* Begins a request; done is called later, exactly once, never from within. -1: it could not even begin, and
     * done is not called. */
    int (*send)(void *self, const struct transport_request *request, struct err *err);
};

struct transport {
    const struct transport_ops *ops;
    void *self;
};

#endif
