/* intake: reads one source, makes batches of what can be sent, and buries what cannot. */
#ifndef ALPINE_SENDER_INTAKE_H
#define ALPINE_SENDER_INTAKE_H

#include <stdbool.h>

#include "base/log.h"
#include "engine/batch.h"
#include "engine/journal.h"
#include "seams/source.h"

/* What is to be done with a signal before it is even looked at. */
enum intake_choice {
    INTAKE_SEND,
    INTAKE_SKIP, /* it is settled by other means */
    INTAKE_WAIT, /* that cannot be told yet: the reading ends before it */
};

typedef enum intake_choice intake_decide(void *self, const struct source_item *item);

struct intake_options {
    const struct source *source;
    enum origin origin;
    intake_decide *decide; /* NULL: everything is sent */
    void *decider;
    /* Rows that are settled here count in the tallies. Not so for rows that are only looked at again. */
    bool tallies;
    /* Its signals stand in another source too, so what is no signal at all is passed with a warning. */
    bool advisory;
};

struct intake {
    struct intake_options options;
    struct journal *journal;
    struct log *log;
    struct place read; /* up to where the source was read */
    int64_t until;     /* nothing behind this position is read */
    bool at_end;       /* everything that there was at the last look was read */
    bool more;         /* the last reading ended early, so that others get their turn */
    bool away;         /* the last look failed, and that was said */
    int64_t skipped;   /* neutral signals */
    struct buf json;
    struct buf scratch;
};

/* Starts behind a place. */
void intake_init(struct intake *intake, const struct intake_options *options, const struct place *from,
                 struct journal *journal, struct log *log);
void intake_clear(struct intake *intake);

/* The source may have something new: looks, cheaply, whether it has. */
void intake_look(struct intake *intake);
/* The next batch of at most signals_max signals and bytes_max bytes (a single larger one goes alone), or NULL. A
 * doomed batch holds what should be buried and could not be. A source that was replaced is begun again; what is
 * still outstanding from the one before keeps its place, which the new one does not have: a crash begins it again
 * too. */
struct batch *intake_read(struct intake *intake, size_t signals_max, size_t bytes_max);
/* What is to be sent for a letter now: the signal as the source has it right behind `before`, if it is the letter's
 * and was mended, else the letter as it was. Valid until the next call. */
const char *intake_letter_json(struct intake *intake, const struct place *before, const struct dead_letter *letter);

#endif
