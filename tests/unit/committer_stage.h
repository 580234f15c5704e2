/* committer_stage: a committer on a fake store, and the submissions that were handed to it. */
#ifndef ALPINE_UNIT_COMMITTER_STAGE_H
#define ALPINE_UNIT_COMMITTER_STAGE_H

#include "engine/committer.h"
#include "fake_store.h"

enum { SUBMISSIONS_MAX = 1200 };

struct stage {
    struct fake_store store;
    struct committer_options options;
    struct committer *committer;
    struct log *log;
    int log_fd;
    struct submission *submissions[SUBMISSIONS_MAX];
    int count;
    /* under the store's lock */
    int done;                          /* submissions that were told, … */
    int released;                      /* … and let go */
    int told[SUBMISSIONS_MAX];         /* how often each was */
    bool was_durable[SUBMISSIONS_MAX]; /* every signal of it was stored at that moment */
    pthread_t told_by[SUBMISSIONS_MAX];
};

/* cmocka's setup and teardown; *state is the struct stage. The committer is not started yet. */
int stage_prepare(void **state);
int stage_finish(void **state);

void stage_start(struct stage *stage);
/* Starts it, and waits until it is ready. */
void stage_start_ready(struct stage *stage);
void stage_stop(struct stage *stage);

#define IDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A submission of signals with these ids; "!" is one that is at fault. It belongs to the stage. */
struct submission *make(struct stage *stage, const char *const *ids);
/* Makes one and hands it in, which must succeed; submit_one: of the signal "signal-<number>". */
struct submission *submit(struct stage *stage, const char *const *ids);
struct submission *submit_one(struct stage *stage, int number);
/* Makes one and hands it in, which must be refused. */
struct submission *refused(struct stage *stage, const char *const *ids);

/* Waits until so many were told. */
void wait_done(struct stage *stage, int count);
/* Waits for the committer's own view, which follows the store's by a moment. */
void wait_ready(struct stage *stage, bool ready);
/* How often the log holds this text. */
int logged(const struct stage *stage, const char *text);

#endif
