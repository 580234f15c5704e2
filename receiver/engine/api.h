/* api: the receiver's HTTP API behind the service seam: routes, keys, limits, and which answer a request gets. */
#ifndef ALPINE_RECEIVER_API_H
#define ALPINE_RECEIVER_API_H

#include "base/log.h"
#include "base/metrics.h"
#include "engine/committer.h"
#include "engine/ingest.h"
#include "engine/keyring.h"
#include "engine/rate_limit.h"
#include "seams/request.h"

struct api;

/* All of it is borrowed and must outlive the api. */
struct api_parts {
    struct committer *committer;
    struct keyring *keyring;
    struct rate_limit *rate_limit;
    struct log *log;
    struct metrics *metrics; /* engine/metrics.h; borrowed */
    struct ingest_rules rules;
    size_t single_bytes_max;
    size_t batch_bytes_max;
};

struct api *api_new(const struct api_parts *parts);
void api_free(struct api *api);
/* The seam to hand to the HTTP side. */
struct service api_service(struct api *api);
/* From now on: not ready, and every signal is answered 503. Any thread. */
void api_drain(struct api *api);

#endif
