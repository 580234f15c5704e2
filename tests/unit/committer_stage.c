/* committer_stage: see committer_stage.h. */
#include "committer_stage.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/ingest.h"
#include "signals.h"

/* --- submissions ------------------------------------------------------------------------------------------- */

struct told {
    struct stage *stage;
    int index;
};

static void on_done(struct submission *submission, void *context)
{
    struct told *told = context;
    struct stage *stage = told->stage;
    bool durable = true;
    for (size_t i = 0; i < submission->count; i++)
        if (!submission->entries[i].fault)
            durable &= fake_store_find(&stage->store,
                                       signal_text(&submission->entries[i].signal, FIELD_SIGNAL_ID, NULL)) > 0;
    (void)pthread_mutex_lock(&stage->store.lock);
    stage->told[told->index]++;
    stage->was_durable[told->index] = durable;
    stage->told_by[told->index] = pthread_self();
    stage->done++;
    (void)pthread_cond_broadcast(&stage->store.changed);
    (void)pthread_mutex_unlock(&stage->store.lock);
}

static void on_release(struct submission *submission, void *context)
{
    struct told *told = context;
    struct stage *stage = told->stage;
    (void)submission;
    (void)pthread_mutex_lock(&stage->store.lock);
    stage->released++;
    (void)pthread_cond_broadcast(&stage->store.changed);
    (void)pthread_mutex_unlock(&stage->store.lock);
}

struct submission *make(struct stage *stage, const char *const *ids)
{
    const struct ingest_rules rules = {.provider = "argo", .signal_bytes_max = 65536, .batch_signals_max = 5000};
    struct buf body = {0};
    struct err err = {0};
    enum ingest_problem problem;
    for (; *ids; ids++) {
        struct buf json = {0};
        valid_signal(&json, *ids);
        buf_add(&body, **ids == '!' ? "{}" : json.data, **ids == '!' ? 2 : json.len);
        buf_add_char(&body, '\n');
        buf_clear(&json);
    }
    struct submission *submission = ingest_batch(&rules, BATCH_LINES, &body, 1, &problem, &err);
    buf_clear(&body);
    assert_non_null(submission);
    struct told *told = arena_alloc(&submission->arena, sizeof *told);
    *told = (struct told){stage, stage->count};
    submission->done = on_done;
    submission->release = on_release;
    submission->context = told;
    stage->submissions[stage->count++] = submission;
    return submission;
}

struct submission *submit(struct stage *stage, const char *const *ids)
{
    struct submission *submission = make(stage, ids);
    assert_true(committer_submit(stage->committer, submission, false));
    return submission;
}

struct submission *submit_one(struct stage *stage, int number)
{
    char id[32];
    (void)snprintf(id, sizeof id, "signal-%d", number);
    return submit(stage, IDS(id));
}

struct submission *refused(struct stage *stage, const char *const *ids)
{
    struct submission *submission = make(stage, ids);
    assert_false(committer_submit(stage->committer, submission, false));
    assert_int_equal(submission->outcome, SUBMISSION_UNAVAILABLE);
    return submission;
}

void wait_done(struct stage *stage, int count)
{
    fake_store_wait(&stage->store, &stage->done, count);
    fake_store_wait(&stage->store, &stage->released, count);
}

/* --- life -------------------------------------------------------------------------------------------------- */

int stage_prepare(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    fake_store_init(&stage->store);
    stage->options =
        (struct committer_options){.queue_max = 1000, .group_max = 1000, .time_limit_ns = 600 * NS_PER_S};
    stage->log_fd = memfd_create("log", MFD_CLOEXEC);
    stage->log = log_open(stage->log_fd, LOG_TEXT, LOG_INFO);
    *state = stage;
    return 0;
}

int logged(const struct stage *stage, const char *text)
{
    char content[65536];
    ssize_t len = pread(stage->log_fd, content, sizeof content - 1, 0);
    int count = 0;
    content[len > 0 ? len : 0] = '\0';
    for (const char *at = content; (at = strstr(at, text)); at++)
        count++;
    return count;
}

void stage_start(struct stage *stage)
{
    struct err err = {0};
    stage->committer = committer_start(&stage->store.store, &stage->options, stage->log, &err);
    assert_non_null(stage->committer);
}

void wait_ready(struct stage *stage, bool ready)
{
    int64_t patience = 20000;
    int retry_after_s;
    while (committer_is_ready(stage->committer, &retry_after_s) != ready && patience--)
        (void)poll(NULL, 0, 1);
    assert_int_equal(committer_is_ready(stage->committer, &retry_after_s), ready);
    assert_true(retry_after_s >= 1);
}

void stage_start_ready(struct stage *stage)
{
    stage_start(stage);
    wait_ready(stage, true);
}

void stage_stop(struct stage *stage)
{
    committer_stop(stage->committer);
    committer_free(stage->committer);
    stage->committer = NULL;
}

int stage_finish(void **state)
{
    struct stage *stage = *state;
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    stage_stop(stage);
    int twice = 0;
    for (int i = 0; i < stage->count; i++) {
        twice += stage->told[i] > 1;
        submission_free(stage->submissions[i]);
    }
    fake_store_clear(&stage->store);
    log_close(stage->log);
    (void)close(stage->log_fd);
    free(stage);
    return twice;
}
