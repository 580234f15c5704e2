/* ask: one request and its answer, for commands that only want to know. */
#ifndef ALPINE_SENDER_ASK_H
#define ALPINE_SENDER_ASK_H

#include "base/buf.h"
#include "base/command.h"
#include "seams/transport.h"

struct ask_answer {
    struct transport_answer answer; /* its texts point into what follows */
    struct buf body;
    char error[256];
    int64_t sent_us, answered_us; /* by the wall clock */
};

/* Sends and waits for the answer, 4 s at most. Returns -1 if nothing could be sent. Clear the answer in any case.
 */
MUST_CHECK int ask(const struct invocation *invocation, const char *method, const char *path,
                   const struct buf *body, struct ask_answer *answer, struct err *err);
void ask_clear(struct ask_answer *answer);

#endif
