/* intake: reads the source, makes batches of what can be sent, and buries what cannot. */
#ifndef ALPINE_SENDER_INTAKE_H
#define ALPINE_SENDER_INTAKE_H

#include <stdbool.h>

#include "base/log.h"
#include "engine/batch.h"
#include "engine/journal.h"
#include "seams/source.h"

struct intake {
    const struct source *source;
    struct journal *journal;
    struct log *log;
    struct place read; /* up to where the source was read */
    bool at_end;       /* everything that there was at the last look was read */
    bool away;         /* the last look failed, and that was said */
    int64_t skipped;   /* neutral signals */
    struct buf json;
    struct buf scratch;
};

/* Starts behind the journal's place. */
void intake_init(struct intake *intake, const struct source *source, struct journal *journal, struct log *log);
void intake_clear(struct intake *intake);

/* The source may have something new: looks, cheaply, whether it has. */
void intake_look(struct intake *intake);
/* The next batch of at most signals_max signals and bytes_max bytes (a single larger one goes alone), or NULL.
 * may_restart: nothing that was read before is still outstanding, so a replaced source can be begun again. */
struct batch *intake_read(struct intake *intake, size_t signals_max, size_t bytes_max, bool may_restart);
/* What is to be sent for a letter now: the row as it stands, if that was mended, else the letter as it was. Valid
 * until the next call. */
const char *intake_letter_json(struct intake *intake, const struct dead_letter *letter);

#endif
