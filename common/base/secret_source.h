/* secret_source: the seam to a secrets manager. config_source asks it where neither command line nor environment
 * has a value; main.c gives the one that there is, and base knows none. */
#ifndef ALPINE_BASE_SECRET_SOURCE_H
#define ALPINE_BASE_SECRET_SOURCE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/outcome.h"

struct secret_query {
    const char *secret_name;  /* what the manager knows it as */
    const char *setting_name; /* what it is for: a secret may hold values of several settings */
    struct arena *arena;      /* owns the value */
};

struct secret_found {
    const char *value; /* NULL: the manager has none, or none is set up */
    bool cached;       /* it was asked for earlier, not now */
};

struct secret_source_ops {
    /* A read of all settings begins: from here on the manager has its time, for all of them together. */
    void (*begin)(void *self);
    /* OUTCOME_DONE: found has what there is; without a value err may say why not.
     * Else err says why nobody knows: OUTCOME_AGAIN (no answer; it may pass), OUTCOME_HOLD (refused: a person has
     * to mend something), OUTCOME_NEVER (there is a secret, and it cannot be used). */
    enum outcome (*get)(void *self, const struct secret_query *query, struct secret_found *found, struct err *err);
    /* The read is over: connections are closed. */
    void (*end)(void *self);
};

struct secret_source {
    const struct secret_source_ops *ops;
    void *self;
    const char *name; /* for people: "AWS Secrets Manager" */
};

#endif
