/* state_none: nothing to keep. */
#include "adapters/state_none.h"

static int load(void *self, struct state_progress *progress, struct err *err)
{
    (void)self;
    (void)err;
    *progress = (struct state_progress){0};
    return 0;
}

static int save(void *self, const struct state_progress *progress, struct err *err)
{
    (void)self;
    (void)progress;
    (void)err;
    return 0;
}

static int bury(void *self, const struct dead_letter *letter, struct err *err)
{
    (void)self;
    (void)letter;
    (void)err;
    return 0;
}

static int forget(void *self, int64_t id, struct err *err)
{
    (void)self;
    (void)id;
    (void)err;
    return 0;
}

static int each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err)
{
    (void)self;
    (void)visit;
    (void)visitor;
    (void)err;
    return 0;
}

const struct state *state_none(void)
{
    static const struct state_ops ops = {load, save, bury, forget, each_retry};
    static const struct state none = {false, &ops, NULL};
    return &none;
}
