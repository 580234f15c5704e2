/* api_stage: see api_stage.h. */
#include "api_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* A request with what the HTTP side keeps beside it. */
struct held {
    struct request request; /* first: a pointer to one is a pointer to the other */
    char path[128];
    pthread_mutex_t lock;
    pthread_cond_t resumed;
    bool is_resumed;
};

static void on_resume(struct request *request)
{
    struct held *held = (struct held *)request;
    (void)pthread_mutex_lock(&held->lock);
    held->is_resumed = true;
    (void)pthread_cond_signal(&held->resumed);
    (void)pthread_mutex_unlock(&held->lock);
}

static struct held *hold(const struct ask *ask)
{
    struct held *held = calloc(1, sizeof *held);
    assert_non_null(held);
    bool whole = !strncmp(ask->path, "//", 2);
    (void)snprintf(held->path, sizeof held->path, "%s%s", whole ? "" : SYNC, ask->path + whole);
    (void)pthread_mutex_init(&held->lock, NULL);
    (void)pthread_cond_init(&held->resumed, NULL);
    held->request = (struct request){
        .method = ask->method ? ask->method : "POST",
        .path = held->path,
        .api_key = !ask->key   ? "the-key"
                   : *ask->key ? ask->key
                               : NULL,
        .content_type = !ask->content_type   ? "application/json"
                        : *ask->content_type ? ask->content_type
                                             : NULL,
        .dry_run = ask->dry_run,
        .caller_id = ask->caller_id,
        .malformed = ask->malformed,
        .content_length = ask->content_length ? ask->content_length : -1,
        .resume = on_resume,
    };
    return held;
}

static struct reply let_go(struct api_stage *stage, struct held *held, bool body_read)
{
    const struct request *request = &held->request;
    const struct response *response = &request->response;
    struct reply reply = {
        .status = response->status,
        .allow = response->allow,
        .content_type = response->content_type,
        .retry_after_s = response->retry_after_s,
        .authenticate = response->authenticate,
        .close_connection = response->close_connection,
        .body_read = body_read,
        .body_limit = request->body_limit,
    };
    memcpy(reply.id, request->id, sizeof reply.id);
    assert_true(response->body.len < sizeof reply.body);
    if (response->body.len)
        memcpy(reply.body, response->body.data, response->body.len + 1);
    stage->service.discard(stage->service.self, &held->request);
    buf_clear(&held->request.response.body);
    buf_clear(&held->request.body);
    (void)pthread_cond_destroy(&held->resumed);
    (void)pthread_mutex_destroy(&held->lock);
    free(held);
    return reply;
}

static void wait_resumed(struct held *held)
{
    struct timespec deadline = fake_store_deadline();
    int late = 0;
    (void)pthread_mutex_lock(&held->lock);
    while (!held->is_resumed && !late)
        late = pthread_cond_timedwait(&held->resumed, &held->lock, &deadline);
    (void)pthread_mutex_unlock(&held->lock);
    assert_int_equal(late, 0);
}

struct reply perform(struct api_stage *stage, const struct ask *ask)
{
    struct held *held = hold(ask);
    bool body_read = stage->service.begin(stage->service.self, &held->request);
    if (!body_read)
        return let_go(stage, held, false);
    if (ask->body)
        buf_add_text(&held->request.body, ask->body);
    if (!stage->service.handle(stage->service.self, &held->request))
        wait_resumed(held);
    return let_go(stage, held, true);
}

struct request *begin_pending(struct api_stage *stage, const struct ask *ask)
{
    struct held *held = hold(ask);
    assert_true(stage->service.begin(stage->service.self, &held->request));
    buf_add_text(&held->request.body, ask->body);
    assert_false(stage->service.handle(stage->service.self, &held->request));
    return &held->request;
}

struct reply end_pending(struct api_stage *stage, struct request *request)
{
    struct held *held = (struct held *)request;
    wait_resumed(held);
    return let_go(stage, held, true);
}

int api_stage_start(void **state)
{
    struct api_stage *stage = calloc(1, sizeof *stage);
    struct err err = {0};
    fake_store_init(&stage->stage.store);
    stage->metrics = receiver_metrics_new(&err);
    assert_non_null(stage->metrics);
    stage->stage.options = (struct committer_options){
        .queue_max = 100, .group_max = 100, .time_limit_ns = 600 * NS_PER_S, .metrics = stage->metrics};
    stage->stage.log_fd = memfd_create("log", MFD_CLOEXEC);
    stage->stage.log = log_open(stage->stage.log_fd, LOG_TEXT, LOG_DEBUG);
    stage->stage.committer =
        committer_start(&stage->stage.store.store, &stage->stage.options, stage->stage.log, &err);
    assert_non_null(stage->stage.committer);
    wait_ready(&stage->stage, true);
    stage->keyring = keyring_new();
    keyring_set(stage->keyring, "the-key", "next-key");
    stage->rate_limit = rate_limit_new(0);
    const struct api_parts parts = {
        .committer = stage->stage.committer,
        .keyring = stage->keyring,
        .rate_limit = stage->rate_limit,
        .log = stage->stage.log,
        .metrics = stage->metrics,
        .rules = {.provider = "argo", .signal_bytes_max = 2000, .batch_signals_max = 4},
        .single_bytes_max = 2000,
        .batch_bytes_max = 5000,
    };
    stage->api = api_new(&parts);
    stage->service = api_service(stage->api);
    *state = stage;
    return 0;
}

int api_stage_finish(void **state)
{
    struct api_stage *stage = *state;
    committer_stop(stage->stage.committer);
    committer_free(stage->stage.committer);
    api_free(stage->api);
    keyring_free(stage->keyring);
    rate_limit_free(stage->rate_limit);
    metrics_free(stage->metrics);
    fake_store_clear(&stage->stage.store);
    log_close(stage->stage.log);
    (void)close(stage->stage.log_fd);
    free(stage);
    return 0;
}
