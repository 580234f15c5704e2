/* api_stage: the API on a committer with a fake store, and requests as the HTTP side would make them. */
#ifndef ALPINE_UNIT_API_STAGE_H
#define ALPINE_UNIT_API_STAGE_H

#include "committer_stage.h"
#include "engine/api.h"
#include "engine/metrics.h"

#define SYNC "/api/v1/external-signals/sync"

struct api_stage {
    struct stage stage;
    struct keyring *keyring;
    struct rate_limit *rate_limit;
    struct metrics *metrics;
    struct api *api;
    struct service service;
};

/* What a test says of a request; the rest is as a well-behaved caller would have it: the right key, JSON. */
struct ask {
    const char *method; /* default POST */
    const char *path;   /* below SYNC, unless it begins with "//" */
    const char *key;
    const char *content_type;
    const char *dry_run;
    const char *caller_id;
    const char *malformed;
    const char *body;
    int64_t content_length; /* 0: unknown */
};

/* What came back. */
struct reply {
    int status;
    char id[REQUEST_ID_MAX + 1];
    char body[65536];
    const char *content_type; /* NULL: JSON */
    const char *allow;
    int retry_after_s;
    bool authenticate;
    bool close_connection;
    bool body_read; /* false: it was refused by its headers alone */
    size_t body_limit;
};

int api_stage_start(void **state);
int api_stage_finish(void **state);

/* Performs the request from its headers to its end; waits for the answer if it comes later. */
struct reply perform(struct api_stage *stage, const struct ask *ask);
#define PERFORM(stage, ...) perform((stage), &(const struct ask){__VA_ARGS__})

/* Begins a request that is answered later, and waits for its answer. */
struct request *begin_pending(struct api_stage *stage, const struct ask *ask);
struct reply end_pending(struct api_stage *stage, struct request *request);

#endif
